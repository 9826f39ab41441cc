/**
 * Fundamental frequency and voicing by probabilistic YIN (Mauch and Dixon, ICASSP 2014).
 *
 * Each frame's troughs are candidates for the period, weighted by how many of the thresholds of a beta
 * distribution they lie below; a hidden Markov model over pitch, voiced and unvoiced, picks the path.
 */
import { RequestError } from '@prosodia/core';
import { betaCdf } from './beta.ts';
import { checkInteger, checkPositive } from './checks.ts';
import { zeros, type Matrix } from './matrix.ts';
import { planCache } from './plans.ts';
import { roundHalfEven } from './round.ts';
import { decodeVoicing } from './viterbi.ts';
import { eachDifference, isTrough, parabolicShift, periodRange, type PeriodOptions } from './yin.ts';

/** Options of {@link pyin}; names and defaults are librosa's. */
export interface PyinOptions extends PeriodOptions {
  /** Thresholds from 1 / n_thresholds to 1. Default 100. */
  n_thresholds?: number;
  /** Shape of the beta distribution of thresholds. Default [2, 18]. */
  beta_parameters?: readonly [number, number];
  /** The larger, the more the shorter periods of a frame are preferred. Default 2. */
  boltzmann_parameter?: number;
  /** Distance of the model's pitches in semitones, between 0 and 1. Default 0.1. */
  resolution?: number;
  /** Octaves per second that pitch may move. Default 35.92. */
  max_transition_rate?: number;
  /** Probability of a change between voiced and unvoiced from one frame to the next. Default 0.01. */
  switch_prob?: number;
  /** Probability given to the deepest trough for the thresholds below it. Default 0.01. */
  no_trough_prob?: number;
  /** f0 of unvoiced frames; null leaves the model's best guess there. Default NaN. */
  fill_na?: number | null;
}

/** What {@link pyin} finds, frame by frame. */
export interface PitchTrack {
  /** Fundamental frequency in Hz, frames x 1. */
  readonly f0: Matrix;
  /** 1 where a frame is voiced and 0 where not, frames x 1. */
  readonly voiced_flag: Matrix;
  /** Probability that a frame is voiced, before decoding, frames x 1. */
  readonly voiced_probs: Matrix;
}

/** Probabilities of the thresholds, summed up: of the first k. */
const thresholdPlan = planCache((count: number, a: number, b: number) =>
  Float64Array.from({ length: count + 1 }, (_, k) => betaCdf(k / count, a, b)),
);

function checkShare(value: number, name: string, where: string): void {
  if (value > 0 && value < 1) return;
  throw new RequestError({
    where,
    problem: `${name} is out of range`,
    expected: 'a number between 0 and 1',
    got: String(value),
  });
}

/**
 * Fundamental frequency, voicing and its probability.
 *
 * @throws as yin; RequestError for a probability or resolution outside (0, 1)
 */
export function pyin(y: Float32Array, options: PyinOptions): PitchTrack {
  const where = 'pyin';
  const { n_thresholds = 100, beta_parameters = [2, 18], boltzmann_parameter = 2, resolution = 0.1 } = options;
  const { max_transition_rate = 35.92, switch_prob = 0.01, no_trough_prob = 0.01, fill_na = NaN } = options;
  checkInteger(n_thresholds, 'n_thresholds', where);
  checkPositive(beta_parameters[0], 'beta_parameters', where);
  checkPositive(beta_parameters[1], 'beta_parameters', where);
  checkPositive(boltzmann_parameter, 'boltzmann_parameter', where);
  checkPositive(max_transition_rate, 'max_transition_rate', where);
  checkShare(resolution, 'resolution', where);
  checkShare(switch_prob, 'switch_prob', where);
  checkShare(no_trough_prob, 'no_trough_prob', where);
  const range = periodRange(y, options, where);
  const { sr, hop, frames, shortest } = range;
  const { fmin, fmax } = options;
  const perSemitone = Math.ceil(1 / resolution);
  const perOctave = 12 * perSemitone;
  const pitches = Math.floor(perOctave * Math.log2(fmax / fmin)) + 1;

  const observed = new Observations(frames, pitches);
  const weigh = troughWeights(
    thresholdPlan(n_thresholds, beta_parameters[0], beta_parameters[1]),
    boltzmann_parameter,
    no_trough_prob,
  );
  eachDifference(y, range, (_frame, difference) => {
    const { places, weights, count } = weigh(difference);
    for (let k = 0; k < count; k++) {
      if (weights[k] === 0) continue;
      const at = places[k]!;
      const f0 = sr / (shortest + at + parabolicShift(difference, at));
      observed.add(Math.max(0, roundHalfEven(perOctave * Math.log2(f0 / fmin))), weights[k]!);
    }
    observed.endFrame();
  });

  const width = roundHalfEven((max_transition_rate * 12 * hop) / sr) * perSemitone + 1;
  const states = decodeVoicing(observed, width, switch_prob);
  const track: PitchTrack = {
    f0: zeros(frames, 1),
    voiced_flag: zeros(frames, 1),
    voiced_probs: { data: Float32Array.from(observed.voiced), rows: frames, cols: 1 },
  };
  for (let frame = 0; frame < frames; frame++) {
    const voiced = states[frame]! < pitches;
    track.voiced_flag.data[frame] = voiced ? 1 : 0;
    const f0 = fmin * 2 ** ((states[frame]! % pitches) / perOctave);
    track.f0.data[frame] = voiced || fill_na === null ? f0 : fill_na;
  }
  return track;
}

/** Share of voiced frames, 0 to 1, from {@link PitchTrack.voiced_flag}. */
export function voicedShare(voiced_flag: Matrix): number {
  return voiced_flag.data.reduce((sum, flag) => sum + flag, 0) / voiced_flag.data.length;
}

/** Finds a frame's troughs and their probabilities; the lists are used again for the next frame. */
function troughWeights(cumulative: Float64Array, boltzmann: number, no_trough_prob: number) {
  const thresholds = cumulative.length - 1;
  const decay = Math.exp(-boltzmann);
  let places = new Int32Array(64);
  let weights = new Float64Array(64);
  /** For each trough the index of the first threshold above it. */
  let first = new Int32Array(64);
  return (difference: Float64Array) => {
    let count = 0;
    let deepest = 0;
    let shallowest = thresholds;
    for (let i = 0; i < difference.length; i++) {
      if (!isTrough(difference, i)) continue;
      if (count === places.length) {
        const twice = 2 * count;
        [places, first] = [grown(places, twice), grown(first, twice)];
        weights = new Float64Array(twice);
      }
      const height = difference[i]!;
      let k = Math.max(0, Math.min(thresholds, Math.floor(height * thresholds)));
      while (k > 0 && height < k / thresholds) k--;
      while (k < thresholds && !(height < (k + 1) / thresholds)) k++;
      places[count] = i;
      first[count] = k;
      weights[count] = 0;
      if (height < difference[places[deepest]!]!) deepest = count;
      shallowest = Math.min(shallowest, k);
      count++;
    }
    if (count === 0) return { places, weights, count };
    // From one trough's threshold to the next one's, the troughs below are the same.
    for (let k = shallowest; k < thresholds;) {
      let next = thresholds;
      let below = 0;
      for (let t = 0; t < count; t++) {
        if (first[t]! <= k) below++;
        else if (first[t]! < next) next = first[t]!;
      }
      const share = (cumulative[next]! - cumulative[k]!) * ((1 - decay) / (1 - Math.exp(-boltzmann * below)));
      let factor = 1;
      for (let t = 0; t < count; t++) {
        if (first[t]! > k) continue;
        weights[t]! += share * factor;
        factor *= decay;
      }
      k = next;
    }
    weights[deepest]! += no_trough_prob * cumulative[first[deepest]!]!;
    return { places, weights, count };
  };
}

function grown(list: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(length);
  out.set(list);
  return out;
}

/** Probabilities of pitches, of which few in a frame are not 0, and of being voiced. */
class Observations {
  readonly pitches: number;
  /** Probability that a frame is voiced, at most 1. */
  readonly voiced: Float64Array;
  /** Where each frame's pitches begin in the lists, and at the end the lists' length. */
  readonly starts: number[] = [0];
  readonly states: number[] = [];
  readonly probabilities: number[] = [];

  constructor(frames: number, pitches: number) {
    this.pitches = pitches;
    this.voiced = new Float64Array(frames);
  }

  /** Of candidates that fall on one pitch, the last counts; one above the highest pitch counts not at all. */
  add(state: number, probability: number): void {
    if (state >= this.pitches) return;
    const from = this.starts[this.starts.length - 1]!;
    const known = this.states.indexOf(state, from);
    if (known >= 0) this.probabilities[known] = probability;
    else {
      this.states.push(state);
      this.probabilities.push(probability);
    }
  }

  endFrame(): void {
    const frame = this.starts.length - 1;
    let sum = 0;
    for (let k = this.starts[frame]!; k < this.states.length; k++) sum += this.probabilities[k]!;
    this.voiced[frame] = Math.min(sum, 1);
    this.starts.push(this.states.length);
  }
}

export type { Observations };
