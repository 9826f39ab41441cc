/** Features side by side and in other orders, as part of an ONNX graph. */
import type { GraphTensor } from '@prosodia/core';
import { concat, reshape, transposed, unsqueeze } from '@prosodia/onnx';

/** Tensors that differ in one axis, one after the other along it. */
export function beside(parts: readonly GraphTensor[], axis: number): GraphTensor {
  return concat(parts, axis);
}

/** `[items, frames, bands]` as `[items, bands, frames]`. */
export function bandsFirst(x: GraphTensor): GraphTensor {
  return transposed(x, [0, 2, 1]);
}

/** `[items, ...]` as `[items, values]`; the number of values has to be the same for all items. */
export function flattened(x: GraphTensor): GraphTensor {
  return reshape(x, [0, -1]);
}

/** One more axis, of one entry. */
export function withAxis(x: GraphTensor, axis: number): GraphTensor {
  return unsqueeze(x, [axis]);
}
