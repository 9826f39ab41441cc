/**
 * Power and mel spectra in single precision, four frames at once; a chunk of frames per round trip.
 *
 * For what sums many bins and looks at the loudest, such as mel bands: a bin 140 dB below the loudest of its frame
 * is lost in the rounding. What looks at single weak bins takes frames.ts, in double precision.
 */
import { planCache } from '../plans.ts';
import { layFrames, type Framing } from './frames.ts';
import { VALUE } from './in-place.ts';
import { inPlacePlan, type InPlacePlan } from './in-place-plan.ts';
import { columnsBytes } from './resident.ts';
import type { BandBank } from './rows.ts';
import { scratch } from './runtime.ts';

/** Bounds the scratch memory whatever the length of the signal. A multiple of four. */
const CHUNK = 64;

export interface QuadPlan extends Omit<InPlacePlan, 'twiddles' | 'roots' | 'tileRoots'> {
  readonly twiddles: Float32Array;
  readonly roots: Float32Array;
  readonly tileRoots: Float32Array;
}

/** The plan for real frames of length n, or null if the kernels do not take it. */
export const quadPlan = planCache((n: number): QuadPlan | null => {
  const plan = inPlacePlan(n);
  if (!plan) return null;
  const single = (values: Float64Array) => Float32Array.from(values);
  const { twiddles, roots, tileRoots } = plan;
  return { ...plan, twiddles: single(twiddles), roots: single(roots), tileRoots: single(tileRoots) };
});

/**
 * The power spectrum of every frame, or with `bank` its bands: out[frame, band].
 *
 * @param out frames x bins, or frames x bands
 */
export function quadFrames(plan: QuadPlan, framing: Framing, out: Float32Array, bank?: BandBank): void {
  const { window, n_fft, hop_length, rows, cols } = framing;
  const memory = scratch();
  const { kernels } = memory;
  const begin = kernels[`quadFirst${plan.length}`];
  const rest = kernels[`quadRest${plan.leaf}`];
  const hop = hop_length * 4;
  const valuesBytes = (n_fft / 2) * VALUE;
  const windowAt = memory.put(new Float32Array(window));
  const twiddlesAt = memory.put(plan.twiddles);
  const orderAt = memory.put(plan.tiles);
  const rootsAt = memory.put(plan.tileRoots);
  const tableAt = bank ? memory.put(bank.table) : 0;
  const weightsAt = bank ? memory.put(bank.weights) : 0;
  const valuesAt = memory.alloc(valuesBytes);
  const powersAt = memory.alloc(cols * 16);
  const width = bank ? bank.bands : cols;
  const chunk = Math.min(CHUNK, Math.ceil(rows / 4) * 4);
  // A last four with fewer frames is transformed with what lies there; what comes of that is not read.
  const samplesLength = (chunk - 1) * hop_length + n_fft;
  const samplesAt = memory.alloc(samplesLength * 4);
  const resultsAt = memory.alloc(columnsBytes(chunk, width));
  const outAt = memory.alloc(columnsBytes(chunk, width));
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    layFrames(memory.f32(samplesAt, samplesLength), framing, first, count);
    for (let row = 0; row < count; row += 4) {
      const at = resultsAt + columnsBytes(row, width);
      begin(samplesAt + row * hop, hop, windowAt, valuesAt, twiddlesAt);
      rest(valuesAt, valuesBytes, valuesBytes / 4, twiddlesAt + plan.firstTwiddles * 4);
      kernels.quadPowers(valuesAt, orderAt, plan.tiles.byteLength, rootsAt, bank ? powersAt : at, (cols - 1) * 16);
      if (bank) kernels.quadBands(powersAt, tableAt, bank.table.byteLength, weightsAt, at);
    }
    kernels.rowsOfColumns(resultsAt, columnsBytes(count, width), width * 16, outAt);
    out.set(memory.f32(outAt, count * width), first * width);
  }
}
