/** Scales features column by column, by what the training rows say. */
import { Type, defineStage } from '@prosodia/core';
import { type FittedScaler, ScalerAccumulator, applyScaler } from '@prosodia/stats';
import { FeatureTable, SplitTable, Transform } from '@prosodia/tables';

export default defineStage({
  name: 'scale',
  summary: 'Scales each feature by its training rows: to zero mean and unit variance, to a range, or robustly.',
  details:
    "The numbers are those of scikit-learn's StandardScaler, MinMaxScaler and RobustScaler. A column that is " +
    'constant in the training rows becomes constant zero.',
  params: Type.Object({
    kind: Type.Union([Type.Literal('standard'), Type.Literal('minmax'), Type.Literal('robust')], {
      default: 'standard',
      description: 'standard: mean and deviation; minmax: range to [0, 1]; robust: median and quartiles.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
    fit_on: Type.Array(Type.Union([Type.Literal('train'), Type.Literal('validation')]), {
      default: ['train'],
      minItems: 1,
      description: 'Roles of the rows it is fitted on.',
    }),
  }),
  inputs: { features: FeatureTable, split: SplitTable },
  outputs: { features: FeatureTable, scaler: Transform },

  async fit({ params, training }): Promise<FittedScaler> {
    const { features } = training;
    const names = [...features.columnNames()];
    const accumulator = new ScalerAccumulator({ kind: params.kind, names, where: features.where });
    for await (const { items, values, width } of features.blocks()) {
      accumulator.add({ data: values, rows: items.length, cols: width });
    }
    return accumulator.finish();
  },

  async run({ inputs, outputs, state, notice }) {
    const { features } = inputs;
    if (state.constant.length > 0) {
      const names = state.constant.map((column) => state.names?.[column] ?? String(column));
      notice(
        `${names.length} features are constant in the training rows: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`,
      );
    }
    outputs.features.begin(features.layout, { ...features.metadata, scaled: state.kind });
    for await (const { items, values, width } of features.blocks()) {
      const scaled = applyScaler(state, { data: values, rows: items.length, cols: width });
      for (const [row, item] of items.entries()) {
        await outputs.features.append(item, Float32Array.from(scaled.data.subarray(row * width, (row + 1) * width)));
      }
    }
    await outputs.scaler.json('scaler.json', state);
  },
});
