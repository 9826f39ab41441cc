/** A small problem that a network can learn: classes are noisy clusters. */
import { Rng } from '@prosodia/core';
import type { TrainingData } from '../data.ts';

/** `rows` rows of `width` values in `classes` clusters. The seed changes the rows, not the clusters. */
export function clusters(rows: number, width: number, classes: number, seed: number, spread = 0.5): TrainingData {
  const centre = new Rng(1, 'centres');
  const centres = Float32Array.from({ length: classes * width }, () => centre.normal());
  const rng = new Rng(seed, 'rows');
  const y = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const x = Float32Array.from({ length: rows * width }, (_, i) => {
    const label = y[Math.floor(i / width)]!;
    return centres[label * width + (i % width)]! + rng.normal(0, spread);
  });
  return { x, y, rows };
}
