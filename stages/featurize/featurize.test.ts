import {
  type FunctionalName,
  type Matrix,
  chromaStft,
  delta,
  functionals,
  melspectrogram,
  mfcc,
  powerToDb,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  zeroCrossingRate,
} from '@prosodia/dsp';
import { audioOf, audioRow, describeStage, rowsOf, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import { FEATURE_NAMES } from './features.ts';
import stage from './stage.ts';

const SMALL = { n_fft: 512, hop_length: 128, n_mels: 40 };

describeStage(stage, {
  toys: { clips: 8 },
  fixture: (clips) => ({
    params: { ...SMALL, features: [{ mfcc: { n_mfcc: 5 } }, { rms: {} }] },
    inputs: { audio: audioOf(clips) },
  }),
  empty: 'works',
  one_row: 'works',
  badParams: [
    { params: { features: [{ mfcc: { n_mfcc: 0 } }] }, path: 'features.0.mfcc.n_mfcc' },
    { params: { features: [{ mfccs: {} }] }, path: 'features.0.mfccs' },
    { params: { features: [{ rms: { functionals: ['avg'] } }] }, path: 'features.0.rms.functionals.0' },
    { params: { features: [{ mfcc: { delta_functionals: ['avg'] } }] }, path: 'features.0.mfcc.delta_functionals.0' },
  ],
});

describe('featurize', () => {
  const bench = useWorkbench();
  const [clip] = toyClips();
  const row = audioRow(clip!, { rate: 16000 });
  const run = async (features: unknown, rows = [row]) => {
    const { outputs } = await bench.run(stage, {
      params: { ...SMALL, ...(features ? { features } : {}) },
      inputs: { audio: rowsOf(rows) },
    });
    return outputs.features;
  };

  it('names columns by feature, band and functional', async () => {
    const { layout } = await run([
      { mfcc: { n_mfcc: 12, functionals: ['mean', 'p90'], delta_functionals: ['std'] } },
      { contrast: { functionals: ['max'] } },
      { rms: {} },
    ]);
    const names = layout.form === 'scalars' ? layout.names : [];
    const bands = (prefix: string, n: number, suffix: string) =>
      Array.from({ length: n }, (_, i) => `${prefix}_${String(i).padStart(String(n - 1).length, '0')}_${suffix}`);
    expect(names).toEqual([
      ...bands('mfcc', 12, 'mean'),
      ...bands('mfcc', 12, 'p90'),
      ...bands('mfcc_delta', 12, 'std'),
      ...bands('mfcc_delta2', 12, 'std'),
      ...bands('contrast', 7, 'max'),
      'rms_mean',
    ]);
  });

  it('gives every column a name of its own with all features and functionals', async () => {
    const functionals = ['mean', 'std', 'min', 'max', 'median', 'skewness', 'kurtosis', 'range', 'iqr', 'slope', 'p5'];
    const groups = FEATURE_NAMES;
    expect(groups).toHaveLength(12);
    const reader = await run(groups.map((name) => ({ [name]: { functionals } })));
    const names = reader.columnNames();
    expect(new Set(names).size).toBe(names.length);
    // mfcc, mel_db, chroma, contrast, and eight of one band; the default derivatives of mfcc and the voiced share
    // have one functional.
    expect(reader.width).toBe(11 * (40 + 40 + 12 + 7 + 8) + 2 * 40 + 1);
  });

  it('records what the numbers were computed with', async () => {
    const { metadata } = await run([{ rms: {} }]);
    expect(metadata).toEqual({ sample_rate: '16000', n_fft: '512', hop_length: '128', n_mels: '40' });
  });

  it('gives the numbers of the features library', async () => {
    const y = row.samples;
    const { n_fft, hop_length, n_mels } = SMALL;
    const source = { y, sr: 16000, n_fft, hop_length };
    const frames = { frame_length: n_fft, hop_length };
    const cepstra = mfcc({ ...source, n_mels, n_mfcc: 13 });
    const expected: Record<string, Matrix> = {
      mel_db: powerToDb(melspectrogram({ ...source, n_mels })),
      chroma: chromaStft(source),
      contrast: spectralContrast(source),
      centroid: spectralCentroid(source),
      bandwidth: spectralBandwidth(source),
      rolloff: spectralRolloff(source),
      flatness: spectralFlatness(source),
      zcr: zeroCrossingRate(y, frames),
      rms: rms({ y, ...frames }),
    };
    const summed = (matrix: Matrix, names: FunctionalName[]) => {
      const { data, rows, cols } = functionals(matrix, names);
      return names.flatMap((_, f) => Array.from({ length: rows }, (_, band) => data[band * cols + f]!));
    };
    const reader = await run([
      { mfcc: { n_mfcc: 13, functionals: ['mean', 'std'], delta_functionals: ['max'] } },
      ...Object.keys(expected).map((name) => ({ [name]: { functionals: ['mean', 'median'] } })),
    ]);
    const { values } = await reader.all();
    const wanted = [
      ...summed(cepstra, ['mean', 'std']),
      ...summed(delta(cepstra), ['max']),
      ...summed(delta(cepstra, { order: 2 }), ['max']),
      ...Object.values(expected).flatMap((matrix) => summed(matrix, ['mean', 'median'])),
    ];
    expect(values).toHaveLength(wanted.length);
    const names = reader.columnNames();
    wanted.forEach((value, i) => {
      expect(Math.abs(values[i]! - value), names[i]).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(value)));
    });
  });

  it('gives finite numbers for silence, for a click and for less than one frame', async () => {
    const groups = FEATURE_NAMES;
    const click = new Float32Array(4000);
    click[2000] = 1;
    const sounds = [new Float32Array(4000), click, Float32Array.of(0.5, -0.5, 0.25)];
    const rows = sounds.map((samples, i) => ({ ...row, item_id: `item ${i}`, samples }));
    const reader = await run(
      groups.map((name) => ({ [name]: {} })),
      rows,
    );
    const { values, items } = await reader.all();
    expect(items.map(({ item_id }) => item_id)).toEqual(['item 0', 'item 1', 'item 2']);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('takes the functionals of a pitch over voiced frames only, and the share of those', async () => {
    const tone = Float32Array.from({ length: 16000 }, (_, i) =>
      i < 8000 ? 0.3 * Math.sin((2 * Math.PI * 200 * i) / 16000) : 0,
    );
    const features = [{ pyin: { functionals: ['mean', 'median'] } }, { yin: { functionals: ['median'] } }];
    const reader = await run(features, [
      { ...row, samples: tone },
      { ...row, item_id: 'toy/silent', samples: new Float32Array(8000) },
    ]);
    expect(reader.columnNames()).toEqual(['pyin_mean', 'pyin_median', 'voiced_mean', 'yin_median']);
    const { values } = await reader.all();
    expect(Math.abs(values[0]! - 200)).toBeLessThan(4);
    expect(Math.abs(values[1]! - 200)).toBeLessThan(2);
    expect(Math.abs(values[2]! - 0.5)).toBeLessThan(0.1);
    expect([...values.subarray(4, 7)]).toEqual([0, 0, 0]);
  });

  it('keeps the lineage of every item', async () => {
    const done = { augmentation: 'gain', augmentation_params: '{"db":3}', seed: 5 };
    const copy = { ...row, ...done, item_id: 'toy/000+1@2', parent_item_id: 'toy/000+1', start_s: 0.1, end_s: 0.4 };
    const { samples: _samples, sample_rate: _rate, ...lineage } = copy;
    const reader = await run([{ rms: {} }], [copy]);
    expect((await reader.all()).items).toEqual([lineage]);
  });

  it('refuses items with unequal sample rates and names both', async () => {
    const other = { ...row, item_id: 'toy/001', sample_rate: 8000 };
    await expect(run([{ rms: {} }], [row, other])).rejects.toThrow(
      /item toy\/001: items have different sample rates[^]*16000 Hz, as toy\/000[^]*8000 Hz/,
    );
  });

  it('names the item whose samples are none, or no numbers', async () => {
    const silent = { ...row, item_id: 'toy/empty', samples: new Float32Array() };
    await expect(run([{ mfcc: {} }], [row, silent])).rejects.toThrow(/item toy\/empty/);
    const broken = { ...row, item_id: 'toy/broken', samples: Float32Array.of(0, NaN, 0) };
    await expect(run([{ mfcc: {} }], [row, broken])).rejects.toThrow(/item toy\/broken/);
  });

  it('refuses more coefficients than mel bands', async () => {
    await expect(run([{ mfcc: { n_mfcc: 41 } }])).rejects.toThrow(/n_mfcc/);
  });
});
