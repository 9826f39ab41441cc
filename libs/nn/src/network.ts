/**
 * From a list of layers to nodes of a graph, and the inventory of what the network keeps: weights
 * (trained) and statistics (moving averages).
 *
 * Weights live in one flat vector, in the order layers ask for them: an update is one pass over one
 * memory, saving and restoring is one copy.
 */
import { RequestError, Rng } from '@prosodia/core';
import { Graph, ShapeError, describeShape, sizeOf, type Shape, type Tensor } from './graph.ts';
import { initialize } from './initializers.ts';
import { LayerSchema, layers, type LayerName, type LayerSpec } from './layers/index.ts';
import {
  channelsLast,
  shapeOf,
  type AnyLayer,
  type Draw,
  type LayerContext,
  type ParameterOptions,
  type Value,
} from './layers/layer.ts';
import { add, reshape, scale, slice, sumOfSquares } from './ops.ts';
import { readOptions } from './options.ts';

/** A network as the user describes it. */
export interface NetworkSpec {
  /** Hidden layers, first to last. */
  readonly layers: readonly LayerSpec[];
  /** Shape of one row, channels last: `[180]`, `[174, 40]`, `[32, 94, 2]`. */
  readonly inputShape: Shape;
  /** Number of classes; an output layer with as many units is added. */
  readonly classes: number;
}

export interface ParameterSlot {
  /** `0_dense/kernel`: position and kind of the layer, then the weight. */
  readonly name: string;
  readonly shape: Shape;
  readonly options: ParameterOptions;
  /** Place of the first element in the flat vector. */
  readonly offset: number;
}

export interface StatisticSlot {
  readonly name: string;
  readonly shape: Shape;
  readonly start: number;
  readonly offset: number;
}

/** What a network keeps, and in which order. */
export interface Inventory {
  readonly parameters: readonly ParameterSlot[];
  readonly parameterCount: number;
  readonly statistics: readonly StatisticSlot[];
  readonly statisticCount: number;
}

/** Random numbers that a training graph takes as an input. */
export interface NoiseInput {
  readonly name: string;
  readonly shape: Shape;
  readonly draw: Draw;
}

/** How the graph gets the values of weights and statistics. */
export interface Values {
  parameter(graph: Graph, slot: ParameterSlot): Tensor;
  statistic(graph: Graph, slot: StatisticSlot): Tensor;
}

export interface BuiltNetwork {
  readonly graph: Graph;
  /** `[batch, classes]`, before the softmax. */
  readonly logits: Tensor;
  /** Sum of the penalties on weights, a scalar; undefined if no layer has one. */
  readonly penalty: Tensor | undefined;
  readonly inventory: Inventory;
  readonly noise: readonly NoiseInput[];
  /** What the statistics are of the batch, in order of the inventory; for a training graph. */
  readonly statisticsNow: readonly StatisticNow[];
}

/** A statistic of one batch, which moves the one that is kept: `old momentum + now (1 - momentum)`. */
export interface StatisticNow {
  readonly now: Tensor;
  readonly momentum: number;
}

export interface BuildOptions {
  readonly batch: number;
  readonly training: boolean;
  readonly values: Values;
  /** Training only: channels in a block, where convolutions may use blocks; see `blocked-convolution.ts`. */
  readonly block?: number | undefined;
}

/**
 * Lowers a network to a new graph with the input `input`.
 *
 * Throws a RequestError for a layer or option that does not exist, and a ShapeError that names the
 * layer for one that cannot follow the layers before it.
 */
export function buildNetwork(spec: NetworkSpec, { batch, training, values, block }: BuildOptions): BuiltNetwork {
  checkSpec(spec);
  const graph = new Graph();
  const builder = new Builder(graph, training, values, block);
  const tensor = graph.input('input', [batch, ...spec.inputShape]);
  let value: Value = { tensor, channels: 'last' };
  spec.layers.forEach((layer, position) => {
    value = builder.append(layer, { scope: '', where: '' }, `layers[${position}]`, value);
  });
  const logits = builder.output(value, spec);
  return { graph, logits, ...builder.result() };
}

/** What a layer is inside of: the start of its weights' names, and its place for messages. */
interface Surroundings {
  readonly scope: string;
  readonly where: string;
}

class Builder {
  readonly #graph: Graph;
  readonly #training: boolean;
  readonly #values: Values;
  readonly #block: number | undefined;
  readonly #parameters: ParameterSlot[] = [];
  #parameterCount = 0;
  readonly #statistics: StatisticSlot[] = [];
  #statisticCount = 0;
  readonly #noise: NoiseInput[] = [];
  readonly #statisticsNow = new Map<string, StatisticNow>();
  #penalty: Tensor | undefined;

  constructor(graph: Graph, training: boolean, values: Values, block: number | undefined) {
    this.#graph = graph;
    this.#training = training;
    this.#values = values;
    this.#block = block;
  }

  append(layer: AnyLayer, parent: Surroundings, place: string, input: Value): Value {
    const where = parent.where ? `${parent.where}.${place}` : place;
    const [name, options] = Object.entries(readOptions(LayerSchema, layer, where))[0] as [LayerName, never];
    // `layers[2]` in a message, `2` in the names of weights.
    const scope = `${parent.scope}${place.replace(/^layers\[(\d+)\]$/, '$1')}_${name}`;
    try {
      return layers[name].build(this.#context({ scope, where: `${where}.${name}` }), input, options);
    } catch (error) {
      if (!(error instanceof ShapeError) || error.parts.where) throw error;
      throw error.at(`${where} (${name}), which receives ${describeShape(shapeOf(input))}`);
    }
  }

  output(value: Value, { classes, layers: list }: NetworkSpec): Tensor {
    const shape = shapeOf(value);
    if (shape.length !== 1) {
      throw new ShapeError({
        problem: 'the output layer needs one vector per row',
        expected: 'a last layer whose output has one axis',
        got: describeShape(shape),
        where: `after layers[${list.length - 1}]`,
        fix: 'add a flatten or a global_pool layer',
      });
    }
    const options = readOptions(layers.dense.options, { units: classes }, 'the output layer');
    return channelsLast(
      layers.dense.build(this.#context({ scope: 'output', where: 'the output layer' }), value, options),
    );
  }

  result(): Omit<BuiltNetwork, 'graph' | 'logits'> {
    return {
      penalty: this.#penalty,
      inventory: {
        parameters: this.#parameters,
        parameterCount: this.#parameterCount,
        statistics: this.#statistics,
        statisticCount: this.#statisticCount,
      },
      noise: this.#noise,
      statisticsNow: this.#statistics.flatMap(({ name }) => this.#statisticsNow.get(name) ?? []),
    };
  }

  #context({ scope, where }: Surroundings): LayerContext {
    return {
      graph: this.#graph,
      training: this.#training,
      block: this.#block,
      parameter: (name, shape, options) => this.#parameter(`${scope}/${name}`, shape, options),
      statistic: (name, shape, start) => this.#statistic(`${scope}/${name}`, shape, start),
      updateStatistic: (name, now, momentum) => void this.#statisticsNow.set(`${scope}/${name}`, { now, momentum }),
      random: (draw, shape) => this.#random(draw, shape),
      append: (layer, place, input) => this.append(layer, { scope: `${scope}/`, where }, place, input),
    };
  }

  #parameter(name: string, shape: Shape, options: ParameterOptions): Tensor {
    const slot = { name, shape, options, offset: this.#parameterCount };
    this.#parameters.push(slot);
    this.#parameterCount += sizeOf(shape);
    const tensor = this.#values.parameter(this.#graph, slot);
    if (options.l2) {
      const axes = shape.map((_, axis) => axis);
      const penalty = scale(sumOfSquares(tensor, axes, false), options.l2);
      this.#penalty = this.#penalty ? add(this.#penalty, penalty) : penalty;
    }
    return tensor;
  }

  #statistic(name: string, shape: Shape, start: number): Tensor {
    const slot = { name, shape, start, offset: this.#statisticCount };
    this.#statistics.push(slot);
    this.#statisticCount += sizeOf(shape);
    return this.#values.statistic(this.#graph, slot);
  }

  #random(draw: Draw, shape: Shape): Tensor {
    const name = `noise_${this.#noise.length}`;
    this.#noise.push({ name, shape, draw });
    return this.#graph.input(name, shape);
  }
}

function checkSpec({ layers: list, inputShape, classes }: NetworkSpec): void {
  const last = list.length - 1;
  const lastLayer = list[last];
  if (lastLayer?.activation === 'softmax' || lastLayer?.dense?.activation === 'softmax') {
    throw new RequestError({
      problem: 'the last layer is a softmax, but the output layer is added for you',
      expected: `hidden layers only; a dense layer with ${classes} units and softmax follows them`,
      where: `layers[${last}]`,
      fix: 'remove this layer',
    });
  }
  if (inputShape.length === 0 || inputShape.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new RequestError({
      problem: 'the input shape does not fit',
      expected: 'positive sizes, channels last, without the batch: [180] or [174, 40]',
      got: JSON.stringify(inputShape),
    });
  }
  if (!Number.isInteger(classes) || classes < 2) {
    throw new RequestError({
      problem: 'too few classes',
      expected: 'a whole number, at least 2',
      got: String(classes),
    });
  }
}

/** Values cut from the flat vectors `parameters` and `statistics`, which become inputs of the graph. */
export function flatValues({
  parameterCount,
  statisticCount,
}: Pick<Inventory, 'parameterCount' | 'statisticCount'>): Values {
  const cutFrom = (name: string, count: number) => {
    let flat: Tensor | undefined;
    return (graph: Graph, { offset: from, shape }: { offset: number; shape: Shape }): Tensor => {
      flat ??= graph.input(name, [count]);
      return reshape(slice(flat, 0, from, from + sizeOf(shape)), shape);
    };
  };
  return { parameter: cutFrom('parameters', parameterCount), statistic: cutFrom('statistics', statisticCount) };
}

/** Values stored in the graph under their own names: for the model that is served. */
export function storedValues(parameters: Float32Array, statistics: Float32Array): Values {
  return {
    parameter: (graph, { name, shape, offset: from }) =>
      graph.weight(name, parameters.slice(from, from + sizeOf(shape)), shape),
    statistic: (graph, { name, shape, offset: from }) =>
      graph.weight(name, statistics.slice(from, from + sizeOf(shape)), shape),
  };
}

/** What the network keeps, found by lowering it once without values; also the quickest check of a network. */
export function takeInventory(spec: NetworkSpec): Inventory {
  const values: Values = {
    parameter: (graph, { name, shape }) => graph.input(name, shape),
    statistic: (graph, { name, shape }) => graph.input(name, shape),
  };
  return buildNetwork(spec, { batch: 1, training: false, values }).inventory;
}

/** Starting weights; each depends only on the seed and the weight's name. */
export function initialParameters({ parameters, parameterCount }: Inventory, seed: number): Float32Array {
  const flat = new Float32Array(parameterCount);
  for (const { name, shape, options, offset: from } of parameters) {
    flat.set(initialize(options.initializer, shape, options, new Rng(seed, 'initialize', name)), from);
  }
  return flat;
}

export function initialStatistics({ statistics, statisticCount }: Inventory): Float32Array {
  const flat = new Float32Array(statisticCount);
  for (const { shape, start, offset: from } of statistics) flat.fill(start, from, from + sizeOf(shape));
  return flat;
}
