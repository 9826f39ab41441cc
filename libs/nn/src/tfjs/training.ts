/**
 * Epochs and evaluations in TensorFlow.js: the same rows in the same order as in `../execution.ts` (`../epochs.ts`),
 * with the same augmentation and random numbers, so that both engines train the same network.
 *
 * During an epoch weights, statistics and what the optimizer keeps live in variables of TensorFlow.js;
 * the flat vectors of the state are brought up to date when it ends.
 */
import { Rng } from '@prosodia/core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Batch } from '../batches.ts';
import type { TrainingRows } from '../data.ts';
import { Epochs, evaluateRows, fillBatch, type EpochResult, type StepResult } from '../epochs.ts';
import type { TrainingExecution } from '../execution.ts';
import { sizeOf, type Shape } from '../graph.ts';
import type { Draw } from '../layers/layer.ts';
import type { LossSpec } from '../losses.ts';
import { fillNoise } from '../noise.ts';
import type { OptimizerSpec } from '../optimizers.ts';
import type { TrainingState } from '../training-step.ts';
import { readTfLoss, type TfLoss } from './losses.ts';
import { TfNetwork, type FlatWeights } from './network.ts';
import type { Tf } from './runtime.ts';
import { readUpdate, type Update } from './updates.ts';

/** What is trained: as for our own engine, without its device. */
export type TfExecution = Omit<TrainingExecution, 'deviceOptions'>;

export class TfTraining {
  readonly #tf: Tf;
  readonly #execution: TfExecution;
  readonly #network: TfNetwork;
  readonly #loss: TfLoss;
  readonly #update: Update;
  readonly #slots: readonly (readonly Variable[])[];
  readonly #state: TrainingState;
  readonly #epochs: Epochs;

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
    this.#epochs = new Epochs(execution);
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

  /** One pass over the rows; see `Epochs` in `../epochs.ts`. */
  async epoch(
    data: TrainingRows,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult & { learningRate: number }> {
    const result = await this.#epochs.run(data, epoch, rateAt, signal, (batch, rate) => this.#step(data, batch, rate));
    Object.assign(this.#state, await this.#network.getWeights());
    this.#state.slots = await Promise.all(this.#slots.map((slot) => this.#network.read(slot)));
    return result;
  }

  /**
   * Mean loss, penalties included, and accuracy, of all rows, without dropout and without class weights.
   * @param weights those to evaluate; they stay in the network
   */
  async evaluate(data: TrainingRows, weights: FlatWeights, signal: AbortSignal | undefined): Promise<EpochResult> {
    const tf = this.#tf;
    const { inputShape, classes } = this.#execution.network;
    this.#network.setWeights(weights);
    const result = await evaluateRows(this.#execution, data, signal, async (x, targets, count) => {
      await pause();
      const [logits, losses] = tf.tidy(() => {
        const found = this.#network.logits(tf.tensor(x, [count, ...inputShape]), false);
        return [found, this.#loss(found, tf.tensor(targets, [count, classes]))];
      });
      return { losses: await values(losses), logits: await values(logits) };
    });
    const penalty = (await values(tf.tidy(() => this.#penalty())))[0]!;
    return { ...result, loss: result.loss + penalty };
  }

  release(): Promise<void> {
    this.#network.dispose();
    for (const variable of this.#slots.flat()) variable.dispose();
    return Promise.resolve();
  }

  async #step(data: TrainingRows, drawn: Batch, learningRate: number): Promise<StepResult> {
    await pause();
    const tf = this.#tf;
    const { inputShape, classes } = this.#execution.network;
    const step = ++this.#state.step;
    const rows = drawn.rows.length;
    const batch = {
      input: new Float32Array(rows * sizeOf(inputShape)),
      targets: new Float32Array(rows * classes),
      weights: new Float32Array(rows),
    };
    fillBatch(batch, this.#execution, data, drawn, step);
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
