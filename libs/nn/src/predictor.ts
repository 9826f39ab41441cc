/** Serves a trained model. */
import { DataError } from '@prosodia/core';
import { openSession, type DeviceOptions } from './device.ts';

/** Rows in one run: large enough to keep the device busy, small enough to bound memory. */
const ROWS_PER_RUN = 256;

export interface Model {
  /** Shape of one row. */
  readonly inputShape: readonly number[];
  /**
   * Probabilities, `rows x classes`, row by row.
   * @param x `rows` rows of the input shape, one after another
   * Throws a DataError if the length of `x` does not fit.
   */
  predict(x: Float32Array, rows: number): Promise<Float32Array>;
  /** Frees the model's memory. */
  dispose(): Promise<void>;
}

/**
 * Loads a model that {@link train} made.
 * Throws a ProsodiaError if the bytes are no such model, a RequestError if the device is not there.
 */
export async function loadModel(bytes: Uint8Array, options: DeviceOptions = {}): Promise<Model> {
  const session = await openSession(bytes, options);
  const inputShape = session.inputShapes['input']!.slice(1) as number[];
  const width = inputShape.reduce((product, size) => product * size, 1);
  return {
    inputShape,
    async predict(x, rows) {
      if (x.length !== rows * width) {
        throw new DataError({
          problem: 'the input does not fit the model',
          expected: `${rows} rows of ${inputShape.join(' x ')} values, ${rows * width} in all`,
          got: `${x.length} values`,
        });
      }
      const parts: Float32Array[] = [];
      for (let from = 0; from < rows; from += ROWS_PER_RUN) {
        const to = Math.min(rows, from + ROWS_PER_RUN);
        const input = { data: x.subarray(from * width, to * width), shape: [to - from, ...inputShape] };
        const { probabilities } = await session.run({ input }, { probabilities: null });
        parts.push(probabilities!);
      }
      return joined(parts);
    },
    dispose: () => session.release(),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
