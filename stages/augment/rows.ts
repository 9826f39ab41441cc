/** One item in, its altered copies out. */
import { Rng, type ShardWorker } from '@prosodia/core';
import { type TransformSpec, type Transformed, applyTransform } from './transforms.ts';

export interface AugmentSetup {
  transforms: TransformSpec[];
  copies: number;
}

export interface AugmentItem {
  itemId: string;
  samples: Float32Array;
  sampleRate: number;
  /** Seed of this item's choices; null for items that are passed on as they are. */
  seed: number | null;
}

export interface AugmentCopy extends Transformed {
  name: string;
}

const worker: ShardWorker<AugmentSetup, AugmentItem, AugmentCopy[]> =
  ({ transforms, copies }) =>
  ({ itemId, samples, sampleRate, seed }) => {
    if (seed === null) return [];
    const rng = new Rng(seed, itemId);
    const order = rng.fork('choice').shuffle([...transforms]);
    return Array.from({ length: copies }, (_, copy) => {
      // Different changes as long as there are any left, then from the start again.
      const spec = order[copy % order.length]!;
      return { name: Object.keys(spec)[0]!, ...applyTransform(samples, sampleRate, spec, rng.fork('copy', copy)) };
    });
  };

export default worker;
