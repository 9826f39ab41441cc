/**
 * Training: epochs of steps, validation after each, callbacks, and the model at the end.
 *
 * Whatever is random (weights, order of rows, dropout) is a function of the seed and of where it is
 * used, never of a stream's position, so the same request gives the same bytes.
 */
import { DataError, RequestError, throwIfCancelled, type DeviceClass } from '@prosodia/core';
import { createHash } from 'node:crypto';
import { readAugmentation, type AugmentationSpec } from './augmentation.ts';
import { initialCallbackState, readCallbacks, type CallbacksSpec, type HistoryRow } from './callbacks.ts';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { checkData, isStream, readClassWeight, type TrainingRows } from './data.ts';
import type { Provider } from './device.ts';
import { openEngine, type EngineName } from './engine.ts';
import type { Shape } from './graph.ts';
import type { LayerSpec } from './layers/index.ts';
import { readLoss, type LossSpec } from './losses.ts';
import { checkSameNetwork, describeNetwork, readModel, type TrainingSummary } from './model-file.ts';
import { readMixup, type MixupSpec } from './mixup.ts';
import { initialParameters, initialStatistics, takeInventory, type NetworkSpec } from './network.ts';
import { readOptimizer, type OptimizerSpec } from './optimizers.ts';
import { Pace } from './pace.ts';
import { inferenceModel } from './programs.ts';
import { readSchedule, type ScheduleSpec } from './schedules.ts';

export interface TrainOptions {
  /** Hidden layers, first to last; the output layer is added. */
  readonly layers: readonly LayerSpec[];
  /** Shape of one row, channels last. */
  readonly inputShape: Shape;
  readonly classes: number;
  /** In memory, or as a stream of blocks; the same rows give the same bytes only if given the same way. */
  readonly data: TrainingRows;
  /** Rows that are evaluated after every epoch, and never trained on. */
  readonly validation?: TrainingRows | undefined;
  /** Rows in a step; the last of an epoch may have fewer. Default 32. */
  readonly batch_size?: number | undefined;
  readonly epochs: number;
  /** Default `{ adam: {} }`. */
  readonly optimizer?: OptimizerSpec | undefined;
  /** Default `{ constant: {} }`. */
  readonly schedule?: ScheduleSpec | undefined;
  /** Default `{ categorical_crossentropy: {} }`. */
  readonly loss?: LossSpec | undefined;
  /**
   * Weight of each class, or `balanced`: rows / (classes x rows of the class). Applies to training,
   * not to validation, as in Keras.
   */
  readonly class_weight?: readonly number[] | 'balanced' | undefined;
  readonly callbacks?: CallbacksSpec | undefined;
  /** Random changes of the training rows. */
  readonly augmentation?: AugmentationSpec | undefined;
  readonly mixup?: MixupSpec | undefined;
  readonly seed: number;
  /** What computes: our graph on ONNX Runtime (`onnx`, the default), or TensorFlow.js (`tfjs`). */
  readonly engine?: EngineName | undefined;
  /** Default `cpu`; for the engine `tfjs` that of the fastest implementation installed. */
  readonly device?: DeviceClass | undefined;
  /** Threads of one operator, default 1; another number may change the last digits. */
  readonly threads?: number | undefined;
  /** Kept in the model, beside `network` and `training`, which are written here. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * A model that `train` made, to go on from: training starts from its weights and moving statistics
   * instead of random ones, with a fresh optimizer. Its network must be this one.
   */
  readonly initial?: Uint8Array | undefined;
  /** Called after every epoch. */
  readonly onEpoch?: ((row: HistoryRow) => void) | undefined;
  /** Called after an epoch with bytes to go on from; awaited. */
  readonly onCheckpoint?: ((checkpoint: Uint8Array) => void | Promise<void>) | undefined;
  /**
   * Share of the time that checkpoints may take. Default 1: there is one after every epoch. With 0.02, an
   * epoch that ends before its turn goes without, which happens where epochs take milliseconds.
   */
  readonly checkpoint_share?: number | undefined;
  /** Goes on from a checkpoint of a training with the same options and rows; the result is the same. */
  readonly resume?: Uint8Array | undefined;
  /** Called once if it goes on from a checkpoint, with the number of epochs that are done. */
  readonly onResume?: ((epochs: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrainResult {
  /** ONNX model: `input [batch, ...inputShape]` to `probabilities [batch, classes]`. */
  readonly model: Uint8Array;
  readonly history: readonly HistoryRow[];
  /** Epoch whose weights the model has, counted from 1. */
  readonly best_epoch: number;
  readonly stopped_reason: 'epochs' | 'early_stopping';
  /** Number of trained weights. */
  readonly parameters: number;
  readonly provider: Provider;
}

/**
 * Trains a network.
 *
 * Throws a RequestError for a wrong layer or option, a DataError for data that do not fit, a
 * ProsodiaError if the loss is no longer a number, and a CancelledError if `signal` fires.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  throwIfCancelled(options.signal, 'training');
  const plan = readPlan(options);
  const { network, data, validation, callbacks, schedule, optimizer, inventory } = plan;
  const { epochs, signal, seed } = options;
  const request = describeRequest(options);
  const start = options.resume ? decodeCheckpoint(options.resume, request) : beginning(plan, seed, request);
  const { state, callbacks: watched } = start;
  const history = [...start.history];
  if (options.resume) options.onResume?.(history.length);
  let { best } = start;
  let stoppedReason: TrainResult['stopped_reason'] = 'epochs';
  const pace = new Pace(options.checkpoint_share ?? 1);

  const { engine: name, device, threads } = options;
  const specs = { loss: plan.lossSpec, optimizer: plan.optimizerSpec };
  const engine = await openEngine({ engine: name, device, threads, ...specs }, { ...plan, seed }, state);
  try {
    for (let epoch = history.length + 1; epoch <= epochs; epoch++) {
      const rate = (done: number): number =>
        optimizer.learningRate * watched.rateFactor * schedule(epoch - 1 + done, epochs);
      const trained = await engine.epoch(data, epoch, rate, signal);
      const validated = validation && (await engine.evaluate(validation, state, signal));
      const row: HistoryRow = {
        epoch,
        loss: trained.loss,
        accuracy: trained.accuracy,
        val_loss: validated?.loss,
        val_accuracy: validated?.accuracy,
        learning_rate: trained.learningRate,
      };
      history.push(row);
      options.onEpoch?.(row);
      const { stop, improved } = callbacks.epochEnd(row, watched);
      if (improved && callbacks.restoreBest) {
        best = { parameters: state.parameters.slice(), statistics: state.statistics.slice() };
      }
      if (stop) {
        stoppedReason = 'early_stopping';
        break;
      }
      await pace.run(() =>
        options.onCheckpoint?.(encodeCheckpoint({ request, history, callbacks: watched, state, best })),
      );
    }
  } finally {
    await engine.release();
  }
  const { parameters, statistics } = best ?? state;
  const result = {
    history,
    best_epoch: best ? watched.bestEpoch : history.length,
    stopped_reason: stoppedReason,
    parameters: inventory.parameterCount,
    provider: engine.provider,
  };
  const metadata = {
    ...options.metadata,
    network: describeNetwork(network),
    training: JSON.stringify(summarize(options, plan, result)),
  };
  return { model: inferenceModel(network, parameters, statistics, metadata), ...result };
}

function summarize(options: TrainOptions, plan: Plan, result: Omit<TrainResult, 'model'>): TrainingSummary {
  const { best_epoch, history, provider: by } = result;
  const { loss, accuracy, val_loss, val_accuracy } = history[best_epoch - 1]!;
  return {
    engine: by.version,
    device: by.device,
    threads: options.threads ?? 1,
    seed: options.seed,
    rows: plan.data.rows,
    validation_rows: plan.validation?.rows ?? 0,
    batch_size: plan.batchSize,
    epochs: history.length,
    best_epoch,
    stopped_reason: result.stopped_reason,
    ...{ loss, accuracy, val_loss, val_accuracy },
    continued_from: options.initial && sha256(options.initial),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function beginning({ inventory, optimizer, initial }: Plan, seed: number, request: string): Checkpoint {
  return {
    request,
    history: [],
    callbacks: initialCallbackState(),
    state: {
      step: 0,
      parameters: initial?.parameters ?? initialParameters(inventory, seed),
      statistics: initial?.statistics ?? initialStatistics(inventory),
      slots: Array.from({ length: optimizer.slotCount }, () => new Float32Array(inventory.parameterCount)),
    },
    best: undefined,
  };
}

/** What two requests have in common if one can go on where the other stopped; rows are told by their number. */
function describeRequest(options: TrainOptions): string {
  const {
    data,
    validation,
    metadata: _m,
    onEpoch: _e,
    onCheckpoint: _c,
    resume: _r,
    onResume: _n,
    signal: _s,
    checkpoint_share: _p,
    ...rest
  } = options;
  const initial = rest.initial && sha256(rest.initial);
  const streamed = isStream(data) ? { blocks: data.blocks, shuffle_rows: data.shuffle_rows } : undefined;
  return JSON.stringify({ ...rest, initial, rows: data.rows, streamed, validation_rows: validation?.rows });
}

type Plan = ReturnType<typeof readPlan>;

/** Everything that can be wrong with a request is found here, before anything is computed. */
function readPlan(options: TrainOptions) {
  const { layers, inputShape, classes, data, validation, batch_size: batchSize = 32, epochs } = options;
  const network: NetworkSpec = { layers, inputShape, classes };
  for (const [name, value] of Object.entries({ batch_size: batchSize, epochs })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RequestError({
      problem: `${name} does not fit`,
      expected: 'a whole number, at least 1',
      got: String(value),
    });
  }
  const inventory = takeInventory(network);
  const initial = options.initial && readModel(options.initial);
  if (initial) checkSameNetwork(network, initial.network);
  checkData(data, inputShape, classes, 'training');
  if (data.rows === 0) throw new DataError({ problem: 'there are no training rows' });
  if (validation) checkData(validation, inputShape, classes, 'validation');
  const used = validation && validation.rows > 0 ? validation : undefined;
  const lossSpec = options.loss ?? { categorical_crossentropy: {} };
  const optimizerSpec = options.optimizer ?? { adam: {} };
  return {
    network,
    inventory,
    initial,
    data,
    validation: used,
    batchSize,
    lossSpec,
    loss: readLoss(lossSpec, classes),
    optimizerSpec,
    optimizer: readOptimizer(optimizerSpec),
    schedule: readSchedule(options.schedule ?? { constant: {} }),
    callbacks: readCallbacks(options.callbacks ?? {}, used !== undefined),
    classWeight: readClassWeight(options.class_weight, data, classes),
    augmentation: readAugmentation(options.augmentation ?? {}, inputShape),
    mixup: readMixup(options.mixup),
  };
}
