/** What is done to probabilities after they are predicted, as part of an ONNX graph; in double precision, as elsewhere. */
import { type ComposedPredictions, type GraphTensor, RequestError } from '@prosodia/core';
import {
  add,
  apply,
  cast,
  composedPredictions,
  concat,
  constant,
  div,
  equal,
  exp,
  integers,
  log,
  matMul,
  maximum,
  mul,
  placeOfMaximum,
  reduce,
  slice,
  sub,
} from '@prosodia/onnx';
import type { FittedLogistic } from '../logistic.ts';

/** Weighted mean of the members' probabilities, or of their votes for their most probable class. */
export function vote(
  members: readonly ComposedPredictions[],
  weights: readonly number[],
  method: 'soft' | 'hard',
): ComposedPredictions {
  const { parts, classes } = requireSameItems(members);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = members.map(({ probabilities }, m) => {
    const given = method === 'soft' ? probabilities : oneHot(probabilities, classes);
    return mul(cast(given, 'float64'), weights[m]! / total);
  });
  const mean = shares.reduce((all, own) => add(all, own));
  return composedPredictions(cast(mean, 'float32'), classes, parts);
}

function oneHot(probabilities: GraphTensor, classes: number): GraphTensor {
  const columns = apply('Range', [integers(0), integers(classes), integers(1)]);
  return cast(equal(placeOfMaximum(probabilities, 1), columns), 'float32');
}

/** A logistic regression on the members' probabilities; of two classes it takes the second's. */
export function stacked(fitted: FittedLogistic, members: readonly ComposedPredictions[]): ComposedPredictions {
  const { parts } = requireSameItems(members);
  const { classes, coef, intercept } = fitted;
  const columns = members.map(({ probabilities }) => (classes === 2 ? slice(probabilities, 1, 2, 1) : probabilities));
  // The classes that have no coefficients of their own come first, with logits of zero.
  const free = classes - coef.rows;
  const weights = new Float64Array(coef.cols * classes);
  for (let k = 0; k < coef.rows; k++) {
    for (let j = 0; j < coef.cols; j++) weights[j * classes + free + k] = coef.data[k * coef.cols + j]!;
  }
  const offsets = [...new Array<number>(free).fill(0), ...intercept];
  const product = matMul(cast(concat(columns, 1), 'float64'), constant('float64', [coef.cols, classes], weights));
  const logits = add(product, constant('float64', [classes], offsets));
  return composedPredictions(cast(softmax(logits), 'float32'), classes, parts);
}

/** Probabilities whose logarithms are divided by a temperature. */
export function tempered(predictions: ComposedPredictions, temperature: number): ComposedPredictions {
  const floored = maximum(cast(predictions.probabilities, 'float64'), 2 ** -23);
  const softened = softmax(div(log(floored), temperature));
  return composedPredictions(cast(softened, 'float32'), predictions.classes, predictions.parts);
}

function softmax(logits: GraphTensor): GraphTensor {
  const shares = exp(sub(logits, reduce('Max', logits, [1])));
  return div(shares, reduce('Sum', shares, [1]));
}

function requireSameItems(members: readonly ComposedPredictions[]): ComposedPredictions {
  const [first] = members;
  if (first && members.every(({ parts }) => parts === first.parts)) return first;
  throw new RequestError({ problem: 'members that predict different items cannot be combined in one graph' });
}
