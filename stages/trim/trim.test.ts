import { audioOf, audioRow, describeStage, rowsOf, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { audio: audioOf(clips) } }),
  empty: 'works',
  one_row: 'works',
});

describe('trim', () => {
  const bench = useWorkbench();
  const [clip] = toyClips();
  const sound = audioRow(clip!, { seconds: 0.5 });
  const rate = sound.sample_rate;

  /** The sound with silence around it, as a segment that began 2 s into its clip. */
  const padded = (lead: number, tail: number) => {
    const samples = new Float32Array(lead + sound.samples.length + tail);
    samples.set(sound.samples, lead);
    return { ...sound, samples, start_s: 2, end_s: 2 + samples.length / rate };
  };
  const run = async (row: typeof sound, params = {}) => {
    const { outputs, metrics } = await bench.run(stage, { params, inputs: { audio: rowsOf([row]) } });
    return { row: (await outputs.audio.all())[0]!, metrics };
  };
  const frames = { frame_length: 64, hop_length: 16, top_db: 30 };

  it('cuts silence off to within a frame, and says where in the clip the rest lies', async () => {
    const [lead, tail] = [800, 1600];
    const { row } = await run(padded(lead, tail), frames);
    const start = (row.start_s - 2) * rate;
    const end = (row.end_s - 2) * rate;
    expect(row.samples.length).toBe(Math.round(end - start));
    expect(start).toBeGreaterThan(lead - 2 * 64);
    expect(start).toBeLessThanOrEqual(lead + 64);
    expect(Math.abs(end - (lead + sound.samples.length))).toBeLessThanOrEqual(2 * 64);
    expect([...row.samples]).toEqual([...padded(lead, tail).samples.slice(Math.round(start), Math.round(end))]);
  });

  it('keeps an item of silence whole, and reports how much was kept', async () => {
    const silent = { ...sound, samples: new Float32Array(sound.samples.length) };
    const { row, metrics } = await run(silent, frames);
    expect(row.samples).toHaveLength(sound.samples.length);
    expect(metrics).toMatchObject({ kept_share: 1 });
  });

  it('stops at a broken item by name, or lists it and goes on', async () => {
    const broken = { ...sound, item_id: 'toy/bad', samples: Float32Array.of(0.1, Number.NaN) };
    const inputs = { audio: rowsOf([sound, broken]) };
    await expect(bench.run(stage, { inputs })).rejects.toThrow(/item toy\/bad/);
    const { outputs, notices } = await bench.run(stage, { params: { on_error: 'skip' }, inputs });
    expect(await outputs.audio.all()).toHaveLength(1);
    expect(notices).toEqual([expect.stringContaining('skipped toy/bad: ')]);
  });
});
