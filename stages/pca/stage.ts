/** Rotates features onto their principal components and keeps the first of them. */
import { DataError, Type, defineStage, withUnits } from '@prosodia/core';
import { type FittedPca, PcaAccumulator, onnx, transformPca, transformsToOnnx } from '@prosodia/stats';
import {
  type FeatureReader,
  FeatureTable,
  type FeatureWriter,
  type FolderReader,
  type FolderWriter,
  SplitTable,
  Transform,
} from '@prosodia/tables';

export default defineStage({
  name: 'pca',
  summary: 'Reduces features to their principal components, fitted on training rows.',
  details:
    "The numbers are those of scikit-learn's PCA with a full decomposition; signs are fixed by the largest loading " +
    'of each component. The covariance is accumulated part by part, so the table may be larger than memory. ' +
    'The projection is written as a table and as an ONNX model.',
  params: Type.Object({
    n_components: Type.Number({
      default: 0.98,
      exclusiveMinimum: 0,
      description: 'Below 1: the share of variance to keep. From 1: how many components.',
    }),
    whiten: Type.Boolean({ default: false, description: 'Whether components are scaled to unit variance.' }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
    fit_on: Type.Array(Type.Union([Type.Literal('train'), Type.Literal('validation')]), {
      default: ['train'],
      minItems: 1,
      description: 'Roles of the rows it is fitted on.',
    }),
  }),
  inputs: { features: FeatureTable, split: SplitTable },
  outputs: { features: FeatureTable, pca: Transform },

  async fit({ params, training }): Promise<FittedPca> {
    const { features } = training;
    if (features.layout.form !== 'scalars') {
      throw new DataError({
        problem: 'principal components are taken of named features',
        expected: 'scalar columns',
        got: 'a matrix per item',
        where: features.where,
      });
    }
    const { n_components, whiten } = params;
    const accumulator = new PcaAccumulator({
      n_components,
      whiten,
      names: [...features.columnNames()],
      where: features.where,
    });
    for await (const { items, values, width } of features.blocks()) {
      accumulator.add({ data: values, rows: items.length, cols: width });
    }
    return accumulator.finish();
  },

  async run({ inputs, outputs, state, metrics }) {
    const { features } = inputs;
    const names = componentNames(state.components.rows);
    await project(state, names, features, outputs.features);
    await outputs.pca.bytes('pca.onnx', transformsToOnnx([state]));
    await save(outputs.pca, state, features.columnNames(), names);
    const kept = state.explained_variance_ratio.reduce((sum, share) => sum + share, 0);
    metrics({ components: names.length, features: features.width, variance_kept: kept });
  },

  serve: {
    inputs: ['features'],
    learned: ['pca'],
    async run({ inputs, outputs, learned, once }) {
      const pca = await once('pca', async () => read(await learned('pca')));
      await project(pca, componentNames(pca.components.rows), inputs.features, outputs.features);
    },
  },

  async compose({ features, learned }) {
    const folder = await learned('pca');
    const { explained_variance } = await folder.json<{ explained_variance: number[] }>('pca.json');
    const model = await folder.bytes('pca.onnx');
    return { features: onnx.transformed(model, features('features'), explained_variance.length) };
  },
});

function componentNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `pc_${String(i).padStart(String(count - 1).length, '0')}`);
}

async function project(pca: FittedPca, names: string[], features: FeatureReader, output: FeatureWriter): Promise<void> {
  output.begin({ form: 'scalars', names }, withUnits(features.metadata, {})); // A component mixes units.
  for await (const { items, values, width } of features.blocks()) {
    const projected = transformPca(pca, { data: values, rows: items.length, cols: width });
    for (const [row, item] of items.entries()) {
      await output.append(
        item,
        Float32Array.from(projected.data.subarray(row * names.length, (row + 1) * names.length)),
      );
    }
  }
}

/** What {@link save} wrote. */
async function read(folder: FolderReader): Promise<FittedPca> {
  const facts = await folder.json<{
    rows: number;
    whiten: boolean;
    noise_variance: number;
    explained_variance: number[];
    explained_variance_ratio: number[];
    singular_values: number[];
  }>('pca.json');
  const loadings = await (await folder.table<Record<string, number | string>>('components')).all();
  const names = componentNames(facts.explained_variance.length);
  const cols = loadings.length;
  const data = new Float64Array(names.length * cols);
  names.forEach((name, k) => loadings.forEach((row, column) => (data[k * cols + column] = Number(row[name]))));
  return {
    ...facts,
    components: { data, rows: names.length, cols },
    mean: Float64Array.from(loadings, (row) => Number(row['mean'])),
    explained_variance: Float64Array.from(facts.explained_variance),
    explained_variance_ratio: Float64Array.from(facts.explained_variance_ratio),
    singular_values: Float64Array.from(facts.singular_values),
  };
}

/** `pca.json` for the spectrum, `components/` with one row per feature: its mean and its loadings. */
async function save(
  folder: FolderWriter,
  pca: FittedPca,
  features: readonly string[],
  names: readonly string[],
): Promise<void> {
  const { components, mean, whiten, rows, noise_variance } = pca;
  await folder.json('pca.json', {
    rows,
    whiten,
    noise_variance,
    explained_variance: [...pca.explained_variance],
    explained_variance_ratio: [...pca.explained_variance_ratio],
    singular_values: [...pca.singular_values],
  });
  const table = await folder.table('components', {
    columns: [
      { name: 'feature', type: 'utf8' },
      { name: 'mean', type: 'float64' },
      ...names.map((name) => ({ name, type: 'float64' as const })),
    ],
    metadata: {},
  });
  for (const [column, feature] of features.entries()) {
    const loadings = names.map((name, k) => [name, components.data[k * components.cols + column]!] as const);
    await table.append({ feature, mean: mean[column]!, ...Object.fromEntries(loadings) });
  }
}
