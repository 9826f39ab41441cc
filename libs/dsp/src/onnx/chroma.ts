/**
 * Chroma and tonal centroids as part of an ONNX graph.
 *
 * The tuning of each item is estimated in the graph, with the roundings to float32 of the function, because the answer
 * is a bin of a histogram and peaks on the border of two bins must fall on the same side.
 */
import type { GraphTensor } from '@prosodia/core';
import {
  abs,
  add,
  and,
  apply,
  atLeast,
  cast,
  concat,
  constant,
  div,
  exp,
  floor,
  gather,
  gatherAlong,
  greater,
  integers,
  less,
  listed,
  log,
  matMul,
  maximum,
  mul,
  placeOfMaximum,
  reduce,
  reshape,
  scalar,
  size,
  slice,
  sorted,
  sqrt,
  square,
  sub,
  where,
} from '@prosodia/onnx';
import { transpose } from '../matrix.ts';
import { roundHalfEven } from '../round.ts';
import { bankMatrix } from '../simd/rows.ts';
import { tonnetzBasis } from '../tonnetz.ts';
import { peakRange } from '../tuning.ts';
import { project } from './spectrum.ts';

/** Pitch classes. */
const CLASSES = 12;
/** Bins of the histogram of deviations. */
const BINS = 100;
/** Where the filters are strongest, and how far that reaches, in octaves. */
const CENTRE = 5;
const WIDTH = 2;
/** Norms below this one are left out of a division. */
const TINY = 2 ** -126;

/**
 * Chromagram `[items, frames, 12]`, each frame divided by its maximum.
 * @param S power spectrogram `[items, frames, bins]`
 */
export function chromaStft(S: GraphTensor, sr: number, n_fft: number): GraphTensor {
  const bank = chromaBank(estimateTuning(S, sr, n_fft), sr, n_fft);
  const energies = cast(matMul(cast(S, 'float64'), cast(bank, 'float64')), 'float32');
  return normalized(energies, reduce('Max', energies, [2]));
}

/** Tonal centroids `[items, frames, 6]` of a chromagram. */
export function tonnetz(chroma: GraphTensor): GraphTensor {
  const { data, cols: filters } = transpose(bankMatrix(tonnetzBasis(CLASSES)));
  return project(normalized(chroma, reduce('Sum', abs(chroma), [2])), CLASSES, filters, data);
}

function normalized(x: GraphTensor, norm: GraphTensor): GraphTensor {
  return div(x, where(less(norm, TINY), 1, norm));
}

/**
 * A filter bank for each item, float32 `[items, bins, 12]`.
 * @param tuning float64 `[items, 1]`, as a share of a class
 */
function chromaBank(tuning: GraphTensor, sr: number, n_fft: number): GraphTensor {
  const bins = Math.floor(n_fft / 2) + 1;
  const a0 = 440 / 16;
  const classOf = (bin: number) => CLASSES * Math.log2((bin * sr) / n_fft / a0);
  // As in the bank of the function, the first bin is put an octave and a half below the next.
  const untuned = Array.from({ length: bins }, (_, bin) => (bin === 0 ? classOf(1) - 1.5 * CLASSES : classOf(bin)));
  const widths = untuned.map((own, bin) => Math.max(1, classOf(bin + 1) - own));
  const position = sub(constant('float64', [1, bins, 1], untuned), reshape(tuning, [-1, 1, 1]));
  const half = roundHalfEven(CLASSES / 2);
  const shift = 3 * Math.floor(CLASSES / 12);
  const classes = Array.from({ length: CLASSES }, (_, c) => ((c + shift) % CLASSES) - half);
  const raw = sub(position, constant('float64', [1, 1, CLASSES], classes));
  const distance = sub(sub(raw, mul(floor(div(raw, CLASSES)), CLASSES)), half);
  const bumps = exp(mul(square(div(mul(distance, 2), constant('float64', [1, bins, 1], widths))), -0.5));
  const length = sqrt(reduce('Sum', square(bumps), [2]));
  const octaves = exp(mul(square(div(sub(div(position, CLASSES), CENTRE), WIDTH)), -0.5));
  return cast(mul(bumps, div(octaves, length)), 'float32');
}

/** The most frequent deviation of the spectral peaks from the scale, float64 `[items, 1]`; 0 without peaks. */
function estimateTuning(S: GraphTensor, sr: number, n_fft: number): GraphTensor {
  const { pitches, heights, found } = spectralPeaks(S, sr, n_fft);
  const high = and(found, atLeast(heights, medianOf(heights, found)));
  const sounding = and(high, greater(pitches, 0));
  const octaves = cast(mul(log(cast(div(where(sounding, pitches, 27.5), 27.5), 'float64')), 1 / Math.LN2), 'float32');
  const residual = apply('Mod', [mul(octaves, CLASSES), scalar('float32', 1)], { fmod: { integer: 1 } });
  const positive = where(less(residual, 0), add(residual, 1), residual);
  const deviation = cast(where(atLeast(positive, 0.5), sub(positive, 1), positive), 'float64');
  const counts = histogram(deviation, sounding);
  const any = greater(reduce('Max', counts, [1]), 0);
  return where(any, gather(constant('float64', [EDGES.length], EDGES), placeOfMaximum(counts, 1), 0), 0);
}

const EDGES = Array.from({ length: BINS + 1 }, (_, k) => (k === BINS ? 0.5 : -0.5 + k / BINS));

/** Peaks of every frame, refined by parabolas: float32 and bool `[items, frames * bins]`. */
function spectralPeaks(S: GraphTensor, sr: number, n_fft: number) {
  const { from, to } = peakRange(sr, n_fft);
  const here = slice(S, from, to, 2);
  const before = slice(S, from - 1, to - 1, 2);
  const after = slice(S, from + 1, to + 1, 2);
  const least = mul(reduce('Max', S, [2]), 0.1);
  const found = and(greater(here, least), and(greater(here, before), atLeast(here, after)));
  const wide = (x: GraphTensor) => cast(x, 'float64');
  const a = sub(wide(add(after, before)), mul(wide(here), 2));
  const slope = mul(sub(after, before), 0.5);
  const b = wide(slope);
  const flat = atLeast(abs(b), abs(a));
  const shift = cast(where(flat, 0, div(mul(b, -1), where(flat, 1, a))), 'float32');
  const bins = constant(
    'float64',
    [1, 1, to - from],
    Array.from({ length: to - from }, (_, k) => from + k),
  );
  const pitches = cast(div(mul(add(bins, wide(shift)), sr), n_fft), 'float32');
  const heights = add(here, mul(mul(slope, 0.5), shift));
  const flattened = (x: GraphTensor) => reshape(x, concat([integers([-1]), listed(mul(size(S, 1), to - from))], 0));
  return { pitches: flattened(pitches), heights: flattened(heights), found: flattened(found) };
}

/** Median of the marked values of each item, `[items, 1]`; infinite if none is. */
function medianOf(values: GraphTensor, marked: GraphTensor): GraphTensor {
  const ascending = sorted(where(marked, values, Infinity), listed(size(values, 1)), 1, false);
  const count = reduce('Sum', cast(marked, 'int64'), [1]);
  const upper = div(count, 2);
  const lower = maximum(div(sub(count, 1), 2), 0);
  return mul(add(gatherAlong(ascending, lower, 1), gatherAlong(ascending, upper, 1)), 0.5);
}

/** How many marked deviations lie in each bin, float32 `[items, 100]`. */
function histogram(deviation: GraphTensor, marked: GraphTensor): GraphTensor {
  const edges = constant('float64', [EDGES.length], EDGES);
  const guess = apply('Min', [maximum(cast(floor(mul(add(deviation, 0.5), BINS)), 'int64'), 0), integers(BINS - 1)]);
  const down = cast(less(deviation, gather(edges, guess, 0)), 'int64');
  const up = cast(and(atLeast(deviation, gather(edges, add(guess, 1), 0)), less(guess, BINS - 1)), 'int64');
  const bin = maximum(add(sub(guess, down), up), 0);
  const items = listed(size(deviation, 0));
  const empty = apply('Expand', [constant('float32', [1, 1], [0]), concat([items, integers([BINS])], 0)]);
  const attributes = { axis: { integer: 1 }, reduction: { string: 'add' } };
  return apply('ScatterElements', [empty, bin, cast(marked, 'float32')], attributes);
}
