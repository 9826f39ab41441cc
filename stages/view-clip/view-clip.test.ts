import { decodeAudio } from '@prosodia/audio';
import {
  audioOf,
  audioRow,
  describeStage,
  featuresOf,
  itemRow,
  rowsOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import type { FeatureWriter } from '@prosodia/tables';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  toys: { clips: 4 },
  fixture: (clips) => ({ inputs: { audio: audioOf(clips), features: featuresOf(clips) } }),
  empty: 'works',
  one_row: 'works',
});

describe('view-clip', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 3 });
  const copy = { ...audioRow(clips[1]!), item_id: 'toy/001+1', parent_item_id: 'toy/001', augmentation: 'gain' };
  const audio = rowsOf([...clips.map((clip) => audioRow(clip)), copy]);
  const text = async (reader: { bytes(name: string): Promise<Uint8Array> }, name: string) =>
    new TextDecoder().decode(await reader.bytes(name));

  it('draws a clip and its copies, and writes each as WAV', async () => {
    const { files, outputs } = await bench.run(stage, { params: { clip: 'toy/001' }, inputs: { audio } });
    expect([...files.keys()].sort()).toEqual(
      ['toy_001', 'toy_001+1'].flatMap((name) => ['png', 'svg', 'wav'].map((end) => `view/${name}.${end}`)).sort(),
    );
    const heard = await decodeAudio(await outputs.view.bytes('toy_001.wav'));
    const { samples, sample_rate } = audioRow(clips[1]!);
    expect(heard.sampleRate).toBe(sample_rate);
    heard.samples.forEach((sample, i) => expect(Math.abs(sample - samples[i]!)).toBeLessThan(1 / 32000));
    const svg = await text(outputs.view, 'toy_001+1.svg');
    for (const part of ['toy/001+1 (gain)', 'waveform', 'spectrogram', 'rms', 'centroid (Hz)'])
      expect(svg).toContain(part);
  });

  it('draws matrices as heat maps, one per channel, and says how much is padding', async () => {
    const features = async (writer: FeatureWriter) => {
      const bands = JSON.stringify([
        ['mel_db_0', 'mel_db_1'],
        ['mfcc_0', 'rms'],
      ]);
      const axes = ['band', 'frame', 'channel'];
      writer.begin({ form: 'matrix', shape: [2, 3, 2], axes }, { bands, hop_length: '100', sample_rate: '8000' });
      await writer.append(
        itemRow('toy/001'),
        Float32Array.from({ length: 12 }, (_, i) => i),
        0.25,
      );
    };
    const { outputs } = await bench.run(stage, { params: { clip: 'toy/001' }, inputs: { features } });
    const svg = await text(outputs.view, 'toy_001.svg');
    expect(svg).toContain('channel 0: mel_db, 25 % padding');
    expect(svg).toContain('channel 1: mfcc + rms, 25 % padding');
    expect(await outputs.view.json('toy_001.json')).toMatchObject({ shape: [2, 3, 2], padding: 0.25 });
  });

  it('draws named features as bars, and lists them by name', async () => {
    const { outputs } = await bench.run(stage, { inputs: { features: featuresOf(clips) } });
    const { values } = await outputs.view.json<{ values: Record<string, number> }>('toy_000.json');
    const svg = await text(outputs.view, 'toy_000.svg');
    for (const name of Object.keys(values)) expect(svg).toContain(name);
  });

  it('names a near clip for one that is not there', async () => {
    await expect(bench.run(stage, { params: { clip: 'toy/00l' }, inputs: { audio } })).rejects.toThrow(
      /no clip or item toy\/00l[^]*did you mean toy\/00/,
    );
  });
});
