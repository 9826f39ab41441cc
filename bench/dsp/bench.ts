/**
 * Features and effects against librosa, one thread each, on the same two-second signals; then the features of the
 * recipes on one core and on two (`cores.ts`).
 *
 *     npm run bench -- dsp [--clips 100] [--rounds 3] [--only name,name] [--data FOLDER]
 *
 * Names are those below, and `cores`, which takes the first two seconds of recordings in FOLDER instead, if there is one.
 * Prints one JSON object per line: { name, ours_s, peer, peer_s, ratio }, seconds per clip. Both sides count the
 * processor time of their whole process, garbage collection included, so that other work on the machine
 * disturbs them little; rounds alternate between the two, and the fastest of each counts. Each side also returns
 * the sum of what it computed, and the bench fails when the sums differ: the work is the same.
 *
 * The peer needs librosa; PYTHON names the interpreter (default python3).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resample } from '@prosodia/audio';
import {
  chromaStft,
  delta,
  dismiss,
  functionals,
  magnitude,
  melspectrogram,
  mfcc,
  pitchShift,
  powerSpectrogram,
  powerToDb,
  pyin,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  stft,
  timeStretch,
  tonnetz,
  yin,
  zeroCrossingRate,
  type Matrix,
} from '@prosodia/dsp';
import { measureCores, recordings } from './cores.ts';
import { pythonWith, startPeer } from './peer.ts';

const SR = 16_000;
const LENGTH = 2 * SR;

const { values: args } = parseArgs({
  options: {
    clips: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    data: { type: 'string' },
  },
});
const clips = Number(args.clips);
const rounds = Number(args.rounds);

/** Harmonics over noise, with a pitch and a level of their own; no two clips alike. */
function clip(index: number): Float32Array {
  let state = index + 1;
  const noise = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const pitch = 90 + 3 * index;
  return Float32Array.from({ length: LENGTH }, (_, i) => {
    const t = i / SR;
    const phase = 2 * Math.PI * pitch * t + Math.sin(2 * Math.PI * 4 * t);
    let sum = 0.05 * noise();
    for (let k = 1; k <= 12; k++) sum += Math.sin(k * phase) / k;
    return 0.2 * sum * (0.6 + 0.4 * Math.sin(2 * Math.PI * 1.5 * t));
  });
}

function sum({ data }: Matrix): number {
  let total = 0;
  for (let i = 0; i < data.length; i++) total += data[i]!;
  return total;
}

function energy(y: Float32Array): number {
  let total = 0;
  for (let i = 0; i < y.length; i++) total += y[i]! * y[i]!;
  return total;
}

/** The features of the ensemble recipe, all from one power spectrogram. */
function recipe(y: Float32Array): number {
  const power = powerSpectrogram(y);
  const S = magnitude(power);
  const db = powerToDb(melspectrogram({ S: power, sr: SR }));
  const cepstra = mfcc({ S: db, n_mfcc: 40 });
  const centroid = spectralCentroid({ S, sr: SR });
  const parts = [
    cepstra,
    delta(cepstra),
    delta(cepstra, { order: 2 }),
    db,
    chromaStft({ S: power, sr: SR }),
    spectralContrast({ S: power, power: 2, sr: SR }),
    centroid,
    spectralBandwidth({ S, sr: SR, centroid }),
    spectralRolloff({ S, sr: SR }),
    spectralFlatness({ S }),
    zeroCrossingRate(y),
    rms({ y }),
  ];
  dismiss(power);
  return parts.reduce((total, part) => total + sum(functionals(part, ['mean', 'std', 'min', 'max'])), 0);
}

/** Mel in decibels, and MFCC with chroma and contrast: the two channels of the cnn2d recipe. */
function channels(y: Float32Array): number {
  const power = powerSpectrogram(y);
  const parts = [
    powerToDb(melspectrogram({ S: power, sr: SR, n_mels: 32 }), { ref: 'max' }),
    mfcc({ S: powerToDb(melspectrogram({ S: power, sr: SR })), n_mfcc: 13 }),
    chromaStft({ S: power, sr: SR }),
    spectralContrast({ S: power, power: 2, sr: SR }),
  ];
  dismiss(power);
  return parts.reduce((total, part) => total + sum(part), 0);
}

/** Thirteen functionals of MFCC and of mel in decibels: what the dense network of the architectures recipe sees. */
function thirteen(y: Float32Array): number {
  const db = powerToDb(melspectrogram({ y, sr: SR, precision: 'single' }));
  return [mfcc({ S: db, n_mfcc: 40 }), db].reduce((total, part) => total + sum(functionals(part)), 0);
}

const PITCH = { sr: SR, fmin: 65.4, fmax: 600 };

const ours: Record<string, (y: Float32Array) => number> = {
  recipe,
  recipe_shared: recipe,
  channels,
  channels_shared: channels,
  handcrafted: (y) => sum(zeroCrossingRate(y)) + sum(rms({ y })) + sum(mfcc({ y, sr: SR, n_mfcc: 20 })),
  mel_db: (y) => sum(powerToDb(melspectrogram({ y, sr: SR, precision: 'single' }))),
  thirteen,
  stft: (y) => {
    const D = stft(y, { hop_length: 512 });
    return sum({ ...D, data: D.re });
  },
  melspectrogram: (y) => sum(melspectrogram({ y, sr: SR })),
  mfcc: (y) => sum(mfcc({ y, sr: SR, n_mfcc: 40 })),
  chroma_stft: (y) => sum(chromaStft({ y, sr: SR })),
  spectral_contrast: (y) => sum(spectralContrast({ y, sr: SR })),
  delta: (y) => sum(delta(mfcc({ y, sr: SR }))),
  tonnetz: (y) => sum(tonnetz(chromaStft({ y, sr: SR, tuning: 0 }))),
  spectral_centroid: (y) => sum(spectralCentroid({ y, sr: SR })),
  spectral_bandwidth: (y) => sum(spectralBandwidth({ y, sr: SR })),
  spectral_rolloff: (y) => sum(spectralRolloff({ y, sr: SR })),
  spectral_flatness: (y) => sum(spectralFlatness({ y })),
  zero_crossing_rate: (y) => sum(zeroCrossingRate(y)),
  rms: (y) => sum(rms({ y })),
  yin: (y) => sum(yin(y, PITCH)),
  pyin: (y) => sum(pyin(y, { ...PITCH, fill_na: 0 }).f0),
  pitch_shift: (y) => energy(pitchShift(y, { sr: SR, n_steps: 2, resample })),
  time_stretch: (y) => energy(timeStretch(y, { rate: 1.1 })),
};

const names: Record<string, string> = {
  recipe: 'features of ensemble, librosa transforms once per feature',
  recipe_shared: 'features of ensemble, librosa given one shared transform',
  channels: 'features of cnn2d, librosa transforms once per feature',
  channels_shared: 'features of cnn2d, librosa given one shared transform',
  handcrafted: 'features of handcrafted-cnn',
  mfcc: 'mfcc, 40 of them: features of cnn-lstm, and of architectures',
  mel_db: 'mel in decibels: features of architectures',
  thirteen: 'thirteen functionals of 40 mfcc and 128 mel: features of architectures',
};

/** What takes librosa so long that a few clips are enough. */
const slow = new Set(['pyin']);
const chosen = args.only?.split(',') ?? [...Object.keys(ours), 'cores'];

const python = pythonWith('librosa, joblib');

const signals = Array.from({ length: clips }, (_, index) => clip(index));
const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  const peer = startPeer(python, written('signals', signals), LENGTH, SR);
  for (const [key, run] of Object.entries(ours)) {
    if (!chosen.includes(key)) continue;
    const some = slow.has(key) ? signals.slice(0, Math.ceil(clips / 20)) : signals;
    let total = 0;
    const once = () => {
      const start = process.cpuUsage();
      total = some.reduce((all, y) => all + run(y), 0);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6 / some.length;
    };
    once();
    await peer.ask(`${key} ${some.length}`);
    let ours_s = Infinity;
    let peer_s = Infinity;
    let answer = { seconds: 0, sum: 0, peer: '' };
    for (let round = 0; round < rounds; round++) {
      ours_s = Math.min(ours_s, once());
      answer = await peer.ask(`${key} ${some.length}`);
      peer_s = Math.min(peer_s, answer.seconds);
    }
    if (!(Math.abs(total - answer.sum) <= 1e-3 * Math.abs(answer.sum) + 1e-3)) {
      throw new Error(`${key}: the sums differ, ours ${total}, the peer's ${answer.sum}`);
    }
    const ratio = peer_s / ours_s;
    console.log(JSON.stringify({ name: names[key] ?? key, ours_s, peer: answer.peer, peer_s, ratio }));
  }
  peer.end();
  if (chosen.includes('cores')) {
    const heard = args.data === undefined ? signals : await recordings(args.data, clips, LENGTH, SR);
    const other = startPeer(python, written('heard', heard), LENGTH, SR);
    await measureCores(heard, SR, other);
    other.end();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The path of a file of samples, one clip after another. */
function written(name: string, samples: readonly Float32Array[]): string {
  const file = join(folder, name);
  writeFileSync(file, Buffer.concat(samples.map((y) => new Uint8Array(y.buffer))));
  return file;
}
