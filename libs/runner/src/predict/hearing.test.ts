/** How much of a window the models of a run hear, on toy stages that keep a number of seconds. */
import { type ArtifactKind, type Hearing, type StageDefinition, Type, defineStage } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { Ear } from './hearing.ts';
import type { ServedRun } from './served-run.ts';

const Rows: ArtifactKind<unknown, unknown> = {
  id: 'audio',
  summary: 'rows',
  open: () => Promise.resolve(undefined),
  create: () => Promise.resolve(undefined),
};

function stage(params: object, inputs: readonly string[], hears?: (params: never, given: Hearing) => Hearing) {
  return defineStage({
    name: 'toy',
    summary: 'toy',
    params: Type.Object({}),
    inputs: Object.fromEntries(inputs.map((name) => [name, Rows])),
    outputs: { rows: Rows },
    run: () => Promise.resolve(),
    ...(inputs.length === 0 ? { serve: { inputs: [], run: () => Promise.resolve() } } : {}),
    ...(hears ? { hears: (given: Hearing) => hears(params as never, given) } : {}),
  }) as unknown as StageDefinition;
}

const first = (seconds: number) =>
  stage({}, ['a'], (_, { rate, items }) => ({
    rate,
    items: items.map(({ start_s, end_s }) => ({ start_s, end_s: Math.min(end_s, start_s + seconds) })),
  }));

/** Pieces of two seconds, one every second. */
const pieces = stage({}, ['a'], (_, { rate, items }) => ({
  rate,
  items: items.flatMap(({ end_s }) =>
    Array.from({ length: Math.max(1, Math.ceil(end_s - 1)) }, (_, i) => ({
      start_s: i,
      end_s: Math.min(end_s, i + 2),
    })),
  ),
}));

/** @param graph stage and sources of each instance; the last one predicts */
function earOf(graph: Record<string, [StageDefinition, ...string[]]>): Promise<Ear> {
  const names = Object.keys(graph);
  const instances = Object.fromEntries(
    Object.entries(graph).map(([name, [own, ...sources]]) => {
      const from = Object.fromEntries(Object.keys(own.inputs).map((input, i) => [input, [`${sources[i]!}.rows`]]));
      return [name, { uses: name, with: {}, from, seed: 0 }];
    }),
  );
  return Ear.of({
    instances,
    members: [`${names.at(-1)!}.rows`],
    stage: (uses: string) => Promise.resolve(graph[uses]![0]),
  } as unknown as ServedRun);
}

const source = stage({}, []);
const all = stage({}, ['a']);
const join = stage({}, ['a', 'b']);

describe('what the models hear', () => {
  it('is all of a window of any length unless a stage cuts it, and then windows are usual', async () => {
    const ear = await earOf({ source: [source], all: [all, 'source'] });
    expect(ear.hears(100)).toEqual({ seconds: 100, cutBy: undefined });
    expect(ear.window_s).toBe(6);
  });

  it('is what a stage leaves, which is named; windows are as long, in tenths of a second', async () => {
    const ear = await earOf({ source: [source], images: [first(3.008), 'source'], all: [all, 'images'] });
    expect(ear.hears(6)).toEqual({ seconds: 3.008, cutBy: 'images' });
    expect(ear.hears(2)).toEqual({ seconds: 2, cutBy: undefined });
    expect(ear.window_s).toBe(3);
    expect(ear.hears(ear.window_s).cutBy).toBeUndefined();
  });

  it('is the least of what comes together', async () => {
    const ear = await earOf({
      source: [source],
      three: [first(3), 'source'],
      four: [first(4), 'source'],
      join: [join, 'four', 'three'],
    });
    expect(ear.hears(6)).toEqual({ seconds: 3, cutBy: 'three' });
    expect(ear.window_s).toBe(3);
  });

  it('is all where pieces overlap, and no window is better than another where pieces are cut', async () => {
    const whole = await earOf({ source: [source], pieces: [pieces, 'source'], all: [first(2), 'pieces'] });
    expect(whole.hears(6)).toEqual({ seconds: 6, cutBy: undefined });
    const cut = await earOf({ source: [source], pieces: [pieces, 'source'], short: [first(0.5), 'pieces'] });
    expect(cut.hears(6)).toEqual({ seconds: 2.5, cutBy: 'short' });
    expect(cut.window_s).toBe(6);
  });

  it('misses no frame or two', async () => {
    const ear = await earOf({ source: [source], images: [first(5.96), 'source'] });
    expect(ear.hears(6)).toEqual({ seconds: 6, cutBy: undefined });
  });
});
