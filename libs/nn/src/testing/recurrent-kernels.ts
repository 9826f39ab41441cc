/** ONNX's recurrent operators for the interpreter, from the equations of their specification. */
import { offsetOf, type NumberArray } from './arrays.ts';
import type { Kernel } from './interpreter.ts';

export const recurrentKernels: Readonly<Record<string, Kernel>> = {
  /** Gates in the order input, output, forget, candidate; `w` and `r` have gates as rows. */
  LSTM: ([x, w, r, b], node) => {
    const shape = node.outputs[0]!.shape as [number, number, number, number];
    const [steps, directions, batch, units] = shape;
    const y = new Float64Array(steps * directions * batch * units);
    for (let d = 0; d < directions; d++) {
      for (let row = 0; row < batch; row++) {
        let hidden: readonly number[] = Array.from({ length: units }, () => 0);
        let cell = hidden;
        for (let step = 0; step < steps; step++) {
          const t = d === 1 ? steps - 1 - step : step;
          const gate = (k: number, u: number): number =>
            affine(w!, d, k * units + u, (j) => x!.data[offsetOf(x!.shape, [t, row, j])]!) +
            affine(r!, d, k * units + u, (j) => hidden[j]!) +
            b!.data[offsetOf(b!.shape, [d, k * units + u])]! +
            b!.data[offsetOf(b!.shape, [d, (4 + k) * units + u])]!;
          cell = cell.map((c, u) => sigmoid(gate(2, u)) * c + sigmoid(gate(0, u)) * Math.tanh(gate(3, u)));
          hidden = cell.map((c, u) => sigmoid(gate(1, u)) * Math.tanh(c));
          hidden.forEach((h, u) => (y[offsetOf(shape, [t, d, row, u])] = h));
        }
      }
    }
    return [{ shape, data: y }];
  },

  /** Gates in the order update, reset, candidate; the reset after the product (`linear_before_reset`). */
  GRU: ([x, w, r, b], node) => {
    const shape = node.outputs[0]!.shape as [number, number, number, number];
    const [steps, directions, batch, units] = shape;
    const y = new Float64Array(steps * directions * batch * units);
    for (let d = 0; d < directions; d++) {
      for (let row = 0; row < batch; row++) {
        let hidden: readonly number[] = Array.from({ length: units }, () => 0);
        for (let step = 0; step < steps; step++) {
          const t = d === 1 ? steps - 1 - step : step;
          const before = hidden;
          const bias = (k: number, u: number): number => b!.data[offsetOf(b!.shape, [d, k * units + u])]!;
          const input = (k: number, u: number): number =>
            affine(w!, d, k * units + u, (j) => x!.data[offsetOf(x!.shape, [t, row, j])]!) + bias(k, u);
          const recurrent = (k: number, u: number): number =>
            affine(r!, d, k * units + u, (j) => before[j]!) + bias(3 + k, u);
          hidden = before.map((h, u) => {
            const update = sigmoid(input(0, u) + recurrent(0, u));
            const reset = sigmoid(input(1, u) + recurrent(1, u));
            return (1 - update) * Math.tanh(input(2, u) + reset * recurrent(2, u)) + update * h;
          });
          hidden.forEach((h, u) => (y[offsetOf(shape, [t, d, row, u])] = h));
        }
      }
    }
    return [{ shape, data: y }];
  },
};

function affine(matrix: NumberArray, d: number, row: number, value: (j: number) => number): number {
  let total = 0;
  for (let j = 0; j < matrix.shape[2]!; j++) total += matrix.data[offsetOf(matrix.shape, [d, row, j])]! * value(j);
  return total;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
