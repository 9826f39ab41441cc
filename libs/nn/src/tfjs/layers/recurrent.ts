/**
 * Recurrent layers.
 *
 * An LSTM is Keras's own, with its gates in another order. Of the two kinds of GRU, TensorFlow.js has
 * the older, where the reset gate comes before the recurrent product; ours (Keras's default since
 * version 2.3, and what cuDNN and ONNX compute fastest) applies it after, and is a layer of its own.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { regularizer, type Binding, type BuildTfLayer, type TfLayer, type TfLayerContext } from './layer.ts';
import { resetAfterGru } from './reset-after-gru.ts';

interface RecurrentOptions {
  units: number;
  return_sequences: boolean;
  kernel_regularizer?: { l2: number };
}

type Kind = 'lstm' | 'gru';

/** Where input, forget, candidate and output are among ours: input, output, forget, candidate. */
const LSTM_GATES = [0, 2, 3, 1];

function bindings(kind: Kind, scope = ''): Binding[] {
  if (kind === 'gru') {
    return ['kernel', 'recurrent_kernel', 'bias', 'recurrent_bias'].map((name) => ({ name: scope + name }));
  }
  return ['kernel', 'recurrent_kernel', 'bias'].map((name) => ({ name: scope + name, gates: LSTM_GATES }));
}

function make(context: TfLayerContext, kind: Kind, name: string, options: RecurrentOptions): TfLayer {
  const { tf } = context;
  const { units, return_sequences: returnSequences } = options;
  if (kind === 'gru') {
    const Gru = resetAfterGru(tf);
    return new Gru({ name, units, returnSequences, l2: options.kernel_regularizer?.l2 ?? 0 });
  }
  return tf.layers.lstm({
    name,
    units,
    returnSequences,
    recurrentActivation: 'sigmoid',
    kernelInitializer: 'zeros',
    recurrentInitializer: 'zeros',
    ...regularizer(context, options.kernel_regularizer),
  });
}

function recurrent(kind: Kind): BuildTfLayer<RecurrentOptions> {
  return (context, input, options) => context.apply(make(context, kind, context.scope, options), input, bindings(kind));
}

export const lstm = recurrent('lstm');
export const gru = recurrent('gru');

interface BidirectionalOptions {
  lstm?: RecurrentOptions;
  gru?: RecurrentOptions;
  merge_mode: 'concat' | 'sum' | 'ave' | 'mul';
}

export const bidirectional: BuildTfLayer<BidirectionalOptions> = (context, input, options): SymbolicTensor => {
  const { tf, scope, apply } = context;
  const kind = options.lstm ? 'lstm' : 'gru';
  const inner = make(context, kind, `${scope}/${kind}`, (options.lstm ?? options.gru)!);
  const layer = tf.layers.bidirectional({
    name: scope,
    // The declared type asks for an RNN; what is used of it is what our GRU has too.
    layer: inner as Parameters<typeof tf.layers.bidirectional>[0]['layer'],
    mergeMode: options.merge_mode,
  });
  return apply(layer, input, [...bindings(kind, 'forward/'), ...bindings(kind, 'backward/')]);
};
