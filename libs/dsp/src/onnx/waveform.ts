/** Where a graph of features begins. */
import type { GraphTensor } from '@prosodia/core';
import { graphInput } from '@prosodia/onnx';

/** The samples of recordings, float32 `[batch, samples]`; recordings of one batch are of one length. */
export function waveform(): GraphTensor {
  return graphInput('waveform', 'float32', ['batch', 'samples']);
}
