/**
 * `prosodia inspect ... --clip`: pictures of a clip and its sound, made by the stage `view-clip` from artifacts of
 * a run.
 *
 * The maths and the drawing are the stage's, so that this package needs neither.
 */
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { RequestError } from '@prosodia/core';
import { type Project, type RunRecord, runAlone } from '@prosodia/runner';
import type { Context } from '../context.ts';

/** An artifact of a run. */
export interface Artifact {
  stage: string;
  output: string;
  kind: string;
  bytes: number;
  folder: string;
}

export interface ClipRequest {
  clip: string;
  /** Comma-separated names. */
  tracks: string | undefined;
  /** Folder for the files, relative to where the user stands. */
  out: string;
}

/**
 * @returns the files made, as absolute paths
 * @throws RequestError if none of the artifacts is audio or features, or the clip is not in it
 */
export async function inspectClip(
  chosen: readonly Artifact[],
  all: readonly Artifact[],
  record: RunRecord,
  request: ClipRequest,
  project: Project,
  context: Context,
): Promise<string[]> {
  const artifact = chosen.find(({ kind }) => kind === 'audio' || kind === 'features');
  if (!artifact) {
    throw new RequestError({
      problem: 'only audio and features show a clip',
      expected: all
        .filter(({ kind }) => kind === 'audio' || kind === 'features')
        .map(({ stage, output }) => `${stage}.${output}`)
        .join(', '),
      got: chosen.map(({ stage, output, kind }) => `${stage}.${output}, of kind ${kind}`).join('; '),
    });
  }
  const sound = artifact.kind === 'audio' ? artifact : audioBehind(artifact.stage, all, record);
  const inputs = {
    ...(sound ? { audio: sound.folder } : {}),
    ...(artifact.kind === 'features' ? { features: artifact.folder } : {}),
  };
  const tracks = request.tracks?.split(',').map((name) => name.trim());
  const made = await mkdtemp(join(tmpdir(), 'prosodia-clip-'));
  try {
    await runAlone(project, {
      stage: 'view-clip',
      params: { clip: request.clip, ...(tracks ? { tracks } : {}) },
      inputs,
      outputs: { view: made },
      notice: (message) => context.err.write(`${message}\n`),
    });
    const out = resolve(context.cwd, request.out);
    await mkdir(out, { recursive: true });
    await cp(made, out, { recursive: true });
    const files = (await readdir(made)).sort().map((name) => join(out, name));
    for (const file of files) context.out.write(`${relative(context.cwd, file)}\n`);
    return files;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** The audio that features were computed from, however many stages before. */
export function audioBehind(
  stage: string,
  all: readonly Artifact[],
  record: Pick<RunRecord, 'resolved'>,
): Artifact | undefined {
  const visited = new Set<string>();
  const waiting = [stage];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (visited.has(name)) continue;
    visited.add(name);
    const sources = Object.values(record.resolved[name]?.from ?? {}).flat();
    for (const source of sources) {
      // A stage's label may hold dots of its own, as in features[alpha=0.5].
      const artifact = all.find((known) => source === `${known.stage}.${known.output}`);
      if (artifact?.kind === 'audio') return artifact;
      if (artifact?.kind === 'features') waiting.push(artifact.stage);
    }
  }
  return undefined;
}
