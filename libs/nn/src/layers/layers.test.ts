import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph, describeShape, type Shape } from '../graph.ts';
import { batchNormTraining, maxPoolNormalized } from '../normalization-ops.ts';
import { buildNetwork, initialParameters, takeInventory, type Values } from '../network.ts';
import { makeWindow } from '../spatial-ops.ts';
import { checkGradient, checkRuntime } from '../testing/check-gradient.ts';
import { array } from '../testing/arrays.ts';
import { evaluate } from '../testing/interpreter.ts';
import { activate, activationNames } from './activation.ts';
import { layers, type LayerName, type LayerSpec } from './index.ts';

interface Example {
  layer: LayerSpec;
  input: Shape;
  /** Layers after it, so that the output layer gets a vector. */
  then?: LayerSpec[];
}

const examples: Record<LayerName, Example[]> = {
  activation: activationNames.map((name) => ({ layer: { activation: name }, input: [4], then: [{ flatten: {} }] })),
  attention_pool: [{ layer: { attention_pool: { units: 3 } }, input: [4, 2] }],
  avg_pool1d: [
    { layer: { avg_pool1d: {} }, input: [5, 2], then: [{ flatten: {} }] },
    { layer: { avg_pool1d: { pool_size: 3, strides: 2, padding: 'same' } }, input: [6, 2], then: [{ flatten: {} }] },
  ],
  avg_pool2d: [
    {
      layer: { avg_pool2d: { pool_size: [3, 2], strides: [1, 2], padding: 'same' } },
      input: [4, 5, 2],
      then: [{ flatten: {} }],
    },
  ],
  conv1d: [
    {
      layer: { conv1d: { filters: 3, kernel_size: 3, padding: 'same', activation: 'tanh' } },
      input: [5, 2],
      then: [{ flatten: {} }],
    },
    {
      layer: { conv1d: { filters: 2, kernel_size: 2, padding: 'causal', dilation_rate: 2 } },
      input: [6, 2],
      then: [{ flatten: {} }],
    },
    {
      layer: { conv1d: { filters: 2, kernel_size: 3, strides: 2, padding: 'same' } },
      input: [6, 2],
      then: [{ flatten: {} }],
    },
    {
      layer: { conv1d: { filters: 2, kernel_size: 4, use_bias: false } },
      input: [5, 1],
      then: [{ conv1d: { filters: 2, kernel_size: 1 } }, { flatten: {} }],
    },
  ],
  conv2d: [
    { layer: { conv2d: { filters: 1, kernel_size: [2, 1] } }, input: [17, 17, 1], then: [{ global_pool: 'avg' }] },
    {
      layer: { conv2d: { filters: 3, kernel_size: 3, padding: 'same', activation: 'elu' } },
      input: [4, 3, 2],
      then: [{ flatten: {} }],
    },
    {
      layer: { conv2d: { filters: 2, kernel_size: [1, 2], strides: [2, 1] } },
      input: [4, 3, 2],
      then: [{ flatten: {} }],
    },
    {
      layer: { conv2d: { filters: 2, kernel_size: 2, strides: 2, padding: 'same', dilation_rate: 1 } },
      input: [5, 3, 1],
      then: [{ flatten: {} }],
    },
  ],
  global_pool: (['avg', 'max', 'both'] as const).flatMap((mode) => [
    { layer: { global_pool: mode }, input: [4, 3] },
    { layer: { global_pool: mode }, input: [2, 3, 2] },
  ]),
  lstm: [
    { layer: { lstm: { units: 3 } }, input: [4, 2] },
    { layer: { lstm: { units: 2, return_sequences: true } }, input: [3, 2], then: [{ lstm: { units: 2 } }] },
    { layer: { lstm: { units: 2 } }, input: [1, 2] },
  ],
  bidirectional: [
    { layer: { bidirectional: { lstm: { units: 3 } } }, input: [4, 2] },
    {
      layer: { bidirectional: { lstm: { units: 2, return_sequences: true } } },
      input: [3, 2],
      then: [{ flatten: {} }],
    },
    ...(['sum', 'ave', 'mul'] as const).map((merge_mode) => ({
      layer: { bidirectional: { lstm: { units: 2 }, merge_mode } },
      input: [2, 2],
    })),
  ],
  gru: [
    { layer: { gru: { units: 3 } }, input: [4, 2] },
    { layer: { gru: { units: 2, return_sequences: true } }, input: [3, 2], then: [{ gru: { units: 2 } }] },
    { layer: { bidirectional: { gru: { units: 2 } } }, input: [3, 2] },
  ],
  group_norm: [
    { layer: { group_norm: { groups: 2 } }, input: [4] },
    { layer: { group_norm: { groups: 2, epsilon: 0.1 } }, input: [3, 4], then: [{ global_pool: 'max' }] },
    { layer: { group_norm: { groups: 1, center: false } }, input: [2, 3, 2], then: [{ flatten: {} }] },
    { layer: { group_norm: { groups: 3, scale: false } }, input: [2, 3], then: [{ flatten: {} }] },
  ],
  layer_norm: [
    { layer: { layer_norm: {} }, input: [3] },
    { layer: { layer_norm: { center: false, scale: false } }, input: [2, 3], then: [{ flatten: {} }] },
  ],
  residual: [
    { layer: { residual: { layers: [{ dense: { units: 3, activation: 'tanh' } }], activation: 'tanh' } }, input: [3] },
    { layer: { residual: { layers: [{ dense: { units: 4 } }], activation: 'elu' } }, input: [3] },
    {
      layer: {
        residual: {
          layers: [{ conv1d: { filters: 3, kernel_size: 3, padding: 'same', strides: 2 } }, { batch_norm: {} }],
          activation: 'swish',
          projection_batch_norm: true,
        },
      },
      input: [5, 2],
      then: [{ global_pool: 'avg' }],
    },
    {
      layer: { residual: { layers: [{ conv2d: { filters: 2, kernel_size: 3, padding: 'same', strides: [1, 2] } }] } },
      input: [2, 4, 1],
      then: [{ flatten: {} }],
    },
  ],
  max_pool1d: [
    { layer: { max_pool1d: {} }, input: [5, 2], then: [{ flatten: {} }] },
    { layer: { max_pool1d: { pool_size: 3, strides: 1, padding: 'same' } }, input: [5, 2], then: [{ flatten: {} }] },
    ...[{}, { pool_size: 3, strides: 2, padding: 'same' as const }].map((pool) => ({
      layer: { conv1d: { filters: 3, kernel_size: 2 } },
      input: [7, 2],
      then: [{ batch_norm: {} }, { max_pool1d: pool }, { flatten: {} }] as LayerSpec[],
    })),
  ],
  max_pool2d: [
    { layer: { max_pool2d: {} }, input: [4, 5, 2], then: [{ flatten: {} }] },
    { layer: { max_pool2d: { pool_size: 3, strides: 2, padding: 'same' } }, input: [5, 4, 2], then: [{ flatten: {} }] },
    {
      layer: { conv2d: { filters: 2, kernel_size: 1, activation: 'relu' } },
      input: [5, 4, 1],
      then: [{ batch_norm: {} }, { max_pool2d: {} }, { flatten: {} }],
    },
  ],
  permute: [{ layer: { permute: [2, 1] }, input: [2, 3], then: [{ flatten: {} }] }],
  reshape: [
    { layer: { reshape: [3, 2] }, input: [6], then: [{ conv1d: { filters: 2, kernel_size: 2 } }, { flatten: {} }] },
  ],
  spatial_dropout: [
    { layer: { spatial_dropout: 0.4 }, input: [3, 2], then: [{ flatten: {} }] },
    {
      layer: { conv1d: { filters: 2, kernel_size: 1 } },
      input: [3, 2],
      then: [{ spatial_dropout: 0.4 }, { flatten: {} }],
    },
  ],
  batch_norm: [
    {
      layer: { conv2d: { filters: 2, kernel_size: 1 } },
      input: [2, 3, 1],
      then: [{ batch_norm: {} }, { flatten: {} }],
    },
    { layer: { batch_norm: {} }, input: [3] },
    { layer: { batch_norm: { center: false, scale: false } }, input: [3] },
    { layer: { batch_norm: { momentum: 0.5, epsilon: 0.1 } }, input: [4, 3], then: [{ flatten: {} }] },
  ],
  dense: [
    { layer: { dense: { units: 4, activation: 'tanh' } }, input: [3] },
    { layer: { dense: { units: 4, use_bias: false } }, input: [2, 3], then: [{ flatten: {} }] },
  ],
  dropout: [{ layer: { dropout: 0.4 }, input: [5] }],
  flatten: [{ layer: { flatten: {} }, input: [2, 3] }],
  gaussian_noise: [{ layer: { gaussian_noise: 0.4 }, input: [5] }],
};

/** Values as inputs of the graph, so that a test can set and change each. */
const asInputs: Values = {
  parameter: (graph, { name, shape }) => graph.input(name, shape),
  statistic: (graph, { name, shape }) => graph.input(name, shape),
};

const cases = Object.entries(examples).flatMap(([name, list]) =>
  list.map(({ layer, input, then = [] }) => {
    const title = `${name} ${JSON.stringify(Object.values(layer)[0])} on ${describeShape(input)}`;
    return [title, { layers: [layer, ...then], inputShape: input, classes: 2 }] as const;
  }),
);

describe('the gradients of weights and input agree with finite differences', () => {
  it.each(cases)('%s', async (_, spec) => {
    const { graph, logits, inventory } = buildNetwork(spec, { batch: 4, training: true, values: asInputs });
    const names = ['input', ...inventory.parameters.map(({ name }) => name)];
    await checkGradient(
      logits,
      names.map((name) => graph.inputs.find((input) => input.name === name)!),
    );
  });
});

describe('the network as it is served gives the same on ONNX Runtime as by definition', () => {
  it.each(cases)('%s', async (_, spec) => {
    const { graph, logits, inventory } = buildNetwork(spec, { batch: 3, training: false, values: asInputs });
    const start = initialParameters(inventory, 5);
    const inputs = Object.fromEntries(
      graph.inputs.map(({ name, shape }) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const slot = inventory.parameters.find((parameter) => parameter.name === name);
        if (slot) return [name, array(shape, start.subarray(slot.offset, slot.offset + size))];
        return [
          name,
          array(
            shape,
            Float32Array.from({ length: size }, (_unused, i) => 0.3 + ((i * 5) % 7) / 7),
          ),
        ];
      }),
    );
    await checkRuntime(graph, inputs, [logits]);
  });
});

describe('activation functions', () => {
  const golden = JSON.parse(readFileSync(new URL('../../golden/activations.json', import.meta.url), 'utf8')) as {
    x: number[];
    y: Record<string, number[]>;
  };
  it.each(activationNames)('%s agrees with PyTorch', (name) => {
    const graph = new Graph();
    const tensor = graph.input('x', [1, golden.x.length]);
    const { tensor: y } = activate(name, { tensor, channels: 'last' });
    const { data } = evaluate(graph, { x: array(tensor.shape, golden.x) })(y);
    golden.y[name]!.forEach((value, i) => expect(data[i]).toBeCloseTo(value, 5));
  });
});

describe('batch_norm in training', () => {
  const build = () => {
    const spec = { layers: [{ batch_norm: { momentum: 0.9 } }], inputShape: [2], classes: 2 };
    return buildNetwork(spec, { batch: 4, training: true, values: asInputs });
  };
  const inputs = (x: number[]) => ({
    input: array([4, 2], x),
    '0_batch_norm/gamma': array([2], [1, 2]),
    '0_batch_norm/beta': array([2], [0, 5]),
    '0_batch_norm/moving_mean': array([2], [0, 0]),
    '0_batch_norm/moving_variance': array([2], [1, 1]),
    'output/kernel': array([2, 2], [1, 0, 0, 1]),
    'output/bias': array([2], [0, 0]),
  });

  it('gives each channel the mean and deviation of beta and gamma', () => {
    const { graph, logits } = build();
    const { data } = evaluate(graph, inputs([1, 10, 2, 20, 3, 30, 4, 40]))(logits);
    const channel = [...data].filter((_, i) => i % 2 === 1);
    expect(channel.reduce((total, x) => total + x, 0) / 4).toBeCloseTo(5, 6);
    expect(Math.sqrt(channel.reduce((total, x) => total + (x - 5) ** 2, 0) / 4)).toBeCloseTo(2, 4);
  });

  it('moves its statistics towards the mean and, as Keras does, the biased variance of the batch', () => {
    const { graph, statisticsNow } = build();
    const at = evaluate(graph, inputs([1, 10, 2, 20, 3, 30, 4, 40]));
    const [mean, variance] = statisticsNow.map(({ now }) => [...at(now).data]);
    expect(mean![0]).toBeCloseTo(2.5, 6);
    expect(variance![0]).toBeCloseTo(1.25, 6);
    expect(statisticsNow.map(({ momentum }) => momentum)).toEqual([0.9, 0.9]);
  });
});

describe('max pooling after batch_norm in training', () => {
  const graph = new Graph();
  const x = graph.input('x', [1, 2, 3, 4]);
  const [gamma, beta] = [graph.input('gamma', [2]), graph.input('beta', [2])];
  const y = batchNormTraining(x, 1, gamma, beta, 1e-3)[0]!;
  const pooled = maxPoolNormalized(y, makeWindow([4], [2], [2], [1], 'valid'));
  const inputs = (factors: number[]) => ({
    x: array(
      [1, 2, 3, 4],
      Array.from({ length: 24 }, (_, i) => Math.sin(i * i)),
    ),
    gamma: array([2], factors),
    beta: array([2], [0.5, -1]),
  });

  it.each([
    [1, 2],
    [-1, 0.5],
    [0, -2],
  ])('is the largest of what is normalized, whatever the signs of gamma: %d and %d', (...factors) => {
    const at = evaluate(graph, inputs(factors));
    const normalized = at(y).data;
    const found = at(pooled).data;
    expect(found).toHaveLength(12);
    found.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.max(normalized[2 * i]!, normalized[2 * i + 1]!), 10);
    });
  });
});

describe('the network in training computes what is served', () => {
  /** Layers that are meant to differ: those that draw random numbers or use the statistics of the batch. */
  const differs = ['dropout', 'gaussian_noise', 'spatial_dropout', 'batch_norm'];
  const same = cases.filter(([, { layers: list }]) => !differs.some((name) => JSON.stringify(list).includes(name)));
  it.each(same)('%s', (_, spec) => {
    const built = [true, false].map((training) => buildNetwork(spec, { batch: 3, training, values: asInputs }));
    const [training, serving] = built.map(({ graph, logits }) => {
      const inputs = graph.inputs.map(({ name, shape }, i) => {
        const size = shape.reduce((product, n) => product * n, 1);
        return [
          name,
          array(
            shape,
            Array.from({ length: size }, (_unused, k) => Math.sin(3 * k + i)),
          ),
        ] as const;
      });
      return [...evaluate(graph, Object.fromEntries(inputs))(logits).data];
    });
    training!.forEach((value, i) => expect(value).toBeCloseTo(serving![i]!, 6));
  });
});

it('every layer has an example here', () => {
  expect(Object.keys(examples).sort()).toEqual(Object.keys(layers).sort());
});

it('the inventory of a network is the same whether it is for training or for serving', () => {
  for (const [, spec] of cases) {
    const training = buildNetwork(spec, { batch: 4, training: true, values: asInputs });
    expect(training.inventory).toEqual(takeInventory(spec));
    expect(training.statisticsNow).toHaveLength(training.inventory.statistics.length);
  }
});
