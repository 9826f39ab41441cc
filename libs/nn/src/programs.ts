/**
 * The three ONNX models made of one network: the training step, the evaluation, and what is served.
 *
 * All three lower the same layers. The step adds the loss and its gradients; weights and statistics are
 * inputs, so a step is a pure function.
 */
import { DYNAMIC, sizeOf, type Tensor } from './graph.ts';
import { gradients } from './gradients/differentiate.ts';
import type { Loss } from './losses.ts';
import {
  buildNetwork,
  flatValues,
  storedValues,
  type Inventory,
  type NetworkSpec,
  type NoiseInput,
  type StatisticNow,
} from './network.ts';
import { encodeModel } from './onnx/model.ts';
import { add, concat, expand, logSoftmax, logSoftmaxInParts, multiply, reshape, scale, softmax, sum } from './ops.ts';
import type { Optimizer } from './optimizers.ts';

export interface Program {
  readonly model: Uint8Array;
  readonly noise: readonly NoiseInput[];
}

/** The step also says how its weights are called, in order of the inventory. */
export interface TrainingProgram extends Program {
  readonly weights: readonly { readonly input: string; readonly gradient: string }[];
}

/** What the programs are for: where they compute the same, they are made of what is fast there. */
export interface Target {
  /** Whether a GPU runs them. */
  readonly gpu?: boolean;
  /** Channels in a block, if convolutions may use blocks; see `blocked-convolution.ts`. */
  readonly block?: number | undefined;
}

/**
 * Loss and gradients on a batch of fixed size.
 *
 * Inputs: `input`, `targets [batch, classes]`, `weights [batch]`, one per weight, `statistics` (if any),
 * `noise_<i>`. Outputs: `loss` (mean of weighted losses, plus penalties), `logits`, the gradient of each
 * weight, clipped, in its shape, and `next_statistics`.
 */
export function trainingProgram(
  spec: NetworkSpec,
  inventory: Inventory,
  loss: Loss,
  optimizer: Optimizer,
  batch: number,
  { gpu, block }: Target = {},
): TrainingProgram {
  const { statistic } = flatValues(inventory);
  const sources: Tensor[] = [];
  const network = buildNetwork(spec, {
    batch,
    training: true,
    block,
    values: {
      statistic,
      parameter(graph, { name, shape }) {
        const source = graph.input(name, shape);
        sources.push(source);
        return source;
      },
    },
  });
  const { graph } = network;
  const targets = graph.input('targets', [batch, spec.classes]);
  const weights = graph.input('weights', [batch]);
  const perRow = multiply(loss.build(logProbabilities(network.logits, gpu), targets), weights);
  const average = scale(sum(perRow, [0], false), 1 / batch);
  const total = network.penalty ? add(average, network.penalty) : average;

  const found = gradients(total, sources);
  const perWeight = optimizer.clip(sources.map((source, i) => found[i] ?? expand(graph.scalar(0), source.shape)));
  graph.output('loss', total);
  graph.output('logits', network.logits);
  perWeight.forEach((gradient, i) => graph.output(`gradient_${i}`, gradient));
  if (inventory.statisticCount > 0) {
    const old = graph.inputs.find(({ name }) => name === 'statistics')!;
    graph.output('next_statistics', moveStatistics(old, network.statisticsNow));
  }
  return {
    model: encodeModel(graph),
    noise: network.noise,
    weights: sources.map(({ name }, i) => ({ input: name, gradient: `gradient_${i}` })),
  };
}

/** All statistics after the step, at once: what ONNX Runtime spends on an operator is more than these additions take. */
function moveStatistics(old: Tensor, batch: readonly StatisticNow[]): Tensor {
  const { graph, shape } = old;
  const now = batch.map((each) => reshape(each.now, [sizeOf(each.now.shape)]));
  const momenta = batch.flatMap(({ now: { shape: size }, momentum }) => Array<number>(sizeOf(size)).fill(momentum));
  const shares = (values: readonly number[]): Tensor => graph.constant(Float32Array.from(values), shape);
  const kept = multiply(old, shares(momenta));
  const added = multiply(concat(now, 0), shares(momenta.map((momentum) => 1 - momentum)));
  return add(kept, added);
}

/**
 * Losses of a batch of any size with the weights given. Inputs: `input`, `targets`, `parameters`,
 * `statistics` (if any). Outputs: `losses [batch]`, without penalties; `penalty`, a scalar; `logits`.
 */
export function evaluationProgram(spec: NetworkSpec, inventory: Inventory, loss: Loss, { gpu }: Target = {}): Program {
  const network = buildNetwork(spec, { batch: DYNAMIC, training: false, values: flatValues(inventory) });
  const { graph } = network;
  const targets = graph.input('targets', [DYNAMIC, spec.classes]);
  graph.output('losses', loss.build(logProbabilities(network.logits, gpu), targets));
  graph.output('penalty', network.penalty ?? graph.scalar(0));
  graph.output('logits', network.logits);
  return { model: encodeModel(graph), noise: [] };
}

function logProbabilities(logits: Tensor, gpu = false): Tensor {
  return gpu ? logSoftmaxInParts(logits) : logSoftmax(logits);
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
