/**
 * What a layer is: a name, documented options, and a function that appends it to a graph.
 *
 * One object per layer drives the schema that editors and the runner use, the check of options, the
 * documentation and the lowering. Adding a layer is writing its file and listing it in `index.ts`.
 */
import type { Static, TSchema } from '@prosodia/core';
import type { Initializer, Fans } from '../initializers.ts';
import type { Resolved } from '../options.ts';
import type { Graph, Shape, Tensor } from '../graph.ts';
import { transpose } from '../ops.ts';

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
 * Seen from outside, channels are always the last axis, as in Keras. ONNX convolves with channels
 * right after the batch; a value therefore carries where its channels are, and is transposed only
 * when the next layer needs it otherwise.
 */
export interface Value {
  readonly tensor: Tensor;
  readonly channels: 'first' | 'last';
}

/** What a layer may use while it is appended. */
export interface LayerContext {
  readonly graph: Graph;
  /** True in the training graph: dropout drops, batch norm uses the batch. */
  readonly training: boolean;
  /** A trained weight. */
  parameter(name: string, shape: Shape, options: ParameterOptions): Tensor;
  /** A value kept from step to step without being trained, and how it starts. */
  statistic(name: string, shape: Shape, start: number): Tensor;
  /** Training only: the value of a statistic after this step. */
  updateStatistic(name: string, value: Tensor): void;
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
export function shapeOf({ tensor, channels }: Value): Shape {
  const [, ...rest] = tensor.shape;
  if (channels === 'last') return rest;
  const [first, ...spatial] = rest;
  return [...spatial, first!];
}

export function channelsLast(value: Value): Tensor {
  if (value.channels === 'last') return value.tensor;
  const rank = value.tensor.shape.length;
  return transpose(value.tensor, [0, ...range(2, rank), 1]);
}

export function channelsFirst(value: Value): Tensor {
  const rank = value.tensor.shape.length;
  if (value.channels === 'first') return value.tensor;
  return rank < 3 ? value.tensor : transpose(value.tensor, [0, rank - 1, ...range(1, rank - 1)]);
}

/** The axis of `value.tensor` that holds the channels. */
export function channelAxis(value: Value): number {
  return value.channels === 'first' ? 1 : value.tensor.shape.length - 1;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
