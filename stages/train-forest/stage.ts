/** Trains a random forest and predicts every clip with it. */
import { DataError, type Role, Type, defineStage } from '@prosodia/core';
import { type FittedForest, fitForest, forestFromOnnx, forestToOnnx, predictProba } from '@prosodia/forest';
import { encodeLabels } from '@prosodia/stats';
import {
  ClipTable,
  FeatureTable,
  Model,
  PredictionTable,
  SplitTable,
  clipLabels,
  readLabelled,
  writePredictions,
  writeUnlabelled,
} from '@prosodia/tables';

interface Fitted {
  labels: string[];
  forest: FittedForest;
}

const orNull = <T extends ReturnType<typeof Type.Number | typeof Type.Integer>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { default: null, description });

export default defineStage({
  name: 'train-forest',
  summary: 'Trains a random forest (or extremely randomized trees) on training rows, predicts every clip.',
  details:
    "Parameters are those of scikit-learn's RandomForestClassifier. The forest is the same for any number of threads.",
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
    class_weight: Type.Union([Type.Literal('balanced'), Type.Literal('balanced_subsample'), Type.Literal('none')], {
      default: 'none',
      description: "balanced: classes count the same; balanced_subsample: the same within each tree's rows.",
    }),
    extra_trees: Type.Boolean({
      default: false,
      description: 'Draw thresholds at random instead of searching the best.',
    }),
    oob_score: Type.Boolean({ default: false, description: 'Report the accuracy on the rows each tree did not see.' }),
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

  async fit({ params, training, rng, threads, signal, progress }): Promise<Fitted> {
    const rows = await readLabelled(training.features, training.clips, params.label);
    if (rows.items.length === 0)
      throw new DataError({ problem: 'the split has no training rows', where: training.split.where });
    const { classes: labels, indices } = encodeLabels(rows.labels);
    const { label: _label, fold: _fold, fit_on: _fitOn, class_weight, ...settings } = params;
    const forest = await fitForest({
      ...settings,
      x: rows.values,
      rows: rows.items.length,
      cols: rows.width,
      y: indices,
      classes: labels.length,
      class_weight: class_weight === 'none' ? null : class_weight,
      seed: rng.uint32(),
      threads,
      signal,
      onProgress: (trees) => progress(trees, params.n_estimators, 'trees'),
    });
    return { labels, forest };
  },

  async run({ params, inputs, outputs, state, metrics }) {
    const { labels, forest } = state;
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
});
