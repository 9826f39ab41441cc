/** Where a graph ends: probabilities, and the model that gives them. */
import type { ComposedPredictions, GraphTensor } from '@prosodia/core';
import { composedModel } from './model.ts';
import { add, concat, div, reduce, reshape } from './ops.ts';
import { apply, integers } from './tensor.ts';

/**
 * Predictions that can be made into a model: `waveform` float32 `[batch, samples]` in, `probabilities` float32
 * `[batch, classes]` out.
 *
 * @param probabilities float32 `[items, classes]`
 */
export function composedPredictions(
  probabilities: GraphTensor,
  classes: number,
  parts: GraphTensor | undefined,
): ComposedPredictions {
  return {
    kind: 'predictions',
    probabilities,
    classes,
    parts,
    model(others, { metadata }) {
      const members = [{ probabilities, parts }, ...others].map(perRecording);
      const sum = members.reduce((all, own) => add(all, own));
      const mean = members.length > 1 ? div(sum, members.length) : sum;
      const value = { name: 'probabilities', element: 'float32' as const, shape: ['batch', classes] };
      return composedModel({ name: 'one_file', outputs: [{ tensor: mean, value }], metadata });
    },
  };
}

/** One row per recording: the mean of its items. */
function perRecording({
  probabilities,
  parts,
}: {
  probabilities: GraphTensor;
  parts: GraphTensor | undefined;
}): GraphTensor {
  return parts ? reduce('Mean', byRecording(probabilities, parts), [1], false) : probabilities;
}

/** Rows of items as `[recordings, items, values]`. */
export function byRecording(rows: GraphTensor, parts: GraphTensor): GraphTensor {
  return reshape(rows, concat([integers([-1]), parts, lastSize(rows)], 0));
}

function lastSize(x: GraphTensor): GraphTensor {
  return apply('Shape', [x], { start: { integer: -1 } }, 'int64');
}
