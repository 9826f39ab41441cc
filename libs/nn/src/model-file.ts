/**
 * The trained model as a file that travels: what it says of itself, and how it is read back to go on.
 *
 * One ONNX file holds everything: weights under the names layers gave them, and in its metadata, each as
 * JSON, `network` (the layers with every default written out, so that a later version that has other
 * defaults reads the same network), `training` (how it was trained and how well it did), and what the
 * caller adds (`labels`, `features`).
 */
import { DataError, RequestError } from '@prosodia/core';
import { sizeOf } from './graph.ts';
import { LayerSchema, type LayerName, type LayerSpec } from './layers/index.ts';
import { takeInventory, type Inventory, type NetworkSpec } from './network.ts';
import { readInitializers, readMetadata, type Initializer } from './onnx/read.ts';
import { readOptions } from './options.ts';

export interface StoredModel {
  readonly network: NetworkSpec;
  /** Key and value pairs; those of the trainer are JSON. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the network's inventory. */
  readonly parameters: Float32Array;
  readonly statistics: Float32Array;
}

/** What the trainer writes into a model's metadata as `training`. */
export interface TrainingSummary {
  readonly engine: string;
  readonly device: string;
  readonly threads: number;
  readonly seed: number;
  readonly rows: number;
  readonly validation_rows: number;
  readonly batch_size: number;
  readonly epochs: number;
  readonly best_epoch: number;
  readonly stopped_reason: string;
  /** Of the epoch whose weights the model has. */
  readonly loss: number;
  readonly accuracy: number;
  readonly val_loss?: number | undefined;
  readonly val_accuracy?: number | undefined;
  /** SHA-256 of the model whose weights it started from. */
  readonly continued_from?: string | undefined;
}

/** The network as it is kept in the metadata. */
export function describeNetwork({ layers, inputShape, classes }: NetworkSpec): string {
  const written = layers.map((layer, i) => readOptions(LayerSchema, layer, `layers[${i}]`));
  return JSON.stringify({ layers: written, input_shape: inputShape, classes });
}

/**
 * Reads a model that {@link train} made.
 * Throws a DataError if the bytes are no such model or its weights are not those of its layers.
 */
export function readModel(model: Uint8Array): StoredModel {
  const metadata = readMetadata(model);
  const described = metadata['network'];
  if (described === undefined) {
    throw new DataError({
      problem: 'the model does not say what its network is',
      expected: 'a model trained here, with its layers in the metadata entry network',
      got: `metadata ${Object.keys(metadata).join(', ') || 'without entries'}`,
    });
  }
  const { layers, input_shape: inputShape, classes } = JSON.parse(described) as Described;
  const network = { layers, inputShape, classes };
  const inventory = takeInventory(network);
  const stored = readInitializers(model);
  return {
    network,
    metadata,
    parameters: gather(inventory.parameters, inventory.parameterCount, stored),
    statistics: gather(inventory.statistics, inventory.statisticCount, stored),
  };
}

interface Described {
  layers: LayerSpec[];
  input_shape: number[];
  classes: number;
}

function gather(
  slots: Inventory['parameters'] | Inventory['statistics'],
  count: number,
  stored: ReadonlyMap<string, Initializer>,
): Float32Array {
  const flat = new Float32Array(count);
  for (const { name, shape, offset } of slots) {
    const data = stored.get(name)?.data;
    if (data?.length !== sizeOf(shape)) {
      throw new DataError({
        problem: `the model lacks the weight ${name}`,
        expected: `${sizeOf(shape)} float32 values`,
        got: data
          ? `${data.length}`
          : 'none: a quantized model cannot be trained further, the one it was made from can',
      });
    }
    flat.set(data, offset);
  }
  return flat;
}

/**
 * Throws a RequestError unless a training of `network` can start from the weights of a stored one. What acts
 * on training only may differ: dropout rates, noise, penalties and initializers.
 */
export function checkSameNetwork(network: NetworkSpec, stored: NetworkSpec): void {
  const refuse = (where: string, expected: string, got: string): never => {
    throw new RequestError({
      problem: 'the model to start from has another network',
      expected: `${expected}, as in the model`,
      got,
      where,
      fix: 'give the layers of the model, or start without it',
    });
  };
  const shape = (of: NetworkSpec): string => `${of.inputShape.join(' x ')} values a row`;
  if (shape(network) !== shape(stored)) refuse('the features', shape(stored), shape(network));
  if (network.classes !== stored.classes) refuse('the labels', `${stored.classes} classes`, `${network.classes}`);
  const [mine, theirs] = [skeleton(network.layers), skeleton(stored.layers)];
  const most = Math.max(mine.length, theirs.length);
  for (let i = 0; i < most; i++) {
    if (mine[i] !== theirs[i]) refuse(`layers[${i}]`, theirs[i] ?? 'no further layer', mine[i] ?? 'no further layer');
  }
}

/** One text per layer, equal for layers that compute the same in use. */
function skeleton(layers: readonly LayerSpec[]): string[] {
  return layers.map((layer, i) => {
    const written = readOptions(LayerSchema, layer, `layers[${i}]`) as Record<string, unknown>;
    return JSON.stringify(withoutTraining(written));
  });
}

const TRAINING_ONLY = new Set<string>(['dropout', 'spatial_dropout', 'gaussian_noise'] satisfies LayerName[]);

function withoutTraining(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTraining);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !/_(initializer|regularizer)$/.test(name))
      .map(([name, inner]) => [name, TRAINING_ONLY.has(name) ? {} : withoutTraining(inner)]),
  );
}
