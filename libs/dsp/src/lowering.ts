/** A signal at a lower rate, for the predictor of formants: a plain windowed sinc, as Praat resamples. */
import { planCache } from './plans.ts';
import { scratch } from './simd/runtime.ts';

/** Zero crossings of the sinc to either side: a transition band of some 4 % of the rate. */
const CROSSINGS = 50;

/** Positions between samples whose weights are kept; a ratio of whole numbers has as many as its numerator. */
const MOST_PHASES = 500;

/** Samples that are made at a time: bounds the scratch memory. */
const CHUNK = 8192;

/** The weights of samples 0, 1 and so on for a value at `centre`, as far as `reach` beyond it; a multiple of four. */
const weightsAt = planCache((centre: number, reach: number, ratio: number) => {
  const last = Math.floor(centre + reach);
  return Float64Array.from({ length: Math.ceil((last + 1) / 4) * 4 }, (_, k) => {
    if (k > last) return 0;
    const away = (k - centre) * ratio * Math.PI;
    const sinc = Math.abs(away) < 1e-9 ? 1 : Math.sin(away) / away;
    return sinc * (0.5 + 0.5 * Math.cos(away / CROSSINGS)) * ratio;
  });
}, MOST_PHASES);

/** `y` at the lower of two rates, band-limited by a sinc under a Hann window; samples lie in the middle of their intervals. */
export function lowered(y: Float32Array, sr: number, rate: number): Float64Array {
  const ratio = rate / sr;
  const reach = CROSSINGS / ratio;
  const placeOf = (i: number) => (i + 0.5) / ratio - 0.5;
  const startOf = (i: number) => Math.ceil(placeOf(i) - reach);
  const out = new Float64Array(Math.round(y.length * ratio));
  const longest = Math.ceil((2 * reach + 2) / 4) * 4;
  for (let first = 0; first < out.length; first += CHUNK) {
    const count = Math.min(CHUNK, out.length - first);
    const start = startOf(first);
    const memory = scratch();
    const size = startOf(first + count - 1) - start + longest;
    const samplesAt = memory.alloc(4 * size);
    const resultsAt = memory.alloc(8 * count);
    const spareAt = memory.alloc(8 * longest);
    const places = new Map<number, { at: number; bytes: number }>();
    const samples = memory.f32(samplesAt, size).fill(0);
    samples.set(y.subarray(Math.max(0, start), Math.max(0, start + size)), Math.max(0, -start));
    for (let i = 0; i < count; i++) {
      const from = startOf(first + i);
      // Positions that only rounding tells apart are one.
      const centre = Math.round((placeOf(first + i) - from) * 1e9) / 1e9;
      let place = places.get(centre);
      if (!place) {
        const weights = weightsAt(centre, reach, ratio);
        const kept = places.size < MOST_PHASES;
        place = { at: kept ? memory.put(weights) : spareAt, bytes: weights.byteLength };
        if (kept) places.set(centre, place);
        else memory.f64(spareAt, weights.length).set(weights);
      }
      memory.kernels.weigh(samplesAt + 4 * (from - start), place.at, place.bytes, resultsAt + 8 * i);
    }
    out.set(memory.f64(resultsAt, count), first);
  }
  return out;
}
