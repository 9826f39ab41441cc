/**
 * Resampling by any ratio, whole or not, in two steps: a steep filter that doubles the rate (in the frequency
 * domain, where steepness is cheap), then interpolation of the doubled signal by a short filter.
 *
 * Doubling leaves the upper half of the band empty, so the second filter may fall slowly and has 18 coefficients
 * where a direct one would have hundreds. They are tabulated at {@link PHASES} fractions of a sample and
 * interpolated linearly in between; the error of that, some -125 dB, lies below the stop band.
 */
import { lowPass, type LowPass } from './resample-filter.ts';
import { fourierResampler } from './resample-fourier.ts';
import { PHASES, TAPS } from './simd/interpolation-kernels.ts';
import { memory } from './simd/runtime.ts';

/** Input samples of silence around the signal, where the first filter rings and the second one looks. */
const MARGIN = 8;

/**
 * A function that resamples to a given length, output i being the signal at time `i * step` in input samples.
 *
 * @param filter the low-pass for the ratio 1 / step
 */
export function arbitraryResampler(
  filter: LowPass,
  step: number,
): (samples: Float32Array, length: number) => Float32Array {
  const double = fourierResampler(filter, 2, 1);
  return (samples, length) => {
    const padded = new Float32Array(samples.length + 2 * MARGIN);
    padded.set(samples, MARGIN);
    return interpolate(double(padded, 2 * padded.length), step, length);
  };
}

let table: Float32Array | undefined;

/**
 * `[PHASES + 2, TAPS]`: row p weighs samples k - TAPS / 2 + 1 to k + TAPS / 2 for the time k + p / PHASES. The last
 * row is there to be read and weighed with 0.
 */
function phaseTable(): Float32Array {
  if (table) return table;
  // The doubled signal ends at a quarter cycle per sample, its image begins at three quarters.
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

function interpolate(doubled: Float32Array, step: number, length: number): Float32Array {
  const own = memory();
  // The tables of the first filter stay where they are: laying them out anew takes as long as filtering a second.
  return own.borrow(() => {
    const rows = own.put(phaseTable());
    const signal = own.put(doubled);
    const room = own.alloc(16);
    const out = own.alloc(4 * length);
    const firstTap = 2 * MARGIN - TAPS / 2 + 1;
    own.kernels.interpolate(signal + 4 * firstTap, rows, room, 2 * step, out, out + 4 * length);
    return own.f32(out, length).slice();
  });
}
