import {
  type FunctionalName,
  type Matrix,
  SPEAKING_RATE_NAMES,
  VOICE_QUALITY_NAMES,
  chromaStft,
  delta,
  egemaps,
  functionals,
  functionals13,
  gammatoneCepstra,
  gaussianCepstra,
  melspectrogram,
  mfcc,
  powerToDb,
  rms,
  speakingRate,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  tonnetz,
  voiceQuality,
  zeroCrossingRate,
} from '@prosodia/dsp';
import { audioOf, audioRow, describeStage, rowsOf, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import { unitOf, unitsIn } from '@prosodia/core';

import { FEATURE_NAMES } from './features.ts';
import stage from './stage.ts';

const SMALL = { n_fft: 512, hop_length: 128, n_mels: 40 };

/** Groups without functionals. */
const WHOLE = ['voice_quality', 'speaking_rate', 'egemaps'];

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
    { params: { features: [{ gaussian_cepstra: { alpha: 0 } }] }, path: 'features.0.gaussian_cepstra.alpha' },
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

  it('says of every column what it counts, but where it is a plain number', async () => {
    const groups = FEATURE_NAMES.map((name) => {
      const own = WHOLE.includes(name) ? {} : { functionals: ['mean', 'skewness', 'slope'] };
      return { [name]: { ...own, ...(name === 'mfcc' ? { delta_functionals: ['mean'] } : {}) } };
    });
    const { layout, metadata } = await run(groups);
    const names = layout.form === 'scalars' ? layout.names : [];
    const units = unitsIn(metadata);
    const plain = names.filter((name) => unitOf(units, name) === undefined);
    expect(plain.filter((name) => !/_skewness$|^tonnetz|^mfcc\d|^loudness|^spectralFlux/.test(name))).toEqual([]);
    const of = Object.fromEntries(names.map((name) => [name, unitOf(units, name)]));
    expect(of).toMatchObject({
      mfcc_03_mean: 'dB',
      mfcc_03_skewness: undefined,
      mfcc_delta_03_mean: 'dB/frame',
      centroid_mean: 'Hz',
      centroid_slope: 'Hz/frame',
      flatness_mean: 'share, 0 to 1',
      voiced_mean: 'share, 0 to 1',
      f1_bandwidth_mean: 'Hz',
      mean_pause: 's',
      jitter_local: 'share',
      F1frequency_sma3nz_amean: 'Hz',
      MeanUnvoicedSegmentLength: 's',
    });
  });

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
    const some = ['mean', 'std', 'min', 'max', 'median', 'skewness', 'kurtosis', 'range', 'iqr', 'slope', 'p5'];
    expect(FEATURE_NAMES).toHaveLength(20);
    const reader = await run(
      FEATURE_NAMES.map((name) => ({ [name]: WHOLE.includes(name) ? {} : { functionals: some } })),
    );
    const names = reader.columnNames();
    expect(new Set(names).size).toBe(names.length);
    // Cepstra of 40, 20 and 20; mel_db and gaussian_db of 40; chroma, tonnetz and contrast; eight of one band; three
    // formants and their bandwidths. The default derivatives of mfcc, the voiced share and the measures of whole items
    // have one functional, or none.
    expect(reader.width).toBe(11 * (40 + 20 + 20 + 40 + 40 + 12 + 6 + 7 + 8 + 6) + 2 * 40 + 1 + 11 + 8 + 88);
  });

  it('records what the numbers were computed with', async () => {
    const { metadata } = await run([{ rms: {} }]);
    expect(metadata).toMatchObject({ sample_rate: '16000', n_fft: '512', hop_length: '128', n_mels: '40' });
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
      tonnetz: tonnetz(chromaStft(source)),
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
    const click = new Float32Array(4000);
    click[2000] = 1;
    const sounds = [new Float32Array(4000), click, Float32Array.of(0.5, -0.5, 0.25)];
    const rows = sounds.map((samples, i) => ({ ...row, item_id: `item ${i}`, samples }));
    const reader = await run(
      FEATURE_NAMES.map((name) => ({ [name]: {} })),
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

  it('spells out a preset of functionals in columns, each once', async () => {
    const reader = await run([{ rms: { functionals: ['slope', 'functionals13', 'mean'] } }]);
    expect(reader.columnNames()).toEqual(['slope', ...functionals13].map((name) => `rms_${name}`));
    expect(reader.columnNames()).toContain('rms_p95');
  });

  it('gives the numbers of the features library for cepstra of other filters, derivatives included', async () => {
    const { n_fft, hop_length } = SMALL;
    const source = { y: row.samples, sr: 16000, n_fft, hop_length, n_filters: 26 };
    const gauss = gaussianCepstra({ ...source, n_coefficients: 13, alpha: 1 });
    const tone = gammatoneCepstra({ ...source, n_coefficients: 13, compression: 'cubic_root' });
    const settings = { n_coefficients: 13, n_filters: 26, functionals: ['max'] };
    const reader = await run([
      { gaussian_cepstra: { ...settings, alpha: 1, delta_functionals: ['std'] } },
      { gammatone_cepstra: { ...settings, compression: 'cubic_root' } },
    ]);
    const names = reader.columnNames();
    expect([names[0], names[13], names[26], names[39]]).toEqual([
      'gaussian_cepstra_00_max',
      'gaussian_cepstra_delta_00_std',
      'gaussian_cepstra_delta2_00_std',
      'gammatone_cepstra_00_max',
    ]);
    const { values } = await reader.all();
    const wanted = [
      ...functionals(gauss, ['max']).data,
      ...functionals(delta(gauss), ['std']).data,
      ...functionals(delta(gauss, { order: 2 }), ['std']).data,
      ...functionals(tone, ['max']).data,
    ];
    expect(values).toHaveLength(wanted.length);
    wanted.forEach((value, i) => {
      expect(Math.abs(values[i]! - value), names[i]).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
    });
  });

  describe('measures of a voice', () => {
    const measured = async (samples: Float32Array, features: unknown[] = GROUPS) => {
      const reader = await run(features, [{ ...row, samples }]);
      const { values } = await reader.all();
      return Object.fromEntries(reader.columnNames().map((name, i) => [name, values[i]!]));
    };
    const GROUPS = [{ voice_quality: {} }, { formants: { functionals: ['median'] } }, { speaking_rate: {} }];

    /** Three syllables of a voice of 125 Hz with resonances at 700, 1200 and 2600 Hz, and a pause before the third. */
    const voice = () => {
      const out = new Float64Array(40000);
      const sounds = (t: number) => (t > 1600 && t < 16000) || (t > 27200 && t < 36000);
      for (let t = 0; t < out.length; t += 128) if (sounds(t)) out[t] = 1 - 0.9 * Number(Math.abs(t - 8800) < 400);
      for (const [hz, width] of [
        [700, 80],
        [1200, 100],
        [2600, 150],
      ] as const) {
        const radius = Math.exp((-Math.PI * width) / 16000);
        const turn = 2 * radius * Math.cos((2 * Math.PI * hz) / 16000);
        for (let t = 0; t < out.length; t++) {
          out[t]! += turn * (out[t - 1] ?? 0) - radius * radius * (out[t - 2] ?? 0);
        }
      }
      const peak = out.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      return Float32Array.from(out, (x) => (0.5 * x) / peak);
    };

    it('have one column each, and each is what the library says', async () => {
      const y = voice();
      const found = await measured(y);
      const bands = ['f1', 'f2', 'f3'].flatMap((name) => [`${name}_median`, `${name}_bandwidth_median`]);
      expect(Object.keys(found)).toEqual([...VOICE_QUALITY_NAMES, ...bands, ...SPEAKING_RATE_NAMES]);
      const expected = { ...voiceQuality(y, { sr: 16000 }), ...speakingRate(y, { sr: 16000 }) };
      for (const [name, value] of Object.entries(expected)) expect(found[name], name).toBe(Math.fround(value));
    });

    it('hear pitch, resonances, syllables and the pause of a voice that is known', async () => {
      const found = await measured(voice());
      expect(Math.abs(found['f0_mean']! - 125)).toBeLessThan(0.5);
      expect(found['jitter_local']).toBeLessThan(0.005);
      // A predictor of ten poles has four to spare on three resonances, so only the first two are sure.
      expect(Math.abs(found['f1_median']! - 700)).toBeLessThan(50);
      expect(Math.abs(found['f2_median']! - 1200)).toBeLessThan(60);
      expect(found['n_pauses']).toBe(1);
      expect(found['n_syllables']).toBe(3);
      expect(Math.abs(found['mean_pause']! - 0.7)).toBeLessThan(0.15);
    });

    it('are 0 in silence, and in less than a period', async () => {
      for (const samples of [new Float32Array(16000), Float32Array.of(0.1, -0.2)]) {
        expect(new Set(Object.values(await measured(samples)))).toEqual(new Set([0]));
      }
    });

    it('include the 88 of eGeMAPS by its names', async () => {
      const y = voice();
      const found = await measured(y, [{ egemaps: {} }]);
      const expected = egemaps(y, { sr: 16000, fill: 0 });
      expect(Object.keys(found)).toEqual(Object.keys(expected));
      expect(Object.keys(found)).toHaveLength(88);
      expect(found['F0semitoneFrom27.5Hz_sma3nz_amean']).toBe(
        Math.fround(expected['F0semitoneFrom27.5Hz_sma3nz_amean']!),
      );
    });

    it('are refused as a matrix, which wants frames', async () => {
      const params = { ...SMALL, form: 'matrix', length: { frames: 10 }, features: [{ rms: {} }, { formants: {} }] };
      const refused = bench.run(stage, { params, inputs: { audio: rowsOf([row]) } });
      await expect(refused).rejects.toThrow(/formants measures whole items and has no frames/);
    });

    it('name item and feature when a setting does not fit the sample rate', async () => {
      await expect(measured(voice(), [{ voice_quality: { pitch_ceiling: 9000 } }])).rejects.toThrow(
        /item toy\/000.*voice_quality|voice_quality.*item toy\/000/s,
      );
    });
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

  it.each(['gaussian_cepstra', 'gammatone_cepstra'])(
    'refuses more %s than filters, by their own names',
    async (name) => {
      const settings = { n_coefficients: 27, n_filters: 26 };
      await expect(run([{ [name]: settings }])).rejects.toThrow(
        /n_coefficients of at most 26[^]*more bands \(n_filters\)/,
      );
    },
  );
});
