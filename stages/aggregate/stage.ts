/** Summarizes the segments of an item into one row: mean, spread and extremes over its segments. */
import { DataError, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { GroupAggregator, functionalNames } from '@prosodia/stats';
import { FeatureTable, type ItemRow } from '@prosodia/tables';

export default defineStage({
  name: 'aggregate',
  summary: 'Summarizes the segments of each item into one row.',
  details:
    'Rows are grouped by the item they were cut from; a row that was cut from nothing is a group of its own. ' +
    'A column `x` becomes `x_mean`, `x_std` (population), `x_min`, `x_max`.',
  params: Type.Object({
    functionals: Type.Array(
      Type.Union([Type.Literal('mean'), Type.Literal('std'), Type.Literal('min'), Type.Literal('max')]),
      {
        default: ['mean', 'std', 'min', 'max'],
        minItems: 1,
        uniqueItems: true,
        description: 'What is taken over the segments.',
      },
    ),
  }),
  inputs: { features: FeatureTable },
  outputs: { features: FeatureTable },
  resources: { memory_gb: 1 },

  async run({ params, inputs, outputs, signal }) {
    const { features } = inputs;
    const names = features.columnNames();
    outputs.features.begin({ form: 'scalars', names: functionalNames(names, params.functionals) }, features.metadata);
    if (names.length === 0) return;
    const aggregator = new GroupAggregator(names.length, params.functionals, { names, where: features.where });
    const groups = new Map<string, ItemRow>();
    for await (const { items, values, width } of features.blocks()) {
      throwIfCancelled(signal);
      for (const item of items) extendGroup(groups, item, features.where);
      aggregator.add(items.map(groupOf), { data: values, rows: items.length, cols: width });
    }
    if (groups.size === 0) return;
    const { groups: order, matrix } = aggregator.finish();
    for (const [row, group] of order.entries()) {
      const values = Float32Array.from(matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols));
      await outputs.features.append(groups.get(group)!, values);
    }
  },
});

function groupOf(item: ItemRow): string {
  return item.parent_item_id ?? item.item_id;
}

/**
 * The row of a group is that of the item its segments were cut from.
 *
 * A copy names its original as parent, as a segment does; unlike segments, the two were altered in
 * different ways, and a mean over them would describe neither.
 */
function extendGroup(groups: Map<string, ItemRow>, item: ItemRow, where: string): void {
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
