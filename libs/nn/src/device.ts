/**
 * The one seam to ONNX Runtime: a model becomes a session on a device, tensors go in and come out.
 *
 * Everything runs on one thread unless asked otherwise: with more, ONNX Runtime splits sums in another
 * way and the last digits of a dense network change. Side-by-side trainings use the cores better.
 */
import { ProsodiaError, RequestError, messageOf, type DeviceClass } from '@prosodia/core';
import { InferenceSession, Tensor as OrtTensor, listSupportedBackends } from 'onnxruntime-node';
import { createRequire } from 'node:module';

// Since 1.29 ONNX Runtime reports sessions to its maker unless told not to, and while it prepares that, a command line
// of some 30 KiB (a few hundred recordings to predict) crashes the process. A thread has a copy of the environment
// that native code does not see: whoever opens sessions in threads sets this before them, as the command does.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

export interface DeviceOptions {
  /** Default `cpu`. */
  device?: DeviceClass;
  /** Threads of one operator, default 1. Part of what fixes the numbers: see above. */
  threads?: number;
  /** For measuring: how the name starts of a file that tells, once the session is released, how long each operator took. */
  profile?: string | undefined;
}

/** Whether a graphics card computes. */
export function onGpu({ device = 'cpu' }: DeviceOptions): boolean {
  return device !== 'cpu';
}

export interface SessionOptions extends DeviceOptions {
  /**
   * Whether ONNX Runtime may store tensors in another order than the graph's (default), which pays where
   * weights are constants, and costs more than it saves in training.
   */
  layout?: 'free' | 'ours';
}

/** What computed a result, for the record. */
export interface Provider {
  readonly device: DeviceClass;
  /** Version of ONNX Runtime. */
  readonly version: string;
}

export interface FloatArray {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface Session {
  /**
   * Runs the model once.
   * @param feeds every input by name
   * @param results outputs that are written into arrays given here; the others are allocated
   */
  run(
    feeds: Readonly<Record<string, FloatArray>>,
    results: Readonly<Record<string, FloatArray | null>>,
  ): Promise<Record<string, Float32Array>>;
  /** Shapes of the inputs by name; a size that is free has a name instead of a number. */
  readonly inputShapes: Readonly<Record<string, readonly (number | string)[]>>;
  /** Frees the session's memory; nothing may run after it. */
  release(): Promise<void>;
}

export function provider(device: DeviceClass = 'cpu'): Provider {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return { device, version: `onnxruntime-node ${version}` };
}

/** Throws a RequestError if the device is not there, a ProsodiaError if the model does not load. */
export async function openSession(
  model: Uint8Array,
  { device = 'cpu', threads = 1, profile, layout = 'free' }: SessionOptions,
): Promise<Session> {
  checkDevice(device);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, {
      executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
      graphOptimizationLevel: layout === 'ours' ? 'extended' : 'all',
      // Gradients of saturated units are denormal numbers, with which a processor is a hundred times slower.
      extra: {
        session: { set_denormal_as_zero: '1', intra_op: waiting(threads) },
        ...(layout === 'ours' && device === 'cpu' ? { optimization: keepTransposes } : {}),
      },
    });
  } catch (error) {
    throw refusal(device, error);
  }
  return {
    async run(feeds, results) {
      const output = await session.run(
        mapValues(feeds, toTensor),
        mapValues(results, (array) => array && toTensor(array)),
      );
      return mapValues(output, (tensor) => tensor.data as Float32Array);
    },
    inputShapes: Object.fromEntries(
      session.inputMetadata.flatMap((input) => (input.isTensor ? [[input.name, input.shape]] : [])),
    ),
    async release() {
      if (profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

/**
 * How threads wait for work. One has nobody to wait for. Several look for it for 100 microseconds before they sleep:
 * longer than what lies between two products of a time step, and little enough to be without harm where another process
 * wants the cores (docs/decisions/training-step.md).
 */
function waiting(threads: number): Record<string, string> {
  return threads > 1 ? { allow_spinning: '1', spin_duration_us: '100' } : { allow_spinning: '0' };
}

/**
 * ONNX Runtime moves transpositions through reshapes, to where the CPU takes ten times as long; ours are placed well. A
 * GPU keeps what moves them: its provider may add its own, to be brought together with these.
 */
const keepTransposes = {
  disable_specified_optimizers: 'TransposeOptimizer;TransposeOptimizer_CPUExecutionProvider',
};

function checkDevice(device: DeviceClass): void {
  const available = listSupportedBackends().map(({ name }) => name);
  if (available.includes(device)) return;
  throw new RequestError({
    problem: `this ONNX Runtime cannot use the device ${device}`,
    expected: available.join(', '),
    fix: 'use device cpu',
  });
}

/** What has to be there for a device that ONNX Runtime knows, but could not open. */
const needs: Partial<Record<DeviceClass, string>> = {
  cuda:
    'an NVIDIA driver, CUDA 12 and cuDNN 9, and the libraries that ' +
    'npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12 downloads',
  webgpu: 'a graphics driver: Vulkan on Linux, Direct3D 12 on Windows, Metal on macOS',
};

function refusal(device: DeviceClass, error: unknown): ProsodiaError {
  const got = messageOf(error).trim();
  const missing = /shared library|adapter|Vulkan|libcu|CUDA/i.test(got) ? needs[device] : undefined;
  if (missing === undefined) {
    return new ProsodiaError(
      { problem: 'ONNX Runtime cannot load the model', got, where: `device ${device}` },
      { cause: error },
    );
  }
  const fix = 'install it, or use device cpu';
  return new RequestError(
    { problem: `the device ${device} is not there`, expected: missing, got, fix },
    { cause: error },
  );
}

function toTensor({ data, shape }: FloatArray): OrtTensor {
  return new OrtTensor('float32', data, shape);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
