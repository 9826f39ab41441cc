/**
 * What both engines do alike: the rows of an epoch in their order, what is in a batch, and the figures of an
 * evaluation. An engine adds how a batch is computed.
 */
import { ProsodiaError, Rng, throwIfCancelled } from '@prosodia/core';
import type { Augmentation } from './augmentation.ts';
import { BatchSource, inOrder, type Batch } from './batches.ts';
import { countCorrect, fillTargets, type TrainingRows } from './data.ts';
import { sizeOf } from './graph.ts';
import type { Loss } from './losses.ts';
import { mix } from './mixup.ts';
import type { NetworkSpec } from './network.ts';

/** What is trained, whatever computes it. */
export interface EpochRequest {
  readonly network: NetworkSpec;
  readonly loss: Loss;
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

/** Mean loss of a batch and its logits, `[rows, classes]`. */
export interface StepResult {
  readonly loss: number;
  readonly logits: Float32Array;
}

/** The epochs of one training; keeps the memory of its shuffle buffer. */
export class Epochs {
  readonly #request: EpochRequest;
  #batches: BatchSource | undefined;

  constructor(request: EpochRequest) {
    this.#request = request;
  }

  /**
   * One pass over the rows in random order; the same rows each time.
   * @param rateAt learning rate when a fraction of the epoch is done
   * @param step trains on a batch
   */
  async run(
    data: TrainingRows,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
    step: (batch: Batch, learningRate: number) => Promise<StepResult>,
  ): Promise<EpochResult & { learningRate: number }> {
    const { batchSize, seed, network } = this.#request;
    const source = (this.#batches ??= new BatchSource(data, sizeOf(network.inputShape)));
    let done = 0;
    let lossSum = 0;
    let correct = 0;
    let learningRate = rateAt(0);
    for await (const batch of source.epoch(batchSize, new Rng(seed, 'shuffle', epoch))) {
      throwIfCancelled(signal, 'training');
      const { rows } = batch;
      learningRate = rateAt(done / data.rows);
      const { loss, logits } = await step(batch, learningRate);
      if (!Number.isFinite(loss)) throw divergence(loss, epoch, done / batchSize + 1, learningRate);
      done += rows.length;
      lossSum += loss * rows.length;
      correct += countCorrect(logits, data.y, rows, network.classes);
    }
    return { loss: lossSum / data.rows, accuracy: correct / data.rows, learningRate };
  }
}

/** A batch as arrays, one row after another. */
export interface BatchArrays {
  readonly input: Float32Array;
  readonly targets: Float32Array;
  readonly weights: Float32Array;
}

/**
 * Rows, targets and weights of a batch, augmented and mixed.
 * @param step counted from 1, as everything random in it is
 */
export function fillBatch(
  target: BatchArrays,
  request: EpochRequest,
  data: TrainingRows,
  { rows, fill }: Batch,
  step: number,
): void {
  const { network, loss, classWeight, seed, augmentation, mixup } = request;
  const { input, targets, weights } = target;
  const width = sizeOf(network.inputShape);
  fill(input);
  fillTargets(targets, data.y, rows, network.classes, loss.labelSmoothing);
  rows.forEach((row, i) => {
    weights[i] = classWeight[data.y[row]!]! * (data.sample_weight?.[row] ?? 1);
  });
  if (augmentation) {
    const rng = new Rng(seed, 'augmentation', step);
    rows.forEach((_, i) => augmentation(input.subarray(i * width, (i + 1) * width), rng));
  }
  if (mixup !== undefined) mix(target, mixup, new Rng(seed, 'mixup', step));
}

/** Rows in one run of the evaluation; it does not change the result. */
const EVALUATION_ROWS = 256;

/**
 * Mean loss, without penalties and class weights, and accuracy, of all rows.
 * @param compute losses `[rows]` and logits of rows whose features and targets are given
 */
export async function evaluateRows(
  { network, loss }: Pick<EpochRequest, 'network' | 'loss'>,
  data: TrainingRows,
  signal: AbortSignal | undefined,
  compute: (
    x: Float32Array,
    targets: Float32Array,
    count: number,
  ) => Promise<{ losses: Float32Array; logits: Float32Array }>,
): Promise<EpochResult> {
  const { classes, inputShape } = network;
  let lossSum = 0;
  let correct = 0;
  for await (const { from, count, x } of inOrder(data, sizeOf(inputShape), EVALUATION_ROWS)) {
    throwIfCancelled(signal, 'training');
    const rows = Int32Array.from({ length: count }, (_, i) => from + i);
    const targets = new Float32Array(count * classes);
    fillTargets(targets, data.y, rows, classes, loss.labelSmoothing);
    const { losses, logits } = await compute(x, targets, count);
    losses.forEach((value, i) => (lossSum += value * (data.sample_weight?.[from + i] ?? 1)));
    correct += countCorrect(logits, data.y, rows, classes);
  }
  return { loss: lossSum / data.rows, accuracy: correct / data.rows };
}

function divergence(loss: number, epoch: number, step: number, learningRate: number): ProsodiaError {
  return new ProsodiaError({
    problem: `the loss is ${loss}: training has diverged`,
    where: `epoch ${epoch}, step ${step}`,
    got: `learning rate ${learningRate}`,
    fix: 'lower the learning rate, clip the gradient (global_clipnorm: 1), or check that features are scaled',
  });
}
