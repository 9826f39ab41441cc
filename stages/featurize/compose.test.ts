/** The features of this stage in an ONNX graph are those that it computes itself. */
import { type ComposedAudio, Rng } from '@prosodia/core';
import { onnx } from '@prosodia/dsp';
import { composedModel } from '@prosodia/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { composed } from './compose.ts';
import type { FeatureSpec } from './features.ts';
import { type FormOptions, formed } from './forms.ts';

const SR = 16000;
const FRAMING = { n_fft: 1024, hop_length: 256, n_mels: 40 };

const rng = new Rng(3);
const noise = (length: number, size = 0.1) => Float32Array.from({ length }, () => size * rng.normal());
const SIGNALS: Record<string, Float32Array> = {
  silence: new Float32Array(6000),
  noise: noise(12000),
  tone: Float32Array.from({ length: 9000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 452 * i) / SR)),
  'loud, then quiet': Float32Array.from(noise(12000), (x, i) => (i < 6000 ? x : x * 1e-4)),
  'shorter than nine frames': noise(900),
  'a single sample': Float32Array.of(0.25),
};

const OPTIONS: FormOptions = {
  form: 'matrix',
  channels: [],
  length: { frames: 30 },
  pad_value: 0,
  align: 'start',
  normalize: 'none',
  channel_axis: false,
};

const SHAPE = ['mean', 'std', 'skewness', 'kurtosis', 'slope', 'min', 'max', 'range', 'median', 'iqr', 'p5'] as const;
const plain = { functionals: [...SHAPE] };
const cepstral = { lifter: 0, functionals: [...SHAPE], delta_functionals: ['mean' as const], deltas: 2 };

const FEATURES: Record<string, FeatureSpec> = {
  mfcc: { mfcc: { n_mfcc: 13, fmin: 0, ...cepstral, lifter: 22 } },
  mel_db: { mel_db: { fmin: 50, fmax: 7000, ref: 'max', top_db: 60, ...plain } },
  gaussian_cepstra: { gaussian_cepstra: { n_coefficients: 12, n_filters: 30, fmin: 0, alpha: 2, ...cepstral } },
  gaussian_db: { gaussian_db: { n_filters: 30, fmin: 0, alpha: 2, ...plain } },
  gammatone_cepstra: {
    gammatone_cepstra: { n_coefficients: 12, n_filters: 30, fmin: 50, compression: 'cubic_root', ...cepstral },
  },
  chroma: { chroma: plain },
  tonnetz: { tonnetz: plain },
  contrast: { contrast: plain },
  centroid: { centroid: plain },
  bandwidth: { bandwidth: plain },
  rolloff: { rolloff: plain },
  flatness: { flatness: plain },
  zcr: { zcr: plain },
  rms: { rms: plain },
};

async function graphOf(options: FormOptions) {
  const audio: ComposedAudio = { kind: 'audio', samples: onnx.waveform(), rate: SR, parts: undefined };
  const { values, shape } = composed(audio, FRAMING, options);
  const value = { name: 'values', element: 'float32' as const, shape: ['batch', ...shape] };
  const model = composedModel({ name: 'features', outputs: [{ tensor: values, value }] });
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return async (y: Float32Array, copies = 1) => {
    const rows = new Float32Array(y.length * copies);
    for (let k = 0; k < copies; k++) rows.set(y, k * y.length);
    const { values } = await session.run({ waveform: new ort.Tensor('float32', rows, [copies, y.length]) });
    return { shape: values!.dims.slice(1), values: values!.data as Float32Array };
  };
}

/** Largest difference, as a share of the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  let size = 1e-3;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    size = Math.max(size, Math.abs(b[i]!));
    worst = Math.max(worst, Number.isFinite(a[i]!) ? Math.abs(a[i]! - b[i]!) : Infinity);
  }
  return worst / size;
}

async function expectSame(options: FormOptions, tolerance = 1e-5): Promise<void> {
  const run = await graphOf(options);
  for (const [name, y] of Object.entries(SIGNALS)) {
    const own = formed(y, { ...FRAMING, sr: SR }, options);
    const { values, shape } = await run(y);
    const { layout } = own.describe();
    if (layout.form === 'matrix') expect(shape).toEqual(layout.shape);
    expect(values.length, name).toBe(own.values.length);
    expect(difference(values, own.values), name).toBeLessThan(tolerance);
  }
}

describe('features in a graph', () => {
  it.each(Object.entries(FEATURES))('has the course of %s over time', async (_, spec) => {
    await expectSame({ ...OPTIONS, channels: [[spec]] });
  });

  it.each(Object.entries(FEATURES))('has the functionals of %s', async (_, spec) => {
    // A quotient of tiny moments, as a tone has them, keeps few digits.
    await expectSame({ ...OPTIONS, form: 'scalars', length: undefined, channels: [[spec]] }, 1e-3);
  });

  it.each(['start', 'center', 'end'] as const)('cuts and fills at the same places: align %s', async (align) => {
    const channels = [[FEATURES['zcr']!, FEATURES['mfcc']!]];
    await expectSame({ ...OPTIONS, align, pad_value: -1, channels });
    await expectSame({ ...OPTIONS, align, length: { seconds: 0.4 }, channels });
  });

  it.each(['item', 'group', 'band'] as const)('normalizes within each item: %s', async (normalize) => {
    const run = await graphOf({ ...OPTIONS, normalize, channels: [[FEATURES['mfcc']!, FEATURES['rms']!]] });
    const y = SIGNALS['noise']!;
    const options = { ...OPTIONS, normalize, channels: [[FEATURES['mfcc']!, FEATURES['rms']!]] };
    const own = formed(y, { ...FRAMING, sr: SR }, options);
    expect(difference((await run(y)).values, own.values)).toBeLessThan(1e-5);
  });

  it('stacks channels and strings vectors in the same order', async () => {
    const channels = [[FEATURES['contrast']!], [FEATURES['tonnetz']!, FEATURES['rms']!]];
    await expectSame({ ...OPTIONS, form: 'channels', channels });
    await expectSame({ ...OPTIONS, form: 'vector', channel_axis: true, channels: [channels.flat()] });
  });

  it('treats each recording of a batch by itself', async () => {
    const run = await graphOf({ ...OPTIONS, channels: [[FEATURES['chroma']!]] });
    const y = SIGNALS['tone']!;
    const { values } = await run(y, 3);
    const alone = (await run(y)).values;
    for (let k = 0; k < 3; k++) expect(values.subarray(k * alone.length, (k + 1) * alone.length)).toEqual(alone);
  });

  it.each([
    [{ pyin: { fmin: 65, fmax: 2000, functionals: ['mean'] } }, /pyin has no ONNX graph: it searches each frame/],
    [{ egemaps: {} }, /egemaps has no ONNX graph: it follows the periods/],
  ] as [FeatureSpec, RegExp][])('says which feature has no graph, and why: %o', async (spec, reason) => {
    const options: FormOptions = { ...OPTIONS, form: 'scalars', length: undefined, channels: [[spec]] };
    await expect(graphOf(options)).rejects.toThrow(reason);
  });
});
