/**
 * Kernels that go over the bins of four frames at once, one frame in each lane: columns of a spectrogram.
 *
 * The largest and smallest values of a run are kept sorted, in registers, and what comes is sorted and merged with them.
 * Nothing branches, so that it costs the same whatever the values are.
 */
import { f32, f32x4, f64, f64x2, i32, v128, type Expr, type KernelSource, type Local } from '@prosodia/wasm';
import { transposed } from './lanes.ts';

const FOUR = i32.const(4);
const SIXTEEN = i32.const(16);

/**
 * Four rows of float32, `pitch` bytes apart, as vectors with a value of each.
 * Parameters: rows, bytes of a row, pitch, out.
 */
const columns: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [row, bytes, pitch, out]) {
    const rows = [row!];
    while (rows.length < 4) rows.push(kernel.let(i32.add(rows.at(-1)!, pitch!)));
    const end = kernel.let(i32.add(row!, bytes!));
    const whole = kernel.let(i32.sub(end, i32.const(15)));
    const advance = (bytes: Expr) => {
      for (const at of rows.slice(1)) kernel.set(at, i32.add(at, bytes));
    };
    kernel.loop(row!, whole, SIXTEEN, () => {
      const [a, b, c, d] = rows.map((at) => kernel.let(v128.load(at))) as [Local, Local, Local, Local];
      ([0, 1] as const).forEach((half) => {
        const ab = kernel.let(v128.interleave32(a, b, half));
        const cd = kernel.let(v128.interleave32(c, d, half));
        kernel.store(out!, v128.halves(ab, cd, 0, 0), 32 * half);
        kernel.store(out!, v128.halves(ab, cd, 1, 1), 32 * half + 16);
      });
      advance(SIXTEEN);
      kernel.set(out!, i32.add(out!, i32.const(64)));
    });
    kernel.loop(row!, end, FOUR, () => {
      const [a, b, c, d] = rows.map((at) => v128.loadSplat32(at)) as [Expr, Expr, Expr, Expr];
      kernel.store(out!, v128.halves(v128.interleave32(a, b, 0), v128.interleave32(c, d, 0), 0, 0));
      advance(FOUR);
      kernel.set(out!, i32.add(out!, SIXTEEN));
    });
  },
};

/**
 * The rows of columns, four by four. Parameters: columns, bytes of all of them, bytes of those of four rows, out.
 */
const rowsOfColumns: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32'],
  build(kernel, [at, bytes, fourBytes, out]) {
    const end = kernel.let(i32.add(at!, bytes!));
    const pitch = kernel.let(i32.shr(fourBytes!, i32.const(2)));
    const four = kernel.variable('i32');
    const rows = Array.from({ length: 4 }, () => kernel.variable('i32'));
    kernel.loop(at!, end, i32.const(0), () => {
      kernel.set(four, i32.add(at!, fourBytes!));
      rows.forEach((row, k) => kernel.set(row, k === 0 ? out! : i32.add(rows[k - 1]!, pitch)));
      kernel.set(out!, i32.add(rows[3]!, pitch));
      const whole = kernel.let(i32.sub(four, i32.const(63)));
      const advance = (bytes: Expr) => {
        for (const row of rows) kernel.set(row, i32.add(row, bytes));
      };
      kernel.loop(at!, whole, i32.const(64), () => {
        const block = [0, 16, 32, 48].map((offset) => kernel.let(v128.load(at!, offset)));
        transposed(kernel, block).forEach((row, k) => kernel.store(rows[k]!, row));
        advance(SIXTEEN);
      });
      kernel.loop(at!, four, SIXTEEN, () => {
        const bin = kernel.let(v128.load(at!));
        rows.forEach((row, lane) => kernel.storeLane32(row, bin, lane));
        advance(FOUR);
      });
    });
  },
};

/** The most values of either kind that one pass keeps; for more, further passes go over what the one before left. */
export const MOST_KEPT = 8;

/** Pairs of places to be put in order, one after the other, that sort so many values (Batcher's odd-even merge sort). */
const SORTING: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  1: [],
  2: [[0, 1]],
  4: [...pairs([0, 1], [2, 3]), ...pairs([0, 2], [1, 3]), ...pairs([1, 2])],
  8: [
    ...pairs([0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [1, 2], [5, 6]),
    ...pairs([0, 4], [1, 5], [2, 6], [3, 7], [2, 4], [3, 5], [1, 2], [3, 4], [5, 6]),
  ],
};

function pairs(...list: (readonly [number, number])[]): readonly (readonly [number, number])[] {
  return list;
}

/** The same for values that rise first and fall then, or the other way round. */
function merging(count: number): [number, number][] {
  const list: [number, number][] = [];
  for (let distance = count / 2; distance >= 1; distance /= 2) {
    for (let k = 0; k < count; k++) if ((k & distance) === 0) list.push([k, k + distance]);
  }
  return list;
}

/**
 * The `count` largest of each lane from `from` to `to`, in falling order, the `count` smallest in rising order, and the
 * sum of all. With eight, what is not among the largest goes to `low`, and what is not among the smallest to `high`.
 * A NaN spoils the order, but shows in the sum.
 *
 * As many values as are kept are sorted, and from them and those that were kept so far the larger of each pair, first
 * with last, are kept: they rise and fall, which a few exchanges put right.
 * Parameters: from, to, low, high, out.
 */
function extremes(count: 1 | 2 | 4 | 8): KernelSource {
  const whole = count === MOST_KEPT;
  return {
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    build(kernel, [from, to, low, high, out]) {
      const all = (value: number) => f32x4.splat(f32.const(value));
      const largest = Array.from({ length: count }, () => kernel.let(all(-Infinity)));
      const smallest = Array.from({ length: count }, () => kernel.let(all(Infinity)));
      const sum = kernel.let(all(0));
      /** Exchanges values so that of each pair of places the first has what `first` chooses. */
      const exchange = (values: Local[], places: readonly (readonly [number, number])[], falling: boolean) => {
        const [first, second] = falling ? [f32x4.pmax, f32x4.pmin] : [f32x4.pmin, f32x4.pmax];
        for (const [i, j] of places) {
          const one = kernel.let(first(values[i]!, values[j]!));
          values[j] = kernel.let(second(values[i]!, values[j]!));
          values[i] = one;
        }
      };
      const bytes = i32.const(16 * count);
      const end = kernel.let(i32.sub(to!, i32.const(16 * count - 1)));
      kernel.loop(from!, end, bytes, () => {
        const block = Array.from({ length: count }, (_, k) => kernel.let(v128.load(from!, 16 * k)));
        kernel.set(sum, f32x4.add(sum, total(block)));
        exchange(block, SORTING[count]!, true);
        const merge = (kept: readonly Local[], rest: Local, falling: boolean) => {
          const others = falling ? block.toReversed() : block;
          const [first, second] = falling ? [f32x4.pmax, f32x4.pmin] : [f32x4.pmin, f32x4.pmax];
          const merged = kept.map((value, k) => kernel.let(first(value, others[k]!)));
          if (whole) kept.forEach((value, k) => kernel.store(rest, second(value, others[k]!), 16 * k));
          exchange(merged, merging(count), falling);
          merged.forEach((value, k) => kernel.set(kept[k]!, value));
          if (whole) kernel.set(rest, i32.add(rest, bytes));
        };
        merge(largest, low!, true);
        merge(smallest, high!, false);
      });
      // What is left goes down the lists one by one: every place keeps one of two and hands the other on.
      kernel.loop(from!, to!, SIXTEEN, () => {
        const value = kernel.let(v128.load(from!));
        kernel.set(sum, f32x4.add(sum, value));
        const insert = (kept: readonly Local[], rest: Local, falling: boolean) => {
          const [first, second] = falling ? [f32x4.pmax, f32x4.pmin] : [f32x4.pmin, f32x4.pmax];
          let handed = value;
          for (const place of kept) {
            const next = kernel.let(second(handed, place));
            kernel.set(place, first(place, handed));
            handed = next;
          }
          if (whole) kernel.store(rest, handed);
          if (whole) kernel.set(rest, i32.add(rest, SIXTEEN));
        };
        insert(largest, low!, true);
        insert(smallest, high!, false);
      });
      [...largest, ...smallest, sum].forEach((value, k) => kernel.store(out!, value, 16 * k));
    },
  };
}

/** The sum of values, added two by two. */
function total(values: readonly Expr[]): Expr {
  if (values.length === 1) return values[0]!;
  const half = values.length / 2;
  return f32x4.add(total(values.slice(0, half)), total(values.slice(half)));
}

/**
 * Adds vectors of float32, or their square roots, to four float64. Parameters: from, bytes, sums.
 */
function addUp(value: (x: Expr) => Expr): KernelSource {
  return {
    parameters: ['i32', 'i32', 'i32'],
    build(kernel, [from, bytes, sums]) {
      const end = kernel.let(i32.add(from!, bytes!));
      const [low, high] = [kernel.let(v128.load(sums!)), kernel.let(v128.load(sums!, 16))];
      kernel.loop(from!, end, SIXTEEN, () => {
        const four = kernel.let(value(v128.load(from!)));
        kernel.set(low, f64x2.add(low, f64x2.promote(four)));
        kernel.set(high, f64x2.add(high, f64x2.promote(v128.halves(four, four, 1, 1))));
      });
      kernel.store(sums!, low);
      kernel.store(sums!, high, 16);
    },
  };
}

/**
 * Spectral peaks of four frames: values above `share` of the frame's maximum, above the value before and not below the
 * value after, refined by the parabola through the three. Out holds the end of a list, to which each appends 12 bytes:
 * `place` plus the bin plus the frame times the number of bins (int32), and frequency and height there (float32), rounded
 * in every step as librosa does. From and to are byte offsets, `frames` has a bit for each frame that counts; `rate` and
 * `length` are those of the signal and of a frame. What lies up to 12 bytes behind the list is written to.
 * Parameters: columns, bytes of them, from, to, frames, place, share, rate, length, out.
 */
const peaks: KernelSource = {
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f64', 'f64', 'i32'],
  build(kernel, [columns, bytes, from, to, frames, start, share, rate, length, out]) {
    // Four maxima, since one alone would wait on itself.
    const maxima = Array.from({ length: 4 }, () => kernel.let(v128.load(columns!)));
    const end = kernel.let(i32.add(columns!, bytes!));
    const whole = kernel.let(i32.sub(end, i32.const(63)));
    const x = kernel.let(columns!);
    const take = (k: number) => kernel.set(maxima[k]!, f32x4.pmax(maxima[k]!, v128.load(x, 16 * k)));
    kernel.loop(x, whole, i32.const(64), () => maxima.forEach((_, k) => take(k)));
    kernel.loop(x, end, SIXTEEN, () => take(0));
    const [a, b, c, d] = maxima as [Local, Local, Local, Local];
    const most = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
    const least = kernel.let(f32x4.mul(f32x4.splat(share!), most));

    const list = kernel.let(i32.load(out!));
    const cols = kernel.let(i32.shr(bytes!, i32.const(4)));
    const [before, here, after] = [0, 1, 2].map(() => kernel.variable('v128')) as [Local, Local, Local];
    const last = kernel.let(i32.add(columns!, to!));
    const hertz = kernel.let(f64x2.splat(rate!));
    const samples = kernel.let(f64x2.splat(length!));
    kernel.set(x, i32.add(columns!, from!));
    kernel.set(before, v128.load(i32.sub(x, SIXTEEN)));
    kernel.set(here, v128.load(x));
    kernel.loop(x, last, SIXTEEN, () => {
      kernel.set(after, v128.load(x, 16));
      const isPeak = v128.and(f32x4.gt(here, least), v128.and(f32x4.gt(here, before), f32x4.ge(here, after)));
      const found = kernel.let(i32.and(f32x4.bitmask(isPeak), frames!));
      kernel.when(found, () => {
        const index = kernel.let(i32.shr(i32.sub(x, columns!), i32.const(4)));
        const bin = kernel.let(f64x2.splat(f64.convert(index)));
        const place = kernel.let(i32.add(start!, index));
        const sum = kernel.let(f32x4.add(after, before));
        const slope = kernel.let(f32x4.mul(f32x4.sub(after, before), f32x4.splat(f32.const(0.5))));
        const halves = [0, 1].map((half) => {
          const two = (v: Local) => f64x2.promote(half === 0 ? v : v128.halves(v, v, 1, 1));
          const curve = kernel.let(f64x2.sub(two(sum), f64x2.mul(f64x2.const(2), two(here))));
          const rise = kernel.let(two(slope));
          const inside = f64x2.lt(f64x2.abs(rise), f64x2.abs(curve));
          const shift = kernel.let(v128.and(inside, f64x2.neg(f64x2.div(rise, curve))));
          // Rounded to float32 once, and once more as a frequency.
          const rounded = kernel.let(f32x4.demote(shift));
          const frequency = f64x2.div(f64x2.mul(f64x2.add(bin, f64x2.promote(rounded)), hertz), samples);
          return [rounded, kernel.let(f32x4.demote(frequency))] as const;
        });
        const [shift, frequency] = [0, 1].map((k) =>
          kernel.let(v128.halves(halves[0]![k as 0 | 1], halves[1]![k as 0 | 1], 0, 0)),
        ) as [Local, Local];
        const skew = f32x4.mul(f32x4.mul(f32x4.splat(f32.const(0.5)), slope), shift);
        const height = kernel.let(f32x4.add(here, skew));
        for (let lane = 0; lane < 4; lane++) {
          kernel.store(list, place);
          kernel.set(place, i32.add(place, cols));
          kernel.storeLane32(list, frequency, lane, 4);
          kernel.storeLane32(list, height, lane, 8);
          // Only then does the next one not write over it.
          const bit = i32.and(i32.shr(found, i32.const(lane)), i32.const(1));
          kernel.set(list, i32.add(list, i32.mul(bit, i32.const(12))));
        }
      });
      kernel.set(before, here);
      kernel.set(here, after);
    });
    kernel.store(out!, list);
  },
};

export const columnKernels = {
  columns,
  rowsOfColumns,
  peaks,
  extremes1: extremes(1),
  extremes2: extremes(2),
  extremes4: extremes(4),
  extremes8: extremes(8),
  addUp: addUp((x) => x),
  addUpRoots: addUp(f32x4.sqrt),
} satisfies Record<string, KernelSource>;
