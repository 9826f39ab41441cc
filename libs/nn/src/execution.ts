/**
 * Runs the programs of a network over rows: an epoch of training steps, and an evaluation.
 *
 * Sessions are opened when first needed, one per batch size (the last batch of an epoch may be
 * smaller), and stay open until `release`.
 */
import { Rng } from '@prosodia/core';
import type { Batch } from './batches.ts';
import type { TrainingRows } from './data.ts';
import { onGpu, openSession, type DeviceOptions, type FloatArray, type Session } from './device.ts';
import { Epochs, evaluateRows, fillBatch, type EpochRequest, type EpochResult, type StepResult } from './epochs.ts';
import type { Inventory } from './network.ts';
import { fillNoise } from './noise.ts';
import type { Optimizer } from './optimizers.ts';
import { evaluationProgram } from './programs.ts';
import { TrainingStep, moveToMemory, type TrainingState } from './training-step.ts';
import type { UpdateMemory } from './update-kernels.ts';

export interface TrainingExecution extends EpochRequest {
  readonly inventory: Inventory;
  readonly optimizer: Optimizer;
  readonly deviceOptions: DeviceOptions;
}

export class Stepper {
  readonly #execution: TrainingExecution;
  readonly #state: TrainingState;
  readonly #memory: UpdateMemory;
  readonly #epochs: Epochs;
  readonly #steps = new Map<number, TrainingStep>();

  /** @param state changes step by step */
  constructor(execution: TrainingExecution, state: TrainingState) {
    this.#execution = execution;
    this.#state = state;
    this.#memory = moveToMemory(state);
    this.#epochs = new Epochs(execution);
  }

  epoch(
    data: TrainingRows,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult & { learningRate: number }> {
    return this.#epochs.run(data, epoch, rateAt, signal, (batch, rate) => this.#step(data, batch, rate));
  }

  async release(): Promise<void> {
    for (const step of this.#steps.values()) await step.release();
    this.#steps.clear();
  }

  async #step(data: TrainingRows, batch: Batch, learningRate: number): Promise<StepResult> {
    const { seed } = this.#execution;
    const size = batch.rows.length;
    const step = this.#steps.get(size) ?? (await this.#open(size));
    const count = this.#state.step + 1;
    const arrays = { input: step.input.data, targets: step.targets.data, weights: step.weights.data };
    fillBatch(arrays, this.#execution, data, batch, count);
    step.noise.forEach(({ array, draw }, i) => fillNoise(array.data, draw, new Rng(seed, 'noise', count, i)));
    return step.run(this.#state, this.#memory, learningRate);
  }

  async #open(batch: number): Promise<TrainingStep> {
    const step = await TrainingStep.open(this.#execution, batch);
    this.#steps.set(batch, step);
    return step;
  }
}

export class Evaluator {
  readonly #execution: TrainingExecution;
  #session: Session | undefined;

  constructor(execution: TrainingExecution) {
    this.#execution = execution;
  }

  /** Mean loss, penalties included, and accuracy, of all rows, without dropout and without class weights. */
  async evaluate(
    data: TrainingRows,
    { parameters, statistics }: TrainingState,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult> {
    const { network, inventory, loss, deviceOptions } = this.#execution;
    const session = (this.#session ??= await openSession(
      evaluationProgram(network, inventory, loss, { gpu: onGpu(deviceOptions) }).model,
      deviceOptions,
    ));
    let penalty = 0;
    const result = await evaluateRows(this.#execution, data, signal, async (x, targets, count) => {
      const feeds = {
        input: { data: x, shape: [count, ...network.inputShape] },
        targets: { data: targets, shape: [count, network.classes] },
        parameters: vector(parameters),
        ...(statistics.length > 0 ? { statistics: vector(statistics) } : {}),
      };
      const output = await session.run(feeds, { losses: null, penalty: null, logits: null });
      penalty = output['penalty']![0]!;
      return { losses: output['losses']!, logits: output['logits']! };
    });
    return { ...result, loss: result.loss + penalty };
  }

  async release(): Promise<void> {
    await this.#session?.release();
    this.#session = undefined;
  }
}

function vector(data: Float32Array): FloatArray {
  return { data, shape: [data.length] };
}
