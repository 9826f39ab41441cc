/** The losses of `../losses.ts`, written once more in TensorFlow.js. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { LossSchema, type LossSpec } from '../losses.ts';
import { readOptions } from '../options.ts';
import type { Tf } from './runtime.ts';

/** The loss of each row, from logits and targets, both `[batch, classes]`. */
export type TfLoss = (logits: Tensor, targets: Tensor) => Tensor1D;

/** Throws a RequestError if the description does not fit. */
export function readTfLoss(tf: Tf, spec: LossSpec): TfLoss {
  const { focal } = readOptions(LossSchema, spec, 'loss') as LossSpec;
  if (!focal) return (logits, targets) => tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1));
  const { gamma, alpha } = focal as { gamma: number; alpha: number | number[] };
  return (logits, targets) => {
    const logP = tf.logSoftmax(logits);
    // Kept off 0, where the slope of a power below 1 is infinite.
    const doubt = tf.clipByValue(tf.sub(1, tf.exp(logP)), 1e-7, 1);
    return tf.neg(tf.sum(tf.mul(tf.mul(targets, alpha), tf.mul(tf.pow(doubt, gamma), logP)), 1));
  };
}
