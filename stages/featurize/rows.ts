/** One item in, its features out; or why there are none. */
import { DataError, ProsodiaError, type ShardWorker, reasonOf } from '@prosodia/core';
import type { OnError } from '@prosodia/tables';
import { type Description, type FormOptions, type Formed, formed } from './forms.ts';
import type { Framing } from './spectra.ts';

export interface FeaturizeSetup {
  framing: Framing;
  options: FormOptions;
  on_error: OnError;
}

export interface FeaturizeItem {
  itemId: string;
  samples: Float32Array;
}

export type FeaturizeResult =
  (Pick<Formed, 'values' | 'padding'> & { description?: Description }) | { skipped: string };

const worker: ShardWorker<FeaturizeSetup, FeaturizeItem, FeaturizeResult> = ({ framing, options, on_error }) => {
  // With the first item of each thread, and so with the first of the table: items come in order.
  let described = false;
  return ({ itemId, samples }) => {
    try {
      const { values, padding, describe } = formed(samples, framing, options);
      if (described) return { values, padding };
      const description = describe();
      described = true;
      return { values, padding, description };
    } catch (error) {
      if (on_error === 'skip' && error instanceof DataError) return { skipped: reasonOf(error) };
      throw error instanceof ProsodiaError ? error.at(`item ${itemId}`) : error;
    }
  };
};

export default worker;
