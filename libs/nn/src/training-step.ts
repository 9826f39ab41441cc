/**
 * A step of training on batches of one size: the session that finds loss and gradients, the arrays that
 * are filled anew for every step, and the memory where weights and moments stay from step to step.
 */
import { blockOfChannels } from './blocked-convolution.ts';
import { onGpu, openSession, type DeviceOptions, type FloatArray, type Session } from './device.ts';
import { sizeOf } from './graph.ts';
import type { Loss } from './losses.ts';
import type { Inventory, NetworkSpec } from './network.ts';
import type { Optimizer } from './optimizers.ts';
import { trainingProgram, type TrainingProgram } from './programs.ts';
import { UpdateMemory } from './update-kernels.ts';

/** Everything that changes from step to step. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  parameters: Float32Array;
  statistics: Float32Array;
  /** What the optimizer keeps, each as long as the parameters. */
  slots: Float32Array[];
}

/** What a step is made of. */
export interface StepRequest {
  readonly network: NetworkSpec;
  readonly inventory: Inventory;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly deviceOptions: DeviceOptions;
}

/**
 * Moves the weights and slots of a state to a memory that updates work in; the state's arrays are views
 * of it from then on.
 */
export function moveToMemory(state: TrainingState): UpdateMemory {
  const memory = new UpdateMemory(state.parameters.length, state.slots.length);
  memory.parameters.set(state.parameters);
  memory.slots.forEach((slot, i) => slot.set(state.slots[i]!));
  state.parameters = memory.parameters;
  state.slots = [...memory.slots];
  return memory;
}

export class TrainingStep {
  readonly #request: StepRequest;
  readonly #program: TrainingProgram;
  readonly #session: Session;
  readonly input: FloatArray;
  readonly targets: FloatArray;
  readonly weights: FloatArray;
  readonly noise: readonly { readonly array: FloatArray; readonly draw: TrainingProgram['noise'][number]['draw'] }[];

  private constructor(request: StepRequest, batch: number, program: TrainingProgram, session: Session) {
    const { network } = request;
    this.#request = request;
    this.#program = program;
    this.#session = session;
    this.input = zeros([batch, ...network.inputShape]);
    this.targets = zeros([batch, network.classes]);
    this.weights = zeros([batch]);
    this.noise = program.noise.map(({ shape, draw }) => ({ array: zeros(shape), draw }));
  }

  /** Throws a ProsodiaError if the model does not load. */
  static async open(request: StepRequest, batch: number): Promise<TrainingStep> {
    const { network, inventory, loss, optimizer, deviceOptions } = request;
    const target = onGpu(deviceOptions) ? { gpu: true } : { block: await blockOfChannels() };
    const program = trainingProgram(network, inventory, loss, optimizer, batch, target);
    return new TrainingStep(
      request,
      batch,
      program,
      await openSession(program.model, { ...deviceOptions, layout: 'ours' }),
    );
  }

  /**
   * Loss and logits of the batch in the arrays, and its gradients, which are left in the memory.
   * @param state whose weights are those of the memory; its statistics move on
   */
  async differentiate(state: TrainingState, memory: UpdateMemory): Promise<{ loss: number; logits: Float32Array }> {
    const { inventory } = this.#request;
    const feeds: Record<string, FloatArray> = { input: this.input, targets: this.targets, weights: this.weights };
    const results: Record<string, null> = { loss: null, logits: null };
    this.noise.forEach(({ array }, i) => (feeds[`noise_${i}`] = array));
    this.#program.weights.forEach(({ input, gradient }, i) => {
      const { offset, shape } = inventory.parameters[i]!;
      feeds[input] = { data: memory.parameters.subarray(offset, offset + sizeOf(shape)), shape };
      results[gradient] = null;
    });
    if (state.statistics.length > 0) {
      feeds['statistics'] = { data: state.statistics, shape: [state.statistics.length] };
      results['next_statistics'] = null;
    }
    const output = await this.#session.run(feeds, results);
    this.#program.weights.forEach(({ gradient }, i) => {
      memory.gradient.set(output[gradient]!, inventory.parameters[i]!.offset);
    });
    state.statistics = output['next_statistics'] ?? state.statistics;
    return { loss: output['loss']![0]!, logits: output['logits']! };
  }

  /** One whole step: differentiates and moves the weights. */
  async run(
    state: TrainingState,
    memory: UpdateMemory,
    learningRate: number,
  ): Promise<{ loss: number; logits: Float32Array }> {
    const result = await this.differentiate(state, memory);
    state.step++;
    this.#request.optimizer.update(memory, learningRate, state.step);
    return result;
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function zeros(shape: readonly number[]): FloatArray {
  return { data: new Float32Array(sizeOf(shape)), shape };
}
