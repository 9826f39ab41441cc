/**
 * How weights start, as in Keras (https://keras.io/api/layers/initializers/).
 *
 * The "normal" ones draw from a normal distribution cut off at two standard deviations and widened so
 * that what is left has the deviation asked for.
 */
import { Type, type Rng } from '@prosodia/core';
import { sizeOf, type Shape } from './graph.ts';

export const initializerNames = [
  'glorot_uniform',
  'glorot_normal',
  'he_uniform',
  'he_normal',
  'lecun_uniform',
  'lecun_normal',
  'orthogonal',
  'random_normal',
  'random_uniform',
  'zeros',
  'ones',
] as const;

export type InitializerName = (typeof initializerNames)[number];

/** What a user can choose, and the bias of an LSTM: 1 on the third quarter, the forget gate, else 0. */
export type Initializer = InitializerName | 'lstm_bias';

/** How many inputs one unit sees, and how many units one input reaches. */
export interface Fans {
  fanIn: number;
  fanOut: number;
}

/** The standard deviation of a standard normal distribution cut off at -2 and 2. */
const TRUNCATED_DEVIATION = 0.8796256610342398;

/** Schema of an option that names an initializer. */
export function initializerOption(fallback: InitializerName, description: string) {
  return Type.Optional(Type.Enum([...initializerNames], { default: fallback, description }));
}

/** Starting values for a weight of the given shape. */
export function initialize(initializer: Initializer, shape: Shape, { fanIn, fanOut }: Fans, rng: Rng): Float32Array {
  const fill = (draw: () => number): Float32Array => Float32Array.from({ length: sizeOf(shape) }, draw);
  const uniform = (limit: number): Float32Array => fill(() => rng.uniform(-limit, limit));
  const normal = (deviation: number): Float32Array => fill(() => truncatedNormal(rng, deviation));
  switch (initializer) {
    case 'glorot_uniform':
      return uniform(Math.sqrt(6 / (fanIn + fanOut)));
    case 'glorot_normal':
      return normal(Math.sqrt(2 / (fanIn + fanOut)));
    case 'he_uniform':
      return uniform(Math.sqrt(6 / fanIn));
    case 'he_normal':
      return normal(Math.sqrt(2 / fanIn));
    case 'lecun_uniform':
      return uniform(Math.sqrt(3 / fanIn));
    case 'lecun_normal':
      return normal(Math.sqrt(1 / fanIn));
    case 'orthogonal':
      return orthogonal(shape, rng);
    case 'random_normal':
      return fill(() => rng.normal(0, 0.05));
    case 'random_uniform':
      return uniform(0.05);
    case 'zeros':
      return fill(() => 0);
    case 'ones':
      return fill(() => 1);
    case 'lstm_bias':
      return fill(() => 0).fill(1, sizeOf(shape) / 2, (3 * sizeOf(shape)) / 4);
  }
}

function truncatedNormal(rng: Rng, deviation: number): number {
  let draw = rng.normal();
  while (Math.abs(draw) > 2) draw = rng.normal();
  return (draw * deviation) / TRUNCATED_DEVIATION;
}

/**
 * Rows (or columns, whichever are fewer) that are orthonormal: Gram-Schmidt, run twice for accuracy,
 * on random normal vectors. The last axis counts as columns, all others together as rows.
 */
function orthogonal(shape: Shape, rng: Rng): Float32Array {
  const columns = shape[shape.length - 1]!;
  const rows = sizeOf(shape) / columns;
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const vectors: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => rng.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors) {
        const overlap = vector.reduce((total, x, j) => total + x * other[j]!, 0);
        for (let j = 0; j < length; j++) vector[j]! -= overlap * other[j]!;
      }
    }
    const norm = Math.sqrt(vector.reduce((total, x) => total + x * x, 0));
    vectors.push(vector.map((x) => x / norm));
  }
  return Float32Array.from({ length: rows * columns }, (_, k) => {
    const [row, column] = [Math.floor(k / columns), k % columns];
    return rows <= columns ? vectors[row]![column]! : vectors[column]![row]!;
  });
}
