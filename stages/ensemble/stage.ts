/** Combines the predictions of several models into one. */
import { DataError, LeakError, type ManyItem, RequestError, Type, defineStage, many } from '@prosodia/core';
import {
  type FittedLogistic,
  type Float64Matrix,
  type Matrix,
  encodeLabels,
  fitStack,
  fitVoteWeights,
  hardVote,
  logLoss,
  onnx,
  softVote,
  stack,
} from '@prosodia/stats';
import {
  type PredictionReader,
  type PredictionRow,
  PredictionTable,
  type Seen,
  SplitTable,
  Transform,
} from '@prosodia/tables';
import { align, readMembers } from './align.ts';
import { readOutOfFold, requireInnerFolds } from './out-of-fold.ts';

/** How members are combined: a vote by weights, or a model of their predictions. */
type Combination =
  | { readonly weights: number[]; readonly fitted: boolean }
  | { readonly stack: FittedLogistic; readonly rows: number; readonly loss: number };

export default defineStage({
  name: 'ensemble',
  summary: 'Combines the predictions of several models: mean of probabilities, majority of votes, or stacking.',
  details:
    'Members must predict the same items over the same labels. Weights are equal, given, or fitted: fitted ' +
    'weights minimize the log-loss on validation rows, which no member may have been fitted on. `stacking` fits a ' +
    'logistic regression on the members’ probabilities for training rows, each by a model that had not seen the ' +
    'row: `out_of_fold` takes the predictions of the inner folds, one stage per member, in the order of ' +
    '`predictions`. Every prediction carries what its model has seen, and what has seen too much is refused.',
  params: Type.Object({
    method: Type.Union([Type.Literal('soft'), Type.Literal('hard'), Type.Literal('stacking')], {
      default: 'soft',
      description:
        'soft: weighted mean of probabilities; hard: weighted share of votes; stacking: a logistic regression fitted on out-of-fold probabilities.',
    }),
    weights: Type.Union([Type.Literal('equal'), Type.Literal('fitted'), Type.Array(Type.Number({ minimum: 0 }))], {
      default: 'equal',
      description: 'equal, fitted on validation rows, or one number per member in their order; soft and hard only.',
    }),
    C: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      description: "Weight of the data against the L2 penalty, as in scikit-learn's LogisticRegression; stacking only.",
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
  }),
  inputs: { predictions: many(PredictionTable), out_of_fold: many(PredictionTable), split: SplitTable },
  outputs: { predictions: PredictionTable, combination: Transform },

  async fit({ params, training, validation }): Promise<Combination> {
    const { predictions } = validation;
    if (predictions.length === 0) {
      throw new RequestError({ problem: 'there is nothing to combine', expected: 'from: { predictions: [a, b] }' });
    }
    if (params.method === 'stacking') {
      if (params.weights !== 'equal') {
        throw new RequestError({
          problem: 'a stack has no weights to set: it fits its own',
          expected: 'weights left out, or another method',
          where: 'parameter weights',
        });
      }
      const names = predictions.map(({ from }) => from);
      return fitOutOfFold(await readOutOfFold(training.out_of_fold, names), params.C);
    }
    if (params.weights === 'fitted') return { weights: await fitWeights(predictions), fitted: true };
    const weights = params.weights === 'equal' ? predictions.map(() => 1) : params.weights;
    if (weights.length === predictions.length) return { weights, fitted: false };
    throw new RequestError({
      problem: 'every member needs a weight',
      expected: `${predictions.length} weights, for ${predictions.map(({ from }) => from).join(', ')}`,
      got: `${weights.length}`,
      where: 'parameter weights',
    });
  },

  async run({ params, inputs, outputs, state, metrics }) {
    const { labels, rows, members } = align(await readMembers(inputs.predictions));
    await requireInnerFolds(inputs.out_of_fold, await inputs.split.roles(params.fold));
    const combined = combine(state, params.method, members);
    outputs.predictions.begin(labels);
    for (const [r, row] of rows.entries()) {
      await outputs.predictions.append(
        { ...row, seen: seenBy(state, row) },
        Float32Array.from(combined.data.subarray(r * labels.length, (r + 1) * labels.length)),
      );
    }
    await outputs.combination.json('combination.json', plain(state));
    if ('stack' in state) {
      metrics({ out_of_fold_rows: state.rows, out_of_fold_log_loss: state.loss });
      return;
    }
    const { weights } = state;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    metrics(Object.fromEntries(inputs.predictions.map(({ from }, i) => [`weight_${from}`, weights[i]! / total])));
  },

  serve: {
    inputs: ['predictions'],
    learned: ['combination'],
    async run({ params, inputs, outputs, learned, once }) {
      const combination = await once('combination', async () =>
        restored(await (await learned('combination')).json<SavedCombination>('combination.json')),
      );
      const { labels, rows, members } = align(await readMembers(inputs.predictions));
      const combined = combine(combination, params.method, members);
      outputs.predictions.begin(labels);
      for (const [r, row] of rows.entries()) {
        await outputs.predictions.append(
          row,
          Float32Array.from(combined.data.subarray(r * labels.length, (r + 1) * labels.length)),
        );
      }
    },
  },

  async compose({ params, manyPredictions, learned }) {
    const combination = restored(await (await learned('combination')).json<SavedCombination>('combination.json'));
    const members = manyPredictions('predictions');
    if ('stack' in combination) return { predictions: onnx.stacked(combination.stack, members) };
    const method = params.method === 'hard' ? 'hard' : 'soft';
    return { predictions: onnx.vote(members, combination.weights, method) };
  },
});

function combine(
  combination: Combination,
  method: 'soft' | 'hard' | 'stacking',
  members: Matrix[],
): Matrix | Float64Matrix {
  if ('stack' in combination) return stack(combination.stack, members);
  return (method === 'soft' ? softVote : hardVote)(members, combination.weights);
}

/** A combination as `combination.json` holds it: plain lists, one row of coefficients per class. */
type SavedCombination =
  | { readonly weights: number[]; readonly fitted: boolean }
  | { readonly rows: number; readonly loss: number; readonly coef: number[][]; readonly intercept: number[] };

function plain(combination: Combination): SavedCombination {
  if (!('stack' in combination)) return combination;
  const { coef, intercept } = combination.stack;
  const row = (r: number) => [...coef.data.subarray(r * coef.cols, (r + 1) * coef.cols)];
  return {
    rows: combination.rows,
    loss: combination.loss,
    coef: Array.from({ length: coef.rows }, (_, r) => row(r)),
    intercept: [...intercept],
  };
}

function restored(saved: SavedCombination): Combination {
  if ('weights' in saved) return saved;
  const { coef, intercept, rows, loss } = saved;
  const matrix = { data: Float64Array.from(coef.flat()), rows: coef.length, cols: coef[0]!.length };
  const classes = coef.length === 1 ? 2 : coef.length;
  return { stack: { classes, coef: matrix, intercept: Float64Array.from(intercept), steps: 0 }, rows, loss };
}

/** What the combination as a whole has seen. */
function seenBy(combination: Combination, { role, seen }: PredictionRow): Seen {
  const fittedOn = 'stack' in combination ? 'train' : combination.fitted ? 'validation' : undefined;
  return role === fittedOn ? 'fitted' : seen;
}

/** Weights from the validation rows. Throws a LeakError if a member was fitted on them, a DataError if there are none. */
async function fitWeights(predictions: readonly ManyItem<PredictionReader>[]): Promise<number[]> {
  const tables = await readMembers(predictions);
  for (const { from, rows } of tables) {
    const row = rows.find(({ seen }) => seen === 'fitted');
    if (!row) continue;
    throw new LeakError({
      problem: 'a member was fitted on the validation rows that would weigh it',
      expected: 'members fitted on training rows only: what one remembers says nothing of what it can',
      got: row.item_id,
      where: `predictions of ${from}`,
      fix: `fit_on: [train] in ${from}, or method: stacking`,
    });
  }
  const { rows, labels, members } = align(tables);
  if (rows.length === 0) {
    throw new DataError({
      problem: 'there are no validation rows to fit weights on',
      fix: 'give the split a validation share, or use equal weights',
    });
  }
  return fitVoteWeights(truthOf(rows, labels), members).weights;
}

function fitOutOfFold(outOfFold: Awaited<ReturnType<typeof readOutOfFold>>, C: number): Combination {
  // Rows that are tested in an inner fold are training rows here, and that no model had seen them was made sure of.
  const { rows, labels, members } = align(outOfFold);
  if (rows.length === 0) {
    throw new DataError({
      problem: 'there are no out-of-fold predictions of training rows',
      expected: 'an inner split that tests training clips of this fold',
      where: 'input out_of_fold',
    });
  }
  const truth = truthOf(rows, labels);
  const fitted = fitStack(truth, members, { C });
  return { stack: fitted, rows: rows.length, loss: logLoss(truth, stack(fitted, members)) };
}

function truthOf(rows: readonly PredictionRow[], labels: readonly string[]): Int32Array {
  return encodeLabels(
    rows.map(({ label }) => label),
    labels,
  ).indices;
}
