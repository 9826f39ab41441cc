/**
 * The seam between the training loop and what computes: our own graph on ONNX Runtime, or TensorFlow.js.
 *
 * Both see the same rows in the same order, the same random numbers and the same losses and optimizers,
 * so they are two ways to the same weights; docs/decisions/engines.md says what the second is for.
 */
import { RequestError, type DeviceClass } from '@prosodia/core';
import type { TrainingRows } from './data.ts';
import { provider, type Provider } from './device.ts';
import type { EpochResult } from './epochs.ts';
import { Evaluator, Stepper, type TrainingExecution } from './execution.ts';
import type { LossSpec } from './losses.ts';
import type { OptimizerSpec } from './optimizers.ts';
import { openTfjs } from './tfjs/runtime.ts';
import { TfTraining } from './tfjs/training.ts';
import type { TrainingState } from './training-step.ts';

export type EngineName = 'onnx' | 'tfjs';

/** One training, epoch by epoch. */
export interface Engine {
  readonly provider: Provider;
  /**
   * One pass over the rows in random order; the state is up to date when it ends.
   * @param rateAt learning rate when a fraction of the epoch is done
   */
  epoch(
    data: TrainingRows,
    epoch: number,
    rateAt: (done: number) => number,
    signal: AbortSignal | undefined,
  ): Promise<EpochResult & { learningRate: number }>;
  /** Mean loss, penalties included, and accuracy of all rows, without dropout and without class weights. */
  evaluate(data: TrainingRows, state: TrainingState, signal: AbortSignal | undefined): Promise<EpochResult>;
  /** Frees the engine's memory; nothing may run after it. */
  release(): Promise<void>;
}

export interface EngineRequest {
  readonly engine: EngineName | undefined;
  readonly device: DeviceClass | undefined;
  readonly threads: number | undefined;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerSpec;
}

/**
 * @param state goes on with every epoch
 * Throws a RequestError if the engine does not exist, or cannot use the device or the threads.
 */
export async function openEngine(
  { engine = 'onnx', device, threads = 1, loss, optimizer }: EngineRequest,
  execution: Omit<TrainingExecution, 'deviceOptions'>,
  state: TrainingState,
): Promise<Engine> {
  switch (engine) {
    case 'onnx':
      return onnxEngine({ ...execution, deviceOptions: { device: device ?? 'cpu', threads } }, state);
    case 'tfjs': {
      if (threads !== 1) {
        throw new RequestError({
          problem: 'the engine tfjs does not let its threads be chosen',
          expected: 'threads: 1, or none given',
          got: String(threads),
          fix: 'use the engine onnx',
        });
      }
      const { tf, provider: found } = await openTfjs(device);
      return Object.assign(new TfTraining(tf, execution, { loss, optimizer }, state), { provider: found });
    }
    default:
      throw new RequestError({ problem: 'there is no such engine', expected: 'onnx, tfjs', got: String(engine) });
  }
}

function onnxEngine(execution: TrainingExecution, state: TrainingState): Engine {
  const stepper = new Stepper(execution, state);
  const evaluator = new Evaluator(execution);
  return {
    provider: provider(execution.deviceOptions.device),
    epoch: (data, epoch, rateAt, signal) => stepper.epoch(data, epoch, rateAt, signal),
    evaluate: (data, now, signal) => evaluator.evaluate(data, now, signal),
    async release() {
      await stepper.release();
      await evaluator.release();
    },
  };
}
