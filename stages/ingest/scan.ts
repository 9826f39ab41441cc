/** Lists the recordings of a corpus folder and reads what their names say. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '@prosodia/core';
import { type CatalogueEntry, isAudioName } from './catalogue.ts';
import { type NamedColumns, readName } from './names.ts';

export interface FoundRecording {
  /** Below the corpus folder, with forward slashes. */
  readonly path: string;
  readonly columns: NamedColumns;
}

export interface Scan {
  /** Sorted by path. */
  readonly recordings: readonly FoundRecording[];
  /** WAV and FLAC files whose names do not fit the pattern, sorted by path. */
  readonly misfits: readonly { path: string; reason: string }[];
  /** The text of the table of labels, where the corpus has one. */
  readonly table?: string;
}

/** Sorts the audio files of a folder into recordings of the corpus and others. A missing folder is an empty one. */
export async function scanFolder(entry: CatalogueEntry, folder: string, signal?: AbortSignal): Promise<Scan> {
  const audio = await listAudio(folder, signal);
  if (entry.table) {
    const { scanTable } = await import('./label-table.ts');
    return scanTable(entry, folder, audio);
  }
  const recordings: FoundRecording[] = [];
  const misfits: { path: string; reason: string }[] = [];
  for (const path of audio) {
    const columns = readName(entry, path);
    if ('reason' in columns) misfits.push({ path, reason: columns.reason });
    else recordings.push({ path, columns });
  }
  return { recordings, misfits };
}

/**
 * Paths of all `.wav` and `.flac` files at any depth, sorted by code unit. Hidden files and folders are left
 * out: downloads in progress, and the `._*` twins that macOS puts into archives. Links are followed, each
 * folder at most once.
 */
async function listAudio(folder: string, signal: AbortSignal | undefined): Promise<string[]> {
  const found: string[] = [];
  const visited = new Set<string>();
  const visit = async (below: string): Promise<void> => {
    throwIfCancelled(signal);
    const here = join(folder, below);
    const real = await realpath(here).catch(() => undefined);
    if (real === undefined || visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(here, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR' || error.code === 'ENOENT') return [];
      throw error;
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const item of entries) {
      if (item.name.startsWith('.') || item.name === '__MACOSX') continue;
      const path = below === '' ? item.name : `${below}/${item.name}`;
      const target = item.isSymbolicLink() ? await stat(join(folder, path)).catch(() => undefined) : item;
      if (target?.isDirectory()) await visit(path);
      else if (target?.isFile() && isAudioName(item.name)) found.push(path);
    }
  };
  await visit('');
  return found.sort();
}
