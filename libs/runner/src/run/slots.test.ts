import { describe, expect, it } from 'vitest';
import { type DeviceClass, type Resources, Rng, type StageResources } from '@prosodia/core';
import type { Instance } from '../pipeline/plan.ts';
import { type Grant, Slots } from './slots.ts';

const GIB = 1024 ** 3;
const instance = (resources: Resources, device = false): Instance =>
  ({ stage: { resources: {}, device }, resources }) as unknown as Instance;
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

  it('never gives more cores, memory or GPUs than there are, in whatever order stages come and go', () => {
    const slots = new Slots(4, 8 * GIB);
    const rng = new Rng(6, 'slots');
    const held: Grant[] = [];
    const most = { threads: 0, memory: 0, gpus: 0 };
    for (let step = 0; step < 5000; step++) {
      if (held.length > 0 && rng.next() < 0.45) slots.give(held.splice(Math.floor(rng.next() * held.length), 1)[0]!);
      const threads = rng.next() < 0.2 ? ('all' as const) : Math.floor(rng.next() * 7);
      const wish: Resources = { threads, memory_gb: rng.next() * 10 };
      const grant = take(slots, wish, rng.next() < 0.3 ? 'cuda' : 'cpu');
      if (grant) held.push(grant);
      else expect(held).not.toEqual([]);
      const sum = (of: (grant: Grant) => number) => held.reduce((total, each) => total + of(each), 0);
      most.threads = Math.max(
        most.threads,
        sum((each) => each.threads),
      );
      most.memory = Math.max(most.memory, sum((each) => each.memory) / GIB);
      most.gpus = Math.max(
        most.gpus,
        sum((each) => Number(each.gpu)),
      );
    }
    expect(most.threads).toBe(4);
    expect(most.memory).toBeLessThanOrEqual(8 + 1e-6);
    expect(most.gpus).toBe(1);
  });

  it('says what is more than the machine has, and only that', () => {
    const slots = new Slots(2, 4 * GIB);
    expect(slots.shortfalls(instance({ threads: 2, memory_gb: 4 }))).toEqual([]);
    expect(slots.shortfalls(instance({ threads: 'all' }))).toEqual([]);
    expect(slots.shortfalls(instance({ threads: 9, memory_gb: 64 }))).toEqual([
      'it wants 64 GiB of memory, and there are 4.0 for stages: it runs with no other beside it',
      'it wants 9 threads and gets 2, which is all there are',
    ]);
  });

  it('says nothing of what the definition of a stage could make use of, but of what the pipeline asks for instead', () => {
    const slots = new Slots(2, 4 * GIB);
    const defined = (own: StageResources, resources: Resources) =>
      slots.shortfalls({ stage: { resources: own }, resources: { ...own, ...resources } } as unknown as Instance);
    expect(defined({ threads: 4, memory_gb: 8 }, {})).toEqual([]);
    expect(defined({ threads: 4 }, { threads: 9 })).toEqual(['it wants 9 threads and gets 2, which is all there are']);
    expect(defined({ threads: 'param' }, { threads: 2 })).toEqual([]);
    expect(defined({ threads: 'param' }, { threads: 9 })).toEqual(['its 9 threads share 2 cores']);
  });
});
