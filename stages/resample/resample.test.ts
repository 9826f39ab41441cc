import { createHash } from 'node:crypto';
import { encodeWav } from '@prosodia/audio';
import { type ToyClip, clipRow, describeStage, rowsOf, toySound, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** Clips with a WAV file each, at a rate of their own. */
function recorded(clips: readonly ToyClip[]) {
  const rates = [8000, 11025, 16000, 22050];
  const files = Object.fromEntries(
    clips.map((clip, i) => {
      const rate = rates[i % rates.length]!;
      return [clipRow(clip).path, encodeWav(toySound(clip, { rate }), rate)];
    }),
  );
  return listed(clips, files);
}

/** A fixture whose clips are pinned to the given files. */
function listed(clips: readonly ToyClip[], files: Readonly<Record<string, Uint8Array | string>>) {
  const rows = clips.map((clip) => clipRow(clip, { sha256: sha256(files[clipRow(clip).path]!) }));
  return { inputs: { clips: rowsOf(rows) }, corpora: { toy: files } };
}

describeStage(stage, {
  toys: { clips: 6 },
  fixture: recorded,
  empty: 'works',
  one_row: 'works',
});

const clip: ToyClip = { clip_id: 'toy/000', speaker: '1', emotion: 'happy', role: 'train', variant: 0 };

/** A tone of 440 Hz and a quarter of full scale. */
const tone = (seconds: number, rate: number) =>
  Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => 0.25 * Math.sin((2 * Math.PI * 440 * i) / rate));

describe('resample', () => {
  const bench = useWorkbench();
  const run = (bytes: Uint8Array | string, params = {}) =>
    bench.run(stage, { ...listed([clip], { '000.wav': bytes }), params });

  it.each([8000, 22050, 44100, 48000])('turns a tone at %i Hz into the same tone at 16 kHz', async (rate) => {
    const { outputs } = await run(encodeWav(tone(0.5, rate), rate, { format: 'float32' }));
    const [row] = await outputs.audio.all();
    expect(row).toMatchObject({ clip_id: 'toy/000', item_id: 'toy/000', parent_item_id: null, sample_rate: 16000 });
    expect(row!.samples).toHaveLength(8000);
    expect(row!.end_s).toBe(0.5);
    const expected = tone(0.5, 16000);
    // The filter rings where the tone begins and ends at once.
    for (let i = 800; i < 7200; i++) expect(Math.abs(row!.samples[i]! - expected[i]!)).toBeLessThan(1e-3);
  });

  it('hands on samples that have the rate already', async () => {
    const samples = tone(0.1, 16000);
    const { outputs, notices } = await run(encodeWav(samples, 16000, { format: 'float32' }));
    expect((await outputs.audio.all())[0]!.samples).toEqual(samples);
    expect(notices).toEqual([]);
  });

  it('mixes channels to their mean and says so', async () => {
    const [left, right] = [tone(0.1, 16000), tone(0.1, 16000).map((sample) => sample / 2)];
    const { outputs, notices } = await run(encodeWav([left, right], 16000, { format: 'float32' }));
    const [row] = await outputs.audio.all();
    row!.samples.forEach((sample, i) => expect(sample).toBeCloseTo((left[i]! + right[i]!) / 2, 6));
    expect(notices).toEqual(['2 channels mixed down to one by their mean: toy/000']);
  });

  it('names at most five of many clips with the same remark', async () => {
    const clips = Array.from({ length: 7 }, (_, i) => ({ ...clip, clip_id: `toy/00${i}` }));
    const stereo = encodeWav([tone(0.1, 16000), tone(0.1, 16000)], 16000);
    const files = Object.fromEntries(clips.map((own) => [clipRow(own).path, stereo]));
    const { notices } = await bench.run(stage, listed(clips, files));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/identical: toy\/000, toy\/001, toy\/002, toy\/003, toy\/004 and 2 more$/);
  });

  it('refuses a recording that has changed since it was listed', async () => {
    const files = { '000.wav': encodeWav(tone(0.1, 16000), 16000) };
    const { inputs } = listed([clip], files);
    const changed = { toy: { '000.wav': encodeWav(tone(0.2, 16000), 16000) } };
    await expect(bench.run(stage, { inputs, corpora: changed })).rejects.toThrow(
      /clip toy\/000\.wav: the recording has changed since it was listed/,
    );
  });

  it('names the recording that is gone, and the corpus that is not at hand', async () => {
    const { inputs } = listed([clip], { '000.wav': 'x' });
    await expect(bench.run(stage, { inputs, corpora: { toy: { 'other.wav': 'x' } } })).rejects.toThrow(
      /clip toy\/000\.wav: the recording cannot be read/,
    );
    await expect(bench.run(stage, { inputs })).rejects.toThrow(/the recordings of corpus toy are not at hand/);
  });

  it('refuses a text file named .wav and names the clip', async () => {
    await expect(run('not found')).rejects.toThrow(/clip toy\/000: the file is no recording that can be read/);
  });

  it('refuses samples that are no numbers and names the clip', async () => {
    const broken = encodeWav(Float32Array.of(0, 0.5, 0), 16000, { format: 'float32' });
    new DataView(broken.buffer, broken.byteOffset).setFloat32(broken.length - 8, NaN, true);
    await expect(run(broken)).rejects.toThrow(/clip toy\/000: [^]*finite[^]*NaN/);
  });

  it('leaves out broken recordings on request, and lists each with its reason', async () => {
    const clips = ['good', 'text', 'changed', 'gone'].map((name) => ({ ...clip, clip_id: `toy/${name}` }));
    const good = encodeWav(tone(0.1, 16000), 16000);
    const files = { 'good.wav': good, 'text.wav': 'not found', 'changed.wav': 'was', 'gone.wav': 'gone' };
    const { inputs } = listed(clips, files);
    const { 'gone.wav': _gone, ...rest } = { ...files, 'changed.wav': good };
    const ran = await bench.run(stage, { inputs, corpora: { toy: rest }, params: { on_error: 'skip' } });
    expect((await ran.outputs.audio.all()).map(({ clip_id }) => clip_id)).toEqual(['toy/good']);
    expect(ran.metrics).toEqual({ skipped: 3 });
    expect(ran.notices).toHaveLength(3);
    for (const pattern of [/toy\/text: .*no recording/, /toy\/changed: .*changed/, /toy\/gone: .*cannot be read/]) {
      expect(ran.notices).toContainEqual(expect.stringMatching(pattern));
    }
  });
});
