/** Graphs built from tensors, run by ONNX Runtime. */
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GRAPH, MODEL, NODE } from '../fields.ts';
import { graphMessage, modelBytes, nodeMessage, tensorMessage } from '../messages.ts';
import { MessageReader } from '../reader.ts';
import { embed } from './embed.ts';
import { composedModel } from './model.ts';
import { add, mul, reduce, sub } from './ops.ts';
import { composedPredictions } from './predictions.ts';
import { constant, graphInput, integers } from './tensor.ts';

const x = graphInput('x', 'float32', ['batch', 2]);
const value = { name: 'y', element: 'float32' as const, shape: ['batch', 2] };

async function run(model: Uint8Array, data: number[], name = 'x', output = 'y') {
  const session = await ort.InferenceSession.create(model);
  const tensor = new ort.Tensor('float32', Float32Array.from(data), [data.length / 2, 2]);
  return [...((await session.run({ [name]: tensor }))[output]!.data as Float32Array)];
}

function operators(model: Uint8Array): string[] {
  const graph = new MessageReader(model).message(MODEL.graph)!;
  return graph.messages(GRAPH.node).map((node) => node.string(NODE.op)!);
}

/** y = x + offset, with an operator that nobody needs. */
function adding(offset: number, opset = 18): Uint8Array {
  const nodes = [
    nodeMessage({ op: 'Abs', inputs: ['x'], outputs: ['unused'] }),
    nodeMessage({ op: 'Add', inputs: ['x', 'offset'], outputs: ['y'] }),
  ];
  const graph = graphMessage({
    name: 'adding',
    nodes,
    initializers: [tensorMessage('offset', 'float32', [1], Float32Array.of(offset))],
    inputs: [{ name: 'x', element: 'float32', shape: ['batch', 2] }],
    outputs: [value],
  });
  return modelBytes(graph, { '': opset });
}

describe('a composed model', () => {
  it('writes once what is computed twice from the same, and gives the same bytes each time', async () => {
    const build = () => {
      const doubled = () => mul(x, constant('float32', [1], [2]));
      return composedModel({ name: 'g', outputs: [{ tensor: add(doubled(), doubled()), value }] });
    };
    expect(operators(build())).toEqual(['Mul', 'Add', 'Identity']);
    expect(build()).toEqual(build());
    expect(await run(build(), [1, 2])).toEqual([4, 8]);
  });

  it('holds two models with the same names side by side, without what they do not need', async () => {
    const tensor = sub(embed(adding(5), { x: mul(x, 10) }, 'y'), embed(adding(1), { x }, 'y'));
    const model = composedModel({ name: 'g', outputs: [{ tensor, value }] });
    expect(operators(model)).not.toContain('Abs');
    expect(await run(model, [1, 2])).toEqual([13, 22]);
  });

  it('refuses a model whose input is not given, that lacks the output, or that needs newer operators', () => {
    const made = (tensor: ReturnType<typeof embed>) => () => composedModel({ name: 'g', outputs: [{ tensor, value }] });
    expect(made(embed(adding(1), { z: x }, 'y'))).toThrow(/does not fit into the graph[^]*an input x/);
    expect(made(embed(adding(1), { x }, 'z'))).toThrow(/does not fit into the graph[^]*no output z/);
    expect(made(embed(adding(1, 21), { x }, 'y'))).toThrow(/newer operators[^]*21/);
  });
});

describe('composed predictions', () => {
  it('are averaged over the items of each recording, then over the members', async () => {
    const parts = composedPredictions(x, 2, integers([2]));
    const whole = composedPredictions(reduce('Sum', mul(x, 0), [0]), 2, undefined);
    const model = parts.model([whole], { metadata: {} });
    expect(await run(model, [0.2, 0.8, 0.4, 0.6], 'x', 'probabilities')).toEqual(
      [0.15, 0.35].map((p) => expect.closeTo(p, 6) as number),
    );
  });
});
