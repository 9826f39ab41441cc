/** A program of its own, for `webgpu.test.ts`: trains small networks on the device given, prints their losses as JSON. */
import type { DeviceClass } from '@prosodia/core';
import type { LayerSpec } from '../layers/index.ts';
import { readLoss } from '../losses.ts';
import { initialParameters, initialStatistics, takeInventory } from '../network.ts';
import { readOptimizer } from '../optimizers.ts';
import { TrainingStep, moveToMemory, type TrainingState } from '../training-step.ts';

const BATCH = 8;
const CLASSES = 4;
const STEPS = 2;

const networks: Record<string, { inputShape: number[]; layers: LayerSpec[] }> = {
  dense: {
    inputShape: [20],
    layers: [{ dense: { units: 16, activation: 'relu' } }, { batch_norm: {} }, { dropout: 0.2 }],
  },
  'convolution over time': {
    inputShape: [20, 8],
    layers: [
      { conv1d: { filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' } },
      { batch_norm: {} },
      { max_pool1d: {} },
      { global_pool: 'avg' },
    ],
  },
  'convolution over two axes': {
    inputShape: [8, 20, 2],
    layers: [
      { conv2d: { filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' } },
      { batch_norm: {} },
      { max_pool2d: {} },
      { global_pool: 'both' },
    ],
  },
  'bidirectional LSTM': { inputShape: [10, 8], layers: [{ bidirectional: { lstm: { units: 8 } } }] },
};

async function train(device: DeviceClass, { inputShape, layers }: (typeof networks)[string]): Promise<number[]> {
  const network = { layers, inputShape, classes: CLASSES };
  const inventory = takeInventory(network);
  const optimizer = readOptimizer({ adam: {} });
  const loss = readLoss({ categorical_crossentropy: {} }, CLASSES);
  const step = await TrainingStep.open({ network, inventory, loss, optimizer, deviceOptions: { device } }, BATCH);
  const state: TrainingState = {
    step: 0,
    parameters: initialParameters(inventory, 1),
    statistics: initialStatistics(inventory),
    slots: Array.from({ length: optimizer.slotCount }, () => new Float32Array(inventory.parameterCount)),
  };
  const memory = moveToMemory(state);
  step.input.data.forEach((_, i, data) => (data[i] = Math.sin(i * i)));
  step.targets.data.forEach((_, i, data) => (data[i] = Number(i % CLASSES === Math.floor(i / CLASSES) % CLASSES)));
  step.weights.data.fill(1);
  step.noise.forEach(({ array }) => array.data.fill(1));
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push((await step.run(state, memory, 0.01)).loss);
  await step.release();
  return losses;
}

const losses: Record<string, number[]> = {};
for (const [name, network] of Object.entries(networks)) {
  losses[name] = await train(process.argv[2] as DeviceClass, network);
}
console.log(JSON.stringify(losses));
// The WebGPU provider keeps the process alive otherwise.
process.exit(0);
