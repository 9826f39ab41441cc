/**
 * A thread that predicts: loads every model once, then takes one job after another.
 *
 * All that takes time is here, the reading of headers included, so that the thread that answers requests stays free.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError } from '@prosodia/core';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { predictRecordings } from './predict-recordings.ts';

const port = parentPort!;
const { sources, limits } = workerData as ThreadData;
const running = new Map<number, AbortController>();

function say(message: FromThread): void {
  port.postMessage(message);
}

async function serve(): Promise<void> {
  let models: OpenModel[];
  try {
    models = await Promise.all(sources.map(openModel));
  } catch (error) {
    return say({ type: 'failed', error: serializeError(error) });
  }
  port.on('message', (message: ToThread) => {
    if (message.type === 'cancel') return running.get(message.id)?.abort();
    const { id, job } = message;
    const stop = new AbortController();
    running.set(id, stop);
    const started = performance.now();
    predictRecordings(models[job.model]!, job, limits, stop.signal)
      .then(
        (result) => say({ type: 'done', id, result: { ...result, seconds: (performance.now() - started) / 1000 } }),
        (error: unknown) => say({ type: 'error', id, error: serializeError(error) }),
      )
      .finally(() => running.delete(id));
  });
  say({
    type: 'ready',
    models: models.map(({ pipeline, run, title, labels, members, calibrated }) => ({
      pipeline,
      run,
      title,
      labels: [...labels],
      members: [...members],
      calibrated,
    })),
  });
}

void serve();
