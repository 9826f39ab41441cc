import {
  clipsOf,
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  toyClips,
  toyFeatures,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { Rng } from '@prosodia/core';
import type { FeatureWriter } from '@prosodia/tables';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    params: { min_items: 2 },
    inputs: { features: featuresOf(clips), clips: clipsOf(clips) },
  }),
  empty: 'works',
  one_row: 'refused',
});

describe('normalize-speakers', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 40 });
  const { names, rows } = toyFeatures(clips);
  const run = async (given: Parameters<typeof featureRows>[1], params = {}) => {
    const inputs = { features: featureRows(names, given), clips: clipsOf(clips) };
    const { outputs, metrics } = await bench.run(stage, { params, inputs });
    return { ...(await outputs.features.all()), metrics, metadata: outputs.features.metadata };
  };
  const speakerOf = new Map(clips.map(({ clip_id, speaker }) => [clip_id, speaker]));
  const columnsBySpeaker = ({ items, values, width }: Awaited<ReturnType<typeof run>>, column: number) =>
    [...new Set(speakerOf.values())].map((speaker) =>
      items.flatMap(({ clip_id }, row) => (speakerOf.get(clip_id) === speaker ? [values[row * width + column]!] : [])),
    );
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const deviation = (values: number[]) => Math.sqrt(mean(values.map((x) => (x - mean(values)) ** 2)));

  it('gives every speaker mean 0 and deviation 1 in every feature, and keeps order and items', async () => {
    const out = await run(rows);
    expect(out.items).toEqual(rows.map(({ item }) => item));
    for (const column of names.keys()) {
      for (const own of columnsBySpeaker(out, column)) {
        expect(mean(own)).toBeCloseTo(0, 5);
        expect(deviation(own)).toBeCloseTo(1, 4);
      }
    }
    expect(out.metadata).toEqual({ normalized_by: 'speaker', units: '{"*":"standard deviations"}' });
    expect(out.metrics).toMatchObject({ speakers: 4 });
  });

  it('takes away any gain and offset that a speaker has on a feature', async () => {
    const voices = rows.map(({ item, values }) => {
      const s = Number(speakerOf.get(item.clip_id));
      return { item, values: values.map((x) => 3 * s * x + 100 * s) };
    });
    const [plain, changed] = [await run(rows), await run(voices)];
    plain.values.forEach((value, i) => expect(changed.values[i]).toBeCloseTo(value, 3));
  });

  it('only centres on request, and withstands an outlier when robust', async () => {
    const centred = await run(rows, { kind: 'center' });
    for (const own of columnsBySpeaker(centred, 0)) {
      expect(mean(own)).toBeCloseTo(0, 4);
      expect(deviation(own)).not.toBeCloseTo(1, 2);
    }
    const robust = (first: number) =>
      run(
        rows.map((row, i) => (i === 0 ? { ...row, values: Float32Array.from(row.values, () => first) } : row)),
        { kind: 'robust' },
      );
    const [far, farther] = [await robust(1e4), await robust(1e6)];
    expect([...far.values.subarray(far.width)]).toEqual([...farther.values.subarray(far.width)]);
  });

  it('normalizes altered copies by the numbers of the originals, which they do not change', async () => {
    const copies = rows.map(({ item, values }) => ({
      item: { ...item, item_id: `${item.item_id}+1`, parent_item_id: item.item_id, augmentation: 'gain' },
      values: values.map((x) => x + 50),
    }));
    const [alone, both] = [await run(rows), await run([...copies, ...rows])];
    expect([...both.values.subarray(copies.length * both.width)]).toEqual([...alone.values]);
    expect(Math.min(...both.values.subarray(0, copies.length * both.width))).toBeGreaterThan(3);
  });

  it('normalizes all frames of a band alike, and hands the share of padding on', async () => {
    const features = async (writer: FeatureWriter) => {
      writer.begin({ form: 'matrix', shape: [3, 2], axes: ['frame', 'band'] });
      for (const { clip_id } of clips) {
        const rng = new Rng(1, clip_id);
        await writer.append(
          itemRow(clip_id),
          Float32Array.from({ length: 6 }, () => rng.normal()),
          0.25,
        );
      }
    };
    const { outputs } = await bench.run(stage, { inputs: { features, clips: clipsOf(clips) } });
    const { items, values, padding } = await outputs.features.all();
    for (const band of [0, 1]) {
      const own = items.flatMap(({ clip_id }, row) =>
        speakerOf.get(clip_id) === '1' ? [0, 2, 4].map((frame) => values[row * 6 + frame + band]!) : [],
      );
      expect(mean(own)).toBeCloseTo(0, 5);
      expect(deviation(own)).toBeCloseTo(1, 4);
    }
    expect(new Set(padding)).toEqual(new Set([0.25]));
  });

  it('refuses a speaker with too few items, copies not counted, and names the speaker', async () => {
    const lone = clips.filter(({ speaker }) => speaker !== '2').concat(clips.find(({ speaker }) => speaker === '2')!);
    const ids = new Set(lone.map(({ clip_id }) => clip_id));
    const few = rows.filter(({ item }) => ids.has(item.clip_id));
    const copies = rows
      .filter(({ item }) => speakerOf.get(item.clip_id) === '2' && ids.has(item.clip_id))
      .flatMap((row) =>
        [1, 2, 3].map((n) => ({ ...row, item: { ...row.item, item_id: `${n}`, augmentation: 'gain' } })),
      );
    await expect(run([...few, ...copies], { min_items: 2 })).rejects.toThrow(
      /speaker 2 has too few unaltered items[^]*at least 2[^]*got: +1$/m,
    );
  });
});
