/**
 * The optimizers of `../optimizers.ts` in TensorFlow.js.
 *
 * Those of TensorFlow.js itself would be another training: its Adam adds epsilon to the corrected
 * moment and not to the raw one (Keras: the raw one), its momentum takes the learning rate after the
 * sum and not before it, none decays weights or clips gradients, and Adam's rate cannot change.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { OptimizerSchema, type OptimizerSpec } from '../optimizers.ts';
import { readOptions } from '../options.ts';
import type { Tf } from './runtime.ts';

interface Settings {
  momentum?: number;
  nesterov?: boolean;
  beta_1?: number;
  beta_2?: number;
  epsilon?: number;
  weight_decay?: number;
  clipnorm?: number;
  global_clipnorm?: number;
  clipvalue?: number;
}

/** One step. @param step counted from 1 */
export type Update = (
  weights: readonly Variable[],
  gradients: readonly Tensor[],
  slots: readonly (readonly Variable[])[],
  learningRate: number,
  step: number,
) => void;

/** Throws a RequestError if the description does not fit. */
export function readUpdate(tf: Tf, spec: OptimizerSpec): Update {
  const read = readOptions(OptimizerSchema, spec, 'optimizer') as Record<string, Settings | undefined>;
  const settings = (read['adam'] ?? read['adamw'] ?? read['sgd'])!;
  const move = read['sgd'] ? sgd(tf, settings) : adam(tf, settings);
  return (weights, gradients, slots, learningRate, step) =>
    tf.tidy(() => {
      const limited = clipped(tf, gradients, settings);
      weights.forEach((weight, i) => {
        const kept = settings.weight_decay ? tf.mul(weight, 1 - learningRate * settings.weight_decay) : weight;
        const own = slots.map((slot) => slot[i]!);
        weight.assign(tf.add(kept, move(limited[i]!, own, learningRate, step)));
      });
    });
}

/** What is added to a weight; the slots move on. */
type Move = (gradient: Tensor, slots: readonly Variable[], learningRate: number, step: number) => Tensor;

function adam(tf: Tf, { beta_1: beta1 = 0, beta_2: beta2 = 0, epsilon = 0 }: Settings): Move {
  return (gradient, [mean, square], learningRate, step) => {
    const corrected = (learningRate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
    mean!.assign(tf.add(tf.mul(mean!, beta1), tf.mul(gradient, 1 - beta1)));
    square!.assign(tf.add(tf.mul(square!, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
    return tf.mul(tf.div(mean!, tf.add(tf.sqrt(square!), epsilon)), -corrected);
  };
}

function sgd(tf: Tf, { momentum = 0, nesterov }: Settings): Move {
  return (gradient, [velocity], learningRate) => {
    const step = tf.mul(gradient, -learningRate);
    if (!velocity) return step;
    velocity.assign(tf.add(tf.mul(velocity, momentum), step));
    return nesterov ? tf.add(tf.mul(velocity, momentum), step) : velocity;
  };
}

function clipped(
  tf: Tf,
  gradients: readonly Tensor[],
  { clipnorm, global_clipnorm: globalClipnorm, clipvalue }: Settings,
): readonly Tensor[] {
  let limited = gradients;
  if (clipnorm !== undefined) {
    limited = limited.map((gradient) => shrink(tf, gradient, tf.sum(tf.square(gradient)), clipnorm));
  }
  if (globalClipnorm !== undefined) {
    const squared = tf.addN(limited.map((gradient) => tf.sum(tf.square(gradient))));
    limited = limited.map((gradient) => shrink(tf, gradient, squared, globalClipnorm));
  }
  if (clipvalue !== undefined) limited = limited.map((gradient) => tf.clipByValue(gradient, -clipvalue, clipvalue));
  return limited;
}

/** Scaled down so that something of this squared norm has a norm of at most `limit`. */
function shrink(tf: Tf, gradient: Tensor, squared: Tensor, limit: number): Tensor {
  // The offset keeps a gradient of zero from dividing by zero.
  return tf.mul(gradient, tf.minimum(tf.div(limit, tf.add(tf.sqrt(squared), 1e-12)), 1));
}
