/**
 * The most likely path through pYIN's hidden Markov model: `pitches` voiced states and as many unvoiced ones,
 * of which one moves to another `d` pitches away with a probability that falls off like a triangle.
 *
 * The best predecessor of every state is a maximum over a band of states, which taken naively costs more than
 * all the rest of pYIN. But the logarithm of a triangle is concave, so the best predecessor never moves down as
 * the state moves up (the matrix is totally monotone: Aggarwal et al., Algorithmica 2, 1987), and halving the
 * range finds all of them in n log n steps instead of n times the band.
 */
import { planCache } from './plans.ts';
import type { Observations } from './pyin.ts';

/** The logarithm of what stands for probability 0, the smallest normal float64, as in librosa. */
const NEVER = Math.log(2 ** -1022);

/**
 * Logarithms of a triangle of `width` moves, the lowest of which is `lowest`, and of its sum where the ends of the
 * pitches cut it off: a state near the end has fewer neighbours, and more probability for each.
 */
const movePlan = planCache((pitches: number, width: number) => {
  const weights = Float64Array.from(
    { length: width },
    (_, m) => 1 - Math.abs((2 * m + 1 - width) / (width + (width % 2))),
  );
  // An even triangle has no middle; librosa's lies a little up or down, by the parity of the number of pitches.
  const lowest = -(width % 2 === 0 && pitches % 2 === 0 ? width / 2 - 1 : Math.floor(width / 2));
  const totals = Float64Array.from({ length: pitches }, (_, k) => {
    let sum = 0;
    for (let m = 0; m < width; m++) if (k + lowest + m >= 0 && k + lowest + m < pitches) sum += weights[m]!;
    return Math.log(sum);
  });
  return { moves: weights.map(Math.log), lowest, totals };
});

/** One half of the states as predecessors: for every target the best of the band around it. */
class Band {
  readonly best: Float64Array;
  readonly from: Int32Array;
  readonly #moves: Float64Array;
  readonly #totals: Float64Array;
  readonly #scores: Float64Array;
  readonly #lowest: number;

  constructor(pitches: number, width: number) {
    this.best = new Float64Array(pitches);
    this.from = new Int32Array(pitches);
    this.#scores = new Float64Array(pitches);
    const { moves, lowest, totals } = movePlan(pitches, width);
    this.#lowest = lowest;
    this.#moves = moves;
    this.#totals = totals;
  }

  update(values: Float64Array, offset: number): void {
    const scores = this.#scores;
    for (let k = 0; k < scores.length; k++) scores[k] = values[offset + k]! - this.#totals[k]!;
    this.#solve(0, scores.length - 1, 0, scores.length - 1);
  }

  /** Targets `low` to `high`, whose predecessors are known to lie from `first` to `last`. */
  #solve(low: number, high: number, first: number, last: number): void {
    const moves = this.#moves;
    const scores = this.#scores;
    while (low <= high) {
      const target = (low + high) >> 1;
      const top = target - this.#lowest;
      const end = Math.min(last, top);
      let from = Math.max(first, top - moves.length + 1);
      let best = -Infinity;
      for (let k = from; k <= end; k++) {
        const score = scores[k]! + moves[top - k]!;
        if (score > best) {
          best = score;
          from = k;
        }
      }
      this.best[target] = best;
      this.from[target] = from;
      this.#solve(low, target - 1, first, from);
      low = target + 1;
      first = from;
    }
  }
}

/**
 * The states of the most likely path: below `pitches` voiced, from there on unvoiced.
 *
 * @param width how many pitches one frame may move to
 * @param switch_prob probability of a change between voiced and unvoiced
 */
export function decodeVoicing(observed: Observations, width: number, switch_prob: number): Int32Array {
  const { pitches, starts, states, probabilities, voiced } = observed;
  const frames = voiced.length;
  const before = new Int32Array(frames * 2 * pitches);
  let values = new Float64Array(2 * pitches);
  let next = new Float64Array(2 * pitches);
  const bands = [new Band(pitches, width), new Band(pitches, width)] as const;
  const stay = Math.log(1 - switch_prob);
  const change = Math.log(switch_prob);

  /** Adds the logarithms of a frame's observation probabilities. */
  const observe = (target: Float64Array, frame: number) => {
    const silent = Math.log((1 - voiced[frame]!) / pitches + 2 ** -1022);
    for (let s = 0; s < pitches; s++) {
      target[s]! += NEVER;
      target[pitches + s]! += silent;
    }
    for (let k = starts[frame]!; k < starts[frame + 1]!; k++) {
      target[states[k]!]! += Math.log(probabilities[k]! + 2 ** -1022) - NEVER;
    }
  };

  values.fill(NEVER, 0, pitches).fill(Math.log(1 / pitches), pitches);
  observe(values, 0);
  for (let frame = 1; frame < frames; frame++) {
    bands[0].update(values, 0);
    bands[1].update(values, pitches);
    // Moves outside the band are next to impossible, but not quite.
    let far = 0;
    for (let s = 1; s < 2 * pitches; s++) if (values[s]! > values[far]!) far = s;
    const leap = values[far]! + NEVER;
    for (let half = 0; half < 2; half++) {
      const own = half === 0 ? stay : change;
      const other = half === 0 ? change : stay;
      for (let s = 0; s < pitches; s++) {
        const a = bands[0].best[s]! + own;
        const b = bands[1].best[s]! + other;
        let value = a;
        let from = bands[0].from[s]!;
        if (b > a) {
          value = b;
          from = pitches + bands[1].from[s]!;
        }
        if (leap > value) {
          value = leap;
          from = far;
        }
        next[half * pitches + s] = value;
        before[(frame * 2 + half) * pitches + s] = from;
      }
    }
    observe(next, frame);
    [values, next] = [next, values];
  }

  const path = new Int32Array(frames);
  let state = 0;
  for (let s = 1; s < 2 * pitches; s++) if (values[s]! > values[state]!) state = s;
  for (let frame = frames - 1; frame >= 0; frame--) {
    path[frame] = state;
    state = before[frame * 2 * pitches + state]!;
  }
  return path;
}
