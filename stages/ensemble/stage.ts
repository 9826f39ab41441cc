/** Combines the predictions of several models into one. */
import { DataError, LeakError, type ManyItem, RequestError, Type, defineStage, many } from '@prosodia/core';
import { type Matrix, encodeLabels, fitVoteWeights, hardVote, softVote } from '@prosodia/stats';
import { type PredictionReader, type PredictionRow, PredictionTable, SplitTable } from '@prosodia/tables';

interface Aligned {
  labels: readonly string[];
  rows: PredictionRow[];
  members: Matrix[];
}

export default defineStage({
  name: 'ensemble',
  summary: 'Combines the predictions of several models: mean of probabilities, or majority of votes.',
  details:
    'Members must predict the same items over the same labels. Weights are equal, given, or fitted: fitted ' +
    'weights minimize the log-loss on validation rows, and never see a test row.',
  params: Type.Object({
    method: Type.Union([Type.Literal('soft'), Type.Literal('hard')], {
      default: 'soft',
      description: 'soft: weighted mean of probabilities; hard: weighted share of votes.',
    }),
    weights: Type.Union([Type.Literal('equal'), Type.Literal('fitted'), Type.Array(Type.Number({ minimum: 0 }))], {
      default: 'equal',
      description: 'equal, fitted on validation rows, or one number per member in their order.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
  }),
  inputs: { predictions: many(PredictionTable), split: SplitTable },
  outputs: { predictions: PredictionTable },

  async fit({ params, validation }): Promise<number[]> {
    const { predictions } = validation;
    if (predictions.length === 0) {
      throw new RequestError({ problem: 'there is nothing to combine', expected: 'from: { predictions: [a, b] }' });
    }
    if (params.weights === 'equal') return predictions.map(() => 1);
    if (params.weights !== 'fitted') {
      if (params.weights.length === predictions.length) return params.weights;
      throw new RequestError({
        problem: 'every member needs a weight',
        expected: `${predictions.length} weights, for ${predictions.map(({ from }) => from).join(', ')}`,
        got: `${params.weights.length}`,
        where: 'parameter weights',
      });
    }
    const { rows, labels, members } = await align(predictions);
    if (rows.length === 0) {
      throw new DataError({
        problem: 'there are no validation rows to fit weights on',
        fix: 'give the split a validation share, or use equal weights',
      });
    }
    return fitVoteWeights(
      encodeLabels(
        rows.map(({ label }) => label),
        labels,
      ).indices,
      members,
    ).weights;
  },

  async run({ params, inputs, outputs, state: weights, metrics }) {
    const { labels, rows, members } = await align(inputs.predictions);
    const combined = (params.method === 'soft' ? softVote : hardVote)(members, weights);
    outputs.predictions.begin(labels);
    for (const [r, row] of rows.entries()) {
      await outputs.predictions.append(
        row,
        Float32Array.from(combined.data.subarray(r * labels.length, (r + 1) * labels.length)),
      );
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    metrics(Object.fromEntries(inputs.predictions.map(({ from }, i) => [`weight_${from}`, weights[i]! / total])));
  },
});

/** Puts the members' probabilities over the same rows and labels. Throws a DataError or a LeakError where they differ. */
async function align(predictions: readonly ManyItem<PredictionReader>[]): Promise<Aligned> {
  const tables = await Promise.all(
    predictions.map(async ({ from, artifact }) => ({ from, labels: artifact.labels, ...(await artifact.all()) })),
  );
  const first = tables[0]!;
  const order = new Map(first.rows.map((row, i) => [`${row.fold} ${row.item_id}`, i]));
  const members = tables.map((table) => {
    if (table.labels.join('\0') !== first.labels.join('\0')) {
      throw new DataError({
        problem: 'the members predict different labels',
        expected: `${first.labels.join(', ')} (${first.from})`,
        got: `${table.labels.join(', ')} (${table.from})`,
      });
    }
    const cols = first.labels.length;
    const data = new Float32Array(first.rows.length * cols);
    const missing = table.rows.find((row) => !order.has(`${row.fold} ${row.item_id}`));
    if (missing || table.rows.length !== first.rows.length) {
      throw new DataError({
        problem: 'the members predict different items',
        expected: `the ${first.rows.length} items of ${first.from}`,
        got: `${table.rows.length} items of ${table.from}${missing ? `, among them ${missing.item_id}` : ''}`,
      });
    }
    for (const [r, row] of table.rows.entries()) {
      const at = order.get(`${row.fold} ${row.item_id}`)!;
      const { role } = first.rows[at]!;
      if (row.role !== role) {
        throw new LeakError({
          problem: 'the members give an item different roles',
          expected: `predictions over one split: ${row.item_id} is ${role} in ${first.from}`,
          got: `${row.role} in ${table.from}, which may have been trained on it`,
        });
      }
      data.set(table.probabilities.subarray(r * cols, (r + 1) * cols), at * cols);
    }
    return { data, rows: first.rows.length, cols };
  });
  return { labels: first.labels, rows: first.rows, members };
}
