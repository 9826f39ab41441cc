/** Functionals over time as part of an ONNX graph; what each of them is stands with the function of the same name. */
import { type GraphTensor, RequestError } from '@prosodia/core';
import {
  add,
  cast,
  counting,
  div,
  equal,
  floor,
  gather,
  less,
  listed,
  minimum,
  mul,
  power,
  reduce,
  size,
  sorted,
  sqrt,
  square,
  squeeze,
  sub,
  unsqueeze,
  where,
} from '@prosodia/onnx';
import type { FunctionalName } from '../functionals.ts';

/**
 * Functionals of every band.
 *
 * @param S float32 `[items, frames, bands]`
 * @returns float32 `[items, bands]` for each name, in their order
 * @throws RequestError for an unknown name
 */
export function functionals(S: GraphTensor, names: readonly FunctionalName[]): GraphTensor[] {
  const course = new Course(S);
  return names.map((name) => cast(squeeze(course.functional(name), [1]), 'float32'));
}

/** Bands over time; each tensor has one frame. What several functionals need is computed once. */
class Course {
  readonly #values: GraphTensor;
  readonly #frames: GraphTensor;

  constructor(S: GraphTensor) {
    this.#values = cast(S, 'float64');
    this.#frames = size(S, 1);
  }

  functional(name: FunctionalName): GraphTensor {
    switch (name) {
      case 'mean':
        return this.#mean;
      case 'std':
        return sqrt(this.#moment(2));
      case 'skewness':
        return this.#standardized(3, 0);
      case 'kurtosis':
        return sub(this.#standardized(4, 3), 3);
      case 'slope':
        return this.#slope;
      case 'min':
        return reduce('Min', this.#values, [1]);
      case 'max':
        return reduce('Max', this.#values, [1]);
      case 'range':
        return sub(this.functional('max'), this.functional('min'));
      case 'median':
        return this.#percentile(50);
      case 'iqr':
        return sub(this.#percentile(75), this.#percentile(25));
      default: {
        const q = Number(name.slice(1));
        if (name.startsWith('p') && q >= 0 && q <= 100) return this.#percentile(q);
        throw new RequestError({ where: 'functionals', problem: 'no functional has this name', got: String(name) });
      }
    }
  }

  get #mean(): GraphTensor {
    return reduce('Mean', this.#values, [1]);
  }

  #moment(order: 2 | 3 | 4): GraphTensor {
    const away = sub(this.#values, this.#mean);
    const squares = square(away);
    return reduce('Mean', order === 2 ? squares : order === 3 ? mul(squares, away) : square(squares), [1]);
  }

  /** A moment in units of the deviation; `still` for a band that never changes. */
  #standardized(order: 3 | 4, still: number): GraphTensor {
    const constant = equal(this.functional('max'), this.functional('min'));
    const unit = power(where(constant, 1, this.#moment(2)), order / 2);
    return where(constant, still, div(this.#moment(order), unit));
  }

  get #slope(): GraphTensor {
    const n = cast(this.#frames, 'float64');
    const centred = sub(cast(counting(this.#frames), 'float64'), div(sub(n, 1), 2));
    const sum = reduce('Sum', mul(this.#values, unsqueeze(centred, [0, 2])), [1]);
    const single = less(n, 2);
    return where(single, 0, div(mul(sum, 12), where(single, 1, mul(n, sub(square(n), 1)))));
  }

  /** Between ranks, linearly. */
  #percentile(q: number): GraphTensor {
    const ascending = sorted(this.#values, listed(this.#frames), 1, false);
    const last = sub(this.#frames, 1);
    const rank = mul(cast(last, 'float64'), q / 100);
    const below = floor(rank);
    const at = cast(below, 'int64');
    const low = gather(ascending, listed(at), 1);
    const high = gather(ascending, listed(minimum(add(at, 1), last)), 1);
    return add(low, mul(sub(high, low), sub(rank, below)));
  }
}
