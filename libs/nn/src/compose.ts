/** A trained network as part of an ONNX graph. */
import type { ComposedFeatures, ComposedPredictions } from '@prosodia/core';
import { composedPredictions, embed } from '@prosodia/onnx';

/** Probabilities that a model of {@link train} with so many classes gives features. */
export function composeNetwork(
  model: Uint8Array,
  { values, parts }: ComposedFeatures,
  classes: number,
): ComposedPredictions {
  return composedPredictions(embed(model, { input: values }, 'probabilities'), classes, parts);
}
