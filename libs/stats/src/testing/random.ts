/** Random inputs for property tests. */
import { type Rng } from '@prosodia/core';
import { type Float64Matrix, zeros } from '../matrix.ts';
import { type SplitClip } from '../splits/types.ts';

export function randomMatrix(rng: Rng, rows: number, cols: number): Float64Matrix {
  const matrix = zeros(rows, cols);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = rng.normal();
  return matrix;
}

/** Rows that sum to 1, uniform on the simplex. */
export function randomProbabilities(rng: Rng, rows: number, cols: number): Float64Matrix {
  const matrix = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    const row = matrix.data.subarray(i * cols, (i + 1) * cols);
    for (let j = 0; j < cols; j++) row[j] = -Math.log(1 - rng.next());
    const sum = row.reduce((total, value) => total + value, 0);
    for (let j = 0; j < cols; j++) row[j]! /= sum;
  }
  return matrix;
}

/** Cuts rows into blocks at random places, empty blocks included. */
export function randomBlocks({ data, rows, cols }: Float64Matrix, rng: Rng): Float64Matrix[] {
  const cuts = [0, rows, ...Array.from({ length: 5 }, () => rng.int(rows + 1))].sort((a, b) => a - b);
  return cuts.slice(1).map((to, k) => {
    const from = cuts[k]!;
    return { data: data.subarray(from * cols, to * cols), rows: to - from, cols };
  });
}

export interface CorpusShape {
  labels: number;
  speakers: number;
  clips: number;
  /** Clips that repeat the recording (and label and speaker) of another. */
  copies?: number;
}

/** A corpus with random labels and speakers, at least three clips of each. */
export function randomClips(rng: Rng, { labels, speakers, clips, copies = 0 }: CorpusShape): SplitClip[] {
  const corpus = Array.from({ length: clips }, (_, i): SplitClip => {
    const label = i < 3 * labels ? i % labels : rng.int(labels);
    const speaker = i < 3 * speakers ? i % speakers : rng.int(speakers);
    return {
      clip_id: `clip-${rng.uint32()}-${i}`,
      label: `emotion ${label}`,
      speaker: `speaker ${speaker}`,
      recording: `r${i}`,
    };
  });
  for (let i = 0; i < copies; i++) corpus.push({ ...rng.choice(corpus), clip_id: `copy-${i}` });
  return rng.shuffle(corpus);
}
