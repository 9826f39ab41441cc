/** Puts the members' probabilities over the same rows and labels. */
import { DataError, LeakError, type ManyItem } from '@prosodia/core';
import type { Matrix } from '@prosodia/stats';
import { type PredictionReader, type PredictionRow, type Seen, requireUnseenTest } from '@prosodia/tables';

export interface Aligned {
  labels: readonly string[];
  /** `seen` is the worst of all members: the combination has seen what any of them has. */
  rows: PredictionRow[];
  members: Matrix[];
}

/** Predictions by their name: one table, or several whose rows are taken together. */
export interface Member {
  from: string;
  labels: readonly string[];
  rows: readonly PredictionRow[];
  /** `[rows, labels]`. */
  probabilities: Float32Array;
}

export async function readMembers(predictions: readonly ManyItem<PredictionReader>[]): Promise<Member[]> {
  return Promise.all(
    predictions.map(async ({ from, artifact }) => ({ from, labels: artifact.labels, ...(await artifact.all()) })),
  );
}

/** @throws DataError where labels or items differ; LeakError where an item has another role, or is seen and tested */
export function align(tables: readonly Member[]): Aligned {
  const first = tables[0]!;
  const order = new Map(first.rows.map((row, i) => [`${row.fold} ${row.item_id}`, i]));
  const rows = first.rows.map((row) => ({ ...row }));
  const cols = first.labels.length;
  const members = tables.map((table) => {
    requireSameLabels(first, table);
    const data = new Float32Array(rows.length * cols);
    const missing = table.rows.find((row) => !order.has(`${row.fold} ${row.item_id}`));
    if (missing || table.rows.length !== rows.length) {
      throw new DataError({
        problem: 'the members predict different items',
        expected: `the ${rows.length} items of ${first.from}`,
        got: `${table.rows.length} items of ${table.from}${missing ? `, among them ${missing.item_id}` : ''}`,
      });
    }
    for (const [r, row] of table.rows.entries()) {
      const at = order.get(`${row.fold} ${row.item_id}`)!;
      const own = rows[at]!;
      if (row.role !== own.role) {
        throw new LeakError({
          problem: 'the members give an item different roles',
          expected: `predictions over one split: ${row.item_id} is ${own.role} in ${first.from}`,
          got: `${row.role} in ${table.from}, which may have been trained on it`,
        });
      }
      requireUnseenTest(row, 'a member', `predictions of ${table.from}`);
      own.seen = worse(own.seen, row.seen);
      data.set(table.probabilities.subarray(r * cols, (r + 1) * cols), at * cols);
    }
    return { data, rows: rows.length, cols };
  });
  return { labels: first.labels, rows, members };
}

function requireSameLabels(first: Member, other: Member): void {
  if (other.labels.join('\0') === first.labels.join('\0')) return;
  throw new DataError({
    problem: 'the members predict different labels',
    expected: `${first.labels.join(', ')} (${first.from})`,
    got: `${other.labels.join(', ')} (${other.from})`,
  });
}

const ORDER: readonly Seen[] = ['unseen', 'selected', 'fitted'];

/** Of two ways to have seen a row, the closer one. */
function worse(a: Seen, b: Seen): Seen {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}
