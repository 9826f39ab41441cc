/**
 * The rows that are judged: predictions of one role, joined with what is known of their clips.
 *
 * Predictions of several folds arrive as several tables and are pooled: under cross-validation every
 * clip is judged once, by the model that did not see it.
 */
import { DataError, LeakError, type ManyItem } from '@prosodia/core';
import { type Matrix, argmaxRows } from '@prosodia/stats';
import type { ClipRow, PredictionReader, PredictionRow, SplitRow } from '@prosodia/tables';

export interface Judged {
  labels: readonly string[];
  rows: readonly PredictionRow[];
  /** The clip of each row. */
  clips: readonly ClipRow[];
  /** Class indices. */
  truth: Int32Array;
  predicted: Int32Array;
  probabilities: Matrix;
  /** Probability of the predicted class, row by row. */
  confidence: Float32Array;
}

/**
 * Pools the rows of `role` in the order of the tables.
 * @throws DataError if there is no such row, classes differ, a row comes twice, or a clip or label is unknown
 * @throws LeakError if the model behind a prediction has seen the row
 */
export async function gather(
  tables: readonly ManyItem<PredictionReader>[],
  role: string,
  clips: ReadonlyMap<string, ClipRow>,
): Promise<Judged> {
  const labels = tables[0]?.artifact.labels ?? [];
  const rows: PredictionRow[] = [];
  const kept: number[] = [];
  const seen = new Set<string>();
  for (const { from, artifact } of tables) {
    requireSameLabels(labels, artifact.labels, from, artifact.where);
    const all = await artifact.all();
    all.rows.forEach((row, r) => {
      if (row.role !== role) return;
      const key = rowKey(row);
      if (seen.has(key)) {
        throw new DataError({
          problem: 'a row was predicted twice',
          got: `item ${row.item_id}, fold ${row.fold}`,
          where: artifact.where,
          fix: 'give predictions of other models as members, not as predictions',
        });
      }
      seen.add(key);
      requireUnseen(row, from);
      rows.push(row);
      for (let c = 0; c < labels.length; c++) kept.push(all.probabilities[r * labels.length + c]!);
    });
  }
  if (rows.length === 0) {
    throw new DataError({
      problem: `there are no predictions of role ${role}`,
      expected: 'at least one row',
      where: tables[0]?.artifact.where ?? 'stage evaluate, input predictions',
    });
  }
  const probabilities = { data: Float32Array.from(kept), rows: rows.length, cols: labels.length };
  const predicted = argmaxRows(probabilities);
  const where = tables[0]!.artifact.where;
  return {
    labels,
    rows,
    clips: rows.map((row) => clipOf(row, clips, where)),
    truth: Int32Array.from(rows, (row) => labelIndex(row, labels, where)),
    predicted,
    probabilities,
    confidence: Float32Array.from(predicted, (c, r) => probabilities.data[r * labels.length + c]!),
  };
}

/** Identifies a row among predictions of the same data. */
export function rowKey(row: PredictionRow): string {
  return `${row.fold} ${row.item_id}`;
}

/**
 * Refuses predictions whose role is not the one the split gives to their clip: a row that was trained on
 * must not be counted as a test row.
 */
export function requireRolesOfSplit({ rows }: Judged, split: readonly SplitRow[], where: string): void {
  const roles = new Map(split.map((row) => [`${row.fold} ${row.clip_id}`, row.role]));
  for (const row of rows) {
    const role = roles.get(`${row.fold} ${row.clip_id}`);
    if (role === row.role) continue;
    throw new LeakError({
      problem: `a prediction does not have the role that the split gives to its clip`,
      expected: `role ${role ?? 'none: the split does not hold this clip in this fold'}`,
      got: `role ${row.role}`,
      where: `${where}, clip ${row.clip_id}, fold ${row.fold}`,
      fix: 'predict and evaluate with the same split',
    });
  }
}

/** Test rows must be new to the model; on validation rows something may have been selected, but nothing fitted. */
function requireUnseen(row: PredictionRow, from: string): void {
  if (row.role === 'train' || row.seen === 'unseen') return;
  if (row.role === 'validation' && row.seen === 'selected') return;
  throw new LeakError({
    problem: `the model behind a prediction has seen the row that it is judged on`,
    expected: `${row.role} rows that it was not fitted on${row.role === 'test' ? ' or selected with' : ''}`,
    got: `item ${row.item_id}, ${row.seen === 'fitted' ? 'fitted on' : 'selected with'}`,
    where: `predictions of ${from}`,
    fix: 'judge rows of another role, or fit on fewer (fit_on)',
  });
}

function requireSameLabels(first: readonly string[], other: readonly string[], from: string, where: string): void {
  if (first.length === other.length && first.every((label, i) => label === other[i])) return;
  throw new DataError({
    problem: `the predictions of ${from} have other classes than the first`,
    expected: first.join(', '),
    got: other.join(', '),
    where,
  });
}

function clipOf(row: PredictionRow, clips: ReadonlyMap<string, ClipRow>, where: string): ClipRow {
  const clip = clips.get(row.clip_id);
  if (!clip) throw new DataError({ problem: `clip ${row.clip_id} is not in the clips table`, where });
  return clip;
}

function labelIndex(row: PredictionRow, labels: readonly string[], where: string): number {
  const index = labels.indexOf(row.label);
  if (index < 0) {
    throw new DataError({
      problem: 'a true label is not among the predicted classes',
      expected: labels.join(', '),
      got: row.label,
      where: `${where}, item ${row.item_id}`,
    });
  }
  return index;
}
