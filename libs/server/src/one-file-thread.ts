/** A thread that makes the one-file form of models, one after the other, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@prosodia/core';
import type { FromOneFileThread, OneFileThreadData } from './messages.ts';
import { openModel } from './open-model.ts';

const port = parentPort!;

async function make({ index, source }: OneFileThreadData[number]): Promise<FromOneFileThread> {
  try {
    const { predictor } = await openModel(source);
    // Folders that were exported before there was a one-file form bring no code that makes it.
    if (!predictor.oneFile) return { index, reason: 'the folder was exported by an earlier version: export it again' };
    const made = await predictor.oneFile();
    return 'reason' in made ? { index, reason: made.reason } : { index, model: made.model.slice() };
  } catch (error) {
    return { index, reason: `making it failed: ${messageOf(error)}` };
  }
}

for (const wanted of workerData as OneFileThreadData) {
  const made = await make(wanted);
  port.postMessage(made, 'model' in made ? [made.model.buffer] : []);
}
