/** A program of its own, for `webgpu.test.ts`: trains the recipe networks named on the device given, prints the losses as JSON. */
import type { DeviceClass } from '@prosodia/core';
import { readLoss } from '../losses.ts';
import { initialParameters, initialStatistics, takeInventory } from '../network.ts';
import { readOptimizer } from '../optimizers.ts';
import { recipeNetworks, type TestNetwork } from './recipe-networks.ts';
import { TrainingStep, moveToMemory, type TrainingState } from '../training-step.ts';

const BATCH = 2;
const CLASSES = 4;
const STEPS = 2;

async function train(device: DeviceClass, { inputShape, layers }: TestNetwork): Promise<number[]> {
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

const [device, ...names] = process.argv.slice(2) as [DeviceClass, ...string[]];
const losses: Record<string, number[]> = {};
for (const name of names) losses[name] = await train(device, recipeNetworks[name]!);
console.log(JSON.stringify(losses));
// The WebGPU provider keeps the process alive otherwise.
process.exit(0);
