import { DataError, Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { BatchSource, inOrder } from './batches.ts';
import type { RowStream, TrainingData } from './data.ts';
import { clusters } from './testing/toy-data.ts';
import { train, type TrainOptions } from './trainer.ts';

const WIDTH = 3;

/** The same rows as a stream of blocks. */
function streamed(data: TrainingData, blocks: readonly number[], shuffle_rows: number): RowStream {
  const starts = blocks.map((_, b) => blocks.slice(0, b).reduce((sum, rows) => sum + rows, 0));
  const width = data.x.length / data.rows;
  return {
    y: data.y,
    rows: data.rows,
    blocks,
    shuffle_rows,
    read: (b) => Promise.resolve(data.x.slice(starts[b]! * width, (starts[b]! + blocks[b]!) * width)),
  };
}

const data = clusters(50, WIDTH, 3, 1);
const BLOCKS = [17, 0, 20, 13];

/** Rows in the order of an epoch, and the size of each batch; checks that features come with their row. */
async function drawn(source: BatchSource, rng = new Rng(1), batchSize = 8) {
  const order: number[] = [];
  const sizes: number[] = [];
  for await (const { rows, fill } of source.epoch(batchSize, rng)) {
    const x = new Float32Array(rows.length * WIDTH);
    fill(x);
    rows.forEach((row, i) =>
      expect(x.slice(i * WIDTH, (i + 1) * WIDTH)).toEqual(data.x.slice(row * WIDTH, (row + 1) * WIDTH)),
    );
    order.push(...rows);
    sizes.push(rows.length);
  }
  return { order, sizes };
}

const sorted = (order: readonly number[]) => [...order].sort((a, b) => a - b);
const all = Array.from({ length: 50 }, (_, i) => i);

describe('the batches of an epoch', () => {
  const sources: [string, BatchSource][] = [
    ['in memory', new BatchSource(data, WIDTH)],
    ...[1, 5, 20, 49, 50, 1000].map((rows): [string, BatchSource] => [
      `drawn from a buffer of ${rows}`,
      new BatchSource(streamed(data, BLOCKS, rows), WIDTH),
    ]),
  ];
  it.each(sources)('hold every row exactly once, with its own features (%s)', async (_, source) => {
    const first = await drawn(source);
    expect(sorted(first.order)).toEqual(all);
    expect(first.sizes).toEqual([8, 8, 8, 8, 8, 8, 2]);
    expect(first.order).not.toEqual(all);
    // The buffer is used again by the next epoch.
    expect(await drawn(source)).toEqual(first);
    const second = await drawn(source, new Rng(2));
    expect(sorted(second.order)).toEqual(all);
    expect(second.order).not.toEqual(first.order);
  });

  it('mix rows of several blocks if the buffer holds several', async () => {
    const { order } = await drawn(new BatchSource(streamed(data, BLOCKS, 30), WIDTH));
    const blockOf = (row: number) => (row < 17 ? 0 : row < 37 ? 1 : 2);
    expect(new Set(order.slice(0, 16).map(blockOf)).size).toBeGreaterThan(1);
  });
});

describe('rows in order', () => {
  it.each([4, 17, 1000])('come once each, at most %i at a time', async (most) => {
    for (const rows of [data, streamed(data, BLOCKS, 5)]) {
      const values: number[] = [];
      let next = 0;
      for await (const { from, count, x } of inOrder(rows, WIDTH, most)) {
        expect([from, x.length]).toEqual([next, count * WIDTH]);
        expect(count).toBeLessThanOrEqual(most);
        next += count;
        values.push(...x);
      }
      expect(values).toEqual([...data.x]);
    }
  });
});

describe('training on a stream', () => {
  const options: Omit<TrainOptions, 'data' | 'validation'> = {
    layers: [{ dense: { units: 8, activation: 'relu' } }, { dropout: 0.2 }],
    inputShape: [WIDTH],
    classes: 3,
    batch_size: 8,
    epochs: 4,
    class_weight: 'balanced',
    mixup: {},
    seed: 11,
  };
  const held = clusters(30, WIDTH, 3, 2);
  const stream = streamed(data, BLOCKS, 20);

  it('gives the same bytes twice, and from a checkpoint', async () => {
    const kept: Uint8Array[] = [];
    const validation = streamed(held, [10, 20], 1);
    const first = await train({ ...options, data: stream, validation, onCheckpoint: (bytes) => void kept.push(bytes) });
    const second = await train({ ...options, data: stream, validation });
    const resumed = await train({ ...options, data: stream, validation, resume: kept[1] });
    expect(Buffer.compare(second.model, first.model)).toBe(0);
    expect(Buffer.compare(resumed.model, first.model)).toBe(0);
    const other = { ...options, data: streamed(data, BLOCKS, 21), validation };
    await expect(train({ ...other, resume: kept[1] })).rejects.toThrow('of another training');
  });

  it('validates as on rows in memory', async () => {
    const whole = await train({ ...options, data: stream, validation: held });
    const parts = await train({ ...options, data: stream, validation: streamed(held, [10, 20], 1) });
    expect(parts.history.map((row) => row.val_accuracy)).toEqual(whole.history.map((row) => row.val_accuracy));
    parts.history.forEach((row, i) => expect(row.val_loss).toBeCloseTo(whole.history[i]!.val_loss!, 6));
  });

  it('learns what can be learned from rows that lie sorted by class', async () => {
    const order = all.toSorted((a, b) => data.y[a]! - data.y[b]! || a - b);
    const rows = (source: Float32Array) => order.flatMap((r) => [...source.subarray(r * WIDTH, (r + 1) * WIDTH)]);
    const byClass = { x: Float32Array.from(rows(data.x)), y: Int32Array.from(order, (r) => data.y[r]!), rows: 50 };
    const { history } = await train({
      ...options,
      mixup: undefined,
      epochs: 30,
      optimizer: { adam: { learning_rate: 0.02 } },
      data: streamed(byClass, [10, 10, 10, 10, 10], 25),
      validation: held,
    });
    expect(history.at(-1)!.val_accuracy).toBeGreaterThan(0.85);
  });

  const broken: [string, Partial<RowStream>, RegExp][] = [
    ['blocks that do not add up', { blocks: [1, 2] }, /do not fit their blocks[^]*50 rows[^]*3 rows/],
    ['a buffer without room', { shuffle_rows: 0 }, /shuffle_rows does not fit/],
    ['a block of another size', { read: () => Promise.resolve(new Float32Array(5)) }, /block \d of the training rows/],
    [
      'a block with a value that is no number',
      { read: async (b) => (await stream.read(b)).fill(NaN, 4, 5) },
      /NaN in row 1, value 1/,
    ],
  ];
  it.each(broken)('refuses %s', async (_, change, message) => {
    const attempt = train({ ...options, data: { ...stream, ...change } });
    await expect(attempt).rejects.toThrow(message);
    if (!('shuffle_rows' in change)) await expect(attempt).rejects.toThrow(DataError);
  });
});
