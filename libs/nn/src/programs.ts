/**
 * The three ONNX models made of one network: the training step, the evaluation, and what is served.
 *
 * All three lower the same layers. The step adds loss, gradients and optimizer; weights, statistics
 * and optimizer slots are inputs and outputs, so a step is a pure function.
 */
import { DYNAMIC, type Graph, type Tensor } from './graph.ts';
import { gradients } from './gradients/differentiate.ts';
import type { Loss } from './losses.ts';
import {
  buildNetwork,
  flatValues,
  storedValues,
  type BuiltNetwork,
  type Inventory,
  type NetworkSpec,
  type NoiseInput,
} from './network.ts';
import { encodeModel } from './onnx/model.ts';
import { add, concat, expand, multiply, reshape, scale, softmax, sum } from './ops.ts';
import type { Optimizer } from './optimizers.ts';

export interface Program {
  readonly model: Uint8Array;
  readonly noise: readonly NoiseInput[];
}

/**
 * One training step on a batch of fixed size.
 *
 * Inputs: `input`, `targets [batch, classes]`, `weights [batch]`, `parameters`, `statistics` (if any),
 * `slot_<i>`, `rate_<i>`, `noise_<i>`. Outputs: `loss` (mean of weighted losses, plus penalties),
 * `logits`, `next_parameters`, `next_statistics`, `next_slot_<i>`.
 */
export function trainingProgram(
  spec: NetworkSpec,
  inventory: Inventory,
  loss: Loss,
  optimizer: Optimizer,
  batch: number,
): Program {
  const { graph, network, flat } = buildFlat(spec, inventory, batch, true);
  const targets = graph.input('targets', [batch, spec.classes]);
  const weights = graph.input('weights', [batch]);
  const perRow = multiply(loss.build(network.logits, targets), weights);
  const average = scale(sum(perRow, [0], false), 1 / batch);
  const total = network.penalty ? add(average, network.penalty) : average;

  const found = gradients(total, flat.cuts);
  const perWeight = flat.cuts.map((cut, i) => found[i] ?? expand(graph.scalar(0), cut.shape));
  const vector = (name: string): Tensor => graph.input(name, [inventory.parameterCount]);
  const slots = numbered(optimizer.slotCount, (i) => vector(`slot_${i}`));
  const rates = numbered(optimizer.rateCount, (i) => graph.input(`rate_${i}`, []));
  const next = optimizer.build({ parameters: flat.parameters, gradients: perWeight, slots, rates });

  graph.output('loss', total);
  graph.output('logits', network.logits);
  graph.output('next_parameters', next.parameters);
  next.slots.forEach((slot, i) => graph.output(`next_slot_${i}`, slot));
  if (inventory.statisticCount > 0) {
    const vectors = network.updatedStatistics.map((tensor) => reshape(tensor, [tensor.shape[0]!]));
    graph.output('next_statistics', concat(vectors, 0));
  }
  return { model: encodeModel(graph), noise: network.noise };
}

/**
 * Losses of a batch of any size with the weights given. Inputs: `input`, `targets`, `parameters`,
 * `statistics` (if any). Outputs: `losses [batch]`, without penalties; `penalty`, a scalar; `logits`.
 */
export function evaluationProgram(spec: NetworkSpec, inventory: Inventory, loss: Loss): Program {
  const { graph, network } = buildFlat(spec, inventory, DYNAMIC, false);
  const targets = graph.input('targets', [DYNAMIC, spec.classes]);
  graph.output('losses', loss.build(network.logits, targets));
  graph.output('penalty', network.penalty ?? graph.scalar(0));
  graph.output('logits', network.logits);
  return { model: encodeModel(graph), noise: [] };
}

/** The model that is served: `input [batch, ...]` to `probabilities [batch, classes]`, weights inside. */
export function inferenceModel(
  spec: NetworkSpec,
  parameters: Float32Array,
  statistics: Float32Array,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const values = storedValues(parameters, statistics);
  const { graph, logits } = buildNetwork(spec, { batch: DYNAMIC, training: false, values });
  graph.output('probabilities', softmax(logits));
  return encodeModel(graph, { metadata });
}

interface Flat {
  readonly parameters: Tensor;
  /** The weights cut from the flat vector, in order. */
  readonly cuts: readonly Tensor[];
}

function buildFlat(
  spec: NetworkSpec,
  inventory: Inventory,
  batch: number,
  training: boolean,
): { graph: Graph; network: BuiltNetwork; flat: Flat } {
  const cuts: Tensor[] = [];
  const values = flatValues(inventory);
  const network = buildNetwork(spec, {
    batch,
    training,
    values: {
      ...values,
      parameter(graph, slot) {
        const cut = values.parameter(graph, slot);
        cuts.push(cut);
        return cut;
      },
    },
  });
  return { graph: network.graph, network, flat: { parameters: values.inputs(network.graph).parameters, cuts } };
}

function numbered<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
