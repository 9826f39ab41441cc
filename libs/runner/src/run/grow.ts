/** What finished instances tell that the rest of a plan waits for: how many there are of something, and who won. */
import { DataError, nearest } from '@prosodia/core';
import type { Choice, Count, Facts, Plan } from '../pipeline/plan.ts';
import type { Manifest } from '../store/manifest.ts';

/** How a search ended. */
export interface Chosen {
  /** Label of the winner, and its point of the space. */
  winner: string;
  value: unknown;
  /** What it was chosen by, as `stage.metric`. */
  metric: string;
  mode: 'max' | 'min';
  /** The metric of each trial, averaged where that was asked for; null where it is no number. */
  scores: Record<string, number | null>;
}

export interface Grown {
  plan: Plan;
  /** Choices made just now, by id. */
  chosen: Record<string, Chosen>;
}

/**
 * @returns the plan with everything that the results tell; undefined if they tell nothing new
 * @throws DataError if a stage did not report the number that is needed of it
 */
export function grow(plan: Plan, results: ReadonlyMap<string, Manifest>): Grown | undefined {
  const counts = new Map(plan.facts.counts);
  const choices = new Map(plan.facts.choices);
  const chosen: Record<string, Chosen> = {};
  for (const count of plan.counts) {
    const result = results.get(count.instance);
    if (result && !counts.has(count.id)) counts.set(count.id, readCount(count, result));
  }
  for (const choice of plan.choices) {
    if (choices.has(choice.id)) continue;
    if (!choice.candidates.every(({ instances }) => instances.every((name) => results.has(name)))) continue;
    chosen[choice.id] = choose(choice, results);
    choices.set(choice.id, chosen[choice.id]!.winner);
  }
  if (counts.size === plan.facts.counts.size && choices.size === plan.facts.choices.size) return undefined;
  const facts: Facts = { counts, choices };
  return { plan: plan.extend(facts), chosen };
}

function readCount({ instance, metric }: Count, result: Manifest): number {
  const count = metricOf(result, instance, metric);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new DataError({
    problem: `${metric} is no count of anything`,
    expected: 'a whole number above 0',
    got: String(count),
    where: `stage ${instance}`,
  });
}

/** The trial with the best metric; of equals the first. */
function choose({ candidates, metric, mode, stage }: Choice, results: ReadonlyMap<string, Manifest>): Chosen {
  const scores: Record<string, number | null> = {};
  let best: { label: string; value: unknown; score: number } | undefined;
  for (const { label, value, instances } of candidates) {
    const all = instances.map((name) => metricOf(results.get(name)!, name, metric));
    const score = all.reduce((sum, one) => sum + one, 0) / all.length;
    // A training that diverged has no number to show; it does not win.
    scores[label] = Number.isFinite(score) ? score : null;
    if (!Number.isFinite(score)) continue;
    if (!best || (mode === 'max' ? score > best.score : score < best.score)) best = { label, value, score };
  }
  if (best) return { winner: best.label, value: best.value, metric: `${stage}.${metric}`, mode, scores };
  throw new DataError({
    problem: `no trial has a ${metric}, so none can be chosen`,
    expected: 'a number from at least one of them',
    got: `none from ${candidates.length} trials`,
    where: `stage ${stage}`,
  });
}

function metricOf({ metrics }: Manifest, instance: string, name: string): number {
  const value = metrics[name];
  // JSON has no NaN: a metric that was none is null in the manifest.
  if (value !== undefined) return value ?? NaN;
  const known = Object.keys(metrics);
  const near = nearest(name, known);
  throw new DataError({
    problem: `${instance} reports no ${name}`,
    expected: known.length > 0 ? `one of: ${known.join(', ')}` : 'a stage that reports metrics',
    got: name,
    where: `stage ${instance}`,
    ...(near ? { fix: `did you mean ${near}?` } : {}),
  });
}
