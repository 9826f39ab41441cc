/**
 * Stacking (Wolpert, "Stacked generalization", 1992): a model that learns from what other models predict.
 *
 * It must learn from predictions for rows that the member had not seen, or it learns whom to trust from memory:
 * the member that memorized most would win. Hence the name of the argument; the caller answers for it.
 */
import { requireMembers } from './ensemble.ts';
import { type FittedLogistic, fitLogistic, type LogisticOptions, predictLogistic } from './logistic.ts';
import { type Float64Matrix, type Matrix, zeros } from './matrix.ts';

/**
 * Fits a logistic regression on the members' out-of-fold probabilities, side by side, as scikit-learn's
 * `StackingClassifier` does with its default final estimator. Of two classes the second's probability is taken.
 *
 * @param truth class index of each row
 * @param outOfFold one matrix of probabilities per member, all for the same rows
 * @throws DataError, RequestError as {@link fitLogistic} and `softVote` do
 */
export function fitStack(
  truth: ArrayLike<number>,
  outOfFold: readonly Matrix[],
  options: LogisticOptions = {},
): FittedLogistic {
  return fitLogistic(sideBySide(outOfFold), truth, requireMembers(outOfFold).cols, options);
}

/** Probabilities of the stack, rows x classes, from its members' in the order that it was fitted with. */
export function stack(fitted: FittedLogistic, members: readonly Matrix[]): Float64Matrix {
  return predictLogistic(fitted, sideBySide(members));
}

function sideBySide(members: readonly Matrix[]): Float64Matrix {
  const { rows, cols } = requireMembers(members);
  const skipped = cols === 2 ? 1 : 0;
  const own = cols - skipped;
  const joined = zeros(rows, own * members.length);
  members.forEach(({ data }, m) => {
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < own; k++) joined.data[i * joined.cols + m * own + k] = data[i * cols + skipped + k]!;
    }
  });
  return joined;
}
