/** The fully connected layer. */
import { Type } from '@prosodia/core';
import { initializerOption } from '../initializers.ts';
import { add, gemm, matmul } from '../ops.ts';
import { activate, activationOption } from './activation.ts';
import { channelsLast, defineLayer } from './layer.ts';
import { regularizerOption } from './regularizer.ts';

export const dense = defineLayer({
  summary: 'activation(x kernel + bias), along the last axis.',
  options: Type.Object(
    {
      units: Type.Integer({ minimum: 1, description: 'Size of the output.' }),
      activation: activationOption('Applied to the output.'),
      use_bias: Type.Optional(Type.Boolean({ default: true, description: 'Whether a bias is added.' })),
      kernel_initializer: initializerOption('glorot_uniform', 'How the kernel starts.'),
      bias_initializer: initializerOption('zeros', 'How the bias starts.'),
      kernel_regularizer: regularizerOption(),
    },
    { additionalProperties: false },
  ),
  build(context, input, options) {
    const x = channelsLast(input);
    const features = x.shape[x.shape.length - 1]!;
    const fans = { fanIn: features, fanOut: options.units };
    const kernel = context.parameter('kernel', [features, options.units], {
      ...fans,
      initializer: options.kernel_initializer,
      ...options.kernel_regularizer,
    });
    const bias = options.use_bias
      ? context.parameter('bias', [options.units], { ...fans, initializer: options.bias_initializer })
      : undefined;
    if (x.shape.length === 2) {
      return activate(options.activation, { tensor: gemm(x, kernel, bias), channels: 'last' });
    }
    const product = matmul(x, kernel);
    return activate(options.activation, { tensor: bias ? add(product, bias) : product, channels: 'last' });
  },
});
