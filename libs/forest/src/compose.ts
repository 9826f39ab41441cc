/** A forest as part of an ONNX graph. */
import type { ComposedFeatures, ComposedPredictions } from '@prosodia/core';
import { composedPredictions, embed } from '@prosodia/onnx';

/** Probabilities that a model of {@link forestToOnnx} with so many classes gives features. */
export function composeForest(
  model: Uint8Array,
  { values, parts }: ComposedFeatures,
  classes: number,
): ComposedPredictions {
  return composedPredictions(embed(model, { features: values }, 'probabilities'), classes, parts);
}
