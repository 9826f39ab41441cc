/**
 * Functionals: a band's course over time summed up in a few numbers, which makes feature vectors of one
 * length from recordings of any length.
 *
 * A standard deviation is the population's (numpy's default); skewness is the third standardized moment and
 * kurtosis the fourth minus 3 (Fisher's, biased; scipy's defaults). A band that never changes has skewness
 * and kurtosis 0, where scipy gives NaN: a feature table must be finite. Percentiles interpolate linearly
 * between ranks (numpy's default). The slope is that of the least-squares line, per frame; 0 for one frame.
 */
import { RequestError, nearest } from '@prosodia/core';
import { checkFinite, checkMatrix } from './checks.ts';
import type { Matrix } from './matrix.ts';

const moments = ['mean', 'std', 'skewness', 'kurtosis', 'slope'] as const;
const ranks = ['min', 'max', 'range', 'median', 'iqr'] as const;

/** A functional by name; `p10` is the 10th percentile, `p2.5` works too. */
export type FunctionalName = (typeof moments)[number] | (typeof ranks)[number] | `p${number}`;

/** The functionals that are no percentile. */
export const FUNCTIONAL_NAMES: readonly FunctionalName[] = [...moments, ...ranks];

/** Mean, spread, extremes, quartiles and outer twentieths, and shape: thirteen numbers per band. */
export const functionals13: readonly FunctionalName[] = [
  'mean',
  'std',
  'min',
  'max',
  'median',
  'skewness',
  'kurtosis',
  'p5',
  'p25',
  'p75',
  'p95',
  'range',
  'iqr',
];

/**
 * Functionals over time of every band.
 *
 * @param S frames x bands, at least one frame
 * @param names which functionals, in this order; default {@link functionals13}
 * @returns bands x names: the numbers of one band lie together, `data[band * names.length + k]`
 * @throws DataError for no frame, NaN or infinity; RequestError for an unknown name
 */
export function functionals(S: Matrix, names: readonly FunctionalName[] = functionals13): Matrix {
  const where = 'functionals';
  checkMatrix(S, where);
  const readers = names.map(reader);
  const { data, rows, cols } = S;
  const out = new Float32Array(cols * names.length);
  const values = new Float32Array(rows);
  const forSorting = new Float32Array(rows);
  for (let band = 0; band < cols; band++) {
    let sum = 0;
    let least = Infinity;
    let most = -Infinity;
    for (let row = 0, at = band; row < rows; row++, at += cols) {
      const value = data[at]!;
      values[row] = value;
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    checkFinite(sum, 0, where);
    const course = new Course(values, forSorting, sum / rows, least, most);
    for (let k = 0; k < readers.length; k++) out[band * names.length + k] = readers[k]!(course);
  }
  return { data: out, rows: cols, cols: names.length };
}

/** One band over time; what several functionals need is computed at most once. */
class Course {
  readonly values: Float32Array;
  /** Memory for them in order: an array of their own costs a fifth of sorting some 60. */
  readonly #forSorting: Float32Array;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  #sorted: Float32Array | undefined;
  #variance: number | undefined;
  #higher: { third: number; fourth: number } | undefined;

  constructor(values: Float32Array, forSorting: Float32Array, mean: number, min: number, max: number) {
    this.values = values;
    this.#forSorting = forSorting;
    this.mean = mean;
    this.min = min;
    this.max = max;
  }

  get sorted(): Float32Array {
    if (!this.#sorted) {
      this.#forSorting.set(this.values);
      this.#sorted = this.#forSorting.sort();
    }
    return this.#sorted;
  }

  get variance(): number {
    return (this.#variance ??= this.#meanSquare());
  }

  #meanSquare(): number {
    const { values, mean } = this;
    let sum = 0;
    for (let t = 0; t < values.length; t++) sum += (values[t]! - mean) ** 2;
    return sum / values.length;
  }

  /** The means of (value - mean) ** 3 and ** 4. */
  #higherMoments(): { third: number; fourth: number } {
    const { values, mean } = this;
    let [third, fourth] = [0, 0];
    for (let t = 0; t < values.length; t++) {
      const away = values[t]! - mean;
      const square = away * away;
      third += square * away;
      fourth += square * square;
    }
    return { third: third / values.length, fourth: fourth / values.length };
  }

  /** A central moment in units of the standard deviation; undefined for a band that never changes. */
  standardized(moment: 'third' | 'fourth'): number | undefined {
    if (this.min === this.max) return undefined;
    this.#higher ??= this.#higherMoments();
    return this.#higher[moment] / this.variance ** (moment === 'third' ? 1.5 : 2);
  }

  get slope(): number {
    const { values } = this;
    const n = values.length;
    if (n === 1) return 0;
    let sum = 0;
    for (let t = 0; t < n; t++) sum += (t - (n - 1) / 2) * values[t]!;
    return (12 * sum) / (n * (n * n - 1));
  }
}

const byName: Record<(typeof moments)[number] | (typeof ranks)[number], (course: Course) => number> = {
  mean: (course) => course.mean,
  std: (course) => Math.sqrt(course.variance),
  skewness: (course) => course.standardized('third') ?? 0,
  kurtosis: (course) => (course.standardized('fourth') ?? 3) - 3,
  slope: (course) => course.slope,
  min: (course) => course.min,
  max: (course) => course.max,
  range: (course) => course.max - course.min,
  median: ({ sorted }) => percentile(sorted, 50),
  iqr: ({ sorted }) => percentile(sorted, 75) - percentile(sorted, 25),
};

function reader(name: FunctionalName): (course: Course) => number {
  if (Object.hasOwn(byName, name)) return byName[name as keyof typeof byName];
  const q = /^p\d+(\.\d+)?$/.test(name) ? Number(name.slice(1)) : NaN;
  if (q >= 0 && q <= 100) return ({ sorted }) => percentile(sorted, q);
  const guess = nearest(name, FUNCTIONAL_NAMES);
  throw new RequestError({
    where: 'functionals',
    problem: 'no functional has this name',
    expected: `${FUNCTIONAL_NAMES.join(', ')}, or p0 to p100`,
    got: String(name),
    ...(guess ? { fix: `did you mean ${guess}?` } : {}),
  });
}

function percentile(sorted: Float32Array, q: number): number {
  const rank = (q / 100) * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (rank - below) * (high - low);
}
