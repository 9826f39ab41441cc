/** One item in, its altered copies out. */
import { DataError, ProsodiaError, Rng, type ShardWorker, reasonOf } from '@prosodia/core';
import type { OnError } from '@prosodia/tables';
import { type Drawn, type TransformSpec, applyTransform } from './transforms.ts';

export interface AugmentSetup {
  transforms: TransformSpec[];
  /** Transforms in one copy, one after another. */
  choose: number;
  /** One copy per transform, in the order listed, instead of a random choice. */
  each: boolean;
  /** Seed of all choices; what an item gets follows from it and its id. */
  seed: number;
  on_error: OnError;
}

export interface AugmentItem {
  itemId: string;
  samples: Float32Array;
  sampleRate: number;
  copies: number;
}

export interface AugmentCopy {
  /** What was done, in order. */
  names: string[];
  samples: Float32Array;
  /** What was drawn: per step its name with its numbers. */
  steps: Record<string, Drawn>[];
}

/** The copies of an item; or none, and why it is to be left out. */
export interface AugmentResult {
  copies: AugmentCopy[];
  skipped?: string;
}

const worker: ShardWorker<AugmentSetup, AugmentItem, AugmentResult> =
  (setup) =>
  ({ itemId, samples, sampleRate, copies }) => {
    if (copies === 0) return { copies: [] };
    const rng = new Rng(setup.seed, itemId);
    const chosen = choices(setup, copies, rng);
    try {
      requireSound(samples);
      const made = chosen.map((specs, copy) => {
        const own = rng.fork('copy', copy);
        const one: AugmentCopy = { names: [], samples, steps: [] };
        for (const [step, spec] of specs.entries()) {
          const [name] = Object.keys(spec) as [string];
          const result = applyTransform(one.samples, sampleRate, spec, step === 0 ? own : own.fork(step));
          one.samples = result.samples;
          one.names.push(name);
          one.steps.push({ [name]: result.drawn });
        }
        return one;
      });
      return { copies: made };
    } catch (error) {
      if (setup.on_error === 'skip' && error instanceof DataError) return { copies: [], skipped: reasonOf(error) };
      throw error instanceof ProsodiaError ? error.at(`item ${itemId}`) : error;
    }
  };

export default worker;

/** Most transforms would hand a NaN on, or spread it. */
function requireSound(samples: Float32Array): void {
  const bad = samples.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new DataError({ problem: 'a sample is not a finite number', got: `${samples[bad]} at ${bad}` });
}

/** The transforms of each copy. */
function choices({ transforms, choose, each }: AugmentSetup, copies: number, rng: Rng): TransformSpec[][] {
  if (each) return transforms.map((spec) => [spec]);
  if (choose === 1) {
    // Different changes as long as there are any left, then from the start again.
    const order = rng.fork('choice').shuffle([...transforms]);
    return Array.from({ length: copies }, (_, copy) => [order[copy % order.length]!]);
  }
  const places = [...transforms.keys()];
  return Array.from({ length: copies }, (_, copy) =>
    rng
      .fork('choice', copy)
      .sample(places, choose)
      .sort((a, b) => a - b)
      .map((place) => transforms[place]!),
  );
}
