/** Scales features column by column or band by band, by what the training rows say. */
import { Type, defineStage, withUnits } from '@prosodia/core';
import { type FittedScaler, ScalerAccumulator, applyScaler, onnx, transformsToOnnx } from '@prosodia/stats';
import {
  type FeatureReader,
  FeatureTable,
  type FeatureWriter,
  SplitTable,
  Transform,
  expanded,
  gathered,
  groupsOf,
} from '@prosodia/tables';

/** What a number counts once it is scaled, of the training rows. */
const UNIT = {
  standard: 'standard deviations',
  minmax: 'share of the range',
  robust: 'interquartile ranges',
} as const;

export default defineStage({
  name: 'scale',
  summary: 'Scales each feature by its training rows: to zero mean and unit variance, to a range, or robustly.',
  details:
    "The numbers are those of scikit-learn's StandardScaler, MinMaxScaler and RobustScaler. A column that is " +
    'constant in the training rows becomes constant zero. Of a matrix, all frames of a band are scaled alike ' +
    '(`per: band`), or each number by itself as if the matrix were flattened (`per: column`). ' +
    '`robust` needs exact quantiles and holds the training rows in memory, 4 bytes a number; the others hold one part ' +
    'of the table at a time. ' +
    'The scaler is written as JSON and as an ONNX model of rows with as many numbers.',
  params: Type.Object({
    kind: Type.Union([Type.Literal('standard'), Type.Literal('minmax'), Type.Literal('robust')], {
      default: 'standard',
      description: 'standard: mean and deviation; minmax: range to [0, 1]; robust: median and quartiles.',
    }),
    per: Type.Union([Type.Literal('auto'), Type.Literal('column'), Type.Literal('band'), Type.Literal('channel')], {
      default: 'auto',
      description:
        'What is scaled alike: each number of a row (column), all frames of a band of a channel (band), or a whole ' +
        'channel. auto: band for features with a frame axis, else column.',
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
    const groups = groupsOf(features.layout, features.columnNames(), params.per);
    const accumulator = new ScalerAccumulator({ kind: params.kind, names: groups.names, where: features.where });
    for await (const { items, values, width } of features.blocks()) {
      accumulator.add(gathered({ data: values, rows: items.length, cols: width }, groups));
    }
    return expanded(accumulator.finish(), groups, features.columnNames());
  },

  async run({ inputs, outputs, state, notice }) {
    const { features } = inputs;
    if (state.constant.length > 0) {
      const names = state.constant.map((column) => state.names?.[column] ?? String(column));
      notice(
        `${names.length} features are constant in the training rows: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}`,
      );
    }
    await scaleAll(state, features, outputs.features);
    await outputs.scaler.json('scaler.json', state);
    await outputs.scaler.bytes('scaler.onnx', transformsToOnnx([state]));
  },

  serve: {
    inputs: ['features'],
    learned: ['scaler'],
    async run({ inputs, outputs, learned, once }) {
      const scaler = await once('scaler', async () => (await learned('scaler')).json<FittedScaler>('scaler.json'));
      await scaleAll(scaler, inputs.features, outputs.features);
    },
  },

  compose: async ({ features, learned }) => ({
    features: onnx.transformed(await (await learned('scaler')).bytes('scaler.onnx'), features('features')),
  }),
});

async function scaleAll(scaler: FittedScaler, features: FeatureReader, output: FeatureWriter): Promise<void> {
  output.begin(features.layout, withUnits({ ...features.metadata, scaled: scaler.kind }, { '*': UNIT[scaler.kind] }));
  for await (const { items, values, width, padding } of features.blocks()) {
    const scaled = applyScaler(scaler, { data: values, rows: items.length, cols: width });
    for (const [row, item] of items.entries()) {
      const own = Float32Array.from(scaled.data.subarray(row * width, (row + 1) * width));
      await output.append(item, own, padding?.[row]);
    }
  }
}
