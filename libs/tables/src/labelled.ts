/**
 * Joins features with the labels of their clips, and writes predictions back: what every stage that
 * trains a classifier needs, whatever it trains.
 */
import { DataError, type Role, nearest } from '@prosodia/core';
import type { ClipRow } from './kinds/clips.ts';
import type { FeatureReader } from './kinds/features.ts';
import type { ItemRow } from './kinds/items.ts';
import type { PredictionWriter, Seen } from './kinds/predictions.ts';
import type { TableReader } from './reader.ts';

export interface LabelledRows {
  readonly items: readonly ItemRow[];
  /** Label of each item. */
  readonly labels: readonly string[];
  /** Row-major `[items.length, width]`. */
  readonly values: Float32Array;
  readonly width: number;
}

/**
 * All visible rows of a feature table with the label of their clip, in table order.
 * @param label column of the clips table, such as `emotion`
 * @throws DataError if the clips have no such column, or a row's clip is not listed or has no label
 */
export async function readLabelled(
  features: FeatureReader,
  clips: TableReader<ClipRow>,
  label: string,
): Promise<LabelledRows> {
  const labelOf = await clipLabels(clips, label);
  const { items, values, width } = await features.all();
  const labels = items.map(({ clip_id }) => {
    const found = labelOf.get(clip_id);
    if (found !== undefined) return found;
    throw new DataError({
      problem: `a feature row has no ${label}`,
      expected: 'a row of the clips table for every clip',
      got: `clip ${clip_id}`,
      where: features.where,
    });
  });
  return { items, labels, values, width };
}

/** Label by clip id. Throws a DataError if there is no such column. */
export async function clipLabels(clips: TableReader<ClipRow>, label: string): Promise<Map<string, string>> {
  const names = clips.schema.columns.filter(({ type }) => type === 'utf8').map(({ name }) => name);
  if (!names.includes(label)) {
    const near = nearest(label, names);
    throw new DataError({
      problem: `the clips have no text column ${label} to learn`,
      expected: `one of: ${names.join(', ')}`,
      ...(near ? { fix: `did you mean ${near}?` } : {}),
      where: clips.where,
    });
  }
  const labels = new Map<string, string>();
  for await (const row of clips.rows(['clip_id', label])) {
    const value = (row as unknown as Record<string, string | null>)[label];
    if (value !== null && value !== undefined) labels.set(row.clip_id, value);
  }
  return labels;
}

/**
 * Writes the predictions of items as recorded: augmented copies were for training, and clips without a
 * role in this fold take no part, so both are left out.
 * @param predict probabilities, row-major `[rows, labels.length]`, for values row-major `[rows, width]`
 */
export async function writePredictions(
  writer: PredictionWriter,
  features: FeatureReader,
  context: {
    labels: readonly string[];
    labelOf: ReadonlyMap<string, string>;
    roles: ReadonlyMap<string, Role>;
    fold: number;
    /** What the model had to do with the rows of a role. */
    seen: (role: Role) => Seen;
  },
  predict: (values: Float32Array, rows: number) => Promise<Float32Array> | Float32Array,
): Promise<void> {
  const { labels, labelOf, roles, fold, seen } = context;
  writer.begin(labels);
  for await (const { items, values, width } of features.blocks()) {
    const wanted = [...items.keys()].filter((i) => items[i]!.augmentation === null && roles.has(items[i]!.clip_id));
    if (wanted.length === 0) continue;
    const chosen = new Float32Array(wanted.length * width);
    wanted.forEach((from, to) => chosen.set(values.subarray(from * width, (from + 1) * width), to * width));
    const probabilities = await predict(chosen, wanted.length);
    for (const [row, i] of wanted.entries()) {
      const { clip_id, item_id } = items[i]!;
      const role = roles.get(clip_id)!;
      await writer.append(
        { clip_id, item_id, fold, role, label: labelOf.get(clip_id)!, seen: seen(role) },
        probabilities.subarray(row * labels.length, (row + 1) * labels.length),
      );
    }
  }
}

/**
 * Predictions of recordings nobody has labelled: role `test`, an empty label, and nothing seen before.
 * @param predict gives `[rows, labels]` for `[rows, width]`
 */
export async function writeUnlabelled(
  writer: PredictionWriter,
  features: FeatureReader,
  labels: readonly string[],
  predict: (values: Float32Array, rows: number) => Promise<Float32Array> | Float32Array,
): Promise<void> {
  writer.begin(labels);
  for await (const { items, values } of features.blocks()) {
    const probabilities = await predict(values, items.length);
    for (const [row, { clip_id, item_id }] of items.entries()) {
      await writer.append(
        { clip_id, item_id, fold: 0, role: 'test', label: '', seen: 'unseen' },
        probabilities.subarray(row * labels.length, (row + 1) * labels.length),
      );
    }
  }
}
