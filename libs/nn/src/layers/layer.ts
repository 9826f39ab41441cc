/**
 * What a layer is: a name, documented options, and a function that appends it to a graph.
 *
 * One object per layer drives the schema that editors and the runner use, the check of options, the
 * documentation and the lowering. Adding a layer is writing its file and listing it in `index.ts`.
 */
import type { Static, TSchema } from '@prosodia/core';
import type { Initializer, Fans } from '../initializers.ts';
import type { Resolved } from '../options.ts';
import { sizeOf, type Graph, type Shape, type Tensor } from '../graph.ts';
import { reshape, transpose, turn } from '../ops.ts';

export interface LayerDefinition<O extends TSchema = TSchema> {
  /** One sentence for the documentation. */
  readonly summary: string;
  /** Schema of the options: a map, or for a layer with one option just its value (`dropout: 0.3`). */
  readonly options: O;
  /** Appends the layer. Throws a ShapeError if `input` does not suit it. */
  build(context: LayerContext, input: Value, options: Resolved<Static<O>>): Value;
}

/** Declares a layer; the identity function, there for its types. */
export function defineLayer<O extends TSchema>(definition: LayerDefinition<O>): LayerDefinition<O> {
  return definition;
}

/**
 * What flows from layer to layer.
 *
 * Seen from outside, channels are always the last axis, as in Keras. A value carries where its channels
 * really are, and is transposed only when the next layer needs it otherwise:
 *
 * - `last`: `[batch, ...spatial, channels]`;
 * - `first`: `[batch, channels, ...spatial]`, what ONNX convolves, in the model that is served;
 * - `outermost`: `[1, channels, batch, ...spatial]`, in training. To ONNX that is one image whose first
 *   spatial axis is the batch, so a convolution and each of its gradients are one product of large
 *   matrices instead of one per row, and nothing has to be transposed for the kernel's gradient:
 *   a step of a residual network takes two thirds of the time.
 */
export interface Value {
  readonly tensor: Tensor;
  readonly channels: 'first' | 'last' | 'outermost';
}

/** What a layer may use while it is appended. */
export interface LayerContext {
  readonly graph: Graph;
  /** True in the training graph: dropout drops, batch norm uses the batch. */
  readonly training: boolean;
  /** Training only: channels in a block, where ONNX Runtime convolves in blocks; see `../blocked-convolution.ts`. */
  readonly block: number | undefined;
  /** A trained weight. */
  parameter(name: string, shape: Shape, options: ParameterOptions): Tensor;
  /** A value kept from step to step without being trained, and how it starts. */
  statistic(name: string, shape: Shape, start: number): Tensor;
  /** Training only: what a statistic is of this step's batch, and the share of its past that it keeps. */
  updateStatistic(name: string, now: Tensor, momentum: number): void;
  /** Training only: random numbers, drawn anew for every step. */
  random(draw: Draw, shape: Shape): Tensor;
  /**
   * Appends a layer inside this one.
   * @param place its place in this layer's options, for messages and for the names of its weights
   */
  append(layer: AnyLayer, place: string, input: Value): Value;
}

/** One entry of a layer list before it is checked. */
export type AnyLayer = Readonly<Record<string, unknown>>;

export interface ParameterOptions extends Fans {
  initializer: Initializer;
  /** Penalty on the loss: this times the sum of squares. */
  l2?: number;
}

/** Random numbers for one step: inverted dropout (0, or 1 / (1 - rate)), or normal with mean 0. */
export type Draw = { kind: 'dropout'; rate: number } | { kind: 'normal'; deviation: number };

/** Shape with channels last, without the batch: what a user calls the shape. */
export function shapeOf({ tensor: { shape }, channels }: Value): Shape {
  if (channels === 'last') return shape.slice(1);
  return [...shape.slice(channels === 'first' ? 2 : 3), shape[1]!];
}

export function channelsLast({ tensor, channels }: Value): Tensor {
  if (channels === 'last') return tensor;
  const { shape } = tensor;
  if (channels === 'first') return transpose(tensor, [0, ...range(2, shape.length), 1]);
  const count = shape[1]!;
  return reshape(turn(reshape(tensor, [count, sizeOf(shape) / count])), [...shape.slice(2), count]);
}

/** The value as convolution and pooling want it: `outermost` in training, else `first`. */
export function forWindows(context: LayerContext, value: Value): Value {
  const channels = context.training ? 'outermost' : 'first';
  if (value.channels === channels) return value;
  const tensor = channelsLast(value);
  const last = tensor.shape.length - 1;
  if (!context.training) return { tensor: transpose(tensor, [0, last, ...range(1, last)]), channels };
  const count = tensor.shape[last]!;
  const moved = turn(reshape(tensor, [sizeOf(tensor.shape) / count, count]));
  return { tensor: reshape(moved, [1, count, ...tensor.shape.slice(0, last)]), channels };
}

/** The axis of `value.tensor` that holds the channels. */
export function channelAxis(value: Value): number {
  return value.channels === 'last' ? value.tensor.shape.length - 1 : 1;
}

/** The axis of `value.tensor` that holds the rows. */
export function batchAxis(value: Value): number {
  return value.channels === 'outermost' ? 2 : 0;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
