/** Pooling over time by learned attention (additive, Bahdanau and others, 2015, with a learned query). */
import { Type } from '@prosodia/core';
import { add, matmul, multiply, reshape, softmax, sum, tanh } from '../ops.ts';
import { channelsLast, defineLayer } from './layer.ts';
import { spatialShape } from './spatial.ts';

export const attention_pool = defineLayer({
  summary: 'A weighted mean over time; the weights are a softmax of v . tanh(W x + b), learned with the rest.',
  options: Type.Object(
    { units: Type.Optional(Type.Integer({ minimum: 1, default: 64, description: 'Rows of W.' })) },
    { additionalProperties: false },
  ),
  build(context, input, { units }) {
    const [steps] = spatialShape(input, 1);
    const x = channelsLast(input);
    const [batch, , channels] = x.shape;
    const fans = { fanIn: channels!, fanOut: units, initializer: 'glorot_uniform' } as const;
    const kernel = context.parameter('kernel', [channels!, units], fans);
    const bias = context.parameter('bias', [units], { ...fans, initializer: 'zeros' });
    const query = context.parameter('query', [units, 1], { ...fans, fanIn: units, fanOut: 1 });
    const scores = reshape(matmul(tanh(add(matmul(x, kernel), bias)), query), [batch!, steps!]);
    const weights = reshape(softmax(scores), [batch!, steps!, 1]);
    return { tensor: sum(multiply(x, weights), [1], false), channels: 'last' };
  },
});
