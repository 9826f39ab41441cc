import { ProsodiaError, RequestError } from '@prosodia/core';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { provider } from '../index.ts';
import { openTfjs, type Load } from './runtime.ts';

const { cache } = createRequire(import.meta.url);
const isLoaded = (): boolean => Object.keys(cache).some((file) => file.includes('/@tensorflow/'));

afterEach(() => void vi.restoreAllMocks());

/** Packages that are installed, by name; the others are not. */
function installed(packages: Record<string, unknown>): { load: Load; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    load: (name) => {
      asked.push(name);
      const found = packages[name];
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
  };
}

describe('TensorFlow.js', () => {
  it('is not loaded with the library, but when asked for, and prints nothing', async () => {
    expect(provider().version).toContain('onnxruntime');
    expect(isLoaded()).toBe(false);
    const warn = vi.spyOn(console, 'warn');
    const { tf, provider: found } = await openTfjs('cpu');
    expect(isLoaded()).toBe(true);
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
    expect(warn).not.toHaveBeenCalled();
    // The native package, if somebody has installed it.
    const version = expect.stringMatching(
      /^@tensorflow\/(tfjs-core 4\.22\.0, backend cpu|tfjs-node .*, backend tensorflow)$/,
    );
    expect(found).toEqual({ device: 'cpu', version });
  });

  it('is taken from the fastest package installed, and says which', async () => {
    const { tf } = await openTfjs('cpu');
    const native = { ...tf, setBackend: () => Promise.resolve(true) };
    const { load, asked } = installed({ '@tensorflow/tfjs-node-gpu': native });
    const found = await openTfjs(undefined, load);
    expect(asked).toEqual(['@tensorflow/tfjs-node-gpu']);
    expect(found.provider).toEqual({
      device: 'cuda',
      version: '@tensorflow/tfjs-node-gpu 4.22.0, backend tensorflow',
    });
    expect(await openTfjs('cuda', load)).toBe(found);
  });

  it('never computes on a graphics card where the CPU was asked for', async () => {
    const { asked, load } = installed({});
    await openTfjs('cpu', load);
    expect(asked).not.toContain('@tensorflow/tfjs-node-gpu');
  });

  it('says what to install for a device, and when a package is broken', async () => {
    await expect(openTfjs('webgpu', installed({}).load)).rejects.toThrow(RequestError);
    // One that has loaded no native package yet, as another test may have.
    vi.resetModules();
    const { openTfjs: openAfresh } = await import('./runtime.ts');
    const broken = installed({ '@tensorflow/tfjs-node': new Error('libtensorflow.so.2: cannot open') });
    await expect(openAfresh('cpu', broken.load)).rejects.toMatchObject({ name: ProsodiaError.name });
    await expect(openAfresh('cpu', broken.load)).rejects.toThrow(/tfjs-node is installed but does not load/);
  });
});
