/**
 * Resampling in the frequency domain: overlap-save, with an inverse transform shorter or longer than the forward
 * one by the ratio of the rates.
 *
 * With L / M in lowest terms, M inputs and L outputs take the same time: a *group*. A block is k groups. Its
 * transform of k * M inputs, weighed by the filter's response and cut or filled with zeros to k * L bins,
 * transforms back to k * L outputs. Those near the ends of the block are wrong, as the filter there reaches around
 * its corner, and are taken from the neighbouring blocks. A filter of 500 taps costs some 50 operations per
 * output this way. What lies in the stop band is dropped altogether; against the time domain that differs by no
 * more than the stop band lets through.
 */
import { Fft, isSmooth } from './fft.ts';
import type { LowPass } from './resample-filter.ts';

/** A block has this many times the groups that the filter spoils at one of its ends. */
const BLOCK_PER_GUARD = 12;
/** Ratios of larger terms would need blocks longer than most clips. */
const LARGEST_TERM = 2048;

/** True if {@link fourierResampler} can run the ratio L / M (in lowest terms). */
export function suitsFourier(L: number, M: number): boolean {
  return [L, M].every((term) => Number.isInteger(term) && term <= LARGEST_TERM && isSmooth(term));
}

/** A function that resamples by L / M to a given length; it keeps its tables between calls. */
export function fourierResampler(
  filter: LowPass,
  L: number,
  M: number,
): (samples: Float32Array, length: number) => Float32Array {
  const guard = Math.ceil(filter.halfWidth / M);
  const groups = 2 ** Math.ceil(Math.log2(BLOCK_PER_GUARD * guard));
  const forward = new Fft(groups * M);
  const inverse = new Fft(groups * L);
  const response = frequencyResponse(filter, forward.length, Math.min(forward.length, inverse.length), L / M);
  const kept = groups - 2 * guard;
  const hopIn = kept * M;
  const hopOut = kept * L;
  const input = new Float64Array(2 * forward.length);
  const output = new Float64Array(2 * inverse.length);

  return (samples, length) => {
    const result = new Float32Array(length);
    // The filter is real, so two blocks go through at once, one as the real and one as the imaginary part.
    for (let out = 0, start = -guard * M; out < length; out += 2 * hopOut, start += 2 * hopIn) {
      load(input, samples, start, 0);
      load(input, samples, start + hopIn, 1);
      forward.transform(input);
      weigh(input, output, response);
      inverse.transform(output);
      store(result, out, output, guard * L, hopOut, 1);
      store(result, out + hopOut, output, guard * L, hopOut, 0);
    }
    return result;
  };
}

/** Part 0 (real) or 1 (imaginary) of `block` := the samples from `start`, zeros where there are none. */
function load(block: Float64Array, samples: Float32Array, start: number, part: 0 | 1): void {
  for (let i = part, s = start; i < block.length; i += 2, s++) {
    block[i] = s >= 0 && s < samples.length ? samples[s]! : 0;
  }
}

/**
 * The bins of `input` up to the response's length, times the response, into the bins of `output`; real and
 * imaginary parts are swapped, which turns the forward transform that follows into an inverse one.
 */
function weigh(input: Float64Array, output: Float64Array, response: Float64Array): void {
  output.fill(0);
  output[0] = input[1]! * response[0]!;
  output[1] = input[0]! * response[0]!;
  for (let k = 1; k < response.length; k++) {
    const weight = response[k]!;
    const a = input.length - 2 * k;
    const b = output.length - 2 * k;
    output[2 * k] = input[2 * k + 1]! * weight;
    output[2 * k + 1] = input[2 * k]! * weight;
    output[b] = input[a + 1]! * weight;
    output[b + 1] = input[a]! * weight;
  }
}

function store(result: Float32Array, at: number, block: Float64Array, first: number, count: number, part: 0 | 1): void {
  const end = Math.min(result.length, at + count);
  for (let i = at, b = 2 * first + part; i < end; i++, b += 2) result[i] = block[b]!;
}

/**
 * The filter's response at bins 0 to below half of `bins`, of `n` bins per sample rate, over `n` for the inverse
 * transform that does not divide. It is 1 (times that) at 0 Hz.
 */
function frequencyResponse(filter: LowPass, n: number, bins: number, ratio: number): Float64Array {
  // The integral over the impulse response, as a sum at twice the rate that the response's bandwidth asks for.
  const step = 0.5 / Math.min(1, ratio);
  const terms = Math.ceil(filter.halfWidth / step);
  const weights = Float64Array.from({ length: terms }, (_, j) => filter.at(j * step));
  const response = Float64Array.from({ length: Math.ceil(bins / 2) }, (_, k) => {
    // cos(j a) by the recurrence of Chebyshev.
    const cosine = Math.cos((2 * Math.PI * k * step) / n);
    let previous = cosine;
    let current = 1;
    let sum = -weights[0]! / 2;
    for (let j = 0; j < terms; j++) {
      sum += weights[j]! * current;
      const next = 2 * cosine * current - previous;
      previous = current;
      current = next;
    }
    return sum;
  });
  const scale = 1 / (response[0]! * n);
  return response.map((value) => value * scale);
}
