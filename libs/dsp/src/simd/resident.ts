/**
 * The one spectrogram that stays in the kernels' memory, so that several features read it there.
 *
 * To the outside it is a matrix like any other: its `data` are copied out when first asked for, and from then on they are
 * the spectrogram, since whoever has them may write to them. It lies in columns: for every four frames, a vector of four
 * values per bin. The next one takes its place, unless it was dismissed after its `data` have been copied.
 */
import { RequestError } from '@prosodia/core';
import type { Matrix } from '../matrix.ts';
import { scratch, type Scratch } from './runtime.ts';

/** Larger ones are not kept: the kernels' memory does not shrink. */
const MOST_BYTES = 1 << 24;

interface Resident {
  readonly S: Matrix;
  readonly at: number;
  readonly memory: Scratch;
}

let resident: Resident | undefined;

/** Bytes of the columns of so many frames. */
export const columnsBytes = (rows: number, cols: number): number => Math.ceil(rows / 4) * cols * 16;

export const canStay = (rows: number, cols: number): boolean => columnsBytes(rows, cols) <= MOST_BYTES;

/** A matrix whose columns `fill` writes to the address it is given, in a memory that is otherwise empty. */
export function stay(rows: number, cols: number, fill: (memory: Scratch, at: number) => void): Matrix {
  // Whoever still has the one before finds it as it was.
  void resident?.S.data;
  const memory = scratch();
  const at = memory.alloc(columnsBytes(rows, cols));
  let data: Float32Array | undefined;
  const S: Matrix = {
    rows,
    cols,
    get data() {
      if (data) return data;
      if (resident?.S !== S) {
        const problem = 'the spectrogram was dismissed';
        throw new RequestError({ where: 'dismiss', problem, fix: 'dismiss it after its last use' });
      }
      data = rowsOf(resident);
      dismiss(S);
      return data;
    },
  };
  memory.settle(true);
  resident = { S, at, memory };
  fill(memory, at);
  return S;
}

/** Where the columns of S are, if it is the resident. */
export function columnsOf(S: Matrix): number | undefined {
  return resident?.S === S ? resident.at : undefined;
}

/** Makes room without copying `data` out: S is not used again. No effect on any other matrix. */
export function dismiss(S: Matrix): void {
  if (resident?.S !== S) return;
  resident.memory.settle(false);
  resident = undefined;
}

/** Without the kernels, whose memory may be in use. */
function rowsOf({ S: { rows, cols }, at, memory }: Resident): Float32Array {
  const columns = memory.f32(at, Math.ceil(rows / 4) * cols * 4);
  const data = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    let from = (row >> 2) * cols * 4 + (row & 3);
    for (let to = row * cols, end = to + cols; to < end; to++, from += 4) data[to] = columns[from]!;
  }
  return data;
}
