/** Trains a random forest and predicts every clip with it. */
import { DataError, LeakError, type Role, Type, defineStage } from '@prosodia/core';
import {
  type FittedForest,
  type PermutationImportance,
  composeForest,
  fitForest,
  forestFromOnnx,
  forestToOnnx,
  permutationImportance,
  predictProba,
} from '@prosodia/forest';
import { classWeights, encodeLabels } from '@prosodia/stats';
import {
  type ClipRow,
  ClipTable,
  type FeatureReader,
  FeatureTable,
  Model,
  PredictionTable,
  SplitTable,
  type TableReader,
  clipLabels,
  readLabelled,
  writePredictions,
  writeUnlabelled,
} from '@prosodia/tables';

interface Fitted {
  labels: string[];
  forest: FittedForest;
  permutation: PermutationImportance | undefined;
}

const orNull = <T extends ReturnType<typeof Type.Number | typeof Type.Integer>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { default: null, description });

export default defineStage({
  name: 'train-forest',
  summary: 'Trains a random forest (or extremely randomized trees) on training rows, predicts every clip.',
  details:
    "Parameters are those of scikit-learn's RandomForestClassifier. The forest is the same for any number of threads. " +
    '`model.json` holds the importances of the features: the decrease of impurity in training and, with ' +
    '`permutation_repeats`, what the accuracy on validation rows loses when a feature is shuffled among them.',
  params: Type.Object({
    label: Type.String({ default: 'emotion', description: 'Column of the clips table to learn.' }),
    n_estimators: Type.Integer({ default: 500, minimum: 1, description: 'Number of trees.' }),
    criterion: Type.Union([Type.Literal('gini'), Type.Literal('entropy')], {
      default: 'gini',
      description: 'What a split reduces.',
    }),
    max_depth: orNull(Type.Integer({ minimum: 1 }), 'Greatest depth of a tree; null grows until leaves are pure.'),
    min_samples_split: Type.Integer({ default: 2, minimum: 2, description: 'A node with fewer rows is not split.' }),
    min_samples_leaf: Type.Integer({ default: 1, minimum: 1, description: 'Rows a split must leave on each side.' }),
    max_features: Type.Union(
      [Type.Literal('sqrt'), Type.Literal('log2'), Type.Number({ exclusiveMinimum: 0 }), Type.Null()],
      {
        default: 'sqrt',
        description:
          'Features tried at each node: sqrt or log2 of their number, a share below 1, a count, or null for all.',
      },
    ),
    bootstrap: Type.Boolean({ default: true, description: 'Whether each tree draws its rows with replacement.' }),
    max_samples: orNull(
      Type.Number({ exclusiveMinimum: 0 }),
      'Rows that each tree draws: a share below 1, a count, or null for as many as there are.',
    ),
    class_weight: Type.Union(
      [
        Type.Literal('balanced'),
        Type.Literal('balanced_subsample'),
        Type.Literal('none'),
        Type.Record(Type.String(), Type.Number({ minimum: 0 })),
      ],
      {
        default: 'none',
        description:
          "balanced: classes count the same; balanced_subsample: the same within each tree's rows; or a weight by " +
          'label, such as { calm: 2 }, where labels left out weigh 1.',
      },
    ),
    augmented_weight: Type.Number({
      default: 1,
      minimum: 0,
      description: 'What an altered copy of a recording weighs in training; the recording itself weighs 1.',
    }),
    extra_trees: Type.Boolean({
      default: false,
      description: 'Draw thresholds at random instead of searching the best.',
    }),
    oob_score: Type.Boolean({ default: false, description: 'Report the accuracy on the rows each tree did not see.' }),
    permutation_repeats: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Times that each feature is shuffled among the validation rows; 0 for no such importances.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
    fit_on: Type.Array(Type.Union([Type.Literal('train'), Type.Literal('validation')]), {
      default: ['train'],
      minItems: 1,
      description: 'Roles of the rows it is fitted on; a forest needs no validation rows of its own.',
    }),
  }),
  inputs: { features: FeatureTable, split: SplitTable, clips: ClipTable },
  outputs: { model: Model, predictions: PredictionTable },
  seeded: true,
  resources: { threads: 'all', memory_gb: 1 },

  async fit({ params, training, validation, rng, threads, signal, progress }): Promise<Fitted> {
    const rows = await readLabelled(training.features, training.clips, params.label);
    if (rows.items.length === 0)
      throw new DataError({ problem: 'the split has no training rows', where: training.split.where });
    const { classes: labels, indices } = encodeLabels(rows.labels);
    const { n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, max_features } = params;
    const { bootstrap, max_samples, extra_trees, oob_score } = params;
    const forest = await fitForest({
      ...{ n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, max_features },
      ...{ bootstrap, max_samples, extra_trees, oob_score },
      x: rows.values,
      rows: rows.items.length,
      cols: rows.width,
      y: indices,
      classes: labels.length,
      class_weight: classWeightOf(params.class_weight, indices, labels),
      ...(params.augmented_weight === 1
        ? {}
        : {
            sample_weight: Float64Array.from(rows.items, ({ augmentation }) =>
              augmentation === null ? 1 : params.augmented_weight,
            ),
          }),
      seed: rng.uint32(),
      threads,
      signal,
      onProgress: (trees) => progress(trees, n_estimators, 'trees'),
    });
    const { permutation_repeats: n_repeats, fit_on } = params;
    if (n_repeats === 0) return { labels, forest, permutation: undefined };
    if (fit_on.includes('validation')) {
      throw new LeakError({
        problem: 'the validation rows that would tell what a feature is worth were fitted on',
        expected: 'rows that the forest has not seen',
        fix: 'fit_on: [train], or permutation_repeats: 0',
      });
    }
    const held = await unalteredRows(validation.features, validation.clips, params.label);
    const y = encodeLabels(held.labels, labels).indices;
    const settings = { n_repeats, seed: rng.fork('permutation').uint32(), threads, signal };
    const permutation = await permutationImportance(forest, {
      ...{ x: held.values, rows: held.labels.length, cols: held.width, y },
      ...settings,
    });
    return { labels, forest, permutation };
  },

  async run({ params, inputs, outputs, state, metrics }) {
    const { labels, forest, permutation } = state;
    const { features } = inputs;
    const context = {
      labels,
      labelOf: await clipLabels(inputs.clips, params.label),
      roles: await inputs.split.roles(params.fold),
      fold: params.fold,
      seen: (role: Role) =>
        params.fit_on.some((fitted) => fitted === role) ? ('fitted' as const) : ('unseen' as const),
    };
    await writePredictions(outputs.predictions, features, context, (values, rows) =>
      Float32Array.from(predictProba(forest, values, rows, features.width)),
    );
    await outputs.model.bytes('model.onnx', forestToOnnx(forest, { labels }));
    const names = features.columnNames();
    await outputs.model.json('model.json', {
      kind: 'forest',
      labels,
      input: { name: 'features', width: features.width },
      output: { name: 'probabilities', classes: labels.length },
      trees: params.n_estimators,
      ...(forest.oob ? { oob_score: forest.oob.score } : {}),
      feature_importances: Object.fromEntries(names.map((name, i) => [name, forest.feature_importances[i]])),
      ...(permutation
        ? {
            permutation_importances: Object.fromEntries(
              names.map((name, i) => {
                return [name, { mean: permutation.importances_mean[i], std: permutation.importances_std[i] }];
              }),
            ),
          }
        : {}),
      settings: params,
    });
    metrics({
      trees: params.n_estimators,
      nodes: forest.feature.length,
      ...(forest.oob ? { oob_score: forest.oob.score } : {}),
    });
  },

  serve: {
    inputs: ['features'],
    learned: ['model'],
    async run({ inputs: { features }, outputs, learned, once }) {
      const { labels, forest } = await once('model', async () => {
        const folder = await learned('model');
        const { labels } = await folder.json<{ labels: string[] }>('model.json');
        return { labels, forest: forestFromOnnx(await folder.bytes('model.onnx')).forest };
      });
      await writeUnlabelled(outputs.predictions, features, labels, (values, rows) =>
        Float32Array.from(predictProba(forest, values, rows, features.width)),
      );
    },
  },

  async compose({ features, learned }) {
    const folder = await learned('model');
    const { labels } = await folder.json<{ labels: string[] }>('model.json');
    return { predictions: composeForest(await folder.bytes('model.onnx'), features('features'), labels.length) };
  },
});

type ClassWeightParam = 'balanced' | 'balanced_subsample' | 'none' | Readonly<Record<string, number>>;

function classWeightOf(spec: ClassWeightParam, truth: Int32Array, labels: readonly string[]) {
  if (spec === 'none') return null;
  return typeof spec === 'string' ? spec : classWeights(truth, labels, spec);
}

/** Rows as recorded, with their labels. Throws a DataError if there are none. */
async function unalteredRows(features: FeatureReader, clips: TableReader<ClipRow>, label: string) {
  const { items, labels, values, width } = await readLabelled(features, clips, label);
  const kept = [...items.keys()].filter((i) => items[i]!.augmentation === null);
  if (kept.length === 0) {
    throw new DataError({
      problem: 'there are no validation rows to shuffle features of',
      where: features.where,
      fix: 'give the split a validation share, or permutation_repeats: 0',
    });
  }
  const own = new Float32Array(kept.length * width);
  kept.forEach((from, to) => own.set(values.subarray(from * width, (from + 1) * width), to * width));
  return { labels: kept.map((i) => labels[i]!), values: own, width };
}
