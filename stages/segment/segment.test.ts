import { Rng } from '@prosodia/core';
import { audioOf, audioRow, describeStage, rowsOf, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage, { partBounds, segmentBounds } from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ params: { length_s: 0.2 }, inputs: { audio: audioOf(clips) } }),
  empty: 'works',
  one_row: 'works',
});

/** Bounds of segments of one second at 10 Hz, as `start-end`. */
function bounds(length: number, overlap: number, tail: 'pad' | 'keep' | 'drop'): string[] {
  return segmentBounds(length, 10, { length_s: 1, overlap, tail }).map(({ start, end }) => `${start}-${end}`);
}

describe('segmentBounds', () => {
  it('cuts an exact multiple without a tail, whatever is to become of tails', () => {
    for (const tail of ['pad', 'keep', 'drop'] as const) {
      expect(bounds(30, 0, tail)).toEqual(['0-10', '10-20', '20-30']);
      expect(bounds(20, 0.5, tail)).toEqual(['0-10', '5-15', '10-20']);
      expect(bounds(10, 0.5, tail)).toEqual(['0-10']);
    }
  });

  it('pads, keeps or drops a short tail', () => {
    expect(bounds(23, 0, 'pad')).toEqual(['0-10', '10-20', '20-30']);
    expect(bounds(23, 0, 'keep')).toEqual(['0-10', '10-20', '20-23']);
    expect(bounds(23, 0, 'drop')).toEqual(['0-10', '10-20']);
    expect(bounds(12, 0.5, 'pad')).toEqual(['0-10', '5-15']);
    expect(bounds(12, 0.5, 'keep')).toEqual(['0-10', '5-12']);
  });

  it('leaves nothing out that is shorter than one segment', () => {
    expect(bounds(3, 0.5, 'pad')).toEqual(['0-10']);
    expect(bounds(3, 0.5, 'keep')).toEqual(['0-3']);
    expect(bounds(3, 0.5, 'drop')).toEqual(['0-10']);
  });

  it('takes steps of one sample at least', () => {
    expect(bounds(12, 0.99, 'drop')).toEqual(['0-10', '1-11', '2-12']);
  });

  it('covers every sample unless tails are dropped, with segments of one length but for a kept tail', () => {
    const rng = new Rng(7);
    for (let trial = 0; trial < 300; trial++) {
      const length = 1 + rng.int(200);
      const options = { length_s: (1 + rng.int(60)) / 10, overlap: rng.uniform(0, 0.95) };
      const size = Math.round(options.length_s * 10);
      for (const tail of ['pad', 'keep', 'drop'] as const) {
        const found = segmentBounds(length, 10, { ...options, tail });
        const covered = new Set(found.flatMap(({ start, end }) => range(start, Math.min(end, length))));
        if (tail !== 'drop') expect(covered.size).toBe(length);
        expect(found.length).toBeGreaterThan(0);
        expect(found.slice(0, -1).every(({ start, end }) => end - start === size)).toBe(true);
        const last = found.at(-1)!;
        if (tail === 'keep') expect(last.end).toBeLessThanOrEqual(length);
        else expect(last.end - last.start).toBe(size);
        expect(last.start).toBeLessThan(length);
      }
    }
  });
});

describe('hearing', () => {
  const heard = (params: object, end_s: number, rate: number | undefined = 10) =>
    stage.hears!({ params: { tail: 'pad', parts: 0, ...params } as never, rate, items: [{ start_s: 0, end_s }] });

  it('is of every segment, without the silence that pads the last one', () => {
    expect(heard({ length_s: 1, overlap: 0.5 }, 1.7).items).toEqual([
      { start_s: 0, end_s: 1 },
      { start_s: 0.5, end_s: 1.5 },
      { start_s: 1, end_s: 1.7 },
    ]);
    expect(heard({ length_s: 1, overlap: 0, tail: 'drop' }, 1.7).items).toEqual([{ start_s: 0, end_s: 1 }]);
    expect(heard({ parts: 2 }, 3).items).toEqual([
      { start_s: 0, end_s: 1.5 },
      { start_s: 1.5, end_s: 3 },
    ]);
  });
});

describe('partBounds', () => {
  it('cuts any length into parts without gap or overlap, as equal as whole samples allow', () => {
    const rng = new Rng(8);
    for (let trial = 0; trial < 300; trial++) {
      const parts = 1 + rng.int(9);
      const length = parts + rng.int(100);
      const found = partBounds(length, parts);
      expect(found).toHaveLength(parts);
      expect(found.flatMap(({ start, end }) => range(start, end))).toEqual(range(0, length));
      const lengths = found.map(({ start, end }) => end - start);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }
  });
});

describe('segment', () => {
  const bench = useWorkbench();
  const [clip] = toyClips();

  it('writes the samples between the bounds, zeros after them, and where they came from', async () => {
    const whole = audioRow(clip!, { seconds: 0.5 });
    const { outputs } = await bench.run(stage, {
      params: { length_s: 0.3, overlap: 0, tail: 'pad' },
      inputs: { audio: rowsOf([whole]) },
    });
    const [first, second, ...none] = await outputs.audio.all();
    expect(none).toEqual([]);
    const { samples, ...lineage } = second!;
    expect(lineage).toMatchObject({
      clip_id: 'toy/000',
      item_id: 'toy/000@1',
      parent_item_id: 'toy/000',
      start_s: 0.3,
      end_s: 0.5,
      sample_rate: 8000,
    });
    expect(first!.samples).toEqual(whole.samples.subarray(0, 2400));
    expect(samples.subarray(0, 1600)).toEqual(whole.samples.subarray(2400));
    expect(samples.subarray(1600)).toEqual(new Float32Array(800));
  });

  it('keeps what was done to an augmented copy, and the clip that decides its fold', async () => {
    const done = { augmentation: 'gain', augmentation_params: '{"db":3}', seed: 5 };
    const copy = { ...audioRow(clip!), ...done, item_id: 'toy/000+1', parent_item_id: 'toy/000' };
    const { outputs } = await bench.run(stage, { params: { length_s: 0.25 }, inputs: { audio: rowsOf([copy]) } });
    for (const row of await outputs.audio.all()) {
      expect(row).toMatchObject({ ...done, clip_id: 'toy/000', parent_item_id: 'toy/000+1' });
    }
  });

  it('refuses an item without a sample and names it', async () => {
    const silent = { ...audioRow(clip!), samples: new Float32Array() };
    await expect(bench.run(stage, { inputs: { audio: rowsOf([silent]) } })).rejects.toThrow(
      'item toy/000: there is no audio to cut',
    );
  });

  it('leaves out broken items on request, and lists each with its reason', async () => {
    const good = audioRow(clip!);
    const silent = { ...good, item_id: 'toy/silent', samples: new Float32Array() };
    const broken = { ...good, item_id: 'toy/broken', samples: Float32Array.of(0, Infinity) };
    const { outputs, notices, metrics } = await bench.run(stage, {
      params: { on_error: 'skip' },
      inputs: { audio: rowsOf([silent, good, broken]) },
    });
    expect(new Set((await outputs.audio.all()).map(({ parent_item_id }) => parent_item_id))).toEqual(
      new Set([good.item_id]),
    );
    expect(metrics).toEqual({ skipped: 2 });
    expect(notices).toEqual([
      'skipped toy/silent: there is no audio to cut (got 0 samples)',
      'skipped toy/broken: a sample is not a finite number (got Infinity at position 1)',
    ]);
  });

  it('cuts each item into equally many parts, and counts time from where the item begins', async () => {
    const whole = { ...audioRow(clip!, { seconds: 0.5 }), start_s: 0.25, end_s: 0.75 };
    const { outputs } = await bench.run(stage, { params: { parts: 2 }, inputs: { audio: rowsOf([whole]) } });
    const [first, second, ...none] = await outputs.audio.all();
    expect(none).toEqual([]);
    expect([first!.start_s, first!.end_s, second!.start_s, second!.end_s]).toEqual([0, 0.25, 0.25, 0.5]);
    expect([...first!.samples, ...second!.samples]).toEqual([...whole.samples]);
  });

  it('names an item with fewer samples than parts', async () => {
    const short = audioRow(clip!, { seconds: 0.001 });
    const run = bench.run(stage, { params: { parts: 1000 }, inputs: { audio: rowsOf([short]) } });
    await expect(run).rejects.toThrow(/item toy\/000: too short to be cut into 1000/);
  });
});

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
