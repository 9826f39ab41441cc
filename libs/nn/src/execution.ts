/**
 * Runs the programs of a network over rows: an epoch of training steps, and an evaluation.
 *
 * Sessions are opened when first needed, one per batch size (the last batch of an epoch may be
 * smaller), and stay open until `release`.
 */
import { ProsodiaError, Rng, throwIfCancelled } from '@prosodia/core';
import type { Augmentation } from './augmentation.ts';
import { BatchSource, inOrder, type Batch } from './batches.ts';
import { countCorrect, fillTargets, type TrainingRows } from './data.ts';
import { openSession, type DeviceOptions, type FloatArray, type Session } from './device.ts';
import { sizeOf } from './graph.ts';
import type { Loss } from './losses.ts';
import { mix } from './mixup.ts';
import type { Inventory, NetworkSpec } from './network.ts';
import { fillNoise } from './noise.ts';
import type { Optimizer } from './optimizers.ts';
import { evaluationProgram } from './programs.ts';
import { TrainingStep, moveToMemory, type TrainingState } from './training-step.ts';
import type { UpdateMemory } from './update-kernels.ts';

export interface Execution {
  readonly network: NetworkSpec;
  readonly inventory: Inventory;
  readonly loss: Loss;
  readonly deviceOptions: DeviceOptions;
}

export interface TrainingExecution extends Execution {
  readonly optimizer: Optimizer;
  readonly classWeight: Float32Array;
  readonly batchSize: number;
  readonly seed: number;
  readonly augmentation: Augmentation | undefined;
  /** Alpha of mixup. */
  readonly mixup: number | undefined;
}

export interface EpochResult {
  readonly loss: number;
  readonly accuracy: number;
}

export class Stepper {
  readonly #execution: TrainingExecution;
  readonly #state: TrainingState;
  readonly #memory: UpdateMemory;
  readonly #steps = new Map<number, TrainingStep>();
  #batches: BatchSource | undefined;

  /** @param state changes step by step */
  constructor(execution: TrainingExecution, state: TrainingState) {
    this.#execution = execution;
    this.#state = state;
    this.#memory = moveToMemory(state);
  }

  /**
   * One pass over the rows in random order; the same rows each time.
   * @param rateAt learning rate when a fraction of the epoch is done
   */
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
      throwIfCancelled(signal, 'training');
      const { rows } = batch;
      learningRate = rateAt(done / data.rows);
      const { loss, logits } = await this.#step(data, batch, learningRate);
      if (!Number.isFinite(loss)) throw divergence(loss, epoch, done / batchSize + 1, learningRate);
      done += rows.length;
      lossSum += loss * rows.length;
      correct += countCorrect(logits, data.y, rows, network.classes);
    }
    return { loss: lossSum / data.rows, accuracy: correct / data.rows, learningRate };
  }

  async release(): Promise<void> {
    for (const step of this.#steps.values()) await step.release();
    this.#steps.clear();
  }

  async #step(data: TrainingRows, batch: Batch, learningRate: number): Promise<{ loss: number; logits: Float32Array }> {
    const { seed } = this.#execution;
    const size = batch.rows.length;
    const step = this.#steps.get(size) ?? (await this.#open(size));
    // Counted from 1, as everything random in it is.
    const count = this.#state.step + 1;
    this.#fill(step, data, batch, count);
    step.noise.forEach(({ array, draw }, i) => fillNoise(array.data, draw, new Rng(seed, 'noise', count, i)));
    return step.run(this.#state, this.#memory, learningRate);
  }

  /** Rows, targets and weights of a batch, augmented and mixed. */
  #fill({ input, targets, weights }: TrainingStep, data: TrainingRows, { rows, fill }: Batch, count: number): void {
    const { network, loss, classWeight, seed, augmentation, mixup } = this.#execution;
    const width = sizeOf(network.inputShape);
    fill(input.data);
    fillTargets(targets.data, data.y, rows, network.classes, loss.labelSmoothing);
    rows.forEach((row, i) => {
      weights.data[i] = classWeight[data.y[row]!]! * (data.sample_weight?.[row] ?? 1);
    });
    if (augmentation) {
      const rng = new Rng(seed, 'augmentation', count);
      rows.forEach((_, i) => augmentation(input.data.subarray(i * width, (i + 1) * width), rng));
    }
    if (mixup !== undefined) {
      const batch = { input: input.data, targets: targets.data, weights: weights.data };
      mix(batch, mixup, new Rng(seed, 'mixup', count));
    }
  }

  async #open(batch: number): Promise<TrainingStep> {
    const step = await TrainingStep.open(this.#execution, batch);
    this.#steps.set(batch, step);
    return step;
  }
}

/** Rows in one run of the evaluation; it does not change the result. */
const EVALUATION_ROWS = 256;

export class Evaluator {
  readonly #execution: Execution;
  #session: Session | undefined;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** Mean loss, penalties included, and accuracy, of all rows, without dropout and without class weights. */
  async evaluate(data: TrainingRows, state: TrainingState, signal: AbortSignal | undefined): Promise<EpochResult> {
    const { network, inventory, loss, deviceOptions } = this.#execution;
    this.#session ??= await openSession(evaluationProgram(network, inventory, loss).model, deviceOptions);
    const width = sizeOf(network.inputShape);
    let lossSum = 0;
    let penalty = 0;
    let correct = 0;
    for await (const { from, count, x } of inOrder(data, width, EVALUATION_ROWS)) {
      throwIfCancelled(signal, 'training');
      const rows = Int32Array.from({ length: count }, (_, i) => from + i);
      const targets = zeros([rows.length, network.classes]);
      fillTargets(targets.data, data.y, rows, network.classes, loss.labelSmoothing);
      const { parameters, statistics } = state;
      const feeds = {
        input: { data: x, shape: [rows.length, ...network.inputShape] },
        targets,
        parameters: vector(parameters),
        ...(statistics.length > 0 ? { statistics: vector(statistics) } : {}),
      };
      const output = await this.#session.run(feeds, { losses: null, penalty: null, logits: null });
      output['losses']!.forEach((value, i) => (lossSum += value * (data.sample_weight?.[from + i] ?? 1)));
      penalty = output['penalty']![0]!;
      correct += countCorrect(output['logits']!, data.y, rows, network.classes);
    }
    return { loss: lossSum / data.rows + penalty, accuracy: correct / data.rows };
  }

  async release(): Promise<void> {
    await this.#session?.release();
    this.#session = undefined;
  }
}

function vector(data: Float32Array): FloatArray {
  return { data, shape: [data.length] };
}

function zeros(shape: readonly number[]): FloatArray {
  return { data: new Float32Array(sizeOf(shape)), shape };
}

function divergence(loss: number, epoch: number, step: number, learningRate: number): ProsodiaError {
  return new ProsodiaError({
    problem: `the loss is ${loss}: training has diverged`,
    where: `epoch ${epoch}, step ${step}`,
    got: `learning rate ${learningRate}`,
    fix: 'lower the learning rate, clip the gradient (global_clipnorm: 1), or check that features are scaled',
  });
}
