/** One network of the benchmark on our engine: the training step, without the rest of the trainer. */
import { openSession, type FloatArray } from '../../libs/nn/src/device.ts';
import { readLoss } from '../../libs/nn/src/losses.ts';
import { initialParameters, initialStatistics, takeInventory } from '../../libs/nn/src/network.ts';
import { readOptimizer } from '../../libs/nn/src/optimizers.ts';
import { trainingProgram } from '../../libs/nn/src/programs.ts';
import type { Benchmark } from './networks.ts';

const CLASSES = 8;

export async function openTraining({ inputShape, layers }: Benchmark, batch: number, threads: number) {
  const start = performance.now();
  const network = { layers, inputShape, classes: CLASSES };
  const inventory = takeInventory(network);
  const optimizer = readOptimizer({ adam: {} });
  const { model } = trainingProgram(
    network,
    inventory,
    readLoss({ categorical_crossentropy: {} }, CLASSES),
    optimizer,
    batch,
  );
  const session = await openSession(model, { threads });
  const createSeconds = (performance.now() - start) / 1000;

  const vector = (data: Float32Array): FloatArray => ({ data, shape: [data.length] });
  const size = inventory.parameterCount;
  let state: Record<string, FloatArray> = {
    parameters: vector(initialParameters(inventory, 1)),
    slot_0: vector(new Float32Array(size)),
    slot_1: vector(new Float32Array(size)),
  };
  if (inventory.statisticCount > 0) state['statistics'] = vector(initialStatistics(inventory));
  let spare = Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, vector(data.slice())]));
  const width = inputShape.reduce((product, n) => product * n, 1);
  const input = Float32Array.from({ length: batch * width }, (_, i) => Math.sin(i * i));
  const targets = Float32Array.from({ length: batch * CLASSES }, (_, i) =>
    Number(i % CLASSES === Math.floor(i / CLASSES) % CLASSES),
  );
  let steps = 0;
  const step = async (): Promise<void> => {
    const rates = optimizer.rates(optimizer.learningRate, ++steps);
    const feeds = {
      input: { data: input, shape: [batch, ...inputShape] },
      targets: { data: targets, shape: [batch, CLASSES] },
      weights: vector(new Float32Array(batch).fill(1)),
      ...Object.fromEntries(rates.map((data, i) => [`rate_${i}`, { data, shape: [] }])),
      ...state,
    };
    const next = Object.fromEntries(Object.entries(spare).map(([name, array]) => [`next_${name}`, array]));
    await session.run(feeds, { loss: null, logits: null, ...next });
    [state, spare] = [spare, state];
  };
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
    release: () => session.release(),
  };
}
