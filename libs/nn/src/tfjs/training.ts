/**
 * Epochs and evaluations in TensorFlow.js: the same rows in the same order as in `../execution.ts`,
 * with the same augmentation and random numbers, so that both engines train the same network.
 *
 * During an epoch weights, statistics and what the optimizer keeps live in variables of TensorFlow.js;
 * the flat vectors of the state are brought up to date when it ends.
 */
import { ProsodiaError, Rng, throwIfCancelled } from '@prosodia/core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { BatchSource, inOrder, type Batch } from '../batches.ts';
import { countCorrect, fillTargets, type TrainingRows } from '../data.ts';
import type { EpochResult, TrainingExecution } from '../execution.ts';
import { sizeOf, type Shape } from '../graph.ts';
import type { Draw } from '../layers/layer.ts';
import type { LossSpec } from '../losses.ts';
import { mix } from '../mixup.ts';
import { fillNoise } from '../noise.ts';
import type { OptimizerSpec } from '../optimizers.ts';
import type { TrainingState } from '../training-step.ts';
import { readTfLoss, type TfLoss } from './losses.ts';
import { TfNetwork, type FlatWeights } from './network.ts';
import type { Tf } from './runtime.ts';
import { readUpdate, type Update } from './updates.ts';

/** What is trained: as for our own engine, without its device. */
export type TfExecution = Omit<TrainingExecution, 'deviceOptions'>;

/** Rows in one run of the evaluation; it does not change the result. */
const EVALUATION_ROWS = 256;

export class TfTraining {
  readonly #tf: Tf;
  readonly #execution: TfExecution;
  readonly #network: TfNetwork;
  readonly #loss: TfLoss;
  readonly #update: Update;
  readonly #slots: readonly (readonly Variable[])[];
  readonly #state: TrainingState;
  #batches: BatchSource | undefined;

  /** @param state is brought up to date at the end of every epoch */
  constructor(
    tf: Tf,
    execution: TfExecution,
    specs: { loss: LossSpec; optimizer: OptimizerSpec },
    state: TrainingState,
  ) {
    this.#tf = tf;
    this.#execution = execution;
    this.#state = state;
    this.#loss = readTfLoss(tf, specs.loss);
    this.#update = readUpdate(tf, specs.optimizer);
    this.#network = new TfNetwork(tf, execution.network);
    this.#network.setWeights(state);
    this.#slots = state.slots.map((values) => {
      const slot = this.#network.variables.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false)));
      this.#network.write(slot, values);
      return slot;
    });
  }

  /** One pass over the rows; see `Stepper` in `../execution.ts`. */
  async epoch(
    data: TrainingRows,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult & { learningRate: number }> {
    const { batchSize, seed, network } = this.#execution;
    const source = (this.#batches ??= new BatchSource(data, sizeOf(network.inputShape)));
    let done = 0;
    let lossSum = 0;
    let correct = 0;
    let learningRate = rateAt(0);
    for await (const batch of source.epoch(batchSize, new Rng(seed, 'shuffle', epoch))) {
      await pause();
      throwIfCancelled(signal, 'training');
      const { rows } = batch;
      learningRate = rateAt(done / data.rows);
      const { loss, logits } = await this.#step(data, batch, learningRate);
      if (!Number.isFinite(loss)) throw divergence(loss, epoch, done / batchSize + 1, learningRate);
      done += rows.length;
      lossSum += loss * rows.length;
      correct += countCorrect(logits, data.y, rows, network.classes);
    }
    Object.assign(this.#state, await this.#network.getWeights());
    this.#state.slots = await Promise.all(this.#slots.map((slot) => this.#network.read(slot)));
    return { loss: lossSum / data.rows, accuracy: correct / data.rows, learningRate };
  }

  /**
   * Mean loss, penalties included, and accuracy, of all rows, without dropout and without class weights.
   * @param weights those to evaluate; they stay in the network
   */
  async evaluate(data: TrainingRows, weights: FlatWeights, signal: AbortSignal | undefined): Promise<EpochResult> {
    const tf = this.#tf;
    const { network, loss } = this.#execution;
    this.#network.setWeights(weights);
    const width = sizeOf(network.inputShape);
    let lossSum = 0;
    let correct = 0;
    for await (const { from, count, x } of inOrder(data, width, EVALUATION_ROWS)) {
      await pause();
      throwIfCancelled(signal, 'training');
      const rows = Int32Array.from({ length: count }, (_, i) => from + i);
      const targets = new Float32Array(count * network.classes);
      fillTargets(targets, data.y, rows, network.classes, loss.labelSmoothing);
      const [logits, losses] = tf.tidy(() => {
        const found = this.#network.logits(tf.tensor(x, [count, ...network.inputShape]), false);
        return [found, this.#loss(found, tf.tensor(targets, [count, network.classes]))];
      });
      (await values(losses)).forEach((value, i) => (lossSum += value * (data.sample_weight?.[from + i] ?? 1)));
      correct += countCorrect(await values(logits), data.y, rows, network.classes);
    }
    const penalty = (await values(tf.tidy(() => this.#penalty())))[0]!;
    return { loss: lossSum / data.rows + penalty, accuracy: correct / data.rows };
  }

  release(): Promise<void> {
    this.#network.dispose();
    for (const variable of this.#slots.flat()) variable.dispose();
    return Promise.resolve();
  }

  async #step(data: TrainingRows, drawn: Batch, learningRate: number): Promise<{ loss: number; logits: Float32Array }> {
    const tf = this.#tf;
    const { inputShape, classes } = this.#execution.network;
    const step = ++this.#state.step;
    const rows = drawn.rows.length;
    const batch = this.#batch(data, drawn, step);
    this.#network.noise.draw = (index, draw, shape) => this.#draw(index, draw, shape, step);
    let logits: Tensor | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const x = tf.tensor(batch.input, [rows, ...inputShape]);
      logits = tf.keep(this.#network.logits(x, true));
      const perRow = this.#loss(logits, tf.tensor(batch.targets, [rows, classes]));
      const average = tf.div(tf.sum(tf.mul(perRow, tf.tensor1d(batch.weights))), rows);
      return tf.add(average, this.#penalty()) as Scalar;
    }, this.#network.variables);
    this.#network.noise.draw = undefined;
    const gradients = this.#network.variables.map(({ name }) => grads[name]!);
    this.#update(this.#network.variables, gradients, this.#slots, learningRate, step);
    tf.dispose(grads);
    return { loss: (await values(value))[0]!, logits: await values(logits!) };
  }

  /** Rows, targets and weights of a batch, augmented and mixed. */
  #batch(data: TrainingRows, { rows, fill }: Batch, step: number) {
    const { network, loss, classWeight, seed, augmentation, mixup } = this.#execution;
    const width = sizeOf(network.inputShape);
    const input = new Float32Array(rows.length * width);
    const targets = new Float32Array(rows.length * network.classes);
    fill(input);
    fillTargets(targets, data.y, rows, network.classes, loss.labelSmoothing);
    const weights = Float32Array.from(rows, (row) => classWeight[data.y[row]!]! * (data.sample_weight?.[row] ?? 1));
    if (augmentation) {
      const rng = new Rng(seed, 'augmentation', step);
      rows.forEach((_, i) => augmentation(input.subarray(i * width, (i + 1) * width), rng));
    }
    const batch = { input, targets, weights };
    if (mixup !== undefined) mix(batch, mixup, new Rng(seed, 'mixup', step));
    return batch;
  }

  #draw(index: number, draw: Draw, shape: Shape, step: number): Tensor {
    const numbers = new Float32Array(sizeOf(shape));
    fillNoise(numbers, draw, new Rng(this.#execution.seed, 'noise', step, index));
    return this.#tf.tensor(numbers, [...shape]);
  }

  /** Sum of the penalties on weights, a scalar. */
  #penalty(): Tensor {
    const tf = this.#tf;
    const { parameters } = this.#network.inventory;
    const { variables } = this.#network;
    return parameters.reduce<Tensor>((sum, { options }, i) => {
      return options.l2 ? tf.add(sum, tf.mul(tf.sum(tf.square(variables[i]!)), options.l2)) : sum;
    }, tf.scalar(0));
  }
}

/** The values of a tensor, which is freed. */
async function values(tensor: Tensor): Promise<Float32Array> {
  const data = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return data;
}

/** Lets the process do other things: plain TensorFlow.js computes in the main thread, without a pause. */
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function divergence(loss: number, epoch: number, step: number, learningRate: number): ProsodiaError {
  return new ProsodiaError({
    problem: `the loss is ${loss}: training has diverged`,
    where: `epoch ${epoch}, step ${step}`,
    got: `learning rate ${learningRate}`,
    fix: 'lower the learning rate, clip the gradient (global_clipnorm: 1), or check that features are scaled',
  });
}
