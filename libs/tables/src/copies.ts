/**
 * How many altered copies each training item gets: what the stages share that augment audio or features.
 *
 * Validation and test items get none, by the split. With `balance`, minority classes are brought up to a target:
 * which items get one copy more than others is drawn from the seed and their own ids, so it depends neither on
 * their order nor on the number of threads.
 */
import { DataError, type Role, type Rng, Type } from '@prosodia/core';
import type { ClipRow } from './kinds/clips.ts';
import type { SplitReader } from './kinds/split.ts';
import { clipLabels } from './labelled.ts';
import type { TableReader } from './reader.ts';

export interface Balance {
  to: 'max' | number;
  label: string;
}

/** The parameter by which a stage balances classes. */
export const BalanceSchema = Type.Unsafe<Balance>(
  Type.Object(
    {
      to: Type.Union([Type.Literal('max'), Type.Integer({ minimum: 1 })], {
        default: 'max',
        description: 'Training items each class shall have: a number, or as many as the largest class has.',
      }),
      label: Type.String({ default: 'emotion', description: 'Column of the clips table that names the class.' }),
    },
    {
      additionalProperties: false,
      description:
        'Copies for minority classes only, up to a target per class; a class that has as many already gets none. ' +
        'Takes the place of copies. Needs the input clips.',
    },
  ),
);

interface Item {
  clip_id: string;
  item_id: string;
}

export interface CopyPlanOptions {
  /** All items; read only for a balance. */
  items: () => AsyncIterable<Item>;
  split: SplitReader;
  fold: number;
  /** Per training item, without a balance. */
  copies: number;
  balance: Balance | undefined;
  clips: TableReader<ClipRow> | undefined;
  rng: Rng;
}

/**
 * A function that says how many copies an item gets.
 * @throws DataError for a balance without the labels it needs
 */
export async function planCopies(options: CopyPlanOptions): Promise<(item: Item) => number> {
  const { items, split, fold, copies, balance, clips, rng } = options;
  const roles = await split.roles(fold);
  const trains = ({ clip_id }: Item) => roles.get(clip_id) === 'train';
  if (!balance) return (item) => (trains(item) ? copies : 0);
  if (!clips) {
    throw new DataError({
      problem: 'classes cannot be balanced without labels',
      expected: 'the input clips',
      fix: 'add clips to the inputs (from:) of the stage',
    });
  }
  const labelOf = await clipLabels(clips, balance.label);
  const byClass = await trainingItems(items(), roles, labelOf, balance.label);
  const largest = [...byClass.values()].reduce((most, { length }) => Math.max(most, length), 0);
  const target = balance.to === 'max' ? largest : balance.to;
  const counts = new Map<string, number>();
  for (const ids of byClass.values()) {
    const missing = Math.max(0, target - ids.length);
    const each = Math.floor(missing / ids.length);
    const ranked = ids
      .map((id) => ({ id, rank: rng.fork('balance', id).next() }))
      .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
    for (const [i, { id }] of ranked.entries()) counts.set(id, each + (i < missing % ids.length ? 1 : 0));
  }
  return (item) => (trains(item) ? counts.get(item.item_id)! : 0);
}

/** Ids of the training items by class. */
async function trainingItems(
  items: AsyncIterable<Item>,
  roles: ReadonlyMap<string, Role>,
  labelOf: ReadonlyMap<string, string>,
  label: string,
): Promise<Map<string, string[]>> {
  const byClass = new Map<string, string[]>();
  for await (const { clip_id, item_id } of items) {
    if (roles.get(clip_id) !== 'train') continue;
    const own = labelOf.get(clip_id);
    if (own === undefined) {
      throw new DataError({
        problem: `a training item has no ${label}`,
        got: `clip ${clip_id}`,
        where: `item ${item_id}`,
      });
    }
    const ids = byClass.get(own);
    if (ids) ids.push(item_id);
    else byClass.set(own, [item_id]);
  }
  return byClass;
}
