/**
 * The phase vocoder in single precision, from samples to samples: frames are transformed four at once, taken over by the
 * vocoder and transformed back while they lie in the caches. No spectrogram is kept.
 */
import { overlapDivisors } from '../overlap.ts';
import { layFrames, type Framing } from './frames.ts';
import type { QuadPlan } from './quads.ts';
import { scratch } from './runtime.ts';

/** Frames of the signal at hand: a frame and the next lie in at most two fours. */
const RING = 8;

/**
 * The signal `rate` times as fast.
 *
 * @param framing its hop_length at most half of the window, as sums of windows near 0 would magnify the rounding
 * @param out filled; begins `framing.padding` samples after the first frame does
 */
export function stretchFrames(plan: QuadPlan, framing: Framing, rate: number, out: Float32Array): Float32Array {
  const { padding, window, n_fft, hop_length: hop, rows, cols } = framing;
  const frames = Math.min(Math.ceil(rows / rate), Math.max(1, Math.ceil((out.length + 2 * padding) / hop)));
  const total = n_fft + hop * (frames - 1);
  const divisors = overlapDivisors(window, hop, frames);

  const memory = scratch();
  const { kernels } = memory;
  const begin = kernels[`quadFirst${plan.length}`];
  const rest = kernels[`quadRest${plan.leaf}`];
  const valuesBytes = n_fft * 16;
  const rowBytes = Math.ceil(cols / 4) * 16;
  const columnsBytes = 4 * rowBytes;
  const lastBin = (cols - 1) * 16;
  const windowAt = memory.put(new Float32Array(window));
  const inverseAt = memory.put(new Float32Array(window.map((w) => w / n_fft)));
  const twiddlesAt = memory.put(plan.twiddles);
  const orderAt = memory.put(plan.order);
  const placesAt = memory.put(plan.places);
  const rootsAt = memory.put(plan.roots);
  const valuesAt = memory.alloc(valuesBytes);
  const samplesLength = 3 * hop + n_fft;
  const samplesAt = memory.alloc(4 * samplesLength);
  const polarAt = memory.alloc(3 * columnsBytes);
  const ringAt = memory.alloc(RING * 3 * rowBytes);
  const silenceAt = memory.alloc(3 * rowBytes);
  const phasesAt = memory.alloc(2 * rowBytes);
  const outAt = [memory.alloc(4 * rowBytes), memory.alloc(4 * rowBytes)] as const;
  const columnsAt = [memory.alloc(columnsBytes), memory.alloc(columnsBytes)] as const;
  const sumsAt = memory.alloc(4 * samplesLength);
  const divisorsAt = memory.alloc(4 * samplesLength);
  // Views are made once: no allocation follows that could move the memory.
  const floats = (at: number, bytes: number) => memory.f32(at, bytes / 4);
  const samples = memory.f32(samplesAt, samplesLength);
  const sums = memory.f32(sumsAt, samplesLength).fill(0);
  const dividing = memory.f32(divisorsAt, samplesLength);
  const results = outAt.map((at) => floats(at, 4 * rowBytes));
  floats(polarAt, 3 * columnsBytes).fill(0);
  floats(silenceAt, 3 * rowBytes)
    .fill(0)
    .fill(1, rowBytes / 4, rowBytes / 2);

  /** Frames 4 four to 4 four + 3 of the signal as magnitudes and unit complex numbers, three rows each. */
  const transform = (four: number) => {
    const first = 4 * four;
    layFrames(samples, framing, first, Math.min(4, rows - first));
    begin(samplesAt, 4 * hop, windowAt, valuesAt, twiddlesAt);
    rest(valuesAt, valuesBytes, valuesBytes / 4, twiddlesAt + plan.firstTwiddles * 4);
    kernels.quadPolar(valuesAt, orderAt, plan.order.byteLength, rootsAt, polarAt, lastBin, columnsBytes);
    const to = ringAt + (first % RING) * 3 * rowBytes;
    for (let plane = 0; plane < 3; plane++) {
      kernels.quadTranspose(polarAt + plane * columnsBytes, columnsBytes, to + plane * rowBytes, 3 * rowBytes);
    }
  };
  // A frame past the last is silence.
  const rowAt = (frame: number) => (frame < rows ? ringAt + (frame % RING) * 3 * rowBytes : silenceAt);

  /** Adds four frames of the result to the sums, from frame `first` on, and hands out what is complete. */
  const overlap = (first: number) => {
    kernels.columns(outAt[0], 4 * cols, rowBytes, columnsAt[0]);
    kernels.columns(outAt[1], 4 * cols, rowBytes, columnsAt[1]);
    kernels.quadTangle(columnsAt[0], columnsAt[1], lastBin, valuesAt, rootsAt);
    rest(valuesAt, valuesBytes, valuesBytes, twiddlesAt);
    kernels.quadOverlap(valuesAt, placesAt, plan.places.byteLength, inverseAt, sumsAt, 4 * hop);
    const start = first * hop;
    const complete = first + 4 < frames ? 4 * hop : total - start;
    // In between they repeat, and stay as they are.
    const repeating = start >= divisors.repeatsFrom + 4 * hop && start + complete <= divisors.repeatsUntil;
    if (!repeating) divisors.fill(dividing.subarray(0, complete), start);
    kernels.divide(sumsAt, 4 * complete, divisorsAt);
    const from = Math.max(0, padding - start);
    const to = Math.min(complete, out.length + padding - start);
    if (to > from) out.set(sums.subarray(from, to), start + from - padding);
    sums.copyWithin(0, 4 * hop);
    sums.fill(0, samplesLength - 4 * hop);
  };

  let made = 0;
  for (let frame = 0; frame < frames; frame++) {
    const time = frame * rate;
    const here = Math.floor(time);
    made = Math.max(made, Math.floor(here / 4));
    while (made <= Math.floor(Math.min(here + 1, rows - 1) / 4)) transform(made++);
    if (frame === 0) floats(phasesAt, 2 * rowBytes).set(floats(rowAt(0) + rowBytes, 2 * rowBytes));
    const place = (frame % 4) * rowBytes;
    const [re, im] = [outAt[0] + place, outAt[1] + place];
    kernels.turnSingle(rowAt(here), rowAt(here + 1), phasesAt, rowBytes, time % 1, re, im);
    if (frame % 4 === 3) overlap(frame - 3);
  }
  const left = frames % 4;
  if (left > 0) {
    for (const result of results) result.fill(0, (left * rowBytes) / 4);
    overlap(frames - left);
  }
  return out;
}
