/** Trains a neural network and predicts every clip with it. */
import { DataError, type Role, Type, defineStage, optional } from '@prosodia/core';
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
  composeNetwork,
  loadModel,
  readModel,
  toTfjsFiles,
} from '@prosodia/nn';
import { encodeLabels } from '@prosodia/stats';
import {
  ClipTable,
  FeatureTable,
  type FolderWriter,
  Model,
  PredictionTable,
  type Seen,
  SplitTable,
  clipLabels,
  writePredictions,
  writeUnlabelled,
} from '@prosodia/tables';
import { type FeatureContract, featureContract, readInitial, refuseSeen, writeSeen } from './contract.ts';
import { type Quantized, describeQuantized, quantize } from './quantized.ts';
import { trainResumably } from './resume.ts';
import { openLabelled, planRows } from './rows.ts';

/** Early stopping and schedules watch the validation rows, and whoever tunes a network looks at its curves. */
const SEEN: Readonly<Record<Role, Seen>> = { train: 'fitted', validation: 'selected', test: 'unseen' };

interface Fitted {
  labels: string[];
  result: TrainResult;
  quantized: Quantized | undefined;
  contract: FeatureContract;
  /** Clips of the training and validation rows. */
  seen: readonly string[];
  /** Clips that the model it started from had seen. */
  before: ReadonlySet<string>;
}

export default defineStage({
  name: 'train-network',
  summary: 'Trains a neural network on training rows, watches validation rows, predicts every clip.',
  details:
    'Layers, loss, optimizer and callbacks have Keras names and defaults. A softmax layer with one unit per label ' +
    'is added at the end. Validation rows, if the split has any, decide early stopping and which epoch is kept; ' +
    'test rows are never seen. With `initial_model`, training starts from the weights of a model that this stage ' +
    'made: same labels, features and layers. A stopped training goes on after the last epoch it has kept, and gives ' +
    'the same model as one never stopped. One thread trains unless `threads` says otherwise.',
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
    shuffle_buffer: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1 })], {
      default: 'auto',
      description:
        'Rows held in memory to draw from at random. auto: all, if training and validation rows take at most ' +
        '512 MiB; else as many as fit in 256 MiB, and the table is read again in each epoch.',
    }),
    engine: Type.Union([Type.Literal('onnx'), Type.Literal('tfjs')], {
      default: 'onnx',
      description:
        'What trains. onnx: our own graph on ONNX Runtime. tfjs: TensorFlow.js, to compare with; fast only where ' +
        '@tensorflow/tfjs-node or tfjs-node-gpu is installed.',
    }),
    export: Type.Array(Type.Enum(['tfjs']), {
      default: [],
      uniqueItems: true,
      description:
        'Forms of the model to write beside ONNX. tfjs: model.json and weights of TensorFlow.js, in the folder tfjs.',
    }),
    quantize: Type.Union([Type.Literal('none'), Type.Literal('int8')], {
      default: 'none',
      description:
        'int8: writes model.int8.onnx as well, about a quarter of the size, and says what it costs in validation ' +
        'accuracy. Predictions are those of the float32 model.',
    }),
    threads: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 64,
      description:
        'Threads of this training. More are faster where cores would be idle; trainings side by side use them better. ' +
        'The last digits of sums depend on it, and so do the weights: the same number, on any machine, gives the same.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split.' }),
  }),
  inputs: { features: FeatureTable, split: SplitTable, clips: ClipTable, initial_model: optional(Model) },
  outputs: { model: Model, predictions: PredictionTable },
  seeded: true,
  device: true,
  resources: { memory_gb: 1, threads: 'param' },

  async fit(context): Promise<Fitted> {
    const { params, training, validation, rng, device, signal, progress, notice } = context;
    const rows = await openLabelled(training.features, training.clips, params.label);
    if (rows.labels.length === 0)
      throw new DataError({ problem: 'the split has no training rows', where: training.split.where });
    const { classes: labels } = encodeLabels(rows.labels);
    const held = await openLabelled(validation.features, validation.clips, params.label);
    const contract = featureContract(training.features);
    const initial = training.initial_model && (await readInitial(training.initial_model, labels, contract));
    const planned = await planRows(rows, held, labels, params.shuffle_buffer);
    if (planned.shuffle_rows !== undefined) {
      notice(
        `features are read in each epoch, ${planned.shuffle_rows} rows of ${rows.labels.length} held to draw from`,
      );
    }
    const { layout } = contract;
    const result = await trainResumably(
      {
        layers: params.layers,
        inputShape: layout.form === 'matrix' ? layout.shape : [training.features.width],
        classes: labels.length,
        data: planned.training,
        validation: planned.validation,
        batch_size: params.batch_size,
        epochs: params.epochs,
        optimizer: params.optimizer,
        schedule: params.schedule,
        loss: params.loss,
        ...(params.class_weight === 'balanced' ? { class_weight: 'balanced' as const } : {}),
        callbacks: params.callbacks,
        mixup: params.mixup,
        augmentation: params.augmentation,
        initial: initial?.model,
        seed: rng.uint32(),
        engine: params.engine,
        device,
        threads: params.threads,
        metadata: { labels: JSON.stringify(labels), features: JSON.stringify(contract) },
        onEpoch: ({ epoch }) => progress(epoch, params.epochs, 'epochs'),
        signal,
      },
      context,
    );
    const quantized = params.quantize === 'int8' ? await quantize(result.model, planned.validation) : undefined;
    return {
      labels,
      result,
      quantized,
      contract,
      seen: [...rows.clips, ...held.clips],
      before: initial?.seen ?? new Set(),
    };
  },

  async run({ params, inputs, outputs, state, device, metrics, summary }) {
    const { labels, result, quantized } = state;
    const roles = await inputs.split.roles(params.fold);
    refuseSeen(roles, state.before, 'input initial_model');
    await saveModel(outputs.model, params, state, inputs.features.width);
    if (params.export.includes('tfjs')) await saveTfjs(outputs.model, state);
    // What predicts is always ONNX Runtime; a device of TensorFlow.js need not be one of its.
    const served = params.engine === 'tfjs' ? 'cpu' : device;
    const model = await loadModel(result.model, { device: served, threads: 1 });
    try {
      const context = {
        labels,
        labelOf: await clipLabels(inputs.clips, params.label),
        roles,
        fold: params.fold,
        seen: (role: Role) => SEEN[role],
      };
      await writePredictions(outputs.predictions, inputs.features, context, (values, rows) =>
        model.predict(values, rows),
      );
    } finally {
      await model.dispose();
    }
    if (quantized) {
      summary(describeQuantized(quantized));
      const { bytes, validation } = quantized.facts;
      metrics({ int8_bytes: bytes });
      if (validation) metrics({ int8_accuracy_change: validation.int8_accuracy - validation.accuracy });
    }
    metrics({ epochs: result.history.length, best_epoch: result.best_epoch, parameters: result.parameters });
  },

  serve: {
    inputs: ['features'],
    learned: ['model'],
    async run({ params, inputs: { features }, outputs, learned, once, device }) {
      const { labels, model } = await once('model', async () => {
        const folder = await learned('model');
        const { labels } = await folder.json<{ labels: string[] }>('model.json');
        const served = params.engine === 'tfjs' ? 'cpu' : device;
        const model = await loadModel(await folder.bytes('model.onnx'), { device: served, threads: 1 });
        return { labels, model, dispose: () => model.dispose() };
      });
      await writeUnlabelled(outputs.predictions, features, labels, (values, rows) => model.predict(values, rows));
    },
  },

  async compose({ features, learned }) {
    const folder = await learned('model');
    const { labels } = await folder.json<{ labels: string[] }>('model.json');
    return { predictions: composeNetwork(await folder.bytes('model.onnx'), features('features'), labels.length) };
  },
});

async function saveModel(
  folder: FolderWriter,
  params: Readonly<Record<string, unknown>>,
  { labels, result, quantized, contract, seen, before }: Fitted,
  width: number,
): Promise<void> {
  await folder.bytes('model.onnx', result.model);
  await folder.json('model.json', {
    kind: 'network',
    labels,
    input: { name: 'input', width, features: contract },
    output: { name: 'probabilities', classes: labels.length },
    parameters: result.parameters,
    best_epoch: result.best_epoch,
    stopped: result.stopped_reason,
    provider: result.provider,
    ...(quantized ? { quantized: quantized.facts } : {}),
    settings: params,
  });
  if (quantized) await folder.bytes(quantized.facts.file, quantized.model);
  await writeSeen(folder, [...seen, ...before]);
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

async function saveTfjs(folder: FolderWriter, { labels, result }: Fitted): Promise<void> {
  const { network, parameters, statistics } = readModel(result.model);
  const files = await toTfjsFiles(network, parameters, statistics, { labels });
  for (const [name, bytes] of Object.entries(files)) await folder.bytes(`tfjs/${name}`, bytes);
}
