/**
 * TensorFlow.js as the independent judge of our engine: for every layer, what is served, the loss, the
 * statistics and the gradients are those that its own layers and its own automatic differentiation find.
 *
 * Ours come from the programs that train: one step of SGD with a rate of 1 moves each weight by its
 * gradient.
 */
import { Rng } from '@prosodia/core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrainingData } from '../data.ts';
import { Evaluator, Stepper, type TrainingExecution } from '../execution.ts';
import { describeShape, sizeOf, type Shape } from '../graph.ts';
import { activationNames } from '../layers/activation.ts';
import { layers, type LayerName, type LayerSpec } from '../layers/index.ts';
import { readLoss, type LossSpec } from '../losses.ts';
import { initialParameters, initialStatistics, takeInventory, type NetworkSpec } from '../network.ts';
import { readOptimizer } from '../optimizers.ts';
import { loadModel } from '../predictor.ts';
import { inferenceModel } from '../programs.ts';
import { toLayersModel } from './network.ts';
import { openTfjs, type Tf } from './runtime.ts';
import { TfTraining } from './training.ts';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await openTfjs('cpu'));
});

const ROWS = 6;
const CLASSES = 3;

/**
 * Single precision on both sides, with sums in another order; the largest value seen is of the order
 * of 1. Gradients come out of a subtraction of weights, which costs another digit.
 */
const TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 1e-4;

const shapes = new Rng(3, 'shapes');
/** A random size. */
const size = (least: number, most: number): number => least + shapes.int(most - least + 1);
const vector = (): Shape => [size(3, 7)];
const sequence = (): Shape => [size(7, 10), size(2, 4)];
const image = (): Shape => [size(5, 7), size(5, 7), size(1, 3)];

type Example = readonly [LayerSpec, Shape];

const conv1d: NonNullable<LayerSpec['conv1d']>[] = [
  { filters: 3, kernel_size: 3 },
  { filters: 2, kernel_size: 4, strides: 2, padding: 'same', activation: 'tanh' },
  { filters: 2, kernel_size: 3, padding: 'causal' },
  { filters: 2, kernel_size: 3, padding: 'causal', dilation_rate: 2, strides: 2, use_bias: false },
  { filters: 2, kernel_size: 3, padding: 'same', dilation_rate: 3, kernel_regularizer: { l2: 0.1 } },
  { filters: 2, kernel_size: 2, dilation_rate: 2, strides: 3 },
];

const conv2d: NonNullable<LayerSpec['conv2d']>[] = [
  { filters: 2, kernel_size: [3, 2] },
  { filters: 3, kernel_size: 3, strides: [1, 2], padding: 'same', activation: 'elu' },
  { filters: 2, kernel_size: [2, 3], dilation_rate: [2, 1], padding: 'same', use_bias: false },
  { filters: 2, kernel_size: 3, dilation_rate: 2, strides: 2, padding: 'same' },
];

const pools1d = [{}, { pool_size: 3, strides: 2, padding: 'same' as const }, { pool_size: 3, strides: 1 }];
const pools2d = [{}, { pool_size: [3, 2], strides: [1, 2], padding: 'same' as const }, { pool_size: 2, strides: 1 }];
const merges = ['concat', 'sum', 'ave', 'mul'] as const;

const examples: Record<LayerName, Example[]> = {
  activation: activationNames.map((name) => [{ activation: name }, sequence()]),
  attention_pool: [[{ attention_pool: { units: 3 } }, sequence()]],
  avg_pool1d: pools1d.map((options) => [{ avg_pool1d: options }, sequence()]),
  avg_pool2d: pools2d.map((options) => [{ avg_pool2d: options }, image()]),
  batch_norm: [
    [{ batch_norm: {} }, vector()],
    [{ batch_norm: { momentum: 0.8, epsilon: 0.01 } }, image()],
    [{ batch_norm: { scale: false, momentum: 0.5 } }, sequence()],
    [{ batch_norm: { center: false } }, sequence()],
    [{ batch_norm: { center: false, scale: false } }, vector()],
  ],
  bidirectional: merges.flatMap((merge_mode): Example[] => [
    [{ bidirectional: { lstm: { units: 2, return_sequences: true }, merge_mode } }, sequence()],
    [{ bidirectional: { gru: { units: 2, return_sequences: merge_mode === 'sum' }, merge_mode } }, sequence()],
  ]),
  conv1d: conv1d.map((options) => [{ conv1d: options }, sequence()]),
  conv2d: conv2d.map((options) => [{ conv2d: options }, image()]),
  dense: [
    [{ dense: { units: 4, activation: 'sigmoid', kernel_regularizer: { l2: 0.05 } } }, vector()],
    [{ dense: { units: 3, use_bias: false } }, sequence()],
  ],
  dropout: [[{ dropout: 0.4 }, vector()]],
  flatten: [
    [{ flatten: {} }, image()],
    [{ flatten: {} }, vector()],
  ],
  gaussian_noise: [[{ gaussian_noise: 0.3 }, sequence()]],
  global_pool: (['avg', 'max', 'both'] as const).flatMap((mode): Example[] => [
    [{ global_pool: mode }, sequence()],
    [{ global_pool: mode }, image()],
  ]),
  // TensorFlow.js has none: its judge is `../layers/group_norm.test.ts`.
  group_norm: [],
  gru: [
    [{ gru: { units: 3 } }, sequence()],
    [{ gru: { units: 2, return_sequences: true, kernel_regularizer: { l2: 0.1 } } }, sequence()],
  ],
  layer_norm: [
    [{ layer_norm: {} }, sequence()],
    [{ layer_norm: { epsilon: 0.1 } }, vector()],
    [{ layer_norm: { center: false, scale: false } }, sequence()],
    [{ layer_norm: { center: false } }, vector()],
    [{ layer_norm: { scale: false } }, sequence()],
  ],
  lstm: [
    [{ lstm: { units: 3 } }, sequence()],
    [{ lstm: { units: 2, return_sequences: true } }, sequence()],
  ],
  max_pool1d: pools1d.map((options) => [{ max_pool1d: options }, sequence()]),
  max_pool2d: pools2d.map((options) => [{ max_pool2d: options }, image()]),
  permute: [
    [{ permute: [2, 1] }, sequence()],
    [{ permute: [3, 1, 2] }, image()],
  ],
  reshape: [[{ reshape: [3, 4] }, [12]]],
  residual: [
    [{ residual: { layers: [{ dense: { units: 5 } }], activation: 'tanh' } }, [4]],
    [{ residual: { layers: [{ conv1d: { filters: 3, kernel_size: 3, padding: 'same' } }] } }, [7, 3]],
    [
      {
        residual: {
          layers: [{ conv2d: { filters: 2, kernel_size: 3, strides: 2, padding: 'same' } }, { batch_norm: {} }],
          projection_batch_norm: true,
          activation: 'swish',
        },
      },
      image(),
    ],
  ],
  spatial_dropout: [[{ spatial_dropout: 0.4 }, sequence()]],
};

/** One layer, what makes a vector of it, and the output layer. */
function networkOf([layer, inputShape]: Example): NetworkSpec {
  return { layers: [layer, { flatten: {} }], inputShape, classes: CLASSES };
}

const cases = Object.values(examples)
  .flat()
  .map((example) => {
    const [layer, shape] = example;
    return [`${JSON.stringify(layer)} on ${describeShape(shape)}`, networkOf(example)] as const;
  });

function rowsFor(inputShape: Shape): TrainingData {
  const rng = new Rng(5, 'rows');
  const x = Float32Array.from({ length: ROWS * sizeOf(inputShape) }, () => rng.normal());
  return { x, y: Int32Array.from({ length: ROWS }, (_, i) => i % CLASSES), rows: ROWS };
}

/** Every weight and statistic at a value of its own, so that none of them, exchanged, goes unseen. */
function startOf(network: NetworkSpec) {
  const inventory = takeInventory(network);
  const rng = new Rng(9, 'start');
  return {
    parameters: initialParameters(inventory, 2).map((value) => value + rng.normal(0, 0.2)),
    statistics: initialStatistics(inventory).map((value) => value + rng.uniform(0, 0.5)),
  };
}

interface Outcome {
  loss: number;
  accuracy: number;
  validation: { loss: number; accuracy: number };
  gradient: Float32Array;
  statistics: Float32Array;
}

const SGD = { sgd: { learning_rate: 1 } };

/** One step, and an evaluation with the weights that it gives. */
async function step(engine: 'onnx' | 'tfjs', network: NetworkSpec, loss: LossSpec): Promise<Outcome> {
  const start = startOf(network);
  const state = { step: 0, parameters: start.parameters.slice(), statistics: start.statistics.slice(), slots: [] };
  const data = rowsFor(network.inputShape);
  const execution: TrainingExecution = {
    network,
    inventory: takeInventory(network),
    loss: readLoss(loss, CLASSES),
    optimizer: readOptimizer(SGD),
    classWeight: Float32Array.of(0.5, 1, 2),
    batchSize: ROWS,
    seed: 4,
    augmentation: undefined,
    mixup: undefined,
    deviceOptions: {},
  };
  if (engine === 'tfjs') {
    const training = new TfTraining(tf, execution, { loss, optimizer: SGD }, state);
    const trained = await training.epoch(data, 1, () => 1, undefined);
    const validation = await training.evaluate(data, state, undefined);
    await training.release();
    return outcome(trained, validation);
  }
  const stepper = new Stepper(execution, state);
  const evaluator = new Evaluator(execution);
  const trained = await stepper.epoch(data, 1, () => 1, undefined);
  const validation = await evaluator.evaluate(data, state, undefined);
  await stepper.release();
  await evaluator.release();
  return outcome(trained, validation);

  function outcome(trained: { loss: number; accuracy: number }, validation: Outcome['validation']): Outcome {
    const gradient = start.parameters.map((value, i) => value - state.parameters[i]!);
    return { ...trained, validation, gradient, statistics: state.statistics };
  }
}

function expectClose(ours: Float32Array, theirs: Float32Array, tolerance: number, what: string): void {
  expect(ours.length).toBe(theirs.length);
  const scale = theirs.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  const worst = ours.reduce((largest, value, i) => Math.max(largest, Math.abs(value - theirs[i]!)), 0);
  expect(worst / scale, what).toBeLessThan(tolerance);
}

function expectSame(ours: Outcome, theirs: Outcome): void {
  expectClose(Float32Array.of(ours.loss), Float32Array.of(theirs.loss), TOLERANCE, 'loss');
  expect(ours.accuracy).toBe(theirs.accuracy);
  expectClose(ours.gradient, theirs.gradient, GRADIENT_TOLERANCE, 'gradients');
  expectClose(ours.statistics, theirs.statistics, TOLERANCE, 'statistics');
  const [own, other] = [ours.validation.loss, theirs.validation.loss];
  expectClose(Float32Array.of(own), Float32Array.of(other), GRADIENT_TOLERANCE, 'loss of the evaluation');
}

it('every layer is judged here', () => {
  expect(Object.keys(examples).sort()).toEqual(Object.keys(layers).sort());
});

describe('what is served is what TensorFlow.js predicts', () => {
  it.each(cases)('%s', async (_, network) => {
    const weights = startOf(network);
    const { x } = rowsFor(network.inputShape);
    const served = await loadModel(inferenceModel(network, weights.parameters, weights.statistics));
    const ours = await served.predict(x, ROWS);
    await served.dispose();
    const theirs = tf.tidy(() => {
      const model = toLayersModel(tf, network, weights);
      const output = model.predict(tf.tensor(x, [ROWS, ...network.inputShape]));
      return (Array.isArray(output) ? output[0]! : output).dataSync() as Float32Array;
    });
    expectClose(ours, theirs, TOLERANCE, 'probabilities');
  });
});

describe('a training step has the loss, gradients and statistics that TensorFlow.js finds', () => {
  const loss: LossSpec = { categorical_crossentropy: { label_smoothing: 0.1 } };
  it.each(cases)('%s', async (_, network) => {
    expectSame(await step('onnx', network, loss), await step('tfjs', network, loss));
  });

  const losses: LossSpec[] = [
    { categorical_crossentropy: {} },
    { focal: {} },
    { focal: { gamma: 0.5, alpha: [0.2, 0.5, 1], label_smoothing: 0.2 } },
  ];
  it.each(losses)('%j', async (other) => {
    const network = networkOf([{ dense: { units: 4, activation: 'gelu' } }, [5]]);
    expectSame(await step('onnx', network, other), await step('tfjs', network, other));
  });
});
