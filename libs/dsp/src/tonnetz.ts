/** Tonal centroids: chroma on the circles of fifths, minor thirds and major thirds (Harte et al., 2006). */
import { checkMatrix } from './checks.ts';
import type { Matrix } from './matrix.ts';
import { normalize } from './normalize.ts';
import { planCache } from './plans.ts';
import { filterBank, projectRows } from './simd/rows.ts';

/** Half turns per semitone on each circle, and the circle's radius. */
const CIRCLES = [
  { turns: 7 / 6, radius: 1 },
  { turns: 3 / 2, radius: 1 },
  { turns: 2 / 3, radius: 0.5 },
] as const;

/** The projection onto the circles; shared between calls: not to be written to. */
export const tonnetzBasis = planCache((n_chroma: number) =>
  filterBank(2 * CIRCLES.length, n_chroma, (dimension, c) => {
    const { turns, radius } = CIRCLES[dimension >> 1]!;
    const angle = (Math.PI * turns * 12 * c) / n_chroma;
    return radius * (dimension % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  }),
);

/**
 * Tonal centroid features, frames x 6: x and y on the circles of fifths, minor and major thirds.
 *
 * librosa computes its chroma by a constant-Q transform when it is given samples; here the chromagram is
 * always given, for example that of chromaStft.
 *
 * @param chroma frames x n_chroma, non-negative
 */
export function tonnetz(chroma: Matrix): Matrix {
  checkMatrix(chroma, 'tonnetz');
  return projectRows(normalize(chroma, 1), tonnetzBasis(chroma.cols));
}
