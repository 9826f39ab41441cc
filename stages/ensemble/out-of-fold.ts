/**
 * Predictions that a stack may learn from: for every training clip those of a model that had not seen it.
 *
 * They come from the test rows of inner folds, one table per fold and member. Two things must hold, and both are
 * recorded in the tables: the model of an inner fold had not seen the rows it tests, and it had seen nothing but
 * training rows of the fold that the stack is for.
 */
import { DataError, LeakError, type ManyItem, RequestError, type Role } from '@prosodia/core';
import type { PredictionReader } from '@prosodia/tables';
import { type Member, readMembers } from './align.ts';

type Tables = readonly ManyItem<PredictionReader>[];

/**
 * The out-of-fold predictions of each member, the tables of one stage taken together.
 *
 * @param tables as a fitting view shows them: training clips only
 * @throws RequestError if there is not one stage per member; LeakError if a model had seen a row it tests
 */
export async function readOutOfFold(tables: Tables, members: readonly string[]): Promise<Member[]> {
  const stages = new Map<string, Member[]>();
  for (const table of await readMembers(tables)) {
    const stage = table.from.replace(/\s*[[(].*$/, '');
    stages.set(stage, [...(stages.get(stage) ?? []), table]);
  }
  if (stages.size !== members.length) {
    throw new RequestError({
      problem: 'every member needs out-of-fold predictions',
      expected: `one stage for each of ${members.join(', ')}, in this order`,
      got: stages.size === 0 ? 'none' : [...stages.keys()].join(', '),
      where: 'input out_of_fold',
      fix: 'fit each member on the folds of an inner split as well: see "Stacking" in docs/pipelines.md',
    });
  }
  return [...stages].map(([from, own]) => together(from, own));
}

function together(from: string, tables: readonly Member[]): Member {
  const { labels } = tables[0]!;
  const rows: Member['rows'][number][] = [];
  const kept: number[] = [];
  const seen = new Set<string>();
  for (const table of tables) {
    if (table.labels.join('\0') !== labels.join('\0')) {
      throw new DataError({
        problem: 'the folds of a member predict different labels',
        expected: labels.join(', '),
        got: `${table.labels.join(', ')} (${table.from})`,
        fix: 'stratify the inner split, or take fewer folds',
      });
    }
    table.rows.forEach((row, r) => {
      if (row.role !== 'test') return;
      if (row.seen !== 'unseen') {
        throw new LeakError({
          problem: 'an out-of-fold prediction is of a row that its model had seen',
          expected: 'models that know no row which they predict',
          got: `${row.item_id}, ${row.seen === 'fitted' ? 'fitted on' : 'selected with'}`,
          where: `predictions of ${table.from}`,
        });
      }
      if (seen.has(row.item_id)) {
        throw new DataError({
          problem: 'an item is tested in two inner folds',
          expected: 'one out-of-fold prediction an item',
          got: row.item_id,
          where: `predictions of ${table.from}`,
        });
      }
      seen.add(row.item_id);
      // Which inner fold it was does not matter from here on.
      rows.push({ ...row, fold: 0 });
      for (let k = 0; k < labels.length; k++) kept.push(table.probabilities[r * labels.length + k]!);
    });
  }
  return { from, labels, rows, probabilities: Float32Array.from(kept) };
}

/**
 * Refuses tables whose models had seen a clip that is no training clip of the fold: the stack would learn from
 * predictions that know the answers it is tested on.
 *
 * @param tables whole, not as a fitting view shows them
 */
export async function requireInnerFolds(tables: Tables, roles: ReadonlyMap<string, Role>): Promise<void> {
  for (const { from, rows } of await readMembers(tables)) {
    const row = rows.find(({ seen, clip_id }) => seen !== 'unseen' && roles.get(clip_id) !== 'train');
    if (!row) continue;
    throw new LeakError({
      problem: 'a model behind the out-of-fold predictions has seen a row that is held out here',
      expected: 'inner folds of the training rows only',
      got: `${row.item_id}, ${row.seen === 'fitted' ? 'fitted on' : 'selected with'}, which is a ${roles.get(row.clip_id) ?? 'foreign'} row`,
      where: `predictions of ${from}`,
      fix: 'make the inner split with from: { clips, within: split }',
    });
  }
}
