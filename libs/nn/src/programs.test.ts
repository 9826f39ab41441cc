import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSession } from './device.ts';
import { readLoss, type LossSpec } from './losses.ts';
import { takeInventory, type NetworkSpec } from './network.ts';
import { readOptimizer, type OptimizerSpec } from './optimizers.ts';
import { trainingProgram } from './programs.ts';

interface Golden {
  name: string;
  optimizer: OptimizerSpec;
  loss: LossSpec;
  class_weight: number[];
  kernel_l2: number;
  x: number[];
  y: number[];
  start: number[];
  losses: number[];
  end: number[];
  statistics: number[];
}

const goldens = JSON.parse(readFileSync(new URL('../golden/dense.json', import.meta.url), 'utf8')) as Golden[];

describe('a whole training agrees with PyTorch, from the same weights on the same batches', () => {
  it.each(goldens.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const network: NetworkSpec = {
      inputShape: [6],
      classes: 3,
      layers: [
        { dense: { units: 8, activation: 'relu', kernel_regularizer: { l2: golden.kernel_l2 } } },
        { batch_norm: { momentum: 0.9 } },
        { dense: { units: 5, activation: 'gelu' } },
      ],
    };
    const inventory = takeInventory(network);
    const loss = readLoss(golden.loss, 3);
    const optimizer = readOptimizer(golden.optimizer);
    const { model } = trainingProgram(network, inventory, loss, optimizer, 8);
    const session = await openSession(model, {});
    const size = inventory.parameterCount;
    expect(size).toBe(golden.start.length);
    let parameters = Float32Array.from(golden.start);
    let statistics = Float32Array.from({ length: 16 }, (_unused, i) => (i < 8 ? 0 : 1));
    let slots = Array.from({ length: optimizer.slotCount }, () => new Float32Array(size));
    const s = loss.labelSmoothing;
    try {
      for (const [step, expected] of golden.losses.entries()) {
        const from = (step % 4) * 8;
        const y = golden.y.slice(from, from + 8);
        const targets = y.flatMap((label) => [0, 1, 2].map((c) => (c === label ? 1 - s : 0) + s / 3));
        const rates = optimizer.rates(optimizer.learningRate, step + 1);
        const output = await session.run(
          {
            input: { data: Float32Array.from(golden.x.slice(from * 6, (from + 8) * 6)), shape: [8, 6] },
            targets: { data: Float32Array.from(targets), shape: [8, 3] },
            weights: { data: Float32Array.from(y, (label) => golden.class_weight[label]!), shape: [8] },
            parameters: { data: parameters, shape: [size] },
            statistics: { data: statistics, shape: [16] },
            ...Object.fromEntries(slots.map((data, i) => [`slot_${i}`, { data, shape: [size] }])),
            ...Object.fromEntries(rates.map((data, i) => [`rate_${i}`, { data, shape: [] }])),
          },
          {
            loss: null,
            next_parameters: null,
            next_statistics: null,
            ...Object.fromEntries(slots.map((_unused, i) => [`next_slot_${i}`, null])),
          },
        );
        expect(output['loss']![0], `loss of step ${step}`).toBeCloseTo(expected, 4);
        parameters = output['next_parameters'] as Float32Array<ArrayBuffer>;
        statistics = output['next_statistics'] as Float32Array<ArrayBuffer>;
        slots = slots.map((_unused, i) => output[`next_slot_${i}`] as Float32Array<ArrayBuffer>);
      }
    } finally {
      await session.release();
    }
    golden.end.forEach((value, i) => expect(parameters[i]).toBeCloseTo(value, 3));
    golden.statistics.forEach((value, i) => expect(statistics[i]).toBeCloseTo(value, 3));
  });
});
