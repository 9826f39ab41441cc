/** Trains a neural network on ONNX Runtime and predicts every clip with it. */
import { DataError, Type, defineStage } from '@prosodia/core';
import {
  AugmentationSchema,
  CallbacksSchema,
  type HistoryRow,
  LayersSchema,
  LossSchema,
  MixupSchema,
  OptimizerSchema,
  ScheduleSchema,
  type TrainResult,
  loadModel,
  train,
} from '@prosodia/nn';
import { encodeLabels } from '@prosodia/stats';
import {
  ClipTable,
  FeatureTable,
  type FolderWriter,
  type LabelledRows,
  Model,
  PredictionTable,
  SplitTable,
  clipLabels,
  readLabelled,
  writePredictions,
} from '@prosodia/tables';

interface Fitted {
  labels: string[];
  result: TrainResult;
}

export default defineStage({
  name: 'train-network',
  summary: 'Trains a neural network on training rows, watches validation rows, predicts every clip.',
  details:
    'Layers, loss, optimizer and callbacks have Keras names and defaults. A softmax layer with one unit per label ' +
    'is added at the end. Validation rows, if the split has any, decide early stopping and which epoch is kept; ' +
    'test rows are never seen. One thread trains, because the last digits depend on the number of threads.',
  params: Type.Object({
    label: Type.String({ default: 'emotion', description: 'Column of the clips table to learn.' }),
    layers: LayersSchema,
    loss: LossSchema,
    optimizer: OptimizerSchema,
    schedule: ScheduleSchema,
    callbacks: CallbacksSchema,
    mixup: Type.Optional(MixupSchema),
    augmentation: Type.Optional(AugmentationSchema),
    batch_size: Type.Integer({ default: 32, minimum: 1, description: 'Rows per step.' }),
    epochs: Type.Integer({ default: 100, minimum: 1, description: 'Passes over the training rows, at most.' }),
    class_weight: Type.Union([Type.Literal('balanced'), Type.Literal('none')], {
      default: 'none',
      description: 'balanced: each class counts the same, however many rows it has.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
  }),
  inputs: { features: FeatureTable, split: SplitTable, clips: ClipTable },
  outputs: { model: Model, predictions: PredictionTable },
  seeded: true,
  device: true,
  resources: { memory_gb: 1 },

  async fit({ params, training, validation, rng, device, signal, progress }): Promise<Fitted> {
    const rows = await readLabelled(training.features, training.clips, params.label);
    if (rows.items.length === 0)
      throw new DataError({ problem: 'the split has no training rows', where: training.split.where });
    const { classes: labels } = encodeLabels(rows.labels);
    const held = await readLabelled(validation.features, validation.clips, params.label);
    const { layout } = training.features;
    const result = await train({
      layers: params.layers,
      inputShape: layout.form === 'matrix' ? layout.shape : [rows.width],
      classes: labels.length,
      data: toData(rows, labels),
      ...(held.items.length > 0 ? { validation: toData(held, labels) } : {}),
      batch_size: params.batch_size,
      epochs: params.epochs,
      optimizer: params.optimizer,
      schedule: params.schedule,
      loss: params.loss,
      ...(params.class_weight === 'balanced' ? { class_weight: 'balanced' as const } : {}),
      callbacks: params.callbacks,
      mixup: params.mixup,
      augmentation: params.augmentation,
      seed: rng.uint32(),
      device,
      threads: 1,
      metadata: { labels: JSON.stringify(labels) },
      onEpoch: ({ epoch }) => progress(epoch, params.epochs, 'epochs'),
      signal,
    });
    return { labels, result };
  },

  async run({ params, inputs, outputs, state, device, metrics }) {
    const { labels, result } = state;
    await saveModel(outputs.model, params, state, inputs.features.width);
    const model = await loadModel(result.model, { device, threads: 1 });
    try {
      const context = {
        labels,
        labelOf: await clipLabels(inputs.clips, params.label),
        roles: await inputs.split.roles(params.fold),
        fold: params.fold,
      };
      await writePredictions(outputs.predictions, inputs.features, context, (values, rows) =>
        model.predict(values, rows),
      );
    } finally {
      await model.dispose();
    }
    metrics({ epochs: result.history.length, best_epoch: result.best_epoch, parameters: result.parameters });
  },
});

function toData({ values, labels, items }: LabelledRows, classes: readonly string[]) {
  return { x: values, y: encodeLabels(labels, classes).indices, rows: items.length };
}

async function saveModel(
  folder: FolderWriter,
  params: Readonly<Record<string, unknown>>,
  { labels, result }: Fitted,
  width: number,
): Promise<void> {
  await folder.bytes('model.onnx', result.model);
  await folder.json('model.json', {
    kind: 'network',
    labels,
    input: { name: 'input', width },
    output: { name: 'probabilities', classes: labels.length },
    parameters: result.parameters,
    best_epoch: result.best_epoch,
    stopped: result.stopped_reason,
    provider: result.provider,
    settings: params,
  });
  const columns = ['loss', 'accuracy', 'val_loss', 'val_accuracy', 'learning_rate'] as const;
  const history = await folder.table('history', {
    columns: [
      { name: 'epoch', type: 'int32' },
      ...columns.map((name) => ({ name, type: 'float64' as const, nullable: true })),
    ],
    metadata: {},
  });
  for (const row of result.history) {
    const values = columns.map((name) => [name, (row as HistoryRow)[name] ?? null] as const);
    await history.append({ epoch: row.epoch, ...Object.fromEntries(values) });
  }
}
