/**
 * The random numbers of a step: dropout masks and noise, drawn here and fed to the graph.
 *
 * Why not ONNX's random operators: their numbers depend on the runtime's version and thread count, and
 * a step cannot be repeated. Here every draw is a function of (seed, step, layer), the same on every
 * machine, so training can be resumed at any step and gives the same bytes. It costs about a
 * nanosecond per element; a mask element takes 16 random bits, so a rate is exact to 1/65536.
 */
import type { Rng } from '@prosodia/core';
import type { Draw } from './layers/layer.ts';

/** Fills `target` with the numbers of one step. */
export function fillNoise(target: Float32Array, draw: Draw, rng: Rng): void {
  if (draw.kind === 'dropout') fillDropout(target, draw.rate, rng);
  else for (let i = 0; i < target.length; i++) target[i] = rng.normal(0, draw.deviation);
}

/** xoshiro128** as in core's Rng, with its state in local variables: this loop is the cost of dropout. */
function fillDropout(target: Float32Array, rate: number, rng: Rng): void {
  let a = rng.uint32() | 0;
  let b = rng.uint32() | 0;
  let c = rng.uint32() | 0;
  let d = rng.uint32() | 1;
  const threshold = Math.round(rate * 65536);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < target.length; i += 2) {
    const product = Math.imul(b, 5);
    const bits = Math.imul((product << 7) | (product >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    target[i] = (bits & 0xffff) < threshold ? 0 : kept;
    // A write past the end of a typed array is ignored.
    target[i + 1] = bits >>> 16 < threshold ? 0 : kept;
  }
}
