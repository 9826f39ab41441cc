/** Convolution and pooling for the interpreter, from the definitions. */
import { windowOf, type Window } from '../spatial-ops.ts';
import { array, generate, offsetOf, valueOr, type NumberArray } from './arrays.ts';
import type { Kernel } from './interpreter.ts';

export const spatialKernels: Readonly<Record<string, Kernel>> = {
  Conv: ([x, kernel, bias], node) => {
    const window = windowOf(node.attributes);
    return [
      generate(node.outputs[0]!.shape, ([batch, out, ...place]) => {
        let total = bias?.data[out!] ?? 0;
        for (let c = 0; c < kernel!.shape[1]!; c++) {
          for (const tap of taps(window.size)) {
            const weight = kernel!.data[offsetOf(kernel!.shape, [out!, c, ...tap])]!;
            total += weight * valueOr(0, x!, [batch!, c, ...seen(window, place, tap)]);
          }
        }
        return total;
      }),
    ];
  },
  ConvTranspose: ([g, kernel], node) => {
    const window = windowOf(node.attributes);
    const result = array(node.outputs[0]!.shape, new Float64Array(size(node.outputs[0]!.shape)));
    generate(g!.shape, ([batch, c, ...place]) => {
      const value = g!.data[offsetOf(g!.shape, [batch!, c!, ...place])]!;
      for (let out = 0; out < kernel!.shape[1]!; out++) {
        for (const tap of taps(window.size)) {
          const at = [batch!, out, ...seen(window, place, tap)];
          if (!at.every((i, axis) => i >= 0 && i < result.shape[axis]!)) continue;
          result.data[offsetOf(result.shape, at)]! += value * kernel!.data[offsetOf(kernel!.shape, [c!, out, ...tap])]!;
        }
      }
      return 0;
    });
    return [result];
  },
  MaxPool: ([x], node) => {
    const window = windowOf(node.attributes);
    const places = generate(node.outputs[0]!.shape, ([batch, c, ...place]) => {
      let best = -1;
      for (const at of inside(x!, window, batch!, c!, place)) if (best < 0 || x!.data[at]! > x!.data[best]!) best = at;
      return best;
    });
    return [{ shape: places.shape, data: places.data.map((at) => x!.data[at]!) }, places];
  },
  AveragePool: ([x], node) => {
    const strides = node.attributes['strides'] as readonly number[];
    const window = windowOf({ ...node.attributes, dilations: strides.map(() => 1) });
    return [
      generate(node.outputs[0]!.shape, ([batch, c, ...place]) => {
        const all = inside(x!, window, batch!, c!, place);
        return all.reduce((total, at) => total + x!.data[at]!, 0) / all.length;
      }),
    ];
  },
};

/** Offsets of the elements of a window that are not padding. */
function inside(x: NumberArray, window: Window, batch: number, channel: number, place: readonly number[]): number[] {
  return taps(window.size)
    .map((tap) => [batch, channel, ...seen(window, place, tap)])
    .filter((at) => at.every((i, axis) => i >= 0 && i < x.shape[axis]!))
    .map((at) => offsetOf(x.shape, at));
}

/** Where a tap of the window at an output place falls in the input. */
function seen(window: Window, place: readonly number[], tap: readonly number[]): number[] {
  return place.map((p, i) => p * window.strides[i]! + tap[i]! * window.dilations[i]! - window.before[i]!);
}

function taps(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (sofar, count) => sofar.flatMap((tap) => Array.from({ length: count }, (_, i) => [...tap, i])),
    [[]],
  );
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
