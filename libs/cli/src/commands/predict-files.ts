/** The recordings that a user names: files, folders, and `-` for standard input. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type GivenFile, RequestError } from '@prosodia/core';

/**
 * Named files as they are, WAV and FLAC files below folders in order of their names.
 * @param speakers `folder`: the recordings of each folder are of one speaker; `one`: all are
 * @throws RequestError for a folder without recordings, and where standard input is a terminal
 */
export async function recordingsIn(
  paths: readonly string[],
  cwd: string,
  speakers: 'one' | 'folder',
): Promise<GivenFile[]> {
  const files: GivenFile[] = [];
  const add = (name: string, path: string) =>
    files.push({ name, source: { path }, ...(speakers === 'folder' ? { speaker: dirname(path) } : {}) });
  for (const given of paths) {
    if (given === '-') {
      files.push({ name: 'stdin', source: { bytes: await readStandardInput() } });
      continue;
    }
    const path = resolve(cwd, given);
    if ((await stat(path).catch(() => undefined))?.isDirectory()) {
      const names = (await readdir(path, { recursive: true })).filter((name) => /\.(wav|flac)$/i.test(name)).sort();
      if (names.length === 0) {
        throw new RequestError({ problem: 'the folder holds no recording', expected: 'WAV or FLAC files', got: given });
      }
      for (const name of names) add(join(given, name), join(path, name));
    } else add(given, path);
  }
  return files;
}

async function readStandardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) {
    throw new RequestError({
      problem: 'there is no recording on standard input',
      expected: 'the bytes of a WAV or FLAC file, such as: cat speech.wav | prosodia predict ensemble -',
      got: 'a terminal',
    });
  }
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
