/**
 * The largest of windows that overlap, for training: with what its gradient needs, in operators that share threads.
 *
 * MaxPool that also says where each largest element lies takes three times as long as without, and what adds gradients
 * up at such places (ScatterElements) has one thread. Here an axis is taken apart into phases, every stride-th element
 * from the first, second and so on. What a window sees at one of its places is then a phase, shifted; and as many places
 * side by side as there are phases are one element of the largest over all phases. Gradients go the same way back.
 *
 * Of equal elements the first has the gradient, as in PyTorch and TensorFlow.
 */
import type { Shape, Tensor } from './graph.ts';
import { add, concat, expand, maximum, multiply, notPositive, pad, reshape, slice, strided, subtract } from './ops.ts';
import type { Window } from './spatial-ops.ts';

/** Less than any element, and so far from infinity that a difference is a number. */
const LEAST = -1e38;

/** The largest element of each window, one axis after the other. */
export class OverlappingPool {
  readonly largest: Tensor;
  readonly #axes: AxisPool[] = [];

  /**
   * @param images `[1, images, ...spatial]`
   * @param window without dilation
   * @param counts how many windows there are along each spatial axis
   */
  constructor(images: Tensor, window: Window, counts: Shape) {
    let pooled = images;
    for (let i = counts.length - 1; i >= 0; i--) {
      if (window.size[i] === 1 && window.strides[i] === 1) continue;
      const axis = new AxisPool(pooled, i + 2, counts[i]!, {
        size: window.size[i]!,
        stride: window.strides[i]!,
        before: window.before[i]!,
      });
      this.#axes.push(axis);
      pooled = axis.largest;
    }
    this.largest = pooled;
  }

  /** @param g gradient of `largest`; the result is that of the images */
  gradient(g: Tensor): Tensor {
    return this.#axes.reduceRight((gradient, axis) => axis.gradient(gradient), g);
  }
}

interface AxisWindow {
  readonly size: number;
  readonly stride: number;
  readonly before: number;
}

/** One or more places of the window: output i sees element i + shift of a phase, or of the largest over all phases. */
interface Part {
  readonly phase: number | 'all';
  readonly shift: number;
}

class AxisPool {
  readonly largest: Tensor;
  readonly #axis: number;
  readonly #length: number;
  readonly #phases: readonly Tensor[];
  readonly #overPhases: readonly Tensor[];
  readonly #parts: readonly Part[];
  readonly #seen: readonly Tensor[];
  readonly #overSeen: readonly Tensor[];

  constructor(x: Tensor, axis: number, count: number, window: AxisWindow) {
    this.#axis = axis;
    this.#length = x.shape[axis]!;
    this.#phases = this.#takeApart(x, window.stride);
    this.#parts = partsOf(window);
    this.#overPhases = this.#parts.some(({ phase }) => phase === 'all') ? runningMaximum(this.#phases) : [];
    this.#seen = this.#parts.map(({ phase, shift }) => {
      const source = phase === 'all' ? this.#overPhases.at(-1)! : this.#phases[phase]!;
      return this.#resized(source, -shift, count, LEAST);
    });
    this.#overSeen = runningMaximum(this.#seen);
    this.largest = this.#overSeen.at(-1)!;
  }

  gradient(g: Tensor): Tensor {
    const length = this.#phases[0]!.shape[this.#axis]!;
    const perSource = new Map<Part['phase'], Tensor>();
    for (const [i, share] of shares(g, this.#seen, this.#overSeen).entries()) {
      const { phase, shift } = this.#parts[i]!;
      const back = this.#resized(share, shift, length, 0);
      const others = perSource.get(phase);
      perSource.set(phase, others ? add(others, back) : back);
    }
    const ofAll = perSource.get('all');
    const through = ofAll ? shares(ofAll, this.#phases, this.#overPhases) : [];
    const perPhase = this.#phases.map((phase, p) => {
      const gradients = [perSource.get(p), through[p]].filter((each) => each !== undefined);
      return gradients.length > 0 ? gradients.reduce(add) : expand(g.graph.scalar(0), phase.shape);
    });
    return this.#putTogether(perPhase);
  }

  /** Every stride-th element from the first, the second and so on; all as long as the first. */
  #takeApart(x: Tensor, stride: number): Tensor[] {
    if (stride === 1) return [x];
    const length = Math.ceil(this.#length / stride);
    return Array.from({ length: stride }, (_, p) => this.#resized(strided(x, this.#axis, p, stride), 0, length, LEAST));
  }

  #putTogether(phases: readonly Tensor[]): Tensor {
    if (phases.length === 1) return phases[0]!;
    const { shape } = phases[0]!;
    const [outer, inner] = [shape.slice(0, this.#axis + 1), shape.slice(this.#axis + 1)];
    const apart = concat(
      phases.map((phase) => reshape(phase, [...outer, 1, ...inner])),
      this.#axis + 1,
    );
    const length = shape[this.#axis]! * phases.length;
    return slice(reshape(apart, [...outer.slice(0, -1), length, ...inner]), this.#axis, 0, this.#length);
  }

  /** Moved by `shift` elements along the axis, and `length` long; what comes in has the value given. */
  #resized(a: Tensor, shift: number, length: number, value: number): Tensor {
    const only = (count: number): number[] => a.shape.map((_, i) => (i === this.#axis ? count : 0));
    return pad(a, only(shift), only(length - shift - a.shape[this.#axis]!), value);
  }
}

/** The places of a window, as many side by side as possible taken together. */
function partsOf({ size, stride, before }: AxisWindow): Part[] {
  const parts: Part[] = [];
  for (let tap = 0; tap < size; tap++) {
    const place = tap - before;
    const shift = Math.floor(place / stride);
    const phase = place - shift * stride;
    const together = stride > 1 && phase === 0 && tap + stride <= size;
    parts.push({ phase: together ? 'all' : phase, shift });
    if (together) tap += stride - 1;
  }
  return parts;
}

/** The first, the larger of the first two, and so on. */
function runningMaximum(tensors: readonly Tensor[]): Tensor[] {
  const found: Tensor[] = [];
  for (const tensor of tensors) found.push(found.length === 0 ? tensor : maximum(found.at(-1)!, tensor));
  return found;
}

/** What of `g`, the gradient of the last running maximum, each tensor has. */
function shares(g: Tensor, tensors: readonly Tensor[], running: readonly Tensor[]): Tensor[] {
  const found: Tensor[] = [];
  let rest = g;
  for (let i = tensors.length - 1; i > 0; i--) {
    // Where it is larger than all before it, it has all; else they have.
    const before = multiply(rest, notPositive(subtract(tensors[i]!, running[i - 1]!)));
    found.unshift(subtract(rest, before));
    rest = before;
  }
  return [rest, ...found];
}
