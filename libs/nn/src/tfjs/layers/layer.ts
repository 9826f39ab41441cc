/**
 * What a layer of ours is in TensorFlow.js: a function that appends Keras layers to a functional model
 * and says which of their variables is which of our weights.
 */
import { RequestError } from '@prosodia/core';
import type { Tensor, Rank } from '@tensorflow/tfjs-core';
import type { SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import type { Shape } from '../../graph.ts';
import type { AnyLayer, Draw } from '../../layers/layer.ts';
import type { Tf } from '../runtime.ts';

export type TfLayer = layers.Layer;

/** A variable of a Keras layer: the name of our weight, and its axes or gates where the order differs. */
export interface Binding {
  readonly name: string;
  /** Axis `i` of theirs is axis `axes[i]` of ours. */
  readonly axes?: readonly number[];
  /** Gate `i` of theirs is gate `gates[i]` of ours. */
  readonly gates?: readonly number[];
}

export interface TfLayerContext {
  readonly tf: Tf;
  /** Start of the names of this layer's Keras layers and weights: `0_dense`. */
  readonly scope: string;
  readonly noise: NoiseSource;
  /** The place of this layer, for messages. */
  readonly where: string;
  /** Applies a Keras layer; its variables, in order, are the weights named. */
  apply(layer: TfLayer, input: SymbolicTensor | SymbolicTensor[], weights?: readonly Binding[]): SymbolicTensor;
  /** Appends a layer of ours inside this one. */
  append(layer: AnyLayer, place: string, input: SymbolicTensor): SymbolicTensor;
}

/** Where random layers get their numbers while we train. Layers are counted as in our own training graph. */
export class NoiseSource {
  #count = 0;
  /** Set during a step of ours; without it (in `model.fit`) layers draw their own. */
  draw: ((index: number, draw: Draw, shape: Shape) => Tensor) | undefined;

  next(): number {
    return this.#count++;
  }
}

/** Options of one layer after reading. */
export type BuildTfLayer<Options> = (
  context: TfLayerContext,
  input: SymbolicTensor,
  options: Options,
) => SymbolicTensor;

/** Shape without the batch. */
export function shapeOf(value: SymbolicTensor): number[] {
  return value.shape.slice(1) as number[];
}

type Call = (inputs: Tensor | Tensor[], kwargs: Record<string, unknown>) => Tensor | Tensor[];

/**
 * Replaces what a Keras layer computes, where TensorFlow.js lacks a gradient or computes another thing
 * than Keras. Written to `model.json` it is still the standard layer.
 */
export function override<L extends TfLayer>(
  layer: L,
  call: (x: Tensor<Rank>, training: boolean, standard: () => Tensor) => Tensor,
): L {
  const original = layer.call.bind(layer) as Call;
  layer.call = (inputs, kwargs) =>
    call(Array.isArray(inputs) ? inputs[0]! : inputs, Boolean(kwargs['training']), () => {
      const output = original(inputs, kwargs);
      return Array.isArray(output) ? output[0]! : output;
    });
  return layer;
}

/** The penalty option as a Keras regularizer. */
export function regularizer({ tf }: TfLayerContext, penalty: { l2: number } | undefined) {
  return penalty ? { kernelRegularizer: tf.regularizers.l2({ l2: penalty.l2 }) } : {};
}

/** For what a tf.LayersModel cannot say. */
export function refuse(where: string, reason: string, fix: string): never {
  throw new RequestError({ problem: `TensorFlow.js cannot build this layer: ${reason}`, where, fix });
}
