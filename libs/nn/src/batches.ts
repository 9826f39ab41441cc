/**
 * The order in which rows are trained on: each row once per epoch, at random, whether all of them are in
 * memory or blocks of them are read as they are needed.
 *
 * Rows in memory are shuffled as a whole. Rows that are read go through a shuffle buffer, as in tf.data:
 * blocks come in random order, and each row that comes in takes the place of one drawn from the buffer.
 * The order is a function of the generator, the blocks and the size of the buffer; it is never the order
 * on disk, but it is as random as that of a whole shuffle only if the buffer holds several blocks.
 */
import type { Rng } from '@prosodia/core';
import { gatherRows, isStream, readBlock, type RowStream, type TrainingRows } from './data.ts';

/** Rows to be trained on together. */
export interface Batch {
  /** Their places in the table. */
  readonly rows: Int32Array;
  /** Writes their features one after another; call it before the next batch is asked for. */
  fill(target: Float32Array): void;
}

/** Draws the batches of an epoch. One per training: it keeps the memory of the buffer. */
export class BatchSource {
  readonly #data: TrainingRows;
  readonly #width: number;
  #buffer: Float32Array | undefined;

  /** @param width features of a row */
  constructor(data: TrainingRows, width: number) {
    this.#data = data;
    this.#width = width;
  }

  /** All rows in random order; the last batch may be smaller. */
  async *epoch(batchSize: number, rng: Rng): AsyncGenerator<Batch, void, undefined> {
    const data = this.#data;
    const width = this.#width;
    if (isStream(data)) {
      yield* this.#drawn(data, batchSize, rng);
      return;
    }
    const order = rng.shuffle(Int32Array.from({ length: data.rows }, (_, i) => i));
    for (let from = 0; from < data.rows; from += batchSize) {
      const rows = order.subarray(from, Math.min(from + batchSize, data.rows));
      yield { rows, fill: (target) => gatherRows(data, width, rows, target) };
    }
  }

  async *#drawn(data: RowStream, batchSize: number, rng: Rng): AsyncGenerator<Batch, void, undefined> {
    const width = this.#width;
    const size = Math.min(data.shuffle_rows, data.rows);
    const buffer = (this.#buffer ??= new Float32Array(size * width));
    const places = new Int32Array(size);
    let held = 0;

    let rows = new Int32Array(batchSize);
    const values = new Float32Array(batchSize * width);
    let count = 0;
    const put = (slot: number): void => {
      rows[count] = places[slot]!;
      values.set(buffer.subarray(slot * width, (slot + 1) * width), count++ * width);
    };
    const batch = (): Batch => {
      const drawn = {
        rows: rows.subarray(0, count),
        fill: (target: Float32Array) => target.set(values.subarray(0, target.length)),
      };
      rows = new Int32Array(batchSize);
      count = 0;
      return drawn;
    };

    const starts = blockStarts(data);
    for (const block of rng.shuffle(Int32Array.from(data.blocks.keys()))) {
      const read = await readBlock(data, block, width, 'training');
      for (let r = 0; r < data.blocks[block]!; r++) {
        let slot = held;
        if (held < size) held++;
        else {
          slot = rng.int(size);
          put(slot);
          if (count === batchSize) yield batch();
        }
        places[slot] = starts[block]! + r;
        buffer.set(read.subarray(r * width, (r + 1) * width), slot * width);
      }
    }
    while (held > 0) {
      const slot = rng.int(held--);
      put(slot);
      places[slot] = places[held]!;
      buffer.copyWithin(slot * width, held * width, (held + 1) * width);
      if (count === batchSize) yield batch();
    }
    if (count > 0) yield batch();
  }
}

/** Consecutive rows, at most `most`, in the order of the table. */
export async function* inOrder(
  data: TrainingRows,
  width: number,
  most: number,
): AsyncGenerator<{ readonly from: number; readonly count: number; readonly x: Float32Array }, void, undefined> {
  const starts = isStream(data) ? blockStarts(data) : [0];
  for (const [block, start] of starts.entries()) {
    const x = isStream(data) ? await readBlock(data, block, width, 'validation') : data.x;
    const rows = x.length / width;
    for (let from = 0; from < rows; from += most) {
      const count = Math.min(most, rows - from);
      yield { from: start + from, count, x: x.subarray(from * width, (from + count) * width) };
    }
  }
}

/** The place of each block's first row. */
function blockStarts({ blocks }: RowStream): number[] {
  let next = 0;
  return blocks.map((rows) => (next += rows) - rows);
}
