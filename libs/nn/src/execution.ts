/**
 * Runs the programs of a network over rows: an epoch of training steps, and an evaluation.
 *
 * Sessions are opened when first needed, one per batch size (the last batch of an epoch may be
 * smaller), and stay open until `release`. State alternates between two sets of arrays that the
 * runtime writes into directly.
 */
import { ProsodiaError, Rng, throwIfCancelled } from '@prosodia/core';
import type { Augmentation } from './augmentation.ts';
import { countCorrect, fillTargets, gatherRows, type TrainingData } from './data.ts';
import { openSession, type DeviceOptions, type FloatArray, type Session } from './device.ts';
import { sizeOf } from './graph.ts';
import type { Loss } from './losses.ts';
import { mix } from './mixup.ts';
import type { Inventory, NetworkSpec } from './network.ts';
import { fillNoise } from './noise.ts';
import type { Optimizer } from './optimizers.ts';
import { evaluationProgram, trainingProgram, type Program } from './programs.ts';

/** Everything that changes from step to step. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  parameters: Float32Array;
  statistics: Float32Array;
  /** What the optimizer keeps, each as long as the parameters. */
  slots: Float32Array[];
}

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

/** A training session for one batch size, with the arrays that are filled anew for each step. */
interface Step {
  readonly session: Session;
  readonly program: Program;
  readonly input: FloatArray;
  readonly targets: FloatArray;
  readonly weights: FloatArray;
  readonly noise: readonly FloatArray[];
}

export class Stepper {
  readonly #execution: TrainingExecution;
  readonly #state: TrainingState;
  readonly #steps = new Map<number, Step>();
  #spare: Pick<TrainingState, 'parameters' | 'statistics' | 'slots'>;

  /** @param state is replaced step by step */
  constructor(execution: TrainingExecution, state: TrainingState) {
    this.#execution = execution;
    this.#state = state;
    this.#spare = {
      parameters: new Float32Array(state.parameters.length),
      statistics: new Float32Array(state.statistics.length),
      slots: state.slots.map((slot) => new Float32Array(slot.length)),
    };
  }

  /**
   * One pass over the rows in random order.
   * @param rateAt learning rate when a fraction of the epoch is done
   */
  async epoch(
    data: TrainingData,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult & { learningRate: number }> {
    const { batchSize, seed, network } = this.#execution;
    const order = new Rng(seed, 'shuffle', epoch).shuffle(Int32Array.from({ length: data.rows }, (_, i) => i));
    let lossSum = 0;
    let correct = 0;
    let learningRate = rateAt(0);
    for (let from = 0; from < data.rows; from += batchSize) {
      throwIfCancelled(signal, 'training');
      const rows = order.subarray(from, Math.min(from + batchSize, data.rows));
      learningRate = rateAt(from / data.rows);
      const { loss, logits } = await this.#step(data, rows, learningRate);
      if (!Number.isFinite(loss)) throw divergence(loss, epoch, from / batchSize + 1, learningRate);
      lossSum += loss * rows.length;
      correct += countCorrect(logits, data.y, rows, network.classes);
    }
    return { loss: lossSum / data.rows, accuracy: correct / data.rows, learningRate };
  }

  async release(): Promise<void> {
    for (const { session } of this.#steps.values()) await session.release();
    this.#steps.clear();
  }

  async #step(
    data: TrainingData,
    rows: Int32Array,
    learningRate: number,
  ): Promise<{ loss: number; logits: Float32Array }> {
    const { optimizer, seed } = this.#execution;
    const state = this.#state;
    const step = this.#steps.get(rows.length) ?? (await this.#open(rows.length));
    state.step++;
    this.#fill(step, data, rows);
    step.noise.forEach(({ data: target }, i) =>
      fillNoise(target, step.program.noise[i]!.draw, new Rng(seed, 'noise', state.step, i)),
    );
    const feeds: Record<string, FloatArray> = {
      input: step.input,
      targets: step.targets,
      weights: step.weights,
      ...numbered('noise', step.noise),
      ...numbered('rate', optimizer.rates(learningRate, state.step).map(scalar)),
      ...stateArrays('', state),
    };
    const spare = this.#spare;
    const results = { loss: null, logits: null, ...stateArrays('next_', spare) };
    const output = await step.session.run(feeds, results);
    this.#spare = { parameters: state.parameters, statistics: state.statistics, slots: state.slots };
    Object.assign(state, spare);
    return { loss: output['loss']![0]!, logits: output['logits']! };
  }

  /** Rows, targets and weights of a batch, augmented and mixed. */
  #fill({ input, targets, weights }: Step, data: TrainingData, rows: Int32Array): void {
    const { network, loss, classWeight, seed, augmentation, mixup } = this.#execution;
    const width = sizeOf(network.inputShape);
    gatherRows(data, width, rows, input.data);
    fillTargets(targets.data, data.y, rows, network.classes, loss.labelSmoothing);
    rows.forEach((row, i) => {
      weights.data[i] = classWeight[data.y[row]!]! * (data.sample_weight?.[row] ?? 1);
    });
    if (augmentation) {
      const rng = new Rng(seed, 'augmentation', this.#state.step);
      rows.forEach((_, i) => augmentation(input.data.subarray(i * width, (i + 1) * width), rng));
    }
    if (mixup !== undefined) {
      const batch = { input: input.data, targets: targets.data, weights: weights.data };
      mix(batch, mixup, new Rng(seed, 'mixup', this.#state.step));
    }
  }

  async #open(batch: number): Promise<Step> {
    const { network, inventory, loss, optimizer, deviceOptions } = this.#execution;
    const program = trainingProgram(network, inventory, loss, optimizer, batch);
    const step: Step = {
      session: await openSession(program.model, deviceOptions),
      program,
      input: zeros([batch, ...network.inputShape]),
      targets: zeros([batch, network.classes]),
      weights: zeros([batch]),
      noise: program.noise.map(({ shape }) => zeros(shape)),
    };
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
  async evaluate(data: TrainingData, state: TrainingState, signal: AbortSignal | undefined): Promise<EpochResult> {
    const { network, inventory, loss, deviceOptions } = this.#execution;
    this.#session ??= await openSession(evaluationProgram(network, inventory, loss).model, deviceOptions);
    const width = sizeOf(network.inputShape);
    let lossSum = 0;
    let penalty = 0;
    let correct = 0;
    for (let from = 0; from < data.rows; from += EVALUATION_ROWS) {
      throwIfCancelled(signal, 'training');
      const rows = Int32Array.from({ length: Math.min(EVALUATION_ROWS, data.rows - from) }, (_, i) => from + i);
      const targets = zeros([rows.length, network.classes]);
      fillTargets(targets.data, data.y, rows, network.classes, loss.labelSmoothing);
      const x = data.x.subarray(from * width, (from + rows.length) * width);
      const { parameters, statistics } = stateArrays('', { ...state, slots: [] });
      const feeds = {
        input: { data: x, shape: [rows.length, ...network.inputShape] },
        targets,
        parameters: parameters!,
        ...(statistics ? { statistics } : {}),
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

function stateArrays(
  prefix: string,
  { parameters, statistics, slots }: Pick<TrainingState, 'parameters' | 'statistics' | 'slots'>,
): Record<string, FloatArray> {
  const vector = (data: Float32Array): FloatArray => ({ data, shape: [data.length] });
  return {
    [`${prefix}parameters`]: vector(parameters),
    ...(statistics.length > 0 ? { [`${prefix}statistics`]: vector(statistics) } : {}),
    ...numbered(`${prefix}slot`, slots.map(vector)),
  };
}

function numbered<T>(name: string, values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((value, i) => [`${name}_${i}`, value]));
}

function scalar(data: Float32Array): FloatArray {
  return { data, shape: [] };
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
