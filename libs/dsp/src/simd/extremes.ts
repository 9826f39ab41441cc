/** The largest and the smallest values of runs of bins, four frames at once. */
import type { Matrix } from '../matrix.ts';
import { MOST_KEPT } from './column-kernels.ts';
import { eachChunk } from './rows.ts';

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
  const pitch = S.cols * 4;
  eachChunk(S, (memory) => {
    // The last four rows may be fewer: what lies behind is read, but not what comes of it.
    memory.alloc(3 * pitch);
    const columnsAt = memory.alloc(16 * S.cols);
    const restAt = memory.alloc(16 * Math.max(...runs.map(({ from, to }) => to - from)));
    const outAt = memory.alloc(16 * (MOST_KEPT + 1));
    const { kernels } = memory;

    let found = memory.f32(outAt, 0);
    const sums = new Float64Array(4);
    /** Leaves the sums of a run in `sums`, lane by lane; `head` is asked for once, of the first pass. */
    const sumUp = (which: 'smallest' | 'largest', { from, to, count }: ExtremeRun, head?: (size: number) => void) => {
      let at = columnsAt + 16 * from;
      let end = columnsAt + 16 * to;
      sums.fill(0);
      for (let missing = count; missing > 0;) {
        const size = missing > 4 ? 8 : missing > 2 ? 4 : (missing as 1 | 2);
        kernels[`${which}${size}`](at, end, restAt, outAt);
        const values = 4 * Math.min(size, missing);
        if (ofRoots) for (let k = 0; k < values; k++) sums[k & 3]! += Math.fround(Math.sqrt(found[k]!));
        else for (let k = 0; k < values; k++) sums[k & 3]! += found[k]!;
        if (missing === count) head?.(size);
        missing -= size;
        end = restAt + (end - at);
        at = restAt;
      }
    };

    return (at, first, count) => {
      found = memory.f32(outAt, 4 * (MOST_KEPT + 1));
      for (let row = 0; row < count; row += 4) {
        kernels.columns(at + row * pitch, pitch, pitch, columnsAt);
        const lanes = Math.min(4, count - row);
        for (let k = 0; k < runs.length; k++) {
          const to = (first + row) * runs.length + k;
          sumUp('largest', runs[k]!);
          for (let lane = 0; lane < lanes; lane++) largest[to + lane * runs.length] = sums[lane]!;
          sumUp('smallest', runs[k]!, (size) => {
            for (let lane = 0; lane < lanes; lane++) visit(found[lane]!, found[4 * size + lane]!);
          });
          for (let lane = 0; lane < lanes; lane++) smallest[to + lane * runs.length] = sums[lane]!;
        }
      }
    };
  });
  return { smallest, largest };
}
