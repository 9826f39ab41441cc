/** For tests: runs the probe and the stage on a folder, without the runner. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ExternalRequest, type ExternalState, Rng } from '@prosodia/core';
import { type ClipRow, ClipTable } from '@prosodia/tables';
import probe from './external.ts';
import stage from './stage.ts';

/** The root of this repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs `work` in a temporary folder that is removed afterwards. */
export async function inTempFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ingest-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export type IngestParams = Parameters<typeof stage.run>[0]['params'];

export function ingestParams(params: Partial<IngestParams> & { corpus: string }): IngestParams {
  return { speakers: [], emotions: [], vocal_channels: [], on_bad_file: 'error', ...params };
}

/** A request as the runner makes it, with digests from the files themselves. */
export function externalRequest(
  request: Partial<ExternalRequest> & { root: string; corpus: string },
): ExternalRequest & { notices: string[] } {
  const notices: string[] = [];
  return {
    params: ingestParams({ corpus: request.corpus }),
    dataFolder: undefined,
    acquire: true,
    signal: new AbortController().signal,
    digest: async (path) => sha256(await readFile(path)),
    progress: () => undefined,
    notice: (message) => notices.push(message),
    notices,
    ...request,
  };
}

export async function runProbe(
  request: Partial<ExternalRequest> & { root: string; corpus: string },
): Promise<ExternalState | undefined> {
  return probe(externalRequest(request));
}

/** Runs the stage on what a probe found. */
export async function runStage(
  state: ExternalState,
  params: Partial<IngestParams> & { corpus: string },
  { threads = 2, signal = new AbortController().signal }: { threads?: number; signal?: AbortSignal } = {},
): Promise<{ rows: ClipRow[]; notices: string[]; metrics: Record<string, number> }> {
  return inTempFolder(async (folder) => {
    const where = 'ingest';
    const clips = await ClipTable.create(folder, { where });
    const notices: string[] = [];
    const metrics: Record<string, number> = {};
    await stage.run({
      params: ingestParams(params),
      inputs: {},
      outputs: { clips },
      state: undefined,
      rng: new Rng(0),
      threads,
      device: 'cpu',
      signal,
      recordings: {
        folder: (corpus) => state.folders[corpus]!,
        read: () => Promise.reject(new Error('ingest reads its folder itself')),
      },
      scratch: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
      progress: () => undefined,
      notice: (message) => notices.push(message),
      metrics: (values) => Object.assign(metrics, values),
      summary: () => undefined,
    });
    await clips.close();
    const reader = await ClipTable.open(folder, { where });
    return { rows: await reader.all(), notices, metrics };
  });
}
