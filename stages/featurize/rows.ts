/** One item in, its feature vector out. */
import { ProsodiaError, type ShardWorker } from '@prosodia/core';
import { type FeatureSpec, type Framing, type Vector, featureVector } from './features.ts';

export interface FeaturizeSetup {
  framing: Framing;
  features: FeatureSpec[];
}

export interface FeaturizeItem {
  itemId: string;
  samples: Float32Array;
}

const worker: ShardWorker<FeaturizeSetup, FeaturizeItem, Vector> =
  ({ framing, features }) =>
  ({ itemId, samples }) => {
    try {
      return featureVector(samples, framing, features);
    } catch (error) {
      throw error instanceof ProsodiaError ? error.at(`item ${itemId}`) : error;
    }
  };

export default worker;
