/**
 * A list of layers as a tf.LayersModel, with our weights in it.
 *
 * The network is first lowered in our own way, which finds everything that can be wrong with it; the
 * inventory of that says which weights there are, so that a weight without a variable cannot go unseen.
 */
import { ProsodiaError } from '@prosodia/core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { sizeOf } from '../graph.ts';
import { LayerSchema, type LayerName } from '../layers/index.ts';
import type { AnyLayer } from '../layers/layer.ts';
import { initialParameters, initialStatistics, takeInventory, type Inventory, type NetworkSpec } from '../network.ts';
import { readOptions } from '../options.ts';
import { tfLayers } from './layers/index.ts';
import { NoiseSource, type Binding, type TfLayer } from './layers/layer.ts';
import type { Tf } from './runtime.ts';
import { regated, toOurs, toTheirs, transposed, type Order } from './weights.ts';

/** Weights and statistics of a network as flat vectors, in the order of its inventory. */
export interface FlatWeights {
  readonly parameters: Float32Array;
  readonly statistics: Float32Array;
}

/** A weight or statistic of ours and the variable that holds it. */
interface Held {
  readonly variable: Variable;
  readonly order: Order;
  readonly offset: number;
  readonly size: number;
}

/** A network in TensorFlow.js. */
export class TfNetwork {
  readonly tf: Tf;
  readonly inventory: Inventory;
  /** `input [batch, ...inputShape]` to probabilities `[batch, classes]`. */
  readonly model: LayersModel;
  readonly noise = new NoiseSource();
  /** The same layers without the softmax. */
  readonly #logits: LayersModel;
  readonly #parameters: readonly Held[];
  readonly #statistics: readonly Held[];

  constructor(tf: Tf, spec: NetworkSpec) {
    this.tf = tf;
    this.inventory = takeInventory(spec);
    const builder = new Builder(tf, this.noise);
    const input = tf.input({ shape: [...spec.inputShape], name: 'input' });
    const last = spec.layers.reduce(
      (value, layer, i) => builder.append(layer, { scope: '', where: '' }, `layers[${i}]`, value),
      input,
    );
    const logits = builder.output(last, spec.classes);
    const probabilities = tf.layers.activation({ activation: 'softmax', name: 'probabilities' }).apply(logits);
    this.#logits = tf.model({ inputs: input, outputs: logits });
    this.model = tf.model({ inputs: input, outputs: probabilities as SymbolicTensor, name: 'network' });
    this.#parameters = this.inventory.parameters.map((slot) => builder.held(slot));
    this.#statistics = this.inventory.statistics.map((slot) => builder.held(slot));
  }

  /** The trained variables, one per weight, in order. */
  get variables(): Variable[] {
    return this.#parameters.map(({ variable }) => variable);
  }

  /** `[batch, classes]`, before the softmax. */
  logits(x: Tensor, training: boolean): Tensor {
    return this.#logits.apply(x, { training }) as Tensor;
  }

  setWeights({ parameters, statistics }: FlatWeights): void {
    this.write(this.variables, parameters);
    write(this.tf, this.#statistics, statistics);
  }

  async getWeights(): Promise<FlatWeights> {
    return {
      parameters: await this.read(this.variables),
      statistics: await read(this.#statistics, this.inventory.statisticCount),
    };
  }

  /** Fills variables shaped like the weights from a flat vector: the weights, or what the optimizer keeps. */
  write(variables: readonly Variable[], values: Float32Array): void {
    write(
      this.tf,
      this.#parameters.map((held, i) => ({ ...held, variable: variables[i]! })),
      values,
    );
  }

  /** A flat vector from tensors shaped like the weights: variables, or gradients. */
  read(tensors: readonly Tensor[]): Promise<Float32Array> {
    return read(
      this.#parameters.map((held, i) => ({ ...held, variable: tensors[i]! })),
      this.inventory.parameterCount,
    );
  }

  /** Frees the memory; nothing may run after it. */
  dispose(): void {
    // The other model has the same layers, and a layer can be freed only once.
    this.model.dispose();
  }
}

/**
 * A network as a functional tf.LayersModel, with an input `input` and an output `probabilities`.
 *
 * @param tf a namespace of TensorFlow.js: of `@tensorflow/tfjs`, or of the implementation that was found
 * @param weights default: the starting weights of seed 0
 *
 * Throws a RequestError that names the layer for one that TensorFlow.js cannot build.
 */
export function toLayersModel(tf: Tf, spec: NetworkSpec, weights?: FlatWeights): LayersModel {
  const network = new TfNetwork(tf, spec);
  network.setWeights(weights ?? startingWeights(network.inventory));
  return network.model;
}

function startingWeights(inventory: Inventory): FlatWeights {
  return { parameters: initialParameters(inventory, 0), statistics: initialStatistics(inventory) };
}

function write(tf: Tf, held: readonly Held[], values: Float32Array): void {
  for (const { variable, order, offset, size } of held) {
    const tensor = tf.tensor(toTheirs(values.slice(offset, offset + size), order), variable.shape, 'float32');
    variable.assign(tensor);
    tensor.dispose();
  }
}

async function read(
  held: readonly (Omit<Held, 'variable'> & { variable: Tensor })[],
  length: number,
): Promise<Float32Array> {
  const flat = new Float32Array(length);
  for (const { variable, order, offset, size } of held) {
    toOurs((await variable.data()) as Float32Array, order, flat.subarray(offset, offset + size));
  }
  return flat;
}

interface Surroundings {
  readonly scope: string;
  readonly where: string;
}

class Builder {
  readonly #tf: Tf;
  readonly #noise: NoiseSource;
  readonly #bound = new Map<string, { variable: Variable; binding: Binding }>();

  constructor(tf: Tf, noise: NoiseSource) {
    this.#tf = tf;
    this.#noise = noise;
  }

  append(layer: AnyLayer, parent: Surroundings, place: string, input: SymbolicTensor): SymbolicTensor {
    const where = parent.where ? `${parent.where}.${place}` : place;
    const [name, options] = Object.entries(readOptions(LayerSchema, layer, where))[0] as [LayerName, never];
    const scope = `${parent.scope}${place.replace(/^layers\[(\d+)\]$/, '$1')}_${name}`;
    const inside = { scope: `${scope}/`, where: `${where}.${name}` };
    const context = {
      tf: this.#tf,
      noise: this.#noise,
      scope,
      where: `${where} (${name})`,
      apply: this.#applyIn(scope),
      append: (inner: AnyLayer, at: string, value: SymbolicTensor) => this.append(inner, inside, at, value),
    };
    return tfLayers[name](context, input, options);
  }

  output(input: SymbolicTensor, classes: number): SymbolicTensor {
    const layer = this.#tf.layers.dense({ name: 'output', units: classes, kernelInitializer: 'zeros' });
    return this.#applyIn('output')(layer, input, [{ name: 'kernel' }, { name: 'bias' }]);
  }

  /** The variable of a weight or statistic. */
  held({ name, shape, offset }: { name: string; shape: readonly number[]; offset: number }): Held {
    const found = this.#bound.get(name);
    if (!found || found.variable.size !== sizeOf(shape)) {
      throw new ProsodiaError({
        problem: 'the model in TensorFlow.js does not hold a weight of the network',
        expected: `${name}, ${sizeOf(shape)} values`,
        got: found ? `${found.variable.size} values` : [...this.#bound.keys()].join(', '),
      });
    }
    const { variable, binding } = found;
    const { axes, gates } = binding;
    const order = axes ? transposed(shape, axes) : gates ? regated(shape, gates) : undefined;
    return { variable, order, offset, size: sizeOf(shape) };
  }

  #applyIn(scope: string) {
    return (layer: TfLayer, input: SymbolicTensor | SymbolicTensor[], weights: readonly Binding[] = []) => {
      const output = layer.apply(input) as SymbolicTensor;
      weights.forEach((binding, i) => {
        // What a layer's variable reads is the tf.Variable itself, under the type of a tensor.
        const variable = layer.weights[i]!.read() as Variable;
        this.#bound.set(`${scope}/${binding.name}`, { variable, binding });
      });
      return output;
    };
  }
}
