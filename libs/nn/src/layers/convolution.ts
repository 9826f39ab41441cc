/** Convolution over one and two axes. The same lowering: only the number of spatial axes differs. */
import { Type } from '@prosodia/core';
import { initializerOption } from '../initializers.ts';
import { convolve, makeWindow } from '../spatial-ops.ts';
import { activate, activationOption } from './activation.ts';
import { defineLayer, forWindows, type LayerContext, type Value } from './layer.ts';
import { regularizerOption } from './regularizer.ts';
import { paddingOption, perAxis, sizeOption, spatialShape, type PaddingName, type SizeValue } from './spatial.ts';

interface ConvolutionOptions {
  filters: number;
  kernel_size: SizeValue;
  strides: SizeValue;
  padding: PaddingName;
  dilation_rate: SizeValue;
  activation: Parameters<typeof activate>[0];
  use_bias: boolean;
  kernel_initializer: 'glorot_uniform';
  bias_initializer: 'zeros';
  kernel_regularizer?: { l2: number };
}

function convolutionOptions(rank: 1 | 2) {
  return Type.Object(
    {
      filters: Type.Integer({ minimum: 1, description: 'Number of output channels.' }),
      kernel_size: sizeOption(rank, undefined, 'Size of the window.'),
      strides: Type.Optional(sizeOption(rank, 1, 'Steps of the window.')),
      padding: paddingOption(rank),
      dilation_rate: Type.Optional(sizeOption(rank, 1, 'Distance of neighbouring taps.')),
      activation: activationOption('Applied to the output.'),
      use_bias: Type.Optional(Type.Boolean({ default: true, description: 'Whether a bias is added.' })),
      kernel_initializer: initializerOption('glorot_uniform', 'How the kernel starts.'),
      bias_initializer: initializerOption('zeros', 'How the bias starts.'),
      kernel_regularizer: regularizerOption(),
    },
    { additionalProperties: false },
  );
}

function build(rank: 1 | 2, context: LayerContext, input: Value, options: ConvolutionOptions): Value {
  const spatial = spatialShape(input, rank);
  const x = forWindows(context, input);
  const channels = x.tensor.shape[1]!;
  const size = perAxis(options.kernel_size, rank);
  const window = makeWindow(
    spatial,
    size,
    perAxis(options.strides, rank),
    perAxis(options.dilation_rate, rank),
    options.padding,
  );
  const taps = size.reduce((product, count) => product * count, 1);
  const fans = { fanIn: channels * taps, fanOut: options.filters * taps };
  const kernel = context.parameter('kernel', [options.filters, channels, ...size], {
    ...fans,
    initializer: options.kernel_initializer,
    ...options.kernel_regularizer,
  });
  const bias = options.use_bias
    ? context.parameter('bias', [options.filters], { ...fans, initializer: options.bias_initializer })
    : undefined;
  const relu = options.activation === 'relu';
  const tensor = convolve(x.tensor, kernel, bias, window, { relu, block: context.block });
  return activate(relu ? 'linear' : options.activation, { tensor, channels: x.channels });
}

export const conv1d = defineLayer({
  summary: 'Convolution over time: [steps, channels] to [steps, filters].',
  options: convolutionOptions(1),
  build: (context, input, options) => build(1, context, input, options as ConvolutionOptions),
});

export const conv2d = defineLayer({
  summary: 'Convolution over two axes: [height, width, channels] to [height, width, filters].',
  options: convolutionOptions(2),
  build: (context, input, options) => build(2, context, input, options as ConvolutionOptions),
});
