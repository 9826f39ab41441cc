/**
 * Toy data for tests of stages: a few clips with labels and roles, and what may be known of them.
 *
 * The makers below fill whatever writer the kind of an input gives them. They know its methods and
 * rows by shape only, so that this package, as it must, knows no artifact kind by name; a test that
 * fills a kind with rows that do not fit it is told so by the compiler.
 */
import { createHash } from 'node:crypto';
import { Rng, type Role } from '@prosodia/core';

/** One clip of a toy corpus. */
export interface ToyClip {
  readonly clip_id: string;
  readonly speaker: string;
  readonly emotion: string;
  readonly role: Role;
  /** Another variant of a clip has other audio, features and predictions under the same id. */
  readonly variant: number;
}

export interface ToyOptions {
  clips?: number;
  emotions?: readonly string[];
}

/** Roles in turn, so that every role has every label as soon as there are a few clips. */
const ROLES: readonly Role[] = ['train', 'train', 'train', 'train', 'validation', 'validation', 'test', 'test'];

/** Clips whose labels and roles alternate; half of them train. */
export function toyClips({ clips = 16, emotions = ['angry', 'happy'] }: ToyOptions = {}): ToyClip[] {
  return Array.from({ length: clips }, (_, i) => ({
    clip_id: `toy/${String(i).padStart(3, '0')}`,
    speaker: String(1 + (Math.floor(i / emotions.length) % 4)),
    emotion: emotions[i % emotions.length]!,
    role: ROLES[i % ROLES.length]!,
    variant: 0,
  }));
}

/** The same clips, but those of `role` have other data, and each the label of another clip. */
export function withOther(role: Role, clips: readonly ToyClip[]): ToyClip[] {
  const labels = [...new Set(clips.map(({ emotion }) => emotion))];
  return clips.map((clip) =>
    clip.role === role
      ? {
          ...clip,
          emotion: labels[(labels.indexOf(clip.emotion) + 1) % labels.length]!,
          variant: clip.variant + 1,
        }
      : clip,
  );
}

/** Puts rows or files into a new artifact. The host closes the writer. */
export type Fill<Writer> = (writer: Writer) => Promise<void>;

/** What table writers have in common. */
export interface RowSink<Row> {
  append(row: Row): Promise<void>;
}

/** Writes rows as they are. */
export function rowsOf<Row>(rows: Iterable<Row>): Fill<RowSink<Row>> {
  return async (writer) => {
    for (const row of rows) await writer.append(row);
  };
}

/** A row of a clips table. */
export interface ToyClipRow {
  clip_id: string;
  corpus: string;
  path: string;
  sha256: string;
  sample_rate: number;
  channels: number;
  frames: number;
  duration_s: number;
  speaker: string;
  sex: string | null;
  emotion: string;
  intensity: string | null;
  statement: string | null;
  repetition: number | null;
  vocal_channel: string | null;
}

/** The row of a clip in a clips table; its digest stands for no file unless `fields` says otherwise. */
export function clipRow(clip: ToyClip, fields: Partial<ToyClipRow> = {}): ToyClipRow {
  return {
    clip_id: clip.clip_id,
    corpus: 'toy',
    path: `${clip.clip_id.split('/')[1]!}.wav`,
    sha256: createHash('sha256').update(`${clip.clip_id} ${clip.variant}`).digest('hex'),
    sample_rate: 8000,
    channels: 1,
    frames: 4000,
    duration_s: 0.5,
    speaker: clip.speaker,
    sex: null,
    emotion: clip.emotion,
    intensity: null,
    statement: null,
    repetition: null,
    vocal_channel: null,
    ...fields,
  };
}

export function clipsOf(clips: readonly ToyClip[]): Fill<RowSink<ToyClipRow>> {
  return rowsOf(clips.map((clip) => clipRow(clip)));
}

/** Fold 0, with the roles the clips have. */
export function splitOf(clips: readonly ToyClip[]): Fill<RowSink<{ clip_id: string; fold: number; role: Role }>> {
  return rowsOf(clips.map(({ clip_id, role }) => ({ clip_id, fold: 0, role })));
}

/** Lineage of an item, as audio and feature tables have it. */
export interface ToyItemRow {
  clip_id: string;
  item_id: string;
  parent_item_id: string | null;
  start_s: number;
  end_s: number;
  augmentation: string | null;
  augmentation_params: string | null;
  seed: number | null;
}

/** A whole, unchanged clip, or with `fields` what was cut or derived from it. */
export function itemRow(clip_id: string, fields: Partial<ToyItemRow> = {}): ToyItemRow {
  return {
    clip_id,
    item_id: clip_id,
    parent_item_id: null,
    start_s: 0,
    end_s: 0.5,
    augmentation: null,
    augmentation_params: null,
    seed: null,
    ...fields,
  };
}

export interface ToyAudioRow extends ToyItemRow {
  sample_rate: number;
  samples: Float32Array;
}

export interface SoundOptions {
  seconds?: number;
  /** Hz. */
  rate?: number;
}

/** A harmonic tone with a little noise: half a second at 8 kHz, level and pitch its own for each clip and variant. */
export function toySound(
  { clip_id, variant }: Pick<ToyClip, 'clip_id' | 'variant'>,
  { seconds = 0.5, rate = 8000 }: SoundOptions = {},
): Float32Array {
  const rng = new Rng(variant, 'sound', clip_id);
  const pitch = rng.uniform(100, 300);
  const level = rng.uniform(0.05, 0.2);
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => {
    const phase = (2 * Math.PI * pitch * i) / rate;
    return level * (Math.sin(phase) + 0.5 * Math.sin(2 * phase) + 0.25 * Math.sin(3 * phase) + 0.02 * rng.normal());
  });
}

export function audioRow(clip: ToyClip, options: SoundOptions = {}): ToyAudioRow {
  const { seconds = 0.5, rate = 8000 } = options;
  return { ...itemRow(clip.clip_id, { end_s: seconds }), sample_rate: rate, samples: toySound(clip, options) };
}

export function audioOf(clips: readonly ToyClip[], options: SoundOptions = {}): Fill<RowSink<ToyAudioRow>> {
  return rowsOf(clips.map((clip) => audioRow(clip, options)));
}

/** What a writer of features offers. */
export interface FeatureSink {
  begin(layout: { form: 'scalars'; names: readonly string[] }, metadata?: Readonly<Record<string, string>>): void;
  append(item: ToyItemRow, values: Float32Array): Promise<void>;
}

/** Named columns and one row of numbers per item. */
export function featureRows(
  names: readonly string[],
  rows: Iterable<{ item: ToyItemRow; values: ArrayLike<number> }>,
): Fill<FeatureSink> {
  return async (writer) => {
    writer.begin({ form: 'scalars', names }, {});
    for (const { item, values } of rows) await writer.append(item, Float32Array.from(values));
  };
}

export interface ToyFeatureOptions {
  columns?: number;
  /** Distance between the centres of two labels, in deviations of the noise around them. */
  apart?: number;
}

/** Features that tell the labels apart: `f0` by the order of the labels, the others by chance. */
export function toyFeatures(
  clips: readonly ToyClip[],
  { columns = 4, apart = 6 }: ToyFeatureOptions = {},
): { names: string[]; rows: { item: ToyItemRow; values: Float32Array }[] } {
  const names = Array.from({ length: columns }, (_, i) => `f${i}`);
  const labels = [...new Set(clips.map(({ emotion }) => emotion))].sort();
  const rows = clips.map(({ clip_id, emotion, variant }) => {
    const noise = new Rng(variant, 'features', clip_id);
    const centre = new Rng(0, 'centre', emotion);
    const sign = (i: number) => (i === 0 ? labels.indexOf(emotion) : centre.next() < 0.5 ? 0 : 1);
    return { item: itemRow(clip_id), values: Float32Array.from(names, (_, i) => sign(i) * apart + noise.normal()) };
  });
  return { names, rows };
}

export function featuresOf(clips: readonly ToyClip[], options: ToyFeatureOptions = {}): Fill<FeatureSink> {
  const { names, rows } = toyFeatures(clips, options);
  return featureRows(names, rows);
}

/** What a writer of predictions offers. */
export interface PredictionSink {
  begin(labels: readonly string[]): void;
  append(row: ToyPredictionRow, probabilities: Float32Array): Promise<void>;
}

export interface ToyPredictionRow {
  clip_id: string;
  item_id: string;
  fold: number;
  role: Role;
  label: string;
  seen: 'fitted' | 'selected' | 'unseen';
}

/** What an honest member has seen: the training rows. */
export const seenAs = (role: Role): ToyPredictionRow['seen'] => (role === 'train' ? 'fitted' : 'unseen');

/** Labels and one row of probabilities per item. */
export function predictionRows(
  labels: readonly string[],
  rows: Iterable<{ row: ToyPredictionRow; p: ArrayLike<number> }>,
): Fill<PredictionSink> {
  return async (writer) => {
    writer.begin(labels);
    for (const { row, p } of rows) await writer.append(row, Float32Array.from(p));
  };
}

/**
 * Predictions of a member: better than chance, wrong about some, and of its own opinion.
 * @param skill how much more weight the true label gets
 */
export function predictionsOf(
  clips: readonly ToyClip[],
  member: string,
  { skill = 1, labels = ['angry', 'happy'] }: { skill?: number; labels?: readonly string[] } = {},
): Fill<PredictionSink> {
  const rows = clips.map((clip) => {
    const rng = new Rng(clip.variant, 'predictions', member, clip.clip_id);
    const weights = labels.map((label) => rng.uniform(0.1, 1) + (label === clip.emotion ? skill * rng.next() : 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const { clip_id, role, emotion } = clip;
    return {
      row: { clip_id, item_id: clip_id, fold: 0, role, label: emotion, seen: seenAs(role) },
      p: weights.map((weight) => weight / total),
    };
  });
  return predictionRows(labels, rows);
}
