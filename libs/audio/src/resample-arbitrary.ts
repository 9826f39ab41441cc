/**
 * Resampling by any ratio, whole or not: a steep filter in the frequency domain, where steepness is cheap, that leaves
 * the signal at twice the rate it asks for, then interpolation by a short filter.
 *
 * At twice the rate the upper half of the band is empty, so the second filter may fall slowly and has {@link TAPS}
 * coefficients where a direct one would have hundreds. They are tabulated at {@link PHASES} fractions of a sample and
 * interpolated linearly in between; the error of that, some -125 dB, lies below the stop band.
 *
 * As in resample-fourier.ts eight blocks go through at once. Each begins where its first output lies, which is between
 * two samples: it is cut out at a whole sample, and its spectrum is turned by the rest. So the outputs of all eight lie at
 * the same times within their blocks, and one filter serves eight.
 */
import { binGains, BLOCK_PER_GUARD, BLOCKS, ELEMENT, stage, workPlaces } from './resample-blocks.ts';
import { lowPass, type LowPass } from './resample-filter.ts';
import { PHASES, TAPS } from './simd/interpolation-kernels.ts';
import { LaneFft } from './simd/lane-fft.ts';
import { memory, type Memory } from './simd/runtime.ts';

/** Bins of which each has a turn in the table; that of the first of them is common. */
const RUN = 32;
/** Numbers of one entry of a table of turns. */
const TURN = 16;

/** Where things lie in the kernels' memory. */
interface Places {
  input: number;
  work: readonly [number, number];
  read: number;
  output: number;
  weights: number;
  turns: number;
  common: number;
  table: number;
  forward: readonly number[];
  inverse: readonly number[];
}

/**
 * A function that resamples to a given length, output i being the signal at time `i * step` in input samples.
 *
 * @param filter the low-pass for the ratio 1 / step
 */
export function arbitraryResampler(
  filter: LowPass,
  step: number,
): (samples: Float32Array, length: number) => Float32Array {
  const slower = Math.max(1, step);
  // Samples per input sample that the short filter is given, a power of two: at least 2 / slower.
  const rate = 2 ** (1 - Math.floor(Math.log2(slower)));
  const whole = Math.max(1, 1 / rate);
  const guard = Math.ceil((filter.halfWidth + (TAPS / 2 + 1) / rate + 1) / whole) * whole;
  const inputs = 2 ** Math.ceil(Math.log2(BLOCK_PER_GUARD * guard));
  const outputs = inputs * rate;
  const kept = Math.floor((inputs - 2 * guard) / step);
  const bins = Math.ceil(inputs / 2 / slower);
  // Bins above 0 are the sum of two, of which each counts half.
  const weights = new Float32Array(binGains(filter, inputs, bins).map((gain, k) => (k === 0 ? gain : gain / 2)));
  const forward = LaneFft.of(inputs);
  const inverse = LaneFft.of(outputs);
  // Not a page apart, so that the eight rows do not compete for the same lines of the cache.
  const pitch = inputs + 16;
  const room = 4 * Math.ceil(kept / 4) + 4;
  const turns = new Float32Array(RUN * TURN);
  const common = new Float32Array(Math.ceil(bins / RUN) * TURN);
  const identity = {};

  const lay = (own: Memory): Places => {
    own.reset(identity);
    return {
      input: own.alloc(BLOCKS * pitch * 4),
      work: workPlaces(own, Math.max(inputs, outputs) * ELEMENT),
      read: own.alloc(room * ELEMENT),
      output: own.alloc(BLOCKS * room * 4),
      weights: own.put(weights),
      turns: own.alloc(turns.byteLength),
      common: own.alloc(common.byteLength),
      table: own.put(phaseTable()),
      forward: forward.put(own),
      inverse: inverse.put(own),
    };
  };
  let places: Places | undefined;

  /** The spectra at `from`, filtered and turned, at `to`. */
  const turn = (own: Memory, at: Places, from: number, to: number) => {
    const [first, constant] = [own.f32(from, 8), own.f32(to, 8)];
    for (let lane = 0; lane < 8; lane++) constant[lane] = first[(lane + 4) % 8]! * weights[0]!;
    own.f32(to + bins * ELEMENT, ((outputs - 2 * bins + 1) * ELEMENT) / 4).fill(0);
    for (let run = 0; run * RUN < bins; run++) {
      const k = Math.max(1, run * RUN);
      const end = from + Math.min(bins, (run + 1) * RUN) * ELEMENT;
      const [below, toBelow] = [from + (inputs - k) * ELEMENT, to + (outputs - k) * ELEMENT];
      const [angle, shared] = [at.turns + 4 * TURN * (k - run * RUN), at.common + 4 * TURN * run];
      own.kernels.turn(from + k * ELEMENT, below, end, to + k * ELEMENT, toBelow, at.weights + 4 * k, angle, shared);
    }
  };

  return (samples, length) => {
    const own = memory();
    if (own.owner !== identity || !places) places = lay(own);
    const { work, read, output } = places;
    const { kernels } = own;
    const result = new Float32Array(length);
    const rows = Array.from({ length: BLOCKS }, (_, block) => own.f32(places!.input + 4 * block * pitch, inputs));
    const outgoing = own.f32(output, BLOCKS * room);
    for (let out = 0; out < length; out += BLOCKS * kept) {
      for (let block = 0; block < BLOCKS; block++) {
        const time = (out + block * kept) * step;
        const start = Math.floor(time);
        stage(rows[block]!, samples, start - guard);
        const angle = (2 * Math.PI * (time - start)) / inputs;
        powers(turns, angle, block);
        powers(common, angle * RUN, block);
      }
      own.f32(places.turns, turns.length).set(turns);
      own.f32(places.common, common.length).set(common);
      kernels.load(places.input, 4 * pitch, work[0], work[0] + inputs * ELEMENT);
      const spectrum = forward.run(own, places.forward, work);
      const other = spectrum === work[0] ? work[1] : work[0];
      turn(own, places, spectrum, other);
      const signal = inverse.run(own, places.inverse, [other, spectrum]);
      const firstTap = signal + (guard * rate - TAPS / 2 + 1) * ELEMENT;
      kernels.interpolate(firstTap, places.table, rate * step, read, read + kept * ELEMENT);
      kernels.store(read, output, 4 * room, output + 4 * kept);
      for (let block = 0, at = out; block < BLOCKS && at < length; block++, at += kept) {
        const count = Math.min(kept, length - at);
        result.set(outgoing.subarray(block * room, block * room + count), at);
      }
    }
    return result;
  };
}

/** Entry i of the table := exp(i angle sqrt(-1)), for one of the eight blocks. */
function powers(table: Float32Array, angle: number, block: number): void {
  const place = block < 4 ? block : block + 4;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  let [re, im] = [1, 0];
  for (let at = place; at < table.length; at += TURN) {
    table[at] = re;
    table[at + 4] = im;
    [re, im] = [re * cosine - im * sine, re * sine + im * cosine];
  }
}

let table: Float32Array | undefined;

/**
 * `[PHASES + 2, TAPS]`: row p weighs samples k - TAPS / 2 + 1 to k + TAPS / 2 for the time k + p / PHASES. The last
 * row is there to be read and weighed with 0.
 */
function phaseTable(): Float32Array {
  if (table) return table;
  // The signal ends at a quarter cycle per sample, its image begins at three quarters.
  const filter = lowPass(0.25, 0.75);
  table = new Float32Array((PHASES + 2) * TAPS);
  for (let p = 0; p <= PHASES; p++) {
    const row = Float64Array.from({ length: TAPS }, (_, j) => filter.at(p / PHASES + TAPS / 2 - 1 - j));
    // A constant stays that constant, whichever phases it meets.
    const sum = row.reduce((total, weight) => total + weight, 0);
    for (let j = 0; j < TAPS; j++) table[p * TAPS + j] = row[j]! / sum;
  }
  return table;
}
