import { describe, expect, it } from 'vitest';
import type { DeviceClass, Resources } from '@prosodia/core';
import type { Instance } from '../pipeline/plan.ts';
import { type Grant, Slots } from './slots.ts';

const GIB = 1024 ** 3;
const instance = (resources: Resources, device = false): Instance =>
  ({ stage: { resources, device }, resources }) as unknown as Instance;
const take = (slots: Slots, resources: Resources, device: DeviceClass = 'cpu'): Grant | undefined =>
  slots.take(instance(resources, device !== 'cpu'), device);

describe('Slots', () => {
  it('shares cores until none is free, and takes them back', () => {
    const slots = new Slots(4, 8 * GIB);
    const one = take(slots, {})!;
    const two = take(slots, { threads: 2 })!;
    expect([one.threads, two.threads]).toEqual([1, 2]);
    expect(take(slots, { threads: 2 })).toBeUndefined();
    slots.give(two);
    expect(take(slots, { threads: 2 })).toBeDefined();
  });

  it('gives whoever wants all what is free, and everybody at most what there is', () => {
    const slots = new Slots(4, 8 * GIB);
    expect(take(slots, { threads: 99 })!.threads).toBe(4);
    expect(take(slots, { threads: 'all' })).toBeUndefined();
    const other = new Slots(4, 8 * GIB);
    take(other, {});
    expect(take(other, { threads: 'all' })!.threads).toBe(3);
  });

  it('keeps apart what does not fit into memory together, but runs what never fits on an idle machine', () => {
    const slots = new Slots(4, 8 * GIB);
    const first = take(slots, { memory_gb: 5 })!;
    expect(take(slots, { memory_gb: 5 })).toBeUndefined();
    slots.give(first);
    expect(take(slots, { memory_gb: 500 })).toBeDefined();
  });

  it('has one GPU, for stages that use it', () => {
    const slots = new Slots(4, 8 * GIB);
    const first = take(slots, {}, 'webgpu')!;
    expect(take(slots, {}, 'webgpu')).toBeUndefined();
    expect(take(slots, {})).toBeDefined();
    slots.give(first);
    expect(take(slots, {}, 'cuda')).toBeDefined();
  });

  it('starts something whenever nothing runs, whatever was taken and given before', () => {
    const slots = new Slots(2, 4 * GIB);
    const wishes: Resources[] = [{}, { threads: 'all' }, { threads: 8, memory_gb: 100 }, { memory_gb: 3 }];
    for (let round = 0; round < 50; round++) {
      const grants = wishes.map((wish) => take(slots, wish)).filter((grant) => grant !== undefined);
      for (const grant of grants) slots.give(grant);
      for (const wish of wishes) {
        const grant = take(slots, wish);
        expect(grant).toBeDefined();
        slots.give(grant!);
      }
    }
  });
});
