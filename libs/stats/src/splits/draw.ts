/** The random draws of splits: shares and folds, stratified by label or balanced by size. */
import { type Rng } from '@prosodia/core';
import { groupBy } from '../group-by.ts';
import { compareCodePoints } from '../labels.ts';
import { type Unit } from './units.ts';

const size = (unit: Unit) => unit.clips.length;
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/**
 * Draws a share of the clips, stratified by label.
 *
 * Of n clips of a label, floor or ceil of n * share are drawn; which labels round up is decided by largest
 * remainder, so that the total is the share of all clips, rounded. Exceptions: no label is drawn to its last clip,
 * and a unit of several clips can miss the number where no single clips are left to fill up with.
 */
export function drawStratified(units: readonly Unit[], share: number, rng: Rng): Set<Unit> {
  const strata = byLabel(units);
  const exact = strata.map((stratum) => sum(stratum.map(size)) * share);
  const quota = exact.map(Math.floor);
  const missing = Math.round(sum(exact)) - sum(quota);
  // A label is never drawn to its last clip: what is left must still know it.
  const open = [...strata.keys()].filter((index) => {
    return exact[index]! > quota[index]! && quota[index]! + 1 < sum(strata[index]!.map(size));
  });
  const order = rng.fork('remainders').shuffle(open);
  order.sort((a, b) => exact[b]! - quota[b]! - (exact[a]! - quota[a]!));
  for (const index of order.slice(0, missing)) quota[index]!++;
  const drawn = new Set<Unit>();
  strata.forEach((stratum, index) => {
    let left = quota[index]!;
    for (const unit of rng.fork('stratum', stratum[0]!.label).shuffle([...stratum])) {
      if (size(unit) > left) continue;
      drawn.add(unit);
      left -= size(unit);
    }
  });
  return drawn;
}

/**
 * Deals units into folds, stratified by label: each goes to the fold with the fewest clips of its label, of those
 * to the one with the fewest clips. Fold sizes, within each label and in all, differ by at most one clip.
 */
export function dealStratified(units: readonly Unit[], folds: number, rng: Rng): Unit[][] {
  const dealt = Array.from({ length: folds }, (): Unit[] => []);
  const totals = new Float64Array(folds);
  const preference = rng.fork('folds').shuffle([...dealt.keys()]);
  for (const stratum of byLabel(units)) {
    const counts = new Float64Array(folds);
    const shuffled = rng.fork('stratum', stratum[0]!.label).shuffle([...stratum]);
    // Larger units first: the single clips then even the folds out.
    for (const unit of shuffled.sort((a, b) => size(b) - size(a))) {
      const fold = least(preference, (f) => [counts[f]!, totals[f]!]);
      dealt[fold]!.push(unit);
      counts[fold]! += size(unit);
      totals[fold]! += size(unit);
    }
  }
  return dealt;
}

/**
 * Deals whole groups into folds: the largest first, each to the fold with the fewest clips; of those to the one
 * whose labels it overlaps least. Fold sizes differ by at most the largest group.
 */
export function dealGroups(units: readonly Unit[], folds: number, rng: Rng): Unit[][] {
  const dealt = Array.from({ length: folds }, (): Unit[] => []);
  const preference = rng.fork('folds').shuffle([...dealt.keys()]);
  const totals = new Float64Array(folds);
  const labelTotals = countLabels(units);
  const labelCounts = dealt.map(() => new Map<string, number>());
  const shuffled = rng.fork('groups').shuffle([...units]);
  for (const unit of shuffled.sort((a, b) => size(b) - size(a))) {
    const labels = countLabels([unit]);
    const overlap = (fold: number) =>
      sum(
        [...labels].map(
          ([label, count]) => (count * (labelCounts[fold]!.get(label) ?? 0)) / labelTotals.get(label)! ** 2,
        ),
      );
    const fold = least(preference, (f) => [totals[f]!, overlap(f)]);
    dealt[fold]!.push(unit);
    totals[fold]! += size(unit);
    for (const [label, count] of labels) {
      labelCounts[fold]!.set(label, (labelCounts[fold]!.get(label) ?? 0) + count);
    }
  }
  return dealt;
}

/** Draws whole groups: the share of their number, rounded, but at least one, and never all. */
export function drawGroups(units: readonly Unit[], share: number, rng: Rng): Set<Unit> {
  return new Set(rng.sample(units, Math.min(Math.max(1, Math.round(units.length * share)), units.length - 1)));
}

function byLabel(units: readonly Unit[]): Unit[][] {
  return [...groupBy(units, ({ label }) => label)]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([, group]) => group);
}

function countLabels(units: readonly Unit[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { clips } of units) for (const { label } of clips) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** The candidate whose cost is lexicographically least; the first of equals. */
function least(candidates: readonly number[], cost: (candidate: number) => readonly number[]): number {
  let best = candidates[0]!;
  let bestCost = cost(best);
  for (const candidate of candidates.slice(1)) {
    const candidateCost = cost(candidate);
    const at = candidateCost.findIndex((value, i) => value !== bestCost[i]);
    if (at >= 0 && candidateCost[at]! < bestCost[at]!) [best, bestCost] = [candidate, candidateCost];
  }
  return best;
}
