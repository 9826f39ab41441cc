/**
 * Glottal pulses: where in time the periods of a voice follow each other, as Praat's "To PointProcess (cc)"
 * describes it. Each voiced stretch begins with its largest excursion near the middle; from there, the next pulse
 * is where the signal around it resembles that around the last one most.
 */
import { autocorrelationPitch, type AutocorrelationOptions, type AutocorrelationTrack } from './boersma.ts';
import { parabolaPeak } from './sinc.ts';

/** A next period is sought between these multiples of the one expected. */
const NEAREST = 0.8;
const FARTHEST = 1.25;

/** Pulses of one voiced stretch after another. */
export interface Pulses {
  /** Times of the pulses in seconds, ascending. */
  readonly times: Float64Array;
  readonly track: AutocorrelationTrack;
}

/** Glottal pulses of a signal. Throws as autocorrelationPitch. */
export function glottalPulses(y: Float32Array, options: AutocorrelationOptions = {}): Pulses {
  const { sr = 22050 } = options;
  const track = autocorrelationPitch(y, options);
  const { f0, start, step } = track;
  let loudest = 0;
  for (const x of y) loudest = Math.max(loudest, Math.abs(x));
  const times: number[] = [];
  for (let first = 0; first < f0.length; first++) {
    if (f0[first] === 0) continue;
    let last = first;
    while (last + 1 < f0.length && f0[last + 1]! > 0) last++;
    const left = start + (first - 0.5) * step;
    const right = start + (last + 0.5) * step;
    const periodAt = (time: number) => {
      const place = Math.min(Math.max((time - start) / step, first), last);
      const below = Math.min(Math.floor(place), Math.max(last - 1, first));
      const share = place - below;
      const next = f0[Math.min(below + 1, last)]!;
      return 1 / (f0[below]! + share * (next - f0[below]!));
    };
    const middle = 0.5 * (left + right);
    const origin = extremum(y, sr, middle - 0.5 * periodAt(middle), middle + 0.5 * periodAt(middle));
    const earliest = times[times.length - 1] ?? -Infinity;
    const stretch = [origin];
    for (const direction of [-1, 1]) {
      for (let time = origin; ;) {
        const period = periodAt(time);
        const next = mostAlike(y, sr, time, period, direction);
        if (!next) break;
        const { correlation, peak } = next;
        const inside = next.time >= left && next.time <= right;
        // Past the edge of the stretch one more pulse may count, if it is a good one.
        const counts = inside
          ? correlation > 0.3 && (peak === 0 || peak > 0.01 * loudest)
          : correlation > 0.7 && peak > 0.023333 * loudest;
        if (counts && next.time - earliest > NEAREST * period) {
          if (direction < 0) stretch.unshift(next.time);
          else stretch.push(next.time);
        }
        if (!inside) break;
        time = next.time;
      }
    }
    times.push(...stretch);
    first = last;
  }
  return { times: Float64Array.from(times), track };
}

/** Time of the largest absolute value between two times, refined by a parabola. */
function extremum(y: Float32Array, sr: number, from: number, to: number): number {
  const low = Math.max(1, Math.ceil(from * sr - 0.5));
  const high = Math.min(y.length - 2, Math.floor(to * sr - 0.5));
  let best = low;
  for (let t = low + 1; t <= high; t++) if (Math.abs(y[t]!) > Math.abs(y[best]!)) best = t;
  const { shift } = parabolaPeak(Math.abs(y[best - 1]!), Math.abs(y[best]!), Math.abs(y[best + 1]!));
  return (best + Math.min(Math.max(shift, -0.5), 0.5) + 0.5) / sr;
}

/**
 * The time, about one period before (direction -1) or after a pulse, around which a period of the signal
 * correlates best with that around the pulse; none if the signal ends before.
 */
function mostAlike(
  y: Float32Array,
  sr: number,
  time: number,
  period: number,
  direction: number,
): { time: number; correlation: number; peak: number } | undefined {
  const half = Math.floor((0.5 * period * sr) / 1);
  const centre = Math.round(time * sr - 0.5);
  const nearest = Math.floor(NEAREST * period * sr);
  const farthest = Math.ceil(FARTHEST * period * sr);
  const here = centre - half;
  const length = 2 * half + 1;
  if (here < 0 || here + length > y.length) return undefined;
  let own = 0;
  for (let k = 0; k < length; k++) own += y[here + k]! ** 2;
  const correlationAt = (shift: number) => {
    const there = here + direction * shift;
    if (there < 0 || there + length > y.length) return NaN;
    let product = 0;
    let power = 0;
    for (let k = 0; k < length; k++) {
      const other = y[there + k]!;
      product += y[here + k]! * other;
      power += other * other;
    }
    return product === 0 ? 0 : product / Math.sqrt(own * power);
  };
  let best = 0;
  let [before, peak, after] = [0, -Infinity, 0];
  let [older, old] = [NaN, correlationAt(nearest - 1)];
  for (let shift = nearest; shift <= farthest + 1; shift++) {
    const value = correlationAt(shift);
    // The value of the shift before is judged now that both its neighbours are known.
    if (shift > nearest && old > peak && old >= older && old >= value) {
      best = shift - 1;
      [before, peak, after] = [older, old, value];
    }
    [older, old] = [old, value];
  }
  if (best === 0) return Number.isNaN(old) ? undefined : { time: time + direction * period, correlation: 0, peak: 0 };
  const { shift, height } = parabolaPeak(before, peak, after);
  let largest = 0;
  const there = here + direction * best;
  for (let k = 0; k < length; k++) largest = Math.max(largest, Math.abs(y[there + k]!));
  return { time: time + (direction * (best + shift)) / sr, correlation: height, peak: largest };
}
