/**
 * Perturbation of the voice from one period to the next: jitter of durations and shimmer of amplitudes, by the
 * definitions of the Praat manual ("Voice 2. Jitter", "Voice 3. Shimmer").
 */
import { checkSignal } from './checks.ts';

/** Bounds on what counts as two periods in a row, as in Praat's voice report. */
export interface PerturbationOptions {
  /** Shortest and longest period in seconds. Default 0.0001 and 0.02. */
  period_floor?: number;
  period_ceiling?: number;
  /** Largest ratio of consecutive periods. Default 1.3. */
  maximum_period_factor?: number;
  /** Largest ratio of consecutive amplitudes. Default 1.6. */
  maximum_amplitude_factor?: number;
}

/** Shares of the mean period or amplitude; NaN where there are too few periods in a row to tell. */
export interface Perturbation {
  /** Mean absolute difference of consecutive periods. */
  readonly jitter_local: number;
  /** Mean absolute difference of a period from its average with its two neighbours. */
  readonly jitter_rap: number;
  /** The same from its average with its four nearest neighbours. */
  readonly jitter_ppq5: number;
  /** Mean absolute difference of the amplitudes of consecutive periods. */
  readonly shimmer_local: number;
  /** Mean absolute 20 log10 of the ratio of consecutive amplitudes, in dB. */
  readonly shimmer_local_db: number;
  /** Mean absolute difference of an amplitude from its average with its two, and four, nearest neighbours. */
  readonly shimmer_apq3: number;
  readonly shimmer_apq5: number;
}

/**
 * Jitter and shimmer of a signal whose glottal pulses are known.
 *
 * @param times pulses in seconds, ascending
 * @throws DataError for an empty or non-finite signal
 */
export function perturbation(
  y: Float32Array,
  sr: number,
  times: Float64Array,
  options: PerturbationOptions = {},
): Perturbation {
  checkSignal(y, 'perturbation');
  const { period_floor = 0.0001, period_ceiling = 0.02 } = options;
  const { maximum_period_factor = 1.3, maximum_amplitude_factor = 1.6 } = options;
  const periods = times.subarray(1).map((time, i) => time - times[i]!);
  const valid = (period: number) => period >= period_floor && period <= period_ceiling;
  const alike = (a: number, b: number, factor: number) => Math.max(a / b, b / a) <= factor;

  // Runs of periods that follow each other without a break.
  const runs: number[][] = [];
  let run: number[] | undefined;
  periods.forEach((period, i) => {
    if (!valid(period)) run = undefined;
    else if (run && alike(period, periods[i - 1]!, maximum_period_factor)) run.push(period);
    else runs.push((run = [period]));
  });
  // A pulse between two such periods has an amplitude. As in Praat, one without does not part its neighbours if
  // they are still within a period of each other.
  const peaks: { time: number; amplitude: number }[] = [];
  for (let i = 1; i < periods.length; i++) {
    const [before, after] = [periods[i - 1]!, periods[i]!];
    if (!valid(before) || !valid(after) || !alike(before, after, maximum_period_factor)) continue;
    const amplitude = loudness(y, sr, times[i]!, before, after);
    if (amplitude !== undefined) peaks.push({ time: times[i]!, amplitude });
  }
  const amplitudes: number[][] = [];
  peaks.forEach(({ time, amplitude }, i) => {
    const last = peaks[i - 1];
    if (last && valid(time - last.time) && alike(amplitude, last.amplitude, maximum_amplitude_factor)) {
      amplitudes[amplitudes.length - 1]!.push(amplitude);
    } else amplitudes.push([amplitude]);
  });
  const meanPeriod = mean(runs.filter(({ length }) => length > 1).flat());
  const meanAmplitude = mean(amplitudes.flat());
  const ratios = amplitudes.flatMap((values) =>
    values.slice(1).map((value, k) => Math.abs(20 * Math.log10(value / values[k]!))),
  );
  return {
    jitter_local: mean(differences(runs)) / meanPeriod,
    jitter_rap: mean(departures(runs, 3)) / meanPeriod,
    jitter_ppq5: mean(departures(runs, 5)) / meanPeriod,
    shimmer_local: mean(differences(amplitudes)) / meanAmplitude,
    shimmer_local_db: mean(ratios),
    shimmer_apq3: mean(departures(amplitudes, 3)) / meanAmplitude,
    shimmer_apq5: mean(departures(amplitudes, 5)) / meanAmplitude,
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function differences(runs: readonly number[][]): number[] {
  return runs.flatMap((values) => values.slice(1).map((value, k) => Math.abs(value - values[k]!)));
}

/** How far each value is from the average of the `width` values around it. */
function departures(runs: readonly number[][], width: number): number[] {
  const half = (width - 1) / 2;
  return runs.flatMap((values) => {
    const out: number[] = [];
    for (let k = half; k + half < values.length; k++) {
      out.push(Math.abs(values[k]! - mean(values.slice(k - half, k + half + 1))));
    }
    return out;
  });
}

/**
 * Amplitude of a period: the root mean square around its pulse under a Hann window that reaches a fifth of the
 * period before and after it; undefined if that holds no sample or only silence.
 */
function loudness(y: Float32Array, sr: number, time: number, before: number, after: number): number | undefined {
  const centre = time * sr - 0.5;
  const left = 0.2 * before * sr;
  const right = 0.2 * after * sr;
  let sum = 0;
  let total = 0;
  for (let t = Math.ceil(centre - left); t <= centre + right; t++) {
    if (t < 0 || t >= y.length) continue;
    const weight = 0.5 + 0.5 * Math.cos((Math.PI * (t - centre)) / (t < centre ? left : right));
    sum += (y[t]! * weight) ** 2;
    total += weight * weight;
  }
  return sum > 0 ? Math.sqrt(sum / total) : undefined;
}
