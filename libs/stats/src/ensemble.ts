/**
 * Voting: several models' probabilities, one decision.
 *
 * Every member gives a matrix of probabilities for the same rows and the same classes, in the same order.
 */
import { DataError, RequestError } from '@prosodia/core';
import { type Float64Matrix, type Matrix, zeros } from './matrix.ts';
import {
  argmaxRows,
  logLoss,
  probabilityFloor,
  requireProbabilities,
  requireTruthAndProbabilities,
} from './metrics/probabilities.ts';

/**
 * Weighted mean of the members' probabilities.
 *
 * @param weights one per member, 0 or more; scaled to sum to 1. Default: equal.
 * @throws DataError if the members differ in shape or hold no probabilities
 * @throws RequestError for weights that are none
 */
export function softVote(members: readonly Matrix[], weights?: readonly number[]): Float64Matrix {
  const first = requireMembers(members);
  const shares = normalized(members.length, weights);
  const mean = zeros(first.rows, first.cols);
  members.forEach(({ data }, m) => {
    for (let i = 0; i < data.length; i++) mean.data[i]! += shares[m]! * data[i]!;
  });
  return mean;
}

/**
 * Share of the (weighted) votes that each class gets; every member votes for its most probable class.
 *
 * The decision is {@link argmaxRows} of the result: of classes with equally many votes the lowest index wins, as
 * in scikit-learn. Throws as {@link softVote} does.
 */
export function hardVote(members: readonly Matrix[], weights?: readonly number[]): Float64Matrix {
  const first = requireMembers(members);
  const shares = normalized(members.length, weights);
  const votes = zeros(first.rows, first.cols);
  members.forEach((member, m) => {
    argmaxRows(member).forEach((winner, i) => {
      votes.data[i * first.cols + winner]! += shares[m]!;
    });
  });
  return votes;
}

export interface VoteWeights {
  /** One per member, 0 or more, summing to 1. */
  weights: number[];
  /** Log-loss of the soft vote with equal weights and with the fitted ones. */
  before: number;
  after: number;
  /** How far `after` can be above the least log-loss possible; proven, not estimated. */
  gap: number;
}

/** Log-loss above the optimum at which the fit ends. */
const GAP = 1e-7;
const MAX_STEPS = 20_000;

/**
 * Soft-vote weights that minimize the log-loss on validation rows.
 *
 * The weights of a mixture: expectation maximization multiplies each weight by the mean of its member's share
 * in the mixture's probability of the truth. The log-loss is convex in the weights, and those factors bound
 * what is left to gain (their maximum minus 1), which is when to stop. Starts from equal weights: no randomness.
 *
 * Fit it on validation rows only: on rows that a member was trained on, the member that memorized most wins.
 *
 * @throws DataError if members differ in shape or hold no probabilities, or labels are no class indices
 */
export function fitVoteWeights(truth: ArrayLike<number>, members: readonly Matrix[]): VoteWeights {
  const { rows, cols } = requireMembers(members);
  requireTruthAndProbabilities(truth, members[0]!);
  const own = members.map((member) => {
    const floor = probabilityFloor(member);
    return Float64Array.from({ length: rows }, (_, i) => Math.max(member.data[i * cols + truth[i]!]!, floor));
  });
  let weights = normalized(members.length);
  let gap = Infinity;
  for (let step = 0; step < MAX_STEPS; step++) {
    const factors = mixtureFactors(own, weights, rows);
    gap = Math.max(0, Math.max(...factors) - 1);
    if (gap <= GAP) break;
    weights = normalized(
      members.length,
      weights.map((weight, m) => weight * factors[m]!),
    );
  }
  return { weights, before: logLoss(truth, softVote(members)), after: logLoss(truth, softVote(members, weights)), gap };
}

function mixtureFactors(own: readonly Float64Array[], weights: readonly number[], rows: number): number[] {
  const factors = own.map(() => 0);
  for (let i = 0; i < rows; i++) {
    let mixture = 0;
    for (let m = 0; m < own.length; m++) mixture += weights[m]! * own[m]![i]!;
    for (let m = 0; m < own.length; m++) factors[m]! += own[m]![i]! / mixture / rows;
  }
  return factors;
}

function normalized(count: number, weights: readonly number[] = new Array<number>(count).fill(1)): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== count || !weights.every((weight) => weight >= 0) || !(total > 0 && Number.isFinite(total))) {
    throw new RequestError({
      problem: 'vote weights do not fit the members',
      expected: `${count} numbers of 0 or more, not all 0`,
      got: `[${weights.join(', ')}]`,
    });
  }
  return weights.map((weight) => weight / total);
}

/** The first of members that agree in shape and hold probabilities. Throws a DataError. */
export function requireMembers(members: readonly Matrix[]): Matrix {
  const [first] = members;
  if (!first) throw new DataError({ problem: 'nobody votes', expected: 'at least one member', got: 'none' });
  members.forEach((member, m) => {
    if (member.rows !== first.rows || member.cols !== first.cols) {
      throw new DataError({
        problem: 'the members of a vote differ in shape',
        expected: `${first.rows} rows x ${first.cols} classes, as member 0`,
        got: `${member.rows} x ${member.cols} from member ${m}`,
      });
    }
    requireProbabilities(member);
  });
  return first;
}
