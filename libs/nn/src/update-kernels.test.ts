import { Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { UpdateMemory } from './update-kernels.ts';

const COUNT = 37;

function filled(slotCount: number): UpdateMemory {
  const memory = new UpdateMemory(COUNT, slotCount);
  const rng = new Rng(3, 'update');
  for (const vector of [memory.parameters, memory.gradient, ...memory.slots])
    vector.forEach((_, i) => (vector[i] = rng.normal()));
  return memory;
}

function close(actual: Float32Array, expected: readonly number[]): void {
  expected.forEach((value, i) =>
    expect(Math.abs(actual[i]! - value)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value))),
  );
}

describe('updates follow their definitions, also where four do not divide the number of weights', () => {
  it('adam, with weight decay', () => {
    const memory = filled(2);
    memory.slots[1]!.forEach((v, i, all) => (all[i] = Math.abs(v)));
    const [w, g, m, v] = [memory.parameters, memory.gradient, ...memory.slots].map((vector) => [...vector]);
    memory.update('adam', [0.9, 0.99, 0.05, 1e-3, 0.98]);
    const mean = m!.map((value, i) => 0.9 * value + 0.1 * g![i]!);
    const square = v!.map((value, i) => 0.99 * value + 0.01 * g![i]! ** 2);
    close(memory.slots[0]!, mean);
    close(memory.slots[1]!, square);
    close(
      memory.parameters,
      w!.map((value, i) => 0.98 * value - (0.05 * mean[i]!) / (Math.sqrt(square[i]!) + 1e-3)),
    );
  });

  it('sgd without momentum', () => {
    const memory = filled(0);
    const [w, g] = [memory.parameters, memory.gradient].map((vector) => [...vector]);
    memory.update('sgd', [0.1, 0.9]);
    close(
      memory.parameters,
      w!.map((value, i) => 0.9 * value - 0.1 * g![i]!),
    );
  });

  it.each([0, 1])('sgd with momentum, Nesterov %i', (ahead) => {
    const memory = filled(1);
    const [w, g, v] = [memory.parameters, memory.gradient, ...memory.slots].map((vector) => [...vector]);
    memory.update('momentum', [0.8, 0.1, 0.9, ahead]);
    const velocity = v!.map((value, i) => 0.8 * value - 0.1 * g![i]!);
    close(memory.slots[0]!, velocity);
    const move = velocity.map((value, i) => (ahead ? 0.8 * value - 0.1 * g![i]! : value));
    close(
      memory.parameters,
      w!.map((value, i) => 0.9 * value + move[i]!),
    );
  });
});

it('moments of weights without gradient do not become denormal numbers', () => {
  const memory = new UpdateMemory(4, 2);
  memory.slots.forEach((slot) => slot.fill(1e-20));
  for (let step = 0; step < 400; step++) memory.update('adam', [0.9, 0.9, 0.01, 1e-7, 1]);
  const smallestNormal = 2 ** -126;
  for (const value of memory.slots.flatMap((slot) => [...slot])) {
    expect(value === 0 || value >= smallestNormal).toBe(true);
    expect(value).toBeLessThan(1e-31);
  }
});

it('a network of more weights than a memory holds is refused with the limit', () => {
  expect(() => new UpdateMemory(2 ** 29, 2)).toThrow(/too many weights/);
});
