/** One row per item out of the rows of its segments: mean, spread and extremes over them, or all of them in order. */
import { RequestError, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { GroupAggregator, functionalNames, onnx } from '@prosodia/stats';
import { FeatureTable, type ItemRow } from '@prosodia/tables';
import { extendGroup, groupOf } from './groups.ts';
import { SegmentsInOrder } from './in-order.ts';

export default defineStage({
  name: 'aggregate',
  summary: 'Makes one row of the segments of each item: summarized, or side by side.',
  details:
    'Rows are grouped by the item they were cut from; a row that was cut from nothing is a group of its own. ' +
    'A column `x` becomes `x_mean`, `x_std` (population), `x_min`, `x_max`; with `segments: in_order`, `x_part1`, ' +
    '`x_part2` and so on, one for each segment in order of time.',
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
    segments: Type.Union([Type.Literal('summarized'), Type.Literal('in_order')], {
      default: 'summarized',
      description:
        'summarized: functionals over the segments; in_order: the segments side by side, without functionals, for items ' +
        'that were all cut into equally many.',
    }),
  }),
  inputs: { features: FeatureTable },
  outputs: { features: FeatureTable },
  resources: { memory_gb: 1 },

  async run({ params, inputs, outputs, signal, leftOut }) {
    const { features } = inputs;
    const names = features.columnNames();
    const context = { names, where: features.where };
    const summarized = params.segments === 'summarized';
    const aggregator = summarized
      ? new GroupAggregator(names.length, params.functionals, context)
      : new SegmentsInOrder(names.length, context);
    const groups = new Map<string, ItemRow>();
    for await (const { items, values, width } of names.length > 0 ? features.blocks() : []) {
      throwIfCancelled(signal);
      for (const item of items) extendGroup(groups, item, features.where);
      const matrix = { data: values, rows: items.length, cols: width };
      if (aggregator instanceof SegmentsInOrder) aggregator.add(items, matrix);
      else aggregator.add(items.map(groupOf), matrix);
    }
    if (leftOut && aggregator instanceof SegmentsInOrder) {
      for (const group of aggregator.dropIncomplete()) leftOut(group, 'some parts of it could not be used');
    }
    const { groups: order, matrix } = aggregator.finish();
    const columns =
      aggregator instanceof SegmentsInOrder ? aggregator.names() : functionalNames(names, params.functionals);
    outputs.features.begin({ form: 'scalars', names: columns }, features.metadata);
    for (const [row, group] of order.entries()) {
      const values = Float32Array.from(matrix.data.subarray(row * matrix.cols, (row + 1) * matrix.cols));
      await outputs.features.append(groups.get(group)!, values);
    }
  },

  async compose({ params, features }) {
    if (params.segments === 'summarized')
      return { features: onnx.aggregated(features('features'), params.functionals) };
    throw new RequestError({
      problem: 'aggregate puts segments side by side, so that their number would be fixed',
      got: 'segments: in_order',
    });
  },
});
