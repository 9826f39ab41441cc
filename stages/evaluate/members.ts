/** Other models judged on the same rows, and whether the difference to the main one could be luck. */
import type { ManyItem } from '@prosodia/core';
import { mcnemar } from '@prosodia/stats';
import type { ClipRow, PredictionReader } from '@prosodia/tables';
import { type Judged, gather, rowKey } from './rows.ts';
import { type Headline, headline } from './scores.ts';

export interface Member extends Headline {
  /** McNemar's test against the main predictions, two-sided; null if the rows are not the same. */
  mcnemar_p: number | null;
}

/** Scores by the name of the stage that made the predictions; the folds of one stage are pooled. */
export async function scoreMembers(
  members: readonly ManyItem<PredictionReader>[],
  role: string,
  clips: ReadonlyMap<string, ClipRow>,
  main: Judged,
): Promise<Record<string, Member>> {
  const tables = new Map<string, ManyItem<PredictionReader>[]>();
  for (const member of members) {
    const name = baseName(member.from);
    tables.set(name, [...(tables.get(name) ?? []), member]);
  }
  const scored: Record<string, Member> = {};
  for (const [name, own] of tables) {
    const judged = await gather(own, role, clips);
    scored[name] = {
      ...headline(judged.truth, judged.predicted, judged.labels),
      mcnemar_p: compare(main, judged),
    };
  }
  return scored;
}

/** `dnn` for an instance of a matrix such as `dnn[fold=2]`. */
function baseName(from: string): string {
  return from.replace(/\s*[[({@].*$/, '');
}

function compare(main: Judged, other: Judged): number | null {
  const rows = new Map(other.rows.map((row, r) => [rowKey(row), r]));
  const order = main.rows.map((row) => rows.get(rowKey(row)));
  if (order.length !== rows.size || order.some((r) => r === undefined)) return null;
  const second = order.map((r) => main.labels.indexOf(other.labels[other.predicted[r!]!]!));
  return mcnemar(main.truth, main.predicted, second).p;
}
