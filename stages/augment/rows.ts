/** One item in, its altered copies out. */
import { ProsodiaError, Rng, type ShardWorker } from '@prosodia/core';
import { type Drawn, type TransformSpec, applyTransform } from './transforms.ts';

export interface AugmentSetup {
  transforms: TransformSpec[];
  /** Transforms in one copy, one after another. */
  choose: number;
  /** One copy per transform, in the order listed, instead of a random choice. */
  each: boolean;
  /** Seed of all choices; what an item gets follows from it and its id. */
  seed: number;
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

const worker: ShardWorker<AugmentSetup, AugmentItem, AugmentCopy[]> =
  (setup) =>
  ({ itemId, samples, sampleRate, copies }) => {
    if (copies === 0) return [];
    const rng = new Rng(setup.seed, itemId);
    const chosen = choices(setup, copies, rng);
    try {
      return chosen.map((specs, copy) => {
        const own = rng.fork('copy', copy);
        const made: AugmentCopy = { names: [], samples, steps: [] };
        for (const [step, spec] of specs.entries()) {
          const [name] = Object.keys(spec) as [string];
          const result = applyTransform(made.samples, sampleRate, spec, step === 0 ? own : own.fork(step));
          made.samples = result.samples;
          made.names.push(name);
          made.steps.push({ [name]: result.drawn });
        }
        return made;
      });
    } catch (error) {
      throw error instanceof ProsodiaError ? error.at(`item ${itemId}`) : error;
    }
  };

export default worker;

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
