/** A comparison in sentences, for the page and the terminal. */
import type { Comparison } from './comparison.ts';

/** `+3.2` of a share of 0.032. */
export function points(share: number): string {
  const text = (Math.abs(share) * 100).toFixed(1);
  return `${Number(text) === 0 ? '' : share < 0 ? '−' : '+'}${text}`;
}

export function shownP(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

/** What the tests say, weakest claim first; one sentence where nothing can be tested. */
export function inWords({ names, shared, significance }: Comparison): string[] {
  if (!shared || !significance) return ['They judged no row in common, so nothing can be tested.'];
  const [a, b] = names;
  const { mcnemar, bootstrap, t_test } = significance;
  const difference = shared[1].accuracy - shared[0].accuracy;
  const lead =
    difference === 0 ? `${a} and ${b} have as many rows right` : `${difference > 0 ? b : a} has more rows right`;
  const one = `${mcnemar.only_first_right} only ${a} has right, ${mcnemar.only_second_right} only ${b}`;
  const said = [
    `${lead} (${points(difference)} points from ${a} to ${b}). Of the rows that one alone has right, ${one}: ` +
      `${mcnemar.p < 0.05 ? 'more than luck would give' : 'this may be luck'} (McNemar, p ${stated(mcnemar.p)}).`,
  ];
  if (bootstrap) {
    const { low, high } = bootstrap.balanced_accuracy;
    const level = `${Math.round(bootstrap.level * 100)} %`;
    said.push(
      `Balanced accuracy (UAR) differs by ${points(bootstrap.balanced_accuracy.difference)} points, ${level} interval ` +
        `${points(low)} to ${points(high)} with ${bootstrap.unit}s drawn anew, ` +
        `which ${low <= 0 && high >= 0 ? 'holds 0: no difference is possible' : 'does not hold 0'}.`,
    );
  }
  if (t_test) {
    const { difference: mean, p } = t_test.balanced_accuracy;
    said.push(
      `Over ${t_test.folds} folds, balanced accuracy differs by ${points(mean)} points on average: ` +
        `${p < 0.05 ? 'more than the folds differ among themselves' : 'no more than folds differ among themselves'} ` +
        `(corrected t test, p ${stated(p)}).`,
    );
  }
  return said;
}

function stated(p: number): string {
  return p < 0.001 ? shownP(p) : `= ${shownP(p)}`;
}
