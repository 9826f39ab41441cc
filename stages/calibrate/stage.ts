/** Makes probabilities say how often they are right: temperature scaling, fitted on validation rows. */
import { DataError, LeakError, Type, defineStage } from '@prosodia/core';
import {
  type Float64Matrix,
  type Matrix,
  applyTemperature,
  encodeLabels,
  expectedCalibrationError,
  fitTemperature,
  logitsOf,
  onnx,
} from '@prosodia/stats';
import {
  type PredictionReader,
  type PredictionRow,
  PredictionTable,
  type PredictionWriter,
  SplitTable,
  Transform,
  requireUnseenTest,
} from '@prosodia/tables';

/** What `calibration.json` holds: the temperature, and how right the validation rows' probabilities were. */
interface Calibration {
  readonly method: 'temperature';
  readonly temperature: number;
  /** True if the best temperature lies beyond the range that is searched. */
  readonly at_bound: boolean;
  readonly validation_rows: number;
  readonly before: Judgement;
  readonly after: Judgement;
}

interface Judgement {
  readonly ece: number;
  readonly log_loss: number;
}

export default defineStage({
  name: 'calibrate',
  summary: 'Calibrates probabilities by temperature scaling, fitted on validation rows.',
  details:
    'All logarithms of probabilities are divided by one temperature, the one of least log-loss on the validation ' +
    'rows (Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017). No predicted label ' +
    'changes. The model must not have been fitted on these rows: what it remembers is not what it knows. The expected ' +
    'calibration errors reported here, before and after, are of the validation rows; `evaluate` has that of test rows.',
  params: Type.Object({
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
    bins: Type.Integer({
      default: 10,
      minimum: 1,
      description: 'Bins of equal width that the expected calibration error is reported over.',
    }),
  }),
  inputs: { predictions: PredictionTable, split: SplitTable },
  outputs: { predictions: PredictionTable, calibration: Transform },

  async fit({ params, validation }): Promise<Calibration> {
    const { labels, where } = validation.predictions;
    const { rows, probabilities } = await validation.predictions.all();
    if (rows.length === 0) {
      throw new DataError({
        problem: 'there are no validation rows to fit a temperature on',
        where,
        fix: 'give the split a validation share',
      });
    }
    rows.forEach((row) => requireHeldOut(row, params.fold, where));
    const truth = encodeLabels(
      rows.map(({ label }) => label),
      labels,
    ).indices;
    const before: Matrix = { data: probabilities, rows: rows.length, cols: labels.length };
    const logits = logitsOf(before);
    const fit = fitTemperature(truth, logits);
    const after = applyTemperature(logits, fit.temperature);
    const ece = (matrix: Matrix) => expectedCalibrationError(truth, matrix, { bins: params.bins }).value;
    return {
      method: 'temperature',
      temperature: fit.temperature,
      at_bound: fit.atBound,
      validation_rows: rows.length,
      before: { ece: ece(before), log_loss: fit.before },
      after: { ece: ece(after), log_loss: fit.after },
    };
  },

  async run({ inputs, outputs, state, metrics, notice, summary }) {
    const { temperature, before, after, validation_rows } = state;
    if (state.at_bound) {
      notice(
        `the best temperature lies beyond ${temperature}, the end of the range: the ${validation_rows} validation ` +
          'rows are too few, or their probabilities say nothing',
      );
    }
    await scaleAll(inputs.predictions, outputs.predictions, temperature, (row) => {
      requireUnseenTest(row, 'the model to be calibrated', inputs.predictions.where);
      // The validation rows have been fitted on from here on.
      return row.role === 'validation' ? { ...row, seen: 'fitted' } : row;
    });
    await outputs.calibration.json('calibration.json', state);
    metrics({
      temperature,
      val_ece_before: before.ece,
      val_ece: after.ece,
      val_log_loss_before: before.log_loss,
      val_log_loss: after.log_loss,
    });
    const change = (from: number, to: number) => `${from.toFixed(3)} -> ${to.toFixed(3)}`;
    summary(
      `Temperature ${temperature.toFixed(3)}, fitted on ${validation_rows} validation rows: expected calibration error ` +
        `${change(before.ece, after.ece)}, log-loss ${change(before.log_loss, after.log_loss)} there`,
    );
  },

  serve: {
    inputs: ['predictions'],
    learned: ['calibration'],
    calibrates: true,
    async run({ inputs, outputs, learned, once }) {
      const { temperature } = await once('calibration', async () =>
        (await learned('calibration')).json<Calibration>('calibration.json'),
      );
      await scaleAll(inputs.predictions, outputs.predictions, temperature, (row) => row);
    },
  },

  async compose({ predictions, learned }) {
    const { temperature } = await (await learned('calibration')).json<Calibration>('calibration.json');
    return { predictions: onnx.tempered(predictions('predictions'), temperature) };
  },
});

async function scaleAll(
  from: PredictionReader,
  to: PredictionWriter,
  temperature: number,
  told: (row: PredictionRow) => PredictionRow,
): Promise<void> {
  const { labels } = from;
  const { rows, probabilities } = await from.all();
  const scaled: Float64Matrix = applyTemperature(
    logitsOf({ data: probabilities, rows: rows.length, cols: labels.length }),
    temperature,
  );
  to.begin(labels);
  for (const [r, row] of rows.entries()) {
    await to.append(told(row), Float32Array.from(scaled.data.subarray(r * labels.length, (r + 1) * labels.length)));
  }
}

/** Refuses a row that its model was fitted on, or that belongs to another split or fold than the stage's. */
function requireHeldOut({ item_id, role, fold, seen }: PredictionRow, expectedFold: number, where: string): void {
  if (role !== 'validation' || fold !== expectedFold) {
    throw new LeakError({
      problem: 'a validation row was predicted under another split',
      expected: `predictions over this split: ${item_id} is a validation row of fold ${expectedFold}`,
      got: `a ${role} row of fold ${fold}`,
      where,
    });
  }
  if (seen !== 'fitted') return;
  throw new LeakError({
    problem: 'the model was fitted on the validation rows that would calibrate it',
    expected: 'a model fitted on training rows only: on rows that it remembers it is rightly sure of itself',
    got: item_id,
    where,
    fix: 'fit_on: [train] in the stage that fits the model, and no weights fitted on validation rows',
  });
}
