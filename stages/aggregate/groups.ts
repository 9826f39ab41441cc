/** Which rows are segments of one item, and the row that stands for it. */
import { DataError } from '@prosodia/core';
import type { ItemRow } from '@prosodia/tables';

/** The item that a row's segment was cut from; its own, if it was cut from nothing. */
export function groupOf(item: ItemRow): string {
  return item.parent_item_id ?? item.item_id;
}

/**
 * The row of a group is that of the item its segments were cut from.
 *
 * A copy names its original as parent, as a segment does; unlike segments, the two were altered in
 * different ways, and a mean over them would describe neither.
 */
export function extendGroup(groups: Map<string, ItemRow>, item: ItemRow, where: string): void {
  const id = groupOf(item);
  const known = groups.get(id);
  if (!known) {
    groups.set(id, { ...item, item_id: id, parent_item_id: id === item.clip_id ? null : item.clip_id, start_s: 0 });
    return;
  }
  if (known.augmentation !== item.augmentation || known.augmentation_params !== item.augmentation_params) {
    throw new DataError({
      problem: 'rows of one item were altered in different ways',
      expected: `segments of ${id}, all with augmentation ${known.augmentation ?? '(none)'}`,
      got: `augmentation ${item.augmentation ?? '(none)'}`,
      where: `${where}, item ${item.item_id}`,
      fix: 'augment first, then segment, then aggregate; without segments there is nothing to aggregate',
    });
  }
  known.end_s = Math.max(known.end_s, item.end_s);
}
