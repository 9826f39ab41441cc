/**
 * A thread that predicts: loads every model once, then takes one job after another.
 *
 * All that takes time is here, the reading of headers included, so that the thread that answers requests stays free.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { encodeWav } from '@prosodia/audio';
import { Rng, serializeError } from '@prosodia/core';
import type { FromThread, ModelFacts, ThreadData, ToThread } from './messages.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { predictRecordings } from './predict-recordings.ts';

/** Window of a model that does not say what it hears. */
const USUAL_S = 6;
/** The longest window of a stream. */
const STREAM_S = 10;

const port = parentPort!;
const { sources, limits } = workerData as ThreadData;
const running = new Map<number, AbortController>();

function say(message: FromThread): void {
  port.postMessage(message);
}

/** Predicts a second of noise, whatever comes of it: models are read when they are first needed. */
async function warmUp(model: OpenModel): Promise<void> {
  const rng = new Rng(0, 'warm up');
  const noise = Float32Array.from({ length: 16_000 }, () => 0.1 * rng.normal());
  const recording = { name: 'noise', bytes: new Uint8Array(encodeWav(noise, 16_000)) };
  const job = { model: 0, recordings: [recording], window_s: USUAL_S, hop_s: USUAL_S / 2 };
  await predictRecordings(model, job, limits, new AbortController().signal);
}

async function serve(): Promise<void> {
  let models: OpenModel[];
  try {
    models = await Promise.all(sources.map(openModel));
    for (const model of models) await warmUp(model);
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
    models: models.map(({ predictor }) => factsOf(predictor)),
  });
}

function factsOf(predictor: OpenModel['predictor']): ModelFacts {
  const { pipeline, run, title, labels, members, calibrated, window_s = USUAL_S } = predictor;
  const cut = predictor.hears?.(STREAM_S).cutBy !== undefined;
  return {
    pipeline,
    run,
    title,
    labels: [...labels],
    members: [...members],
    calibrated,
    window_s,
    stream_s: cut ? window_s : STREAM_S,
  };
}

void serve();
