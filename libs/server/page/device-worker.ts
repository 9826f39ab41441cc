/**
 * Runs a one-file model beside the page, so that the page stays quick. It asks for nothing but its runtime.
 *
 * It resamples as the run did that trained: with the browser's resampler, which ends its pass band elsewhere, the forest
 * of mfcc-forest was seen to give other probabilities, by up to 0.17.
 */
import { resample } from '@prosodia/audio';
import type * as Ort from 'onnxruntime-web';
import type { FromWorker, ToWorker } from './device-messages.ts';

/** Served as it was published: its modules find each other by name. */
const RUNTIME = '/vendor/onnxruntime-web/';

const say = (message: FromWorker) => postMessage(message);
let runtime: typeof Ort;
let session: Ort.InferenceSession;
let heard_rate: number;
/** Runs follow each other: a session takes one at a time. */
let last: Promise<unknown> = Promise.resolve();

async function load(model: ArrayBuffer, rate: number): Promise<void> {
  heard_rate = rate;
  runtime = (await import(`${RUNTIME}ort.wasm.min.mjs`)) as typeof Ort;
  runtime.env.wasm.wasmPaths = RUNTIME;
  // More threads want a page that shares memory with nobody else, which this one does not ask for.
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = 'error';
  session = await runtime.InferenceSession.create(model, { executionProviders: ['wasm'] });
  say({ type: 'loaded' });
}

async function run(id: number, samples: Float32Array, rate: number): Promise<void> {
  const heard = resample(samples, rate, heard_rate);
  const waveform = new runtime.Tensor('float32', heard, [1, heard.length]);
  const outputs = await session.run({ [session.inputNames[0]!]: waveform });
  const name = session.outputNames.includes('probabilities') ? 'probabilities' : session.outputNames.at(-1)!;
  say({ type: 'result', id, probabilities: Array.from(outputs[name]!.data as Float32Array) });
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  const id = data.type === 'run' ? data.id : undefined;
  last = last
    .then(() => (data.type === 'load' ? load(data.model, data.rate) : run(data.id, data.samples, data.rate)))
    .catch((error: unknown) => say({ type: 'failed', id, reason: String(error) }));
});
