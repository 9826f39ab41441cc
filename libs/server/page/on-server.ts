/** Predictions by the server: recordings are sent to it. */
import { encodeWav } from '@prosodia/audio';
import { type BatchReply, type Model, type PredictReply, request } from './api.ts';
import type { Clip } from './clip.ts';
import type { Predictor, Settings, Told } from './predictor.ts';

/** Sounds in one request: few enough that progress shows and that cancelling stops soon. */
const BATCH = 8;

export class OnServer implements Predictor {
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly calibrated: boolean;
  readonly window_s: number;
  readonly #most: number;

  /** @param files recordings that the server takes in one batch */
  constructor(model: Model, files: number) {
    this.id = model.id;
    this.title = model.title;
    this.labels = model.labels;
    this.calibrated = model.calibrated;
    this.window_s = model.window_s;
    this.#most = Math.min(BATCH, files);
  }

  async predict(clip: Clip, { window_s = this.window_s, threshold }: Settings, signal: AbortSignal): Promise<Told> {
    const query = new URLSearchParams({
      model: this.id,
      window_s: String(window_s),
      threshold: String(threshold),
      top_k: '3',
    });
    const response = await request(`/v1/predict?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: clip.bytes,
      signal,
    });
    return (await response.json()) as PredictReply;
  }

  async predictMany(
    sounds: readonly Float32Array[],
    rate: number,
    signal: AbortSignal,
    onDone: (count: number) => void,
  ): Promise<number[][]> {
    const found: number[][] = [];
    for (let at = 0; at < sounds.length; at += this.#most) {
      const form = new FormData();
      const some = sounds.slice(at, at + this.#most);
      // Longer than any of the sounds, so that none is cut.
      const window_s = Math.min(60, Math.max(0.1, ...some.map(({ length }) => length / rate)) + 0.1);
      form.set('model', this.id);
      form.set('window_s', String(window_s));
      for (const [i, sound] of some.entries()) {
        const wav = new Uint8Array(encodeWav(sound, rate, { format: 'float32' }));
        form.append('file', new Blob([wav]), `${i}.wav`);
      }
      const response = await request('/v1/predict/batch', { method: 'POST', body: form, signal });
      for (const result of ((await response.json()) as BatchReply).results) {
        if ('refused' in result) throw new Error(result.refused.detail);
        found.push(this.labels.map((label) => result.probabilities[label]!));
      }
      onDone(found.length);
    }
    return found;
  }
}
