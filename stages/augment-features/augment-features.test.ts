import { Rng } from '@prosodia/core';
import {
  clipsOf,
  describeStage,
  featuresOf,
  itemRow,
  splitOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import type { FeatureLayout, FeatureWriter } from '@prosodia/tables';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';
import { applyTransform } from './transforms.ts';

describeStage(stage, {
  toys: { clips: 8 },
  fixture: (clips) => ({
    params: { transforms: [{ gain: {} }, { noise: {} }] },
    inputs: { features: featuresOf(clips), split: splitOf(clips) },
  }),
  empty: 'works',
  one_row: 'works',
  badParams: [{ params: { transforms: [{ time_mask: { max_width: 0 } }] }, path: 'transforms.0.time_mask.max_width' }],
});

const MATRIX: FeatureLayout = { form: 'matrix', shape: [6, 4], axes: ['frame', 'band'] };
const STACKED: FeatureLayout = { form: 'matrix', shape: [4, 6, 2], axes: ['band', 'frame', 'channel'] };

describe('augment-features', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 12, emotions: ['angry', 'sad'] });
  const run = async (params: Record<string, unknown> = {}, given = clips) => {
    const features = async (writer: FeatureWriter) => {
      writer.begin(MATRIX, { hop_length: '128' });
      for (const { clip_id } of given) {
        await writer.append(
          itemRow(clip_id),
          Float32Array.from({ length: 24 }, (_, i) => 1 + i),
          0.5,
        );
      }
    };
    const inputs = { features, split: splitOf(clips), clips: clipsOf(clips) };
    const { outputs } = await bench.run(stage, { params, inputs });
    const { items, values, padding } = await outputs.features.all();
    return items.map((item, i) => ({ item, values: values.subarray(i * 24, (i + 1) * 24), padding: padding![i]! }));
  };
  const altered = (rows: Awaited<ReturnType<typeof run>>) => rows.filter(({ item }) => item.augmentation !== null);

  it('copies training items only, and records what was drawn', async () => {
    const rows = await run({ copies: 2 });
    const training = new Set(clips.filter(({ role }) => role === 'train').map(({ clip_id }) => clip_id));
    const copies = altered(rows);
    expect(copies).toHaveLength(2 * training.size);
    for (const { item, padding } of copies) {
      expect(training.has(item.clip_id)).toBe(true);
      expect(item.parent_item_id).toBe(item.clip_id);
      expect(item.augmentation).toBe('time_mask+frequency_mask+gain');
      const steps = JSON.parse(item.augmentation_params!) as Record<string, Record<string, number[]>>[];
      expect(steps[0]!['time_mask']!['width']![0]).toBeGreaterThanOrEqual(1);
      expect(padding).toBe(0.5);
    }
  });

  it('gives an item the same copies whatever the order', async () => {
    const sorted = async (given: typeof clips) =>
      (await run({ choose: 1 }, given)).sort((a, b) => (a.item.item_id < b.item.item_id ? -1 : 1));
    expect(await sorted([...clips].reverse())).toEqual(await sorted(clips));
  });

  it('balances classes', async () => {
    const rows = await run({ balance: { to: 9 } });
    const emotions = new Map(clips.map(({ clip_id, emotion }) => [clip_id, emotion]));
    const training = new Set(clips.filter(({ role }) => role === 'train').map(({ clip_id }) => clip_id));
    for (const emotion of ['angry', 'sad']) {
      const own = rows.filter(({ item }) => training.has(item.clip_id) && emotions.get(item.clip_id) === emotion);
      expect(own).toHaveLength(9);
    }
  });

  it('refuses to mask what has no time', async () => {
    const inputs = { features: featuresOf(clips), split: splitOf(clips) };
    await expect(bench.run(stage, { inputs })).rejects.toThrow(/no frames to mask[^]*named columns/);
    await expect(run({ transforms: [{ gain: { factor: [1, 2], db: [1, 2] } }] })).rejects.toThrow(/both/);
  });
});

describe('applyTransform', () => {
  it('masks whole frames of all bands, or whole bands of all frames', () => {
    const spec = { max_width: 3, count: 1, value: -1 };
    for (const [layout, frames] of [
      [MATRIX, (i: number) => Math.floor(i / 4)],
      [STACKED, (i: number) => Math.floor(i / 2) % 6],
    ] as const) {
      const values = new Float32Array(layout.form === 'matrix' ? layout.shape.reduce((a, b) => a * b) : 0).fill(7);
      const drawn = applyTransform(values, layout, { time_mask: spec }, new Rng(4));
      const [from, width] = [(drawn['from'] as number[])[0]!, (drawn['width'] as number[])[0]!];
      values.forEach((value, i) => expect(value).toBe(frames(i) >= from && frames(i) < from + width ? -1 : 7));
    }
    const values = new Float32Array(24).fill(7);
    const drawn = applyTransform(values, MATRIX, { frequency_mask: spec }, new Rng(1));
    const [from, width] = [(drawn['from'] as number[])[0]!, (drawn['width'] as number[])[0]!];
    values.forEach((value, i) => expect(value).toBe(i % 4 >= from && i % 4 < from + width ? -1 : 7));
  });

  it('masks with the mean of the channel', () => {
    const values = Float32Array.from({ length: 48 }, (_, i) => (i % 2 ? 100 : 2));
    applyTransform(values, STACKED, { time_mask: { max_width: 6, count: 3, value: 'mean' } }, new Rng(1));
    expect(values).toEqual(Float32Array.from({ length: 48 }, (_, i) => (i % 2 ? 100 : 2)));
  });

  it('multiplies or adds by what was drawn', () => {
    const start = Float32Array.of(1, 2, -4);
    const times = start.slice();
    const { factor } = applyTransform(times, MATRIX, { gain: { factor: [2, 3] } }, new Rng(1));
    expect(times).toEqual(start.map((x) => x * (factor as number)));
    const plus = start.slice();
    const { db } = applyTransform(plus, MATRIX, { gain: { db: [-6, 6] } }, new Rng(1));
    expect(plus).toEqual(start.map((x) => x + (db as number)));
  });
});
