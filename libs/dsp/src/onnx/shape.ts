/** Shape of the spectrum and of the waveform, frame by frame, as part of an ONNX graph: `[items, frames, 1]` each. */
import type { GraphTensor } from '@prosodia/core';
import {
  add,
  apply,
  cast,
  concat,
  constant,
  counting,
  div,
  exp,
  gather,
  greater,
  integers,
  less,
  log,
  matMul,
  maximum,
  mul,
  reduce,
  runningSum,
  size,
  slice,
  sorted,
  sqrt,
  square,
  sub,
  unsqueeze,
  where,
} from '@prosodia/onnx';
import { contrastBands } from '../contrast.ts';
import { fftFrequencies } from '../source.ts';
import { powerToDb } from './spectrum.ts';

/** Sum over the bins, and the sum weighted by frequency. */
function centre(wide: GraphTensor, sr: number, n_fft: number) {
  const freq = fftFrequencies(sr, n_fft);
  const total = reduce('Sum', wide, [2]);
  const weighted = matMul(wide, constant('float64', [freq.length, 1], freq));
  const centroid = cast(share(weighted, total, 0), 'float32');
  return { freq, total, centroid };
}

/** Quotient, and something else where there is nothing to divide by. */
function share(part: GraphTensor, whole: GraphTensor, otherwise: GraphTensor | number): GraphTensor {
  const any = greater(whole, 0);
  return where(any, div(part, where(any, whole, 1)), otherwise);
}

/** @param S magnitudes `[items, frames, bins]`, as for all of the spectrum */
export function spectralCentroid(S: GraphTensor, sr: number, n_fft: number): GraphTensor {
  return centre(cast(S, 'float64'), sr, n_fft).centroid;
}

export function spectralBandwidth(S: GraphTensor, sr: number, n_fft: number): GraphTensor {
  const wide = cast(S, 'float64');
  const { freq, total, centroid } = centre(wide, sr, n_fft);
  const away = square(sub(cast(centroid, 'float64'), constant('float64', [1, 1, freq.length], freq)));
  const spread = reduce('Sum', mul(wide, away), [2]);
  return cast(sqrt(share(spread, total, spread)), 'float32');
}

export function spectralRolloff(S: GraphTensor, sr: number, n_fft: number, roll_percent = 0.85): GraphTensor {
  const bins = Math.floor(n_fft / 2) + 1;
  const sums = runningSum(S, 2);
  const threshold = mul(slice(sums, bins - 1, bins, 2), roll_percent);
  const below = reduce('Sum', cast(less(sums, threshold), 'float64'), [2]);
  return cast(mul(below, sr / n_fft), 'float32');
}

export function spectralFlatness(S: GraphTensor, amin = 1e-10): GraphTensor {
  const energies = maximum(square(cast(S, 'float64')), amin);
  return cast(div(exp(reduce('Mean', log(energies), [2])), reduce('Mean', energies, [2])), 'float32');
}

/** Spectral contrast in decibels, `[items, frames, 7]`. */
export function spectralContrast(S: GraphTensor, sr: number, n_fft: number): GraphTensor {
  const extremes = (largest: boolean) => {
    const bands = contrastBands(sr, n_fft).map(({ from, to, count }) => {
      const chosen = sorted(slice(S, from, to, 2), integers([count]), 2, largest);
      return cast(reduce('Mean', cast(chosen, 'float64'), [2]), 'float32');
    });
    return powerToDb(concat(bands, 2));
  };
  return sub(extremes(true), extremes(false));
}

/** Frame t is centred on sample t * hop_length, with half a frame of padding on both sides. */
interface Frames {
  readonly frame_length: number;
  readonly hop_length: number;
}

/** Root mean square of each frame. */
export function rms(y: GraphTensor, { frame_length, hop_length }: Frames): GraphTensor {
  const padded = padEnds(cast(y, 'float64'), frame_length, 'constant');
  const energies = windowSums(square(padded), size(y, 1), { frame_length, hop_length }, 0);
  // Differences of sums may fall below zero by rounding.
  return cast(sqrt(div(maximum(energies, 0), frame_length)), 'float32');
}

/** Share of a frame's samples whose sign differs from the sample before. */
export function zeroCrossingRate(y: GraphTensor, { frame_length, hop_length }: Frames, threshold = 1e-10): GraphTensor {
  const negative = cast(less(padEnds(y, frame_length, 'edge'), -threshold), 'float64');
  const before = apply('Pad', [negative, integers([0, 1, 0, -1])]);
  const crossings = square(sub(negative, before));
  const counts = windowSums(crossings, size(y, 1), { frame_length, hop_length }, 1);
  return cast(div(counts, frame_length), 'float32');
}

function padEnds(y: GraphTensor, frame_length: number, mode: 'constant' | 'edge'): GraphTensor {
  const padding = Math.floor(frame_length / 2);
  return apply('Pad', [y, integers([0, padding, 0, padding])], { mode: { string: mode } });
}

/** Sums over frames of `[items, samples]`, without the first `skipped` samples of each, `[items, frames, 1]`. */
function windowSums(
  x: GraphTensor,
  length: GraphTensor,
  { frame_length, hop_length }: Frames,
  skipped: number,
): GraphTensor {
  const surplus = add(length, 2 * Math.floor(frame_length / 2) - frame_length);
  const starts = mul(counting(add(div(surplus, hop_length), 1)), hop_length);
  // Sums of all samples before each place, which differ by those between.
  const before = apply('Pad', [runningSum(x, 1), integers([0, 1, 0, 0])]);
  const sums = sub(gather(before, add(starts, frame_length), 1), gather(before, add(starts, skipped), 1));
  return unsqueeze(sums, [2]);
}
