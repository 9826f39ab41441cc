/** Exports a finished run as one ONNX file. */
import { randomUUID } from 'node:crypto';
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RequestError, messageOf } from '@prosodia/core';
import type { KeptRun } from '../compare-records.ts';
import type { Project } from '../project.ts';
import type { ExportOptions } from './export.ts';
import { type OneFileMetadata, composeOneFile } from './one-file.ts';
import { servedFromStore } from './predict.ts';

export interface OneFileReport {
  file: string;
  bytes: number;
  metadata: OneFileMetadata;
}

/**
 * Writes the model, which appears whole or not at all. `to` is the file to make.
 * @throws RequestError for a file that is there already or cannot be written, and for a run of which there is no such
 *   model: it names the stage that prevents it, and why
 */
export async function exportOneFile(
  project: Project,
  run: KeptRun,
  { to, stage }: ExportOptions,
): Promise<OneFileReport> {
  if (await exists(to)) {
    throw new RequestError({ problem: 'the file to export to is there already', where: to, fix: '--to another file' });
  }
  const made = await composeOneFile(await servedFromStore(project, run, { stage }));
  if ('reason' in made) {
    throw new RequestError({
      problem: 'this run has no one-file model',
      got: made.reason,
      fix: 'export without --one-file, for a folder that predicts by the code that trained',
    });
  }
  const temporary = join(dirname(to), `.${basename(to)}-${randomUUID()}`);
  try {
    await writeFile(temporary, made.model);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new RequestError(
      { problem: 'the file cannot be written', got: messageOf(cause), where: to, fix: '--to another file' },
      { cause },
    );
  }
  return { file: to, bytes: made.model.length, metadata: made.metadata };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
