/**
 * Finds an implementation of TensorFlow.js and makes it ready.
 *
 * TensorFlow.js comes as a native package that the user may have installed (`@tensorflow/tfjs-node-gpu`,
 * `@tensorflow/tfjs-node`), and as plain JavaScript, which is always here. All of them are loaded only
 * when asked for: importing @prosodia/nn loads none.
 */
import { ProsodiaError, RequestError, messageOf, type DeviceClass } from '@prosodia/core';
import type * as core from '@tensorflow/tfjs-core';
import type * as layers from '@tensorflow/tfjs-layers';
import { createRequire } from 'node:module';
import type { Provider } from '../device.ts';

/** The namespace of TensorFlow.js: what `@tensorflow/tfjs` exports, without the converter and data packages. */
export type Tf = typeof core & typeof layers;

export interface Runtime {
  readonly tf: Tf;
  readonly provider: Provider;
}

/** An implementation: the packages that make it up, and the device class that its numbers are of. */
interface Candidate {
  readonly packages: readonly [string, ...string[]];
  readonly backend: string;
  readonly device: DeviceClass;
}

const GPU: Candidate = { packages: ['@tensorflow/tfjs-node-gpu'], backend: 'tensorflow', device: 'cuda' };
const NATIVE: Candidate = { packages: ['@tensorflow/tfjs-node'], backend: 'tensorflow', device: 'cpu' };
const PLAIN: Candidate = {
  packages: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-cpu'],
  backend: 'cpu',
  device: 'cpu',
};

/** Loads a package; undefined if it is not installed. Replaced in tests. */
export type Load = (name: string) => Promise<unknown>;

const { resolve } = createRequire(import.meta.url);

/** Written out, so that their versions are part of what the fingerprint of this code covers. */
const plainPackages: Readonly<Record<string, () => Promise<unknown>>> = {
  '@tensorflow/tfjs-core': () => import('@tensorflow/tfjs-core'),
  '@tensorflow/tfjs-layers': () => import('@tensorflow/tfjs-layers'),
  '@tensorflow/tfjs-backend-cpu': () => import('@tensorflow/tfjs-backend-cpu'),
};

async function loadInstalled(name: string): Promise<unknown> {
  const plain = plainPackages[name];
  if (plain) return plain();
  try {
    resolve(name);
  } catch {
    return undefined;
  }
  // TensorFlow greets on stderr with what its build could do better.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';
  return import(name);
}

const opened = new Map<Candidate, Runtime>();

/**
 * The fastest implementation that is installed: tfjs-node-gpu, then tfjs-node, then plain JavaScript.
 *
 * A device class that is asked for is kept to, because results are stored under it: `cpu` passes over
 * tfjs-node-gpu, which would use the graphics card, and `cuda` is nothing else than tfjs-node-gpu.
 *
 * Throws a RequestError for a device that no implementation serves, and a ProsodiaError if a package is
 * installed and does not load.
 */
export async function openTfjs(device?: DeviceClass, load: Load = loadInstalled): Promise<Runtime> {
  const candidates = [GPU, NATIVE, PLAIN].filter((each) => device === undefined || each.device === device);
  for (const candidate of candidates) {
    const known = opened.get(candidate);
    if (known) return known;
    const tf = await loadAll(candidate, load);
    if (!tf) continue;
    const runtime = { tf, provider: await start(tf, candidate) };
    opened.set(candidate, runtime);
    return runtime;
  }
  throw new RequestError({
    problem: `the engine tfjs cannot use the device ${device}`,
    expected: device === 'cuda' ? 'the package @tensorflow/tfjs-node-gpu' : 'cpu, or cuda',
    fix: device === 'cuda' ? 'npm install @tensorflow/tfjs-node-gpu, or use device cpu' : 'use device cpu',
  });
}

/** The namespace, or undefined if the package is not installed. */
async function loadAll({ packages }: Candidate, load: Load): Promise<Tf | undefined> {
  const parts: unknown[] = [];
  for (const name of packages) {
    try {
      parts.push(await load(name));
    } catch (error) {
      throw new ProsodiaError(
        { problem: `${name} is installed but does not load`, got: messageOf(error), fix: 'reinstall or remove it' },
        { cause: error },
      );
    }
  }
  if (parts.includes(undefined)) return undefined;
  return Object.assign({}, ...parts) as Tf;
}

async function start(tf: Tf, { packages, backend, device }: Candidate): Promise<Provider> {
  await tf.setBackend(backend);
  await tf.ready();
  greet(tf);
  return { device, version: `${packages[0]} ${tf.version_core}, backend ${backend}` };
}

/** The first tensor in plain JavaScript prints an advertisement; in production mode it does not. */
function greet(tf: Tf): void {
  const before = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  tf.scalar(0).dispose();
  tf.env().set('PROD', before);
}
