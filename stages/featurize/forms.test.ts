/** Matrices, stacked channels and vectors: shapes, order of axes, padding, normalization, broken items. */
import {
  chromaStft,
  gammatoneCepstra,
  gaussianCepstra,
  gaussianSpectrogram,
  melspectrogram,
  mfcc,
  powerToDb,
  rms,
  spectralContrast,
  zeroCrossingRate,
} from '@prosodia/dsp';
import { audioRow, rowsOf, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

const SMALL = { n_fft: 512, hop_length: 128, n_mels: 40 };
const bench = useWorkbench();
const [clip] = toyClips();
/** 4,000 samples, taken for 16 kHz: 32 frames. */
const row = { ...audioRow(clip!, { rate: 8000 }), sample_rate: 16000 };
const y = row.samples;
const source = { y, sr: 16000, n_fft: 512, hop_length: 128 };

async function run(params: Record<string, unknown>, rows = [row]) {
  const { outputs, notices, metrics } = await bench.run(stage, {
    params: { ...SMALL, ...params },
    inputs: { audio: rowsOf(rows) },
  });
  const { values, padding, items } = await outputs.features.all();
  return { reader: outputs.features, values, padding: [...(padding ?? [])], items, notices, metrics };
}

const close = (got: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i]! - wanted[i]!) <= 1e-3 * Math.max(1, Math.abs(wanted[i]!)))) {
      expect.fail(`${got[i]} instead of ${wanted[i]} at ${i}`);
    }
  }
};

const moments = (values: ArrayLike<number>) => {
  const all = Array.from(values);
  const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
  return { mean, variance: all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length };
};

const CEPSTRA = { mfcc: { n_mfcc: 13, deltas: 1 } };

describe('form matrix', () => {
  it('takes Gaussian and gammatone cepstra, their derivatives, and Gaussian filters in dB, as [frames, bands]', async () => {
    const features = [
      { gaussian_cepstra: { n_coefficients: 13, deltas: 2 } },
      { gaussian_db: { n_filters: 26 } },
      { gammatone_cepstra: { n_coefficients: 14, deltas: 1 } },
    ];
    const { reader, values } = await run({ form: 'matrix', features, length: { frames: 32 } });
    expect(reader.layout).toMatchObject({ shape: [32, 39 + 26 + 28], axes: ['frame', 'band'] });
    const names = JSON.parse(reader.metadata['bands']!) as string[];
    expect([names[0], names[13], names[26], names[39], names[65], names[79]]).toEqual([
      'gaussian_cepstra_00',
      'gaussian_cepstra_delta_00',
      'gaussian_cepstra_delta2_00',
      'gaussian_db_00',
      'gammatone_cepstra_00',
      'gammatone_cepstra_delta_00',
    ]);
    const cepstra = gaussianCepstra({ ...source, n_coefficients: 13 });
    const energies = powerToDb(gaussianSpectrogram({ ...source, n_filters: 26 }));
    const tones = gammatoneCepstra({ ...source, n_coefficients: 14 });
    for (const frame of [0, 7, 31]) {
      const bands = values.subarray(93 * frame, 93 * (frame + 1));
      close(bands.subarray(0, 13), cepstra.data.subarray(13 * frame, 13 * (frame + 1)));
      close(bands.subarray(39, 65), energies.data.subarray(26 * frame, 26 * (frame + 1)));
      close(bands.subarray(65, 79), tones.data.subarray(14 * frame, 14 * (frame + 1)));
    }
  });

  it('puts the bands of the features side by side, frame by frame, and derivatives behind their feature', async () => {
    const { reader, values, padding } = await run({
      form: 'matrix',
      features: [CEPSTRA, { rms: {} }],
      length: { frames: 32 },
    });
    expect(reader.layout).toEqual({ form: 'matrix', shape: [32, 27], axes: ['frame', 'band'] });
    expect(padding).toEqual([0]);
    const cepstra = mfcc({ ...source, n_mels: 40, n_mfcc: 13 });
    const level = rms({ y, frame_length: 512, hop_length: 128 });
    expect(cepstra.rows).toBe(32);
    for (const frame of [0, 7, 31]) {
      close(values.subarray(frame * 27, frame * 27 + 13), cepstra.data.subarray(frame * 13, frame * 13 + 13));
      close(values.subarray(frame * 27 + 26, frame * 27 + 27), level.data.subarray(frame, frame + 1));
    }
    const names = JSON.parse(reader.metadata['bands']!) as string[];
    expect([names[0], names[13], names[26]]).toEqual(['mfcc_00', 'mfcc_delta_00', 'rms']);
  });

  it('fills with the pad value and records how much, or cuts', async () => {
    const params = { form: 'matrix', features: [{ mel_db: {} }], pad_value: -7 };
    const whole = await run({ ...params, length: { frames: 32 } });
    const long = await run({ ...params, length: { frames: 40 } });
    expect(long.values.subarray(0, 32 * 40)).toEqual(whole.values);
    expect(long.values.subarray(32 * 40).every((value) => value === -7)).toBe(true);
    expect(long.padding).toEqual([Math.fround(8 / 40)]);
    const short = await run({ ...params, length: { frames: 10 } });
    expect(short.values).toEqual(whole.values.subarray(0, 400));
    const middle = await run({ ...params, length: { frames: 10 }, align: 'center' });
    expect(middle.values).toEqual(whole.values.subarray(11 * 40, 21 * 40));
    const last = await run({ ...params, length: { frames: 34 }, align: 'end' });
    expect(last.values.subarray(2 * 40)).toEqual(whole.values);
  });

  it('cuts or fills the audio with silence for a length in seconds', async () => {
    const { reader, values, padding } = await run({
      form: 'matrix',
      features: [{ mel_db: {} }],
      length: { seconds: 0.3125 },
    });
    const padded = new Float32Array(5000);
    padded.set(y);
    close(values, powerToDb(melspectrogram({ ...source, y: padded, n_mels: 40 })).data);
    expect(reader.layout).toMatchObject({ shape: [1 + Math.floor(5000 / 128), 40] });
    expect(padding[0]).toBeCloseTo(0.2, 6);
  });

  it('normalizes over the item, the feature or the band, added frames apart', async () => {
    const params = { form: 'matrix', features: [{ mel_db: {} }, { rms: {} }], length: { frames: 40 } };
    const columns = ({ values }: { values: Float32Array }, bands: number[]) =>
      Array.from({ length: 32 }, (_, frame) => bands.map((band) => values[frame * 41 + band]!)).flat();
    const all = [...Array(41).keys()];
    const item = await run({ ...params, normalize: 'item' });
    expect(moments(columns(item, all)).mean).toBeCloseTo(0, 5);
    expect(moments(columns(item, all)).variance).toBeCloseTo(1, 4);
    expect(item.values.subarray(32 * 41).every((value) => value === 0)).toBe(true);
    const group = await run({ ...params, normalize: 'group' });
    for (const bands of [all.slice(0, 40), [40]]) expect(moments(columns(group, bands)).variance).toBeCloseTo(1, 4);
    const band = await run({ ...params, normalize: 'band' });
    for (const one of [0, 20, 40]) expect(moments(columns(band, [one])).variance).toBeCloseTo(1, 4);
  });

  it('makes silence zero, not a division by nothing', async () => {
    const silent = { ...row, samples: new Float32Array(4000) };
    for (const normalize of ['item', 'group', 'band']) {
      const { values } = await run({ form: 'matrix', length: { frames: 4 }, normalize }, [silent]);
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('hearing', () => {
  const kept = (params: object, end_s: number, rate: number | undefined = 16_000) => {
    const given = { params: { hop_length: 512, align: 'start', ...params } as never, rate };
    const { items } = stage.hears!({ ...given, items: [{ start_s: 0, end_s }] });
    return items.map(({ start_s, end_s }) => [start_s, end_s]);
  };

  it('is of what the length leaves: its seconds, or as many hops as there are frames', () => {
    expect(kept({ length: { frames: 94 } }, 6)).toEqual([[0, 3.008]]);
    expect(kept({ length: { seconds: 2 } }, 6)).toEqual([[0, 2]]);
    expect(kept({ length: { seconds: 2 }, align: 'center' }, 6)).toEqual([[2, 4]]);
    expect(kept({ length: { seconds: 2 }, align: 'end' }, 6)).toEqual([[4, 6]]);
  });

  it('is of all without a length, of what is no longer, and of what has no sample rate yet', () => {
    expect(kept({}, 6)).toEqual([[0, 6]]);
    expect(kept({ length: { seconds: 2 } }, 1.5)).toEqual([[0, 1.5]]);
  });
});

describe('form channels', () => {
  const stacked = {
    form: 'channels',
    channels: [[{ mel_db: { n_mels: 32 } }], [{ mfcc: { n_mfcc: 13 } }, { chroma: {} }, { contrast: {} }]],
  };

  it('stacks as [bands, frames, channels], each channel from its own features', async () => {
    const { reader, values } = await run({ ...stacked, length: { frames: 32 } });
    expect(reader.layout).toEqual({ form: 'matrix', shape: [32, 32, 2], axes: ['band', 'frame', 'channel'] });
    const first = powerToDb(melspectrogram({ ...source, n_mels: 32 }));
    const parts = [mfcc({ ...source, n_mels: 40, n_mfcc: 13 }), chromaStft(source), spectralContrast(source)];
    const at = (band: number, frame: number, channel: number) => values[(band * 32 + frame) * 2 + channel]!;
    for (const frame of [0, 15, 31]) {
      for (const band of [0, 12, 13, 24, 25, 31]) {
        close([at(band, frame, 0)], [first.data[frame * 32 + band]!]);
        const [part, own] = band < 13 ? [0, band] : band < 25 ? [1, band - 13] : [2, band - 25];
        const { data, cols } = parts[part]!;
        close([at(band, frame, 1)], [data[frame * cols + own]!]);
      }
    }
  });

  it('has the size of the published network for three seconds at 16 kHz: 32 x 94 x 2', async () => {
    const { reader, padding } = await run({
      ...stacked,
      n_fft: 2048,
      hop_length: 512,
      n_mels: 128,
      length: { seconds: 3 },
      normalize: 'item',
    });
    expect(reader.layout).toMatchObject({ shape: [32, 94, 2] });
    expect(padding[0]).toBeCloseTo(1 - 4000 / 48000, 6);
  });

  it('normalizes each channel by itself', async () => {
    const { values } = await run({ ...stacked, length: { frames: 32 }, normalize: 'item' });
    for (const channel of [0, 1]) {
      const { mean, variance } = moments(values.filter((_, i) => i % 2 === channel));
      expect(mean).toBeCloseTo(0, 5);
      expect(variance).toBeCloseTo(1, 4);
    }
  });

  it('refuses channels with unequal bands, and says how many each has', async () => {
    const channels = [[{ mel_db: { n_mels: 32 } }], [{ chroma: {} }]];
    await expect(run({ form: 'channels', channels, length: { frames: 4 } })).rejects.toThrow(
      /same number of bands[^]*32 bands[^]*12 in channel 1/,
    );
  });
});

describe('form vector', () => {
  it('flattens feature after feature, frame by frame, as numpy.ravel of the transpose', async () => {
    const features = [{ zcr: {} }, { rms: {} }, { mfcc: { n_mfcc: 5 } }];
    const { reader, values } = await run({ form: 'vector', features, length: { frames: 32 } });
    expect(reader.layout).toEqual({ form: 'matrix', shape: [32 * 7], axes: ['value'] });
    const frames = { frame_length: 512, hop_length: 128 };
    const parts = [zeroCrossingRate(y, frames), rms({ y, ...frames }), mfcc({ ...source, n_mels: 40, n_mfcc: 5 })];
    close(
      values,
      parts.flatMap(({ data }) => [...data]),
    );
    const column = await run({ form: 'vector', features, length: { frames: 32 }, channel_axis: true });
    expect(column.reader.layout).toMatchObject({ shape: [32 * 7, 1] });
    expect(column.values).toEqual(values);
  });
});

describe('settings that do not go together', () => {
  it.each([
    [{ form: 'matrix' }, /need a length/],
    [{ length: { frames: 3 } }, /no number of frames/],
    [{ normalize: 'item' }, /normalized features/],
    [{ channels: [[{ rms: {} }]] }, /one channel only/],
    [{ form: 'channels', length: { frames: 3 } }, /stand in channels/],
    [
      { form: 'channels', channels: [[{ rms: {} }]], features: [{ rms: {} }], length: { frames: 3 } },
      /stand in channels/,
    ],
    [{ form: 'matrix', length: { frames: 3 }, channel_axis: true }, /channel axis/],
  ])('%j', async (params, message) => {
    await expect(run(params)).rejects.toThrow(message);
  });
});

describe('broken items', () => {
  const broken = { ...row, item_id: 'toy/broken', samples: Float32Array.of(0, NaN, 0) };
  const empty = { ...row, item_id: 'toy/empty', samples: new Float32Array() };

  it('stop the stage, named with the feature', async () => {
    await expect(run({}, [row, broken])).rejects.toThrow(/item toy\/broken, feature mfcc/);
  });

  it('are left out on request, each listed with its reason', async () => {
    const { items, notices, metrics } = await run({ on_error: 'skip' }, [broken, row, empty]);
    expect(items.map(({ item_id }) => item_id)).toEqual([row.item_id]);
    expect(metrics).toEqual({ skipped: 2 });
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/^skipped toy\/broken: .*NaN/);
    expect(notices[1]).toMatch(/^skipped toy\/empty: /);
  });

  it('stop the stage all the same if there are no others, or if it is the settings that are wrong', async () => {
    await expect(run({ on_error: 'skip' }, [broken])).rejects.toThrow(/every item is broken/);
    await expect(run({ on_error: 'skip', features: [{ mfcc: { n_mfcc: 41 } }] })).rejects.toThrow(/n_mfcc/);
  });
});
