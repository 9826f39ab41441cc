/**
 * The heart of growing a tree, in WebAssembly: sorts the rows of a node by one column and scans them for the
 * split with the least gini impurity, in one go.
 *
 * Positions within a column are unique whole numbers (see `presort.ts`), so a node is sorted by setting one bit
 * per row in a bitmap over positions and reading the bits back in order. A second bitmap, one bit per word of
 * the first, lets nodes that hold few rows of many skip the empty words. Time is proportional to the node's
 * rows plus rows/4096; the smallest nodes use insertion. Rows are scanned as they are read back, and never
 * stored in order.
 */
import { f32, f64, i32, i64, type Expr, type Kernel, type KernelSource, type Local } from '@prosodia/wasm';

/** Below this many rows, insertion beats the bitmap (measured). */
export const INSERTION_LIMIT = 12;

/**
 * Where the kernel finds its data: byte offsets of 32-bit addresses and numbers in a frame, and of its two
 * 64-bit numbers at the end.
 */
export const FRAME = {
  /** [rows] 32-bit: which pair of class and weight a row has. */
  pairOf: 0,
  /** [rows] 32-bit, by position; of any content. */
  pairAt: 4,
  /** Bitmap over positions, then one over its words: 64-bit words, zero between calls. */
  words: 8,
  summary: 12,
  summaryEnd: 16,
  /** [1 + INSERTION_LIMIT] 32-bit; the first is -1. */
  keys: 20,
  /** [pairs] 32-bit: eight times the class. */
  pairClass: 24,
  /** [pairs] 64-bit. */
  pairWeight: 28,
  /** [classes] 64-bit: weights on the left side; of any content. */
  left: 32,
  leftEnd: 36,
  /** [classes] 64-bit: weights of the node. */
  totals: 40,
  /** Rows that a split must leave on each side. */
  minLeaf: 44,
  /** Results: positions on both sides of the best split, the first -1 if no split is allowed, -2 if the column is constant. */
  lastLeft: 48,
  firstRight: 52,
  /** 64-bit: sum of `totals`, sum of their squares. */
  weight: 56,
  basis: 64,
  size: 72,
} as const;

/** What a scan knows of the rows it has passed. */
interface ScanState {
  frame: Local;
  values: Local;
  minLeaf: Local;
  span: Local;
  count: Local;
  previous: Local;
  value: Local;
  changes: Local;
  leftWeight: Local;
  leftSquares: Local;
  cross: Local;
  best: Local;
}

/**
 * (frame, members, end, positions, values) -> purity of both sides of the best split, see `criterion.ts`.
 * `members` to `end` are the addresses of the node's rows, `positions` and `values` those of the column.
 *
 * @param wide whether positions have 32 bits, not 16
 * @param tied whether some value occurs twice in the column: no split is allowed between equal values
 */
export function giniScan(wide: boolean, tied: boolean): KernelSource {
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    build(kernel, [frame, members, end, positions, values]) {
      const field = (name: keyof typeof FRAME) => kernel.let(i32.load(frame!, FRAME[name]));
      const minLeaf = field('minLeaf');
      const n = kernel.let(i32.shr(i32.sub(end!, members!), i32.const(2)));
      const state: ScanState = {
        frame: frame!,
        values: values!,
        minLeaf,
        span: kernel.let(i32.add(i32.sub(n, i32.shl(minLeaf, i32.const(1))), i32.const(1))),
        count: kernel.variable('i32'),
        previous: kernel.variable('i32'),
        value: kernel.let(f32.const(NaN)),
        changes: kernel.variable('i32'),
        leftWeight: kernel.variable('f64'),
        leftSquares: kernel.variable('f64'),
        cross: kernel.variable('f64'),
        best: kernel.let(f64.const(-Infinity)),
      };
      kernel.store(frame!, i32.const(-1), FRAME.lastLeft);
      const left = field('left');
      kernel.loop(left, field('leftEnd'), i32.const(8), () => kernel.store(left, f64.const(0)));
      const visit = visitor(kernel, state, tied);
      const positionOf = (row: Expr) => {
        const at = i32.add(positions!, i32.shl(row, i32.const(wide ? 2 : 1)));
        return kernel.let(wide ? i32.load(at) : i32.load16(at));
      };
      const pairOf = field('pairOf');
      const pairAt = field('pairAt');
      /** Files the pair of the row at `members` under its position, which it returns. */
      const file = () => {
        const row = kernel.let(i32.load(members!));
        const position = positionOf(row);
        kernel.store(word32(pairAt, position), i32.load(word32(pairOf, row)));
        return position;
      };
      const small = kernel.let(i32.lt(n, i32.const(INSERTION_LIMIT + 1)));
      kernel.when(small, () => insertionOrder(kernel, frame!, members!, end!, file, visit));
      kernel.when(i32.eq(small, i32.const(0)), () => bitmapOrder(kernel, frame!, members!, end!, file, visit));
      if (tied) {
        kernel.when(i32.eq(state.changes, i32.const(1)), () => {
          kernel.store(frame!, i32.const(-2), FRAME.lastLeft);
        });
      }
      return state.best;
    },
  };
}

/** Statements that weigh the split before a position, then move the row there to the left side. */
function visitor(kernel: Kernel, state: ScanState, tied: boolean): (position: Local) => void {
  const { frame, values, minLeaf, span, count, previous, leftWeight, leftSquares, cross, best } = state;
  const field = (name: keyof typeof FRAME) => kernel.let(i32.load(frame, FRAME[name]));
  const pairAt = field('pairAt');
  const pairClass = field('pairClass');
  const pairWeight = field('pairWeight');
  const left = field('left');
  const totals = field('totals');
  const weight = kernel.let(f64.load(frame, FRAME.weight));
  const basis = kernel.let(f64.load(frame, FRAME.basis));
  return (position) => {
    const enough = i32.lt(i32.sub(count, minLeaf), span);
    kernel.when(tied ? i32.and(enough, changed(kernel, state, values, position)) : enough, () => {
      const rightWeight = kernel.let(f64.sub(weight, leftWeight));
      const rightSquares = f64.add(f64.sub(f64.sub(basis, cross), cross), leftSquares);
      const product = kernel.let(f64.mul(leftWeight, rightWeight));
      const scaled = kernel.let(f64.add(f64.mul(leftSquares, rightWeight), f64.mul(rightSquares, leftWeight)));
      // Dividing only where it counts: most places are not the best so far.
      kernel.when(f64.gt(scaled, f64.mul(best, product)), () => {
        kernel.set(best, f64.div(scaled, product));
        kernel.store(frame, previous, FRAME.lastLeft);
        kernel.store(frame, position, FRAME.firstRight);
      });
    });
    const pair = kernel.let(i32.load(word32(pairAt, position)));
    const own = kernel.let(f64.load(i32.add(pairWeight, i32.shl(pair, i32.const(3)))));
    const ofClass = kernel.let(i32.load(word32(pairClass, pair)));
    const at = kernel.let(i32.add(left, ofClass));
    const before = kernel.let(f64.load(at));
    kernel.store(at, f64.add(before, own));
    kernel.set(leftSquares, f64.add(leftSquares, f64.mul(own, f64.add(f64.add(before, before), own))));
    kernel.set(cross, f64.add(cross, f64.mul(own, f64.load(i32.add(totals, ofClass)))));
    kernel.set(leftWeight, f64.add(leftWeight, own));
    kernel.set(previous, position);
    kernel.set(count, i32.add(count, i32.const(1)));
  };
}

/** Whether the value at a position is another than the one before it, which it replaces. */
function changed(kernel: Kernel, { value, changes }: ScanState, values: Local, position: Local): Local {
  const next = kernel.let(f32.load(word32(values, position)));
  const differs = kernel.let(f32.ne(next, value));
  kernel.set(value, next);
  kernel.set(changes, i32.add(changes, differs));
  return differs;
}

function insertionOrder(
  kernel: Kernel,
  frame: Local,
  members: Local,
  end: Local,
  file: () => Local,
  visit: (position: Local) => void,
): void {
  const keys = kernel.let(i32.load(frame, FRAME.keys));
  const top = kernel.let(keys);
  kernel.loop(members, end, i32.const(4), () => {
    const position = file();
    const at = kernel.let(top);
    const key = kernel.let(i32.load(at));
    kernel.whilst(i32.gtSigned(key, position), () => {
      kernel.store(at, key, 4);
      kernel.set(at, i32.sub(at, i32.const(4)));
      kernel.set(key, i32.load(at));
    });
    kernel.store(at, position, 4);
    kernel.set(top, i32.add(top, i32.const(4)));
  });
  kernel.loop(keys, top, i32.const(4), () => visit(kernel.let(i32.load(keys, 4))));
}

function bitmapOrder(
  kernel: Kernel,
  frame: Local,
  members: Local,
  end: Local,
  file: () => Local,
  visit: (position: Local) => void,
): void {
  const words = kernel.let(i32.load(frame, FRAME.words));
  const summary = kernel.let(i32.load(frame, FRAME.summary));
  const summaryEnd = i32.load(frame, FRAME.summaryEnd);
  const setBit = (map: Expr, index: Expr) => {
    const at = kernel.let(i32.add(map, i32.shl(i32.shr(index, i32.const(6)), i32.const(3))));
    kernel.store(at, i64.or(i64.load(at), i64.shl(i64.const(1), i64.extend(index))));
  };
  kernel.loop(members, end, i32.const(4), () => {
    const position = file();
    setBit(words, position);
    setBit(summary, kernel.let(i32.shr(position, i32.const(6))));
  });
  const base = kernel.variable('i32');
  kernel.set(base, i32.const(0));
  kernel.loop(summary, summaryEnd, i32.const(8), () => {
    eachBit(kernel, summary, base, (word) => {
      const at = kernel.let(i32.add(words, i32.shl(word, i32.const(3))));
      eachBit(kernel, at, i32.shl(word, i32.const(6)), visit);
    });
    kernel.set(base, i32.add(base, i32.const(64)));
  });
}

/** Empties the 64-bit word at `address`, with `base` plus its place for each bit that was set, in ascending order. */
function eachBit(kernel: Kernel, address: Local, base: Expr, body: (index: Local) => void): void {
  const bits = kernel.let(i64.load(address));
  const none = i64.const(0);
  kernel.store(address, none);
  kernel.whilst(i64.ne(bits, none), () => {
    const index = kernel.let(i32.add(base, i32.wrap(i64.ctz(bits))));
    kernel.set(bits, i64.and(bits, i64.sub(bits, i64.const(1))));
    body(index);
  });
}

/** Address of a 32-bit element. */
function word32(array: Expr, index: Expr): Expr {
  return i32.add(array, i32.shl(index, i32.const(2)));
}
