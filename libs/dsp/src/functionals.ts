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

/** Mean, spread, extremes, quartiles and outer deciles, and shape: thirteen numbers per band. */
export const functionals13: readonly FunctionalName[] = [
  'mean',
  'std',
  'min',
  'max',
  'range',
  'median',
  'p10',
  'p25',
  'p75',
  'p90',
  'iqr',
  'skewness',
  'kurtosis',
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
  const { rows, cols } = S;
  const out = new Float32Array(cols * names.length);
  const course: Course = { values: new Float64Array(rows), sorted: new Float32Array(rows) };
  for (let band = 0; band < cols; band++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      sum += course.values[row] = course.sorted[row] = S.data[row * cols + band]!;
    }
    checkFinite(sum, 0, where);
    course.sorted.sort();
    for (const [k, read] of readers.entries()) out[band * names.length + k] = read(course);
  }
  return { data: out, rows: cols, cols: names.length };
}

/** One band: its values in time order and in rank order. */
interface Course {
  readonly values: Float64Array;
  readonly sorted: Float32Array;
}

const byName: Record<(typeof moments)[number] | (typeof ranks)[number], (course: Course) => number> = {
  mean: ({ values }) => mean(values),
  std: ({ values }) => Math.sqrt(centralMoment(values, 2)),
  skewness: ({ values }) => standardized(values, 3),
  kurtosis: ({ values }) => (isConstant(values) ? 0 : standardized(values, 4) - 3),
  slope: ({ values }) => slope(values),
  min: ({ sorted }) => sorted[0]!,
  max: ({ sorted }) => sorted[sorted.length - 1]!,
  range: ({ sorted }) => sorted[sorted.length - 1]! - sorted[0]!,
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

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function centralMoment(values: Float64Array, order: number): number {
  const centre = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - centre) ** order;
  return sum / values.length;
}

function isConstant(values: Float64Array): boolean {
  return values.every((value) => value === values[0]);
}

function standardized(values: Float64Array, order: number): number {
  return isConstant(values) ? 0 : centralMoment(values, order) / centralMoment(values, 2) ** (order / 2);
}

function slope(values: Float64Array): number {
  const n = values.length;
  if (n === 1) return 0;
  const centre = (n - 1) / 2;
  let sum = 0;
  for (let t = 0; t < n; t++) sum += (t - centre) * values[t]!;
  return (12 * sum) / (n * (n * n - 1));
}

function percentile(sorted: Float32Array, q: number): number {
  const rank = (q / 100) * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (rank - below) * (high - low);
}
