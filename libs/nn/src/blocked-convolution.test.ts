import { Rng } from '@prosodia/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockOfChannels } from './blocked-convolution.ts';
import { openSession, type FloatArray } from './device.ts';
import { Graph, sizeOf, type Shape } from './graph.ts';
import { gradients } from './gradients/differentiate.ts';
import { encodeModel } from './onnx/model.ts';
import { multiply, sum } from './ops.ts';
import { convolve, makeWindow, type Padding } from './spatial-ops.ts';

interface Case {
  channels: number;
  filters: number;
  batch: number;
  spatial: number[];
  size: number[];
  strides?: number[];
  dilations?: number[];
  padding?: Padding;
  relu?: boolean;
}

let block: number | undefined;
beforeAll(async () => {
  block = await blockOfChannels();
});

/** Output, and gradients with respect to input, kernel and bias, on ONNX Runtime; and the operators used. */
async function run(given: Case, inBlocks: boolean) {
  const { channels, filters, batch, spatial, size, padding = 'same', relu = false } = given;
  const ones = size.map(() => 1);
  const window = makeWindow(spatial, size, given.strides ?? ones, given.dilations ?? ones, padding);
  const graph = new Graph();
  const inputs = [
    graph.input('x', [1, channels, batch, ...spatial]),
    graph.input('kernel', [filters, channels, ...size]),
    graph.input('bias', [filters]),
  ];
  const [x, kernel, bias] = inputs;
  const y = convolve(x!, kernel!, bias, window, { relu, block: inBlocks ? block : undefined });
  const weighting = graph.input('weighting', y.shape);
  const axes = y.shape.map((_, axis) => axis);
  const found = gradients(sum(multiply(y, weighting), axes, false), inputs);
  const outputs = [y, ...found.map((gradient) => gradient!)];
  outputs.forEach((tensor, i) => graph.output(`out_${i}`, tensor));
  const session = await openSession(encodeModel(graph), { layout: 'ours' });
  const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, random(name, shape)]));
  const results = await session.run(feeds, Object.fromEntries(outputs.map((_, i) => [`out_${i}`, null])));
  await session.release();
  return {
    values: outputs.map((_, i) => results[`out_${i}`]!),
    domains: graph.flatNodes().map(({ domain }) => domain),
  };
}

function random(name: string, shape: Shape): FloatArray {
  const rng = new Rng(3, name);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => rng.uniform(-1, 1)), shape };
}

const cases: [string, Case][] = [
  ['two axes', { channels: 16, filters: 32, batch: 3, spatial: [5, 7], size: [3, 3] }],
  ['two axes, relu', { channels: 32, filters: 16, batch: 2, spatial: [4, 6], size: [3, 2], relu: true }],
  ['two axes, valid', { channels: 16, filters: 16, batch: 2, spatial: [6, 5], size: [2, 3], padding: 'valid' }],
  ['two axes, strides', { channels: 16, filters: 16, batch: 2, spatial: [6, 5], size: [3, 3], strides: [2, 1] }],
  ['two axes, dilation', { channels: 16, filters: 16, batch: 2, spatial: [6, 7], size: [3, 3], dilations: [1, 2] }],
  ['one axis', { channels: 32, filters: 16, batch: 8, spatial: [70], size: [5], relu: true }],
  ['one axis, causal', { channels: 16, filters: 16, batch: 8, spatial: [40], size: [3], padding: 'causal' }],
  ['one axis, strides', { channels: 16, filters: 16, batch: 8, spatial: [80], size: [3], strides: [2] }],
];

type Ran = Awaited<ReturnType<typeof run>>;

function expectAlike(ours: Ran, plain: Ran): void {
  ours.values.forEach((values, i) => {
    const expected = plain.values[i]!;
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(values).toHaveLength(expected.length);
    expect(values.every((value, k) => Math.abs(value - expected[k]!) <= 1e-5 * largest)).toBe(true);
  });
}

it.each([
  ['in blocks', { channels: 32, filters: 16, batch: 8, spatial: [16, 12], size: [3, 3], relu: true }],
  ['not in blocks', { channels: 12, filters: 20, batch: 16, spatial: [41], size: [3], relu: true }],
] as [string, Case][])('a kernel seen at many places has the same gradient summed in parts: %s', async (_, given) => {
  const [plain, split] = [await run(given, false), await run(given, true)];
  expect(plain.domains).not.toContain('com.microsoft');
  if (block !== undefined) expect(split.domains).toContain('com.microsoft');
  expectAlike(split, plain);
});

describe('convolution in blocks of channels gives what the plain one gives, and the same gradients', () => {
  it.each(cases)('%s', async (_, given) => {
    const [plain, blocked] = [await run(given, false), await run(given, true)];
    expect(plain.domains).not.toContain('com.microsoft.nchwc');
    if (block !== undefined) expect(blocked.domains).toContain('com.microsoft.nchwc');
    expectAlike(blocked, plain);
  });

  it.each([
    ['channels that do not fill blocks', { channels: 12, filters: 16, batch: 2, spatial: [5, 7], size: [3, 3] }],
    ['a window of one', { channels: 16, filters: 16, batch: 2, spatial: [5, 7], size: [1, 1] }],
    ['few positions', { channels: 16, filters: 32, batch: 2, spatial: [20], size: [3] }],
  ] as [string, Case][])('is left aside for %s', async (_, given) => {
    expect((await run(given, true)).domains).not.toContain('com.microsoft.nchwc');
  });
});
