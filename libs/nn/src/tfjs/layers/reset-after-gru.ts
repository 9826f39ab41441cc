/**
 * The GRU whose reset gate comes after the recurrent product (Keras: `reset_after: true`), which
 * TensorFlow.js refuses. Written to `model.json` its class is `ResetAfterGRU`; reading that needs this
 * class, so it is made for any namespace of TensorFlow.js.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Tf } from '../runtime.ts';
import type { TfLayer } from './layer.ts';

export interface ResetAfterGruConfig {
  name?: string;
  units: number;
  returnSequences: boolean;
  goBackwards?: boolean;
  /** Penalty on the kernel. */
  l2: number;
}

export type ResetAfterGruClass = new (config: ResetAfterGruConfig) => TfLayer;

const classes = new WeakMap<Tf, ResetAfterGruClass>();

/** The class for this namespace, registered there, so that models with it can be read. */
export function resetAfterGru(tf: Tf): ResetAfterGruClass {
  const known = classes.get(tf);
  if (known) return known;
  const made = define(tf);
  classes.set(tf, made);
  return made;
}

function define(tf: Tf): ResetAfterGruClass {
  class ResetAfterGRU extends tf.layers.Layer {
    static readonly className = 'ResetAfterGRU';
    readonly units: number;
    readonly returnSequences: boolean;
    readonly goBackwards: boolean;
    readonly l2: number;

    constructor(config: ResetAfterGruConfig) {
      super(config as object);
      this.units = config.units;
      this.returnSequences = config.returnSequences;
      this.goBackwards = config.goBackwards ?? false;
      this.l2 = config.l2;
    }

    override build(inputShape: number[]): void {
      const width = 3 * this.units;
      const zeros = tf.initializers.zeros();
      const penalty = this.l2 > 0 ? tf.regularizers.l2({ l2: this.l2 }) : undefined;
      this.addWeight('kernel', [inputShape[2]!, width], 'float32', zeros, penalty);
      this.addWeight('recurrent_kernel', [this.units, width], 'float32', zeros);
      this.addWeight('bias', [width], 'float32', zeros);
      this.addWeight('recurrent_bias', [width], 'float32', zeros);
      this.built = true;
    }

    override computeOutputShape(inputShape: number[]): (number | null)[] {
      const [batch, steps] = inputShape as (number | null)[];
      return this.returnSequences ? [batch!, steps!, this.units] : [batch!, this.units];
    }

    override call(inputs: Tensor | Tensor[]): Tensor {
      return tf.tidy(() => {
        const x = Array.isArray(inputs) ? inputs[0]! : inputs;
        const [batch, steps, channels] = x.shape as [number, number, number];
        const [kernel, recurrent, bias, recurrentBias] = this.trainableWeights.map((weight) => weight.read());
        const rows = tf.reshape(x, [batch * steps, channels]);
        const projected = tf.reshape(tf.add(tf.matMul(rows, kernel as Tensor2D), bias!), [batch, steps, -1]);
        // A copy: the gradient of unstack goes by the order of the array it returned.
        const slices = [...tf.unstack(projected, 1)];
        if (this.goBackwards) slices.reverse();
        let hidden: Tensor = tf.zeros([batch, this.units]);
        const all = slices.map((slice) => {
          const own = tf.add(tf.matMul(hidden as Tensor2D, recurrent as Tensor2D), recurrentBias!);
          const [updateIn, resetIn, candidateIn] = tf.split(slice, 3, 1);
          const [updateOwn, resetOwn, candidateOwn] = tf.split(own, 3, 1);
          const update = tf.sigmoid(tf.add(updateIn!, updateOwn!));
          const reset = tf.sigmoid(tf.add(resetIn!, resetOwn!));
          const candidate = tf.tanh(tf.add(candidateIn!, tf.mul(reset, candidateOwn!)));
          hidden = tf.add(candidate, tf.mul(update, tf.sub(hidden, candidate)));
          return hidden;
        });
        return this.returnSequences ? tf.stack(all, 1) : hidden;
      });
    }

    override getConfig() {
      const { units, returnSequences, goBackwards, l2 } = this;
      return { ...super.getConfig(), units, returnSequences, goBackwards, l2 };
    }
  }
  tf.serialization.registerClass(ResetAfterGRU);
  return ResetAfterGRU as unknown as ResetAfterGruClass;
}
