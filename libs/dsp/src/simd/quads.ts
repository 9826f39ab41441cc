/**
 * Power and mel spectra in single precision, four frames at once; a chunk of frames per round trip.
 *
 * For what sums many bins and looks at the loudest, such as mel bands: a bin 140 dB below the loudest of its frame
 * is lost in the rounding. What looks at single weak bins takes frames.ts, in double precision.
 */
import { padInto } from '../pad.ts';
import { planCache } from '../plans.ts';
import type { Framing } from './frames.ts';
import type { BandBank } from './rows.ts';
import { scratch } from './runtime.ts';

/** Bounds the scratch memory whatever the length of the signal. A multiple of four. */
const CHUNK = 64;

/** Bytes of one complex value of four frames. */
const VALUE = 32;

const SHORTEST = 512;
const LONGEST = 4096;

export interface QuadPlan {
  /** Cosine and sine of three angles per butterfly, pass after pass but the last. */
  readonly twiddles: Float32Array;
  /** Bytes of those of the first pass. */
  readonly firstTwiddles: number;
  readonly last: 'quadRest4' | 'quadRest8';
  /** Byte offsets of bins k and n / 2 - k in turn, for k from 0 to n / 4. */
  readonly order: Int32Array;
  /** Byte offsets of all bins. */
  readonly places: Int32Array;
  readonly roots: Float32Array;
}

/** The plan for real frames of length n, or null if the kernels do not take it. */
export const quadPlan = planCache((n: number): QuadPlan | null => {
  if (n < SHORTEST || n > LONGEST || !Number.isInteger(Math.log2(n))) return null;
  const half = n / 2;
  const leaf = Math.log2(half) % 2 === 0 ? 4 : 8;
  const twiddles: number[] = [];
  for (let length = half; length > leaf; length /= 4) {
    for (let p = 0; p < length / 4; p++) {
      for (let j = 1; j < 4; j++) {
        const angle = (-2 * Math.PI * p * j) / length;
        twiddles.push(Math.cos(angle), Math.sin(angle));
      }
    }
  }
  /** Where a pass after a pass of four leaves bin k. */
  const place = (k: number, length: number): number =>
    length === leaf ? k : (k % 4) * (length / 4) + place(Math.floor(k / 4), length / 4);
  const order: number[] = [];
  const roots: number[] = [];
  for (let k = 0; k <= half / 2; k++) {
    order.push(place(k, half) * VALUE, place((half - k) % half, half) * VALUE);
    roots.push(Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n));
  }
  return {
    twiddles: Float32Array.from(twiddles),
    firstTwiddles: (half / 4) * 24,
    last: `quadRest${leaf}`,
    order: Int32Array.from(order),
    places: Int32Array.from({ length: half }, (_, k) => place(k, half) * VALUE),
    roots: Float32Array.from(roots),
  };
});

/**
 * The power spectrum of every frame, or with `bank` its bands: out[frame, band].
 *
 * @param out frames x bins, or frames x bands
 */
export function quadFrames(plan: QuadPlan, framing: Framing, out: Float32Array, bank?: BandBank): void {
  const { y, padding, pad_mode, window, n_fft, hop_length, rows, cols } = framing;
  const memory = scratch();
  const { kernels } = memory;
  const hop = hop_length * 4;
  const valuesBytes = (n_fft / 2) * VALUE;
  const windowAt = memory.put(new Float32Array(window));
  const twiddlesAt = memory.put(plan.twiddles);
  const orderAt = memory.put(plan.order);
  const rootsAt = memory.put(plan.roots);
  const tableAt = bank ? memory.put(bank.table) : 0;
  const weightsAt = bank ? memory.put(bank.weights) : 0;
  const valuesAt = memory.alloc(valuesBytes);
  const powersAt = memory.alloc(cols * 16);
  const width = bank ? bank.table.length / 2 : cols;
  const chunk = Math.min(CHUNK, Math.ceil(rows / 4) * 4);
  // A last four with fewer frames is transformed with what lies there; what comes of that is not read.
  const samplesLength = (chunk - 1) * hop_length + n_fft;
  const samplesAt = memory.alloc(samplesLength * 4);
  const outAt = memory.alloc(chunk * width * 4);
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const samples = memory.f32(samplesAt, samplesLength);
    const used = (count - 1) * hop_length + n_fft;
    padInto(samples.subarray(0, used), y, first * hop_length - padding, pad_mode);
    samples.fill(0, used);
    for (let row = 0; row < count; row += 4) {
      const at = outAt + row * width * 4;
      kernels.quadFirst(samplesAt + row * hop, hop, windowAt, n_fft, valuesAt, twiddlesAt);
      kernels[plan.last](valuesAt, valuesBytes, valuesBytes / 4, twiddlesAt + plan.firstTwiddles);
      kernels.quadPowers(valuesAt, orderAt, plan.order.byteLength, rootsAt, powersAt, (cols - 1) * 16);
      if (bank) kernels.quadBands(powersAt, tableAt, bank.table.byteLength, weightsAt, at, width * 4);
      else kernels.quadRows(powersAt, cols * 16, at, width * 4);
    }
    out.set(memory.f32(outAt, count * width), first * width);
  }
}
