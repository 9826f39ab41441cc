/** The largest and the smallest values of runs of bins, four frames at once. */
import type { Matrix } from '../matrix.ts';
import { MOST_KEPT } from './column-kernels.ts';
import { columnsBytes } from './resident.ts';
import { eachColumns } from './rows.ts';

/** Bins from..to-1, and how many of their values are looked for on either side, at most to - from. */
export interface ExtremeRun {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * Sums of the `count` smallest and of the `count` largest values of each run, rows x runs; and of each row and run the
 * least value and the sum of all, which shows a NaN that no comparison does, as the visitor gets them.
 * @param ofRoots sums the square roots of these values instead: far fewer than there are values
 */
export function extremeSums(
  S: Matrix,
  runs: readonly ExtremeRun[],
  visit: (least: number, sum: number) => void,
  ofRoots = false,
): { smallest: Float32Array; largest: Float32Array } {
  const smallest = new Float32Array(S.rows * runs.length);
  const largest = new Float32Array(S.rows * runs.length);
  eachColumns(S, (memory) => {
    const restBytes = 16 * Math.max(...runs.map(({ from, to }) => to - from));
    const [lowAt, highAt, nowhere] = [0, 1, 2].map(() => memory.alloc(restBytes)) as [number, number, number];
    const outAt = memory.alloc(16 * (2 * MOST_KEPT + 1));
    const sumsAt = memory.alloc(64);
    const { kernels } = memory;
    const { extremes1, extremes2, extremes4, extremes8 } = kernels;
    const add = ofRoots ? kernels.addUpRoots : kernels.addUp;
    const found = memory.f32(outAt, 4 * (2 * MOST_KEPT + 1));
    /** Those of the largest values in four frames, then those of the smallest. */
    const sums = memory.f64(sumsAt, 8);

    /** Adds the extremes of one run up, and leaves the least value and the sum of each frame in `found`. */
    const sumUp = (from: number, to: number, count: number) => {
      sums.fill(0);
      const some = Math.min(count, MOST_KEPT);
      const keep = some > 4 ? extremes8 : some > 2 ? extremes4 : some > 1 ? extremes2 : extremes1;
      const kept = 16 * (some > 4 ? 8 : some > 2 ? 4 : some);
      keep(from, to, lowAt, highAt, outAt);
      add(outAt, 16 * some, sumsAt);
      add(outAt + kept, 16 * some, sumsAt + 32);
      return kept / 4;
    };
    /** The same for what is left of the run after the first pass. */
    const sumUpRest = (bytes: number, count: number) => {
      for (let missing = count; missing > 0; missing -= MOST_KEPT) {
        const more = 16 * Math.min(missing, MOST_KEPT);
        extremes8(lowAt, lowAt + bytes, lowAt, nowhere, outAt);
        add(outAt, more, sumsAt);
        extremes8(highAt, highAt + bytes, nowhere, highAt, outAt);
        add(outAt + 16 * MOST_KEPT, more, sumsAt + 32);
      }
    };

    return (columnsAt, start, rows) => {
      for (let row = 0; row < rows; row += 4) {
        const at = columnsAt + columnsBytes(row, S.cols);
        const lanes = Math.min(4, rows - row);
        for (let k = 0; k < runs.length; k++) {
          const { from, to, count } = runs[k]!;
          const kept = sumUp(at + 16 * from, at + 16 * to, count);
          for (let lane = 0; lane < lanes; lane++) visit(found[kept + lane]!, found[2 * kept + lane]!);
          if (count > MOST_KEPT) sumUpRest(16 * (to - from), count - MOST_KEPT);
          for (let lane = 0; lane < lanes; lane++) {
            const place = (start + row + lane) * runs.length + k;
            largest[place] = sums[lane]!;
            smallest[place] = sums[4 + lane]!;
          }
        }
      }
    };
  });
  return { smallest, largest };
}
