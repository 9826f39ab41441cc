/** Helpers that several tests of this package share. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A JSON file of the golden folder. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** The float32 values of a golden string. */
export function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** A folder of real recordings beside the repository, or undefined where there is none. */
export function sharedFolder(name: string): string | undefined {
  const folder = fileURLToPath(new URL(`../../../../shared/${name}/`, import.meta.url));
  return existsSync(folder) ? folder : undefined;
}

/** The largest absolute difference of two equally long signals. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
