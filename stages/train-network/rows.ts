/**
 * The labelled rows a network is trained on: in memory, once, or read part by part when they are too many.
 *
 * Which of the two is decided by the size of the table and never by the machine, because the order of the
 * rows, and with it the model, depends on it.
 */
import { DataError, type ReaderOf } from '@prosodia/core';
import type { TrainingRows } from '@prosodia/nn';
import { encodeLabels } from '@prosodia/stats';
import { type ClipTable, type FeatureReader, clipLabels } from '@prosodia/tables';

type Clips = ReaderOf<typeof ClipTable>;

/** Features up to this many bytes, training and validation rows together, are held in memory. */
const HELD_BYTES = 512 * 2 ** 20;

/** Bytes of the rows drawn from at random, where features are read. */
const BUFFER_BYTES = 256 * 2 ** 20;

/** The visible rows of a feature table, before their features are read. */
export interface LabelledTable {
  readonly features: FeatureReader;
  /** Label of each row. */
  readonly labels: readonly string[];
  /** Clip of each row. */
  readonly clips: readonly string[];
  /** Visible rows of each part of the table. */
  readonly parts: readonly number[];
}

/**
 * Finds the rows and their labels; of the features it reads nothing.
 * @param label column of the clips table
 * @throws DataError if there is no such column, or a row's clip is not listed or has no label
 */
export async function openLabelled(features: FeatureReader, clips: Clips, label: string): Promise<LabelledTable> {
  const labelOf = await clipLabels(clips, label);
  const labels: string[] = [];
  const ids: string[] = [];
  const parts: number[] = [];
  for (let part = 0; part < features.table.partCount; part++) {
    const column = (await features.table.part(part, ['clip_id'])).column<string>('clip_id');
    parts.push(column.length);
    for (let r = 0; r < column.length; r++) {
      const clip = column.at(r);
      const found = labelOf.get(clip);
      if (found === undefined) {
        throw new DataError({
          problem: `a feature row has no ${label}`,
          expected: 'a row of the clips table for every clip',
          got: `clip ${clip}`,
          where: features.where,
        });
      }
      labels.push(found);
      ids.push(clip);
    }
  }
  return { features, labels, clips: ids, parts };
}

export interface Planned {
  readonly training: TrainingRows;
  readonly validation: TrainingRows | undefined;
  /** Set if rows are read: how many of them are held to draw from. */
  readonly shuffle_rows: number | undefined;
}

/**
 * @param classes what the labels are numbered by
 * @param shuffleBuffer rows to hold in memory; auto: all of them if they are at most 512 MiB, else 256 MiB
 */
export async function planRows(
  training: LabelledTable,
  validation: LabelledTable,
  classes: readonly string[],
  shuffleBuffer: number | 'auto',
): Promise<Planned> {
  const rowBytes = 4 * training.features.width;
  const rows = training.labels.length + validation.labels.length;
  const whole = rows * rowBytes <= HELD_BYTES;
  const most = shuffleBuffer === 'auto' ? (whole ? rows : Math.ceil(BUFFER_BYTES / rowBytes)) : shuffleBuffer;
  const of = (table: LabelledTable): Promise<TrainingRows> | TrainingRows =>
    table.labels.length <= most ? inMemory(table, classes) : streamed(table, classes, most);
  return {
    training: await of(training),
    validation: validation.labels.length > 0 ? await of(validation) : undefined,
    shuffle_rows: training.labels.length > most ? most : undefined,
  };
}

async function inMemory({ features, labels, parts }: LabelledTable, classes: readonly string[]): Promise<TrainingRows> {
  const x = new Float32Array(labels.length * features.width);
  let at = 0;
  for (const [part, visible] of parts.entries()) {
    if (visible === 0) continue;
    const values = await features.values(part);
    x.set(values, at);
    at += values.length;
  }
  return { x, y: encodeLabels(labels, classes).indices, rows: labels.length };
}

function streamed(
  { features, labels, parts }: LabelledTable,
  classes: readonly string[],
  shuffle_rows: number,
): TrainingRows {
  return {
    y: encodeLabels(labels, classes).indices,
    rows: labels.length,
    blocks: parts,
    shuffle_rows,
    read: (part) => (parts[part] === 0 ? Promise.resolve(new Float32Array(0)) : features.values(part)),
  };
}
