/** Scores of predicted probabilities against labels; greater is better. */
import { mostProbable } from './predict.ts';

export type Scoring = 'accuracy' | 'balanced_accuracy' | 'neg_log_loss';

/** @param probabilities `[rows, classes]`, row-major */
export function score(scoring: Scoring, probabilities: Float64Array, y: Int32Array, classes: number): number {
  switch (scoring) {
    case 'accuracy':
      return accuracy(mostProbable(probabilities, classes), y);
    case 'balanced_accuracy':
      return balancedAccuracy(mostProbable(probabilities, classes), y, classes);
    case 'neg_log_loss':
      return -logLoss(probabilities, y, classes);
  }
}

function accuracy(predicted: Int32Array, y: Int32Array): number {
  return predicted.filter((label, row) => label === y[row]).length / y.length;
}

/** Mean over the classes present in `y` of the share of their rows predicted right (recall). */
function balancedAccuracy(predicted: Int32Array, y: Int32Array, classes: number): number {
  const right = new Float64Array(classes);
  const all = new Float64Array(classes);
  for (let row = 0; row < y.length; row++) {
    all[y[row]!]!++;
    if (predicted[row] === y[row]) right[y[row]!]!++;
  }
  const recalls = right.map((n, k) => n / all[k]!).filter((_, k) => all[k]! > 0);
  return recalls.reduce((a, b) => a + b, 0) / recalls.length;
}

/** Mean of -ln p of the true class, p kept at least the float64 machine epsilon, as in scikit-learn. */
function logLoss(probabilities: Float64Array, y: Int32Array, classes: number): number {
  let sum = 0;
  for (let row = 0; row < y.length; row++) {
    sum -= Math.log(Math.max(probabilities[row * classes + y[row]!]!, Number.EPSILON));
  }
  return sum / y.length;
}
