/** One network of the benchmark on our engine: the training step, without the rest of the trainer. */
import { readLoss } from '../../libs/nn/src/losses.ts';
import { initialParameters, initialStatistics, takeInventory } from '../../libs/nn/src/network.ts';
import { readOptimizer } from '../../libs/nn/src/optimizers.ts';
import { TrainingStep, moveToMemory, type TrainingState } from '../../libs/nn/src/training-step.ts';
import type { DeviceOptions } from '../../libs/nn/src/device.ts';
import type { LayerSpec } from '../../libs/nn/src/index.ts';

const CLASSES = 8;

interface Layers {
  readonly inputShape: readonly number[];
  readonly layers: readonly LayerSpec[];
}

export async function openTraining({ inputShape, layers }: Layers, batch: number, deviceOptions: DeviceOptions) {
  const start = performance.now();
  const network = { layers, inputShape, classes: CLASSES };
  const inventory = takeInventory(network);
  const optimizer = readOptimizer({ adam: {} });
  const loss = readLoss({ categorical_crossentropy: {} }, CLASSES);
  const training = await TrainingStep.open({ network, inventory, loss, optimizer, deviceOptions }, batch);
  const createSeconds = (performance.now() - start) / 1000;

  const state: TrainingState = {
    step: 0,
    parameters: initialParameters(inventory, 1),
    statistics: initialStatistics(inventory),
    slots: Array.from({ length: optimizer.slotCount }, () => new Float32Array(inventory.parameterCount)),
  };
  const memory = moveToMemory(state);
  training.input.data.forEach((_, i, data) => (data[i] = Math.sin(i * i)));
  training.targets.data.forEach((_, i, data) => (data[i] = Number(i % CLASSES === Math.floor(i / CLASSES) % CLASSES)));
  training.weights.data.fill(1);
  for (const { array } of training.noise) array.data.fill(1);
  const step = () => training.run(state, memory, optimizer.learningRate);
  return {
    createSeconds,
    step,
    /** The fastest of `count` steps, after three to warm up: seconds by the clock, and of the processor. */
    async fastestStep(count: number): Promise<{ seconds: number; cpuSeconds: number }> {
      for (let i = 0; i < 3; i++) await step();
      let [seconds, cpuSeconds] = [Infinity, Infinity];
      for (let i = 0; i < count; i++) {
        const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
        await step();
        seconds = Math.min(seconds, (performance.now() - from) / 1000);
        const { user, system } = process.cpuUsage(cpuFrom);
        cpuSeconds = Math.min(cpuSeconds, (user + system) / 1e6);
      }
      return { seconds, cpuSeconds };
    },
    release: () => training.release(),
  };
}
