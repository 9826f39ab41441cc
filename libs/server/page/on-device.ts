/** Predictions in the page: the one-file model is fetched once, and no sound leaves the tab. */
import { type Model, request } from './api.ts';
import type { Clip } from './clip.ts';
import type { FromWorker, ToWorker } from './device-messages.ts';
import { onnxMetadata } from './onnx-metadata.ts';
import type { Predictor, Settings, Told } from './predictor.ts';
import { summary, windowsOf } from './windows.ts';

interface Waiting {
  resolve(probabilities: number[]): void;
  reject(error: Error): void;
}

export class OnDevice implements Predictor {
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly calibrated: boolean;
  readonly window_s: number;
  /** Hz that the model hears. */
  readonly rate: number;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;

  private constructor(model: Model, metadata: ReadonlyMap<string, string>, worker: Worker) {
    this.id = model.id;
    this.title = model.title;
    this.calibrated = model.calibrated;
    this.window_s = model.window_s;
    this.labels = labelsOf(metadata.get('labels')) ?? model.labels;
    this.rate = Number(metadata.get('sample_rate'));
    if (!(this.rate > 0)) throw new Error('the one-file model does not say its sample_rate');
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'loaded' || data.id === undefined) return;
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.type === 'result') waiting?.resolve(data.probabilities);
      else waiting?.reject(new Error(`the model failed on this device: ${data.reason}`));
    });
  }

  /** @throws Error with the reason if the model has no one-file form or cannot run here */
  static async load(model: Model): Promise<OnDevice> {
    if (model.one_file === null) throw new Error(whyNot(model));
    const bytes = await (await request(model.one_file)).arrayBuffer();
    const metadata = onnxMetadata(new Uint8Array(bytes));
    const worker = new Worker('/device-worker.js', { type: 'module' });
    const device = new OnDevice(model, metadata, worker);
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === 'loaded') resolve();
        else if (data.type === 'failed') reject(new Error(`the model cannot run on this device: ${data.reason}`));
      });
      worker.addEventListener('error', () => reject(new Error('the runtime for this device cannot be loaded')));
      worker.postMessage({ type: 'load', model: bytes, rate: device.rate } satisfies ToWorker, [bytes]);
    });
    return device;
  }

  async predict(clip: Clip, { window_s = this.window_s, threshold }: Settings, signal: AbortSignal): Promise<Told> {
    const { samples, rate } = clip;
    const duration_s = samples.length / rate;
    const heard = [];
    for (const span of windowsOf(duration_s, window_s)) {
      const piece = samples.slice(Math.round(span.start_s * rate), Math.round(span.end_s * rate));
      signal.throwIfAborted();
      heard.push({ ...span, probabilities: await this.#run(piece, rate) });
    }
    signal.throwIfAborted();
    return { result: summary(this.labels, heard, duration_s, threshold), notices: [] };
  }

  async predictMany(
    sounds: readonly Float32Array[],
    rate: number,
    signal: AbortSignal,
    onDone: (count: number) => void,
  ): Promise<number[][]> {
    const found: number[][] = [];
    for (const sound of sounds) {
      signal.throwIfAborted();
      found.push(await this.#run(sound.slice(), rate));
      onDone(found.length);
    }
    return found;
  }

  #run(samples: Float32Array<ArrayBuffer>, rate: number): Promise<number[]> {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ type: 'run', id, samples, rate } satisfies ToWorker, [samples.buffer]);
    });
  }
}

/** Why a model cannot run in the page, or not yet, in the server's words where it gives any. */
export function whyNot({ id, one_file_reason }: Model): string {
  return one_file_reason === null
    ? `the server is still making the one-file form of ${id}`
    : `there is no one-file form of ${id}: ${one_file_reason}`;
}

/** Labels are a JSON list, or separated by commas. */
function labelsOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split(',');
}
