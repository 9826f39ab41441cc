/** Agreement with librosa 0.10.2.post1 on every feature, for two sets of parameters and nine signals. */
import { describe, expect, it } from 'vitest';
import {
  amplitudeToDb,
  chromaStft,
  estimateTuning,
  magnitude,
  melspectrogram,
  cepstrum,
  powerSpectrogram,
  powerToDb,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  stft,
  tonnetz,
  zeroCrossingRate,
  type Matrix,
  type MelOptions,
  type StftOptions,
} from './index.ts';
import { expectMatrix, golden, type Tolerance } from './testing/golden.ts';
import { signals, SR, type SignalName } from './testing/signals.ts';

interface Parameters {
  stft: StftOptions & { n_fft: number };
  mel: MelOptions;
  mfcc: { n_mfcc: number; lifter?: number };
  frame: { frame_length: number; hop_length: number };
  contrast: { n_bands?: number; quantile?: number };
}

const sets: Record<string, Parameters> = {
  default: {
    stft: { n_fft: 2048, hop_length: 512 },
    mel: {},
    mfcc: { n_mfcc: 40 },
    frame: { frame_length: 2048, hop_length: 512 },
    contrast: {},
  },
  speech: {
    stft: { n_fft: 400, hop_length: 160, window: 'hamming', pad_mode: 'reflect' },
    mel: { n_mels: 40, htk: true, norm: null, fmin: 50, fmax: 7600 },
    mfcc: { n_mfcc: 13, lifter: 22 },
    frame: { frame_length: 400, hop_length: 160 },
    contrast: { n_bands: 5, quantile: 0.1 },
  },
};

/** Every feature from one shared spectrogram, as a caller with many short segments computes them. */
function features(y: Float32Array, { stft: cut, mel, mfcc, frame, contrast }: Parameters): Record<string, Matrix> {
  const D = stft(y, cut);
  const power = powerSpectrogram(y, cut);
  const S = magnitude(power);
  const sr = SR;
  const bands = melspectrogram({ S: power, sr, ...cut, ...mel });
  const db = powerToDb(bands);
  return {
    stft_re: { ...D, data: D.re },
    stft_im: { ...D, data: D.im },
    mel: bands,
    mel_db: db,
    mel_db_max: powerToDb(bands, { ref: 'max', top_db: null }),
    amplitude_db: amplitudeToDb(S, { ref: 0.5 }),
    mfcc: cepstrum(db, mfcc),
    chroma: chromaStft({ S: power, sr, ...cut }),
    chroma_in_tune: chromaStft({ S: power, sr, tuning: 0, norm: 2, ...cut }),
    contrast: spectralContrast({ S, sr, ...cut, ...contrast }),
    centroid: spectralCentroid({ S, sr, ...cut }),
    bandwidth: spectralBandwidth({ S, sr, ...cut }),
    bandwidth3: spectralBandwidth({ S, sr, p: 3, norm: false, ...cut }),
    rolloff: spectralRolloff({ S, sr, ...cut }),
    flatness: spectralFlatness({ S }),
    zcr: zeroCrossingRate(y, frame),
    rms: rms({ y, ...frame }),
    rms_of_S: rms({ S, frame_length: cut.n_fft }),
    tonnetz: tonnetz(chromaStft({ S: power, sr, tuning: 0, ...cut })),
  };
}

const decibels: Tolerance = { relative: 0, ofMean: 0, absolute: 1e-2 };
// The absolute parts cover what is zero but for rounding: the spectrum of a constant away from bin 0.
const tolerances: Record<string, Tolerance> = {
  stft_re: { absolute: 1e-12 },
  stft_im: { absolute: 1e-12 },
  mel: { absolute: 1e-24 },
  mel_db: decibels,
  mel_db_max: decibels,
  amplitude_db: decibels,
  contrast: decibels,
};

/**
 * The spectrum of a click is flat, so its peaks, and with them its tuning, are accidents of rounding; in the
 * longer frames of the default set they happen to agree.
 */
const withoutPitch = (set: string, name: SignalName) => set === 'speech' && name === 'clicks';

for (const [set, parameters] of Object.entries(sets)) {
  describe(`features with the ${set} parameters agree with librosa`, () => {
    for (const name of Object.keys(signals) as SignalName[]) {
      const { tuning, ...expected } = golden.features[set]![name]!;
      const actual = features(signals[name], parameters);
      for (const [feature, packed] of Object.entries(expected as Record<string, never>)) {
        if (feature === 'chroma' && withoutPitch(set, name)) continue;
        it(`${feature} of ${name}`, () => expectMatrix(actual[feature]!, packed, tolerances[feature]));
      }
      const { stft: cut, mel, mfcc: cepstral } = parameters;
      const bands = melspectrogram({ y: signals[name], sr: SR, precision: 'single', ...cut, ...mel });
      const db = powerToDb(bands);
      const fromSamples = { mel: bands, mel_db: db, mfcc: cepstrum(db, cepstral) };
      for (const [feature, matrix] of Object.entries(fromSamples)) {
        it(`${feature} of ${name}, in single precision`, () => {
          expectMatrix(matrix, expected[feature]!, tolerances[feature]);
        });
      }
      if (withoutPitch(set, name)) continue;
      it(`tuning of ${name}`, () => {
        const { n_fft } = parameters.stft;
        const S = powerSpectrogram(signals[name], parameters.stft);
        expect(estimateTuning({ S, sr: SR, n_fft })).toBeCloseTo(tuning, 6);
      });
    }
  });
}
