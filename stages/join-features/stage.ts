/** Feature tables side by side: one row per item with the columns of all of them. */
import {
  DataError,
  type ManyItem,
  RequestError,
  Type,
  type Units,
  defineStage,
  many,
  throwIfCancelled,
  unitOf,
  unitsIn,
  withUnits,
} from '@prosodia/core';
import { onnx } from '@prosodia/stats';
import {
  type FeatureMetadata,
  type FeatureReader,
  FeatureTable,
  type FeatureWriter,
  type ItemRow,
} from '@prosodia/tables';

export default defineStage({
  name: 'join-features',
  summary: 'Puts the columns of several feature tables side by side, item by item.',
  details:
    'Every table needs the same items; their order is that of the first. Columns keep their names, and where two tables ' +
    'use one name, those of the later table get the name of its stage in front. For named columns only.',
  params: Type.Object({}),
  inputs: { features: many(FeatureTable) },
  outputs: { features: FeatureTable },
  resources: { memory_gb: 1 },

  async run({ inputs, outputs, signal }) {
    await join(inputs.features, outputs.features, signal, (item_id, has, lacks) => {
      throw missing(item_id, has, lacks);
    });
  },

  serve: {
    inputs: ['features'],
    async run({ inputs, outputs, signal, leftOut }) {
      // What one table could not be made of is told where that happened.
      await join(inputs.features, outputs.features, signal, (item_id) => leftOut?.(item_id, 'not all features of it'));
    },
  },

  compose: async ({ manyFeatures }) => ({ features: onnx.joined(manyFeatures('features')) }),
});

/** @param lacking is told of an item that is not in every table; if it returns, the item is left out */
async function join(
  tables: readonly ManyItem<FeatureReader>[],
  output: FeatureWriter,
  signal: AbortSignal,
  lacking: (item_id: string, has: string, lacks: string) => void,
): Promise<void> {
  const [first, ...others] = tables;
  if (!first) throw new RequestError({ problem: 'there is nothing to join', expected: 'from: { features: [a, b] }' });
  const names: string[] = [];
  for (const { from, artifact } of tables) {
    if (artifact.layout.form !== 'scalars') {
      throw new RequestError({
        problem: 'only named columns can be put side by side',
        expected: 'features of form scalars',
        got: `form ${artifact.layout.form}, shape [${artifact.layout.shape.join(', ')}]`,
        where: artifact.where,
      });
    }
    const taken = new Set(names);
    const stage = from.replace(/\..*/, '');
    names.push(...artifact.layout.names.map((name) => (taken.has(name) ? `${stage}.${name}` : name)));
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new RequestError({ problem: `column ${twice} would be there twice`, expected: 'each table once' });
  }
  const rows = new Map<string, { item: ItemRow; values: Float32Array; filled: number }>();
  for await (const { items, values, width } of first.artifact.blocks()) {
    throwIfCancelled(signal);
    for (const [row, item] of items.entries()) {
      const own = new Float32Array(names.length);
      own.set(values.subarray(row * width, (row + 1) * width));
      rows.set(item.item_id, { item, values: own, filled: width });
    }
  }
  let offset = first.artifact.width;
  for (const { artifact } of others) {
    for await (const { items, values, width } of artifact.blocks()) {
      throwIfCancelled(signal);
      for (const [row, { item_id }] of items.entries()) {
        const known = rows.get(item_id);
        if (!known) {
          lacking(item_id, artifact.where, first.artifact.where);
          continue;
        }
        known.values.set(values.subarray(row * width, (row + 1) * width), offset);
        known.filled += width;
      }
    }
    offset += artifact.width;
    for (const [item_id, { filled }] of rows) {
      if (filled === offset) continue;
      lacking(item_id, first.artifact.where, artifact.where);
      rows.delete(item_id);
    }
  }
  const metadata = Object.assign({}, ...tables.map(({ artifact }) => artifact.metadata)) as FeatureMetadata;
  output.begin({ form: 'scalars', names }, withUnits(metadata, joinedUnits(tables, names)));
  for (const { item, values } of rows.values()) await output.append(item, values);
}

/** Column by column: a pattern of one table might fit columns of another. */
function joinedUnits(tables: readonly ManyItem<FeatureReader>[], names: readonly string[]): Units {
  const units = tables.flatMap(({ artifact }) => {
    const own = unitsIn(artifact.metadata);
    return artifact.columnNames().map((name) => unitOf(own, name));
  });
  return Object.fromEntries(names.flatMap((name, i) => (units[i] === undefined ? [] : [[name, units[i]]])));
}

function missing(item_id: string, has: string, lacks: string): DataError {
  return new DataError({
    problem: `item ${item_id} is not in every table`,
    expected: `the items of ${has}`,
    got: 'no row of it',
    where: lacks,
    fix: 'make both tables from the same items; a stage with on_error: skip may have left some out',
  });
}
