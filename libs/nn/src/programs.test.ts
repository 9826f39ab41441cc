import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LayerSpec } from './layers/index.ts';
import { readLoss, type LossSpec } from './losses.ts';
import { takeInventory, type NetworkSpec } from './network.ts';
import { readOptimizer, type OptimizerSpec } from './optimizers.ts';
import { TrainingStep, moveToMemory, type TrainingState } from './training-step.ts';

/** A training in PyTorch: where it started, on what, and what came of it. */
interface Golden {
  name: string;
  optimizer?: OptimizerSpec;
  loss?: LossSpec;
  class_weight?: number[];
  kernel_l2?: number;
  x: number[];
  y: number[];
  start: number[];
  losses: number[];
  end: number[];
  statistics: number[];
}

function read(name: string): Golden[] {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')) as Golden[];
}

/** Repeats the training of a golden on the same batches; compares loss by loss, and the weights at the end. */
async function expectSameTraining(golden: Golden, network: NetworkSpec, batch: number): Promise<void> {
  const inventory = takeInventory(network);
  const loss = readLoss(golden.loss ?? { categorical_crossentropy: {} }, 3);
  const optimizer = readOptimizer(golden.optimizer ?? { adam: { learning_rate: 0.01 } });
  expect(inventory.parameterCount).toBe(golden.start.length);
  const { parameterCount, statisticCount } = inventory;
  const state: TrainingState = {
    step: 0,
    parameters: Float32Array.from(golden.start),
    statistics: Float32Array.from({ length: statisticCount }, (_, i) => (i < statisticCount / 2 ? 0 : 1)),
    slots: Array.from({ length: optimizer.slotCount }, () => new Float32Array(parameterCount)),
  };
  const memory = moveToMemory(state);
  const smoothing = loss.labelSmoothing;
  const width = network.inputShape.reduce((product, n) => product * n, 1);
  const step = await TrainingStep.open({ network, inventory, loss, optimizer, deviceOptions: {} }, batch);
  try {
    for (const [count, expected] of golden.losses.entries()) {
      const from = (count * batch) % golden.y.length;
      const y = golden.y.slice(from, from + batch);
      const targets = y.flatMap((label) => [0, 1, 2].map((c) => (c === label ? 1 - smoothing : 0) + smoothing / 3));
      step.input.data.set(golden.x.slice(from * width, (from + batch) * width));
      step.targets.data.set(targets);
      step.weights.data.set(y.map((label) => golden.class_weight?.[label] ?? 1));
      const result = await step.run(state, memory, optimizer.learningRate);
      expect(result.loss, `loss of step ${count}`).toBeCloseTo(expected, 4);
    }
  } finally {
    await step.release();
  }
  golden.end.forEach((value, i) => expect(state.parameters[i]).toBeCloseTo(value, 3));
  golden.statistics.forEach((value, i) => expect(state.statistics[i]).toBeCloseTo(value, 3));
}

describe('a whole training agrees with PyTorch, from the same weights on the same batches', () => {
  it.each(read('dense').map((golden) => [golden.name, golden] as const))('dense network: %s', async (_, golden) => {
    const layers: LayerSpec[] = [
      { dense: { units: 8, activation: 'relu', kernel_regularizer: { l2: golden.kernel_l2! } } },
      { batch_norm: { momentum: 0.9 } },
      { dense: { units: 5, activation: 'gelu' } },
    ];
    await expectSameTraining(golden, { inputShape: [6], classes: 3, layers }, 8);
  });

  const [sequence, image] = read('networks');

  it('convolution over time, residual block, bidirectional LSTM, GRU', async () => {
    const layers: LayerSpec[] = [
      { conv1d: { filters: 4, kernel_size: 3, padding: 'same', activation: 'relu' } },
      { batch_norm: { momentum: 0.9 } },
      { max_pool1d: {} },
      {
        residual: {
          layers: [{ conv1d: { filters: 5, kernel_size: 3, padding: 'same', strides: 2, activation: 'relu' } }],
        },
      },
      { bidirectional: { lstm: { units: 3, return_sequences: true } } },
      { gru: { units: 4 } },
    ];
    await expectSameTraining(sequence!, { inputShape: [8, 3], classes: 3, layers }, 4);
  });

  it('convolution over two axes, average pooling, layer norm, attention', async () => {
    const layers: LayerSpec[] = [
      { conv2d: { filters: 3, kernel_size: 2, strides: [1, 2], activation: 'elu' } },
      { conv2d: { filters: 4, kernel_size: 3, padding: 'same', use_bias: false } },
      { batch_norm: { momentum: 0.9 } },
      { avg_pool2d: { pool_size: [2, 1] } },
      { reshape: [6, 4] },
      { layer_norm: {} },
      { attention_pool: { units: 3 } },
    ];
    await expectSameTraining(image!, { inputShape: [5, 6, 2], classes: 3, layers }, 4);
  });
});

it('each moving statistic keeps its own share of the past', async () => {
  const layers: LayerSpec[] = [{ batch_norm: { momentum: 0.75 } }, { batch_norm: { momentum: 0.5 } }];
  const network = { inputShape: [1], classes: 2, layers };
  const inventory = takeInventory(network);
  const [loss, optimizer] = [readLoss({ categorical_crossentropy: {} }, 2), readOptimizer({ sgd: {} })];
  const state: TrainingState = {
    step: 0,
    parameters: Float32Array.of(1, 3, 1, 0, 1, 1, 0, 0),
    statistics: Float32Array.of(8, 16, 32, 64),
    slots: Array.from({ length: optimizer.slotCount }, () => new Float32Array(inventory.parameterCount)),
  };
  const step = await TrainingStep.open({ network, inventory, loss, optimizer, deviceOptions: {} }, 2);
  try {
    step.input.data.set([4, 8]);
    await step.differentiate(state, moveToMemory(state));
  } finally {
    await step.release();
  }
  // The batch has mean 6 and variance 4; the first layer gives it mean 3 and, but for epsilon, variance 1.
  [7.5, 13, 17.5, 32.5].forEach((value, i) => expect(state.statistics[i]).toBeCloseTo(value, 3));
});
