import { describe, expect, it } from 'vitest';
import { gradientRules } from './rules.ts';
import { gradients } from './differentiate.ts';
import { Graph, type Tensor } from '../graph.ts';
import * as ops from '../ops.ts';
import { array } from '../testing/arrays.ts';
import { checkGradient } from '../testing/check-gradient.ts';

/** For each operator with a rule: graphs whose output exercises it, made from inputs of given shapes. */
const cases: Record<string, { shapes: number[][]; build: (...inputs: Tensor[]) => Tensor; positive?: boolean }[]> = {
  Identity: [{ shapes: [[3]], build: (a) => a.graph.node('Identity', [a], [a.shape])[0]! }],
  Add: [
    {
      shapes: [
        [2, 3],
        [2, 3],
      ],
      build: ops.add,
    },
    { shapes: [[2, 3], [3]], build: ops.add },
    {
      shapes: [
        [2, 1, 3],
        [4, 1],
      ],
      build: ops.add,
    },
  ],
  Sub: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      build: ops.subtract,
    },
  ],
  Mul: [
    { shapes: [[2, 3], []], build: ops.multiply },
    { shapes: [[3], [2, 3]], build: ops.multiply },
    { shapes: [[4]], build: (a) => ops.multiply(a, a) },
  ],
  Div: [{ shapes: [[2, 3], [3]], build: ops.divide, positive: true }],
  Pow: [{ shapes: [[5]], build: (a) => ops.power(a, 2.5), positive: true }],
  Neg: [{ shapes: [[5]], build: ops.negate }],
  Exp: [{ shapes: [[5]], build: ops.exp }],
  Log: [{ shapes: [[5]], build: ops.log, positive: true }],
  Sqrt: [{ shapes: [[5]], build: ops.squareRoot, positive: true }],
  Erf: [{ shapes: [[5]], build: ops.erf }],
  Relu: [{ shapes: [[9]], build: ops.relu }],
  Sigmoid: [{ shapes: [[5]], build: ops.sigmoid }],
  Tanh: [{ shapes: [[5]], build: ops.tanh }],
  Elu: [{ shapes: [[9]], build: (a) => ops.elu(a, 0.7) }],
  Clip: [{ shapes: [[9]], build: (a) => ops.clip(a, -0.5, 0.5) }],
  Softmax: [{ shapes: [[2, 4]], build: ops.softmax }],
  LogSoftmax: [
    { shapes: [[2, 4]], build: ops.logSoftmax },
    { shapes: [[2, 4]], build: ops.logSoftmaxInParts },
  ],
  ReduceSum: [
    { shapes: [[2, 3, 4]], build: (a) => ops.sum(a, [0, 2]) },
    { shapes: [[2, 3, 4]], build: (a) => ops.sum(a, [1], false) },
  ],
  ReduceMax: [{ shapes: [[2, 3, 4]], build: (a) => ops.largest(a, [0, 2], false) }],
  ReduceMean: [{ shapes: [[2, 3, 4]], build: (a) => ops.mean(a, [0, 2], false) }],
  ReduceSumSquare: [{ shapes: [[2, 3, 4]], build: (a) => ops.sumOfSquares(a, [1], false) }],
  Reshape: [{ shapes: [[2, 6]], build: (a) => ops.reshape(a, [3, 4]) }],
  Expand: [{ shapes: [[2, 1, 3]], build: (a) => ops.expand(a, [2, 4, 3]) }],
  Transpose: [{ shapes: [[2, 3, 4]], build: (a) => ops.transpose(a, [2, 0, 1]) }],
  Gemm: [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({
      shapes: [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4], [4]],
      build: (a: Tensor, b: Tensor, c?: Tensor) => ops.gemm(a, b, c, { transposeA, transposeB }),
    })),
  ),
  MatMul: [
    {
      shapes: [
        [2, 3, 4],
        [4, 5],
      ],
      build: ops.matmul,
    },
    {
      shapes: [
        [2, 3, 4],
        [2, 4, 5],
      ],
      build: ops.matmul,
    },
  ],
  Slice: [
    { shapes: [[3, 5]], build: (a) => ops.slice(a, 1, 1, 4) },
    { shapes: [[3, 2, 2]], build: (a) => ops.reverse(a, [0, 2]) },
  ],
  Pad: [{ shapes: [[2, 3]], build: (a) => ops.pad(a, [0, 1], [2, 0]) }],
  Concat: [
    {
      shapes: [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      build: (...inputs) => ops.concat(inputs, 1),
    },
  ],
};

/** These belong to a layer and are checked with it, in `layers.test.ts`. */
const ofLayers = [
  'AveragePool',
  'BatchNormMaxPool',
  'BatchNormTraining',
  'Conv',
  'GruTraining',
  'LayerNormalization',
  'LstmTraining',
  'MaxPool',
  'OverlappingMaxPool',
];

describe('gradient rules agree with finite differences, and ONNX Runtime with the definitions', () => {
  for (const [op, variants] of Object.entries(cases)) {
    it.each(variants.map((variant, i) => [i, variant] as const))(`${op} %i`, async (_, { shapes, build, positive }) => {
      const graph = new Graph();
      const inputs = shapes.map((shape, i) => graph.input(`input_${i}`, shape));
      const values = positive
        ? Object.fromEntries(
            inputs.map(({ name, shape }) => {
              const size = shape.reduce((product, n) => product * n, 1);
              return [
                name,
                array(
                  shape,
                  Array.from({ length: size }, (_unused, i) => 0.5 + ((i * 7) % 5) / 4),
                ),
              ];
            }),
          )
        : {};
      await checkGradient(build(...inputs), inputs, { values });
    });
  }
});

it('every operator with a gradient rule is checked', () => {
  expect([...Object.keys(cases), ...ofLayers].sort()).toEqual(Object.keys(gradientRules).sort());
});

describe('gradients', () => {
  it('add up where a tensor is used more than once', async () => {
    const graph = new Graph();
    const a = graph.input('a', [3]);
    await checkGradient(ops.add(ops.multiply(a, ops.tanh(a)), a), [a]);
  });

  it('are undefined for a source the target does not depend on', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2]), graph.input('b', [2])];
    expect(gradients(ops.sum(a, [0], false), [a, b])[1]).toBeUndefined();
  });

  it('do not go on behind a source', () => {
    const graph = new Graph();
    const source = ops.slice(graph.input('a', [4]), 0, 0, 2);
    gradients(ops.sum(source, [0], false), [source]);
    expect(graph.nodes.map((node) => node.op)).not.toContain('Pad');
  });

  it('name an operator that has no rule', () => {
    const graph = new Graph();
    const a = graph.input('a', [2]);
    const odd = graph.node('Hardmax', [a], [a.shape])[0]!;
    expect(() => gradients(ops.sum(odd, [0], false), [a])).toThrow('the operator Hardmax has no gradient rule');
  });
});
