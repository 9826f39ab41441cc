/** For tests: a small world of clips, split, predictions and a model on disk, and the stage run on it. */
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManyItem, Rng, type Role } from '@prosodia/core';
import {
  type AudioRow,
  AudioTable,
  type ClipRow,
  ClipTable,
  Model,
  PredictionTable,
  Report,
  type Seen,
  type SplitRow,
  SplitTable,
} from '@prosodia/tables';
import stage from './stage.ts';

export type EvaluateParams = Parameters<typeof stage.run>[0]['params'];

export interface PredictedRow {
  clip_id: string;
  /** Default: the clip id. */
  item_id?: string;
  fold?: number;
  role?: Role;
  label: string;
  /** Default: unseen. */
  seen?: Seen;
  p: readonly number[];
}

export interface World {
  clips: readonly ClipRow[];
  split?: readonly SplitRow[];
  labels: readonly string[];
  predictions: readonly PredictedRow[];
  members?: Readonly<Record<string, readonly PredictedRow[]>>;
  models?: Readonly<Record<string, { json: object; history?: readonly Record<string, number | null>[] }>>;
  audio?: readonly AudioRow[];
}

export interface Outcome {
  /** Content of every file of the report. */
  files: ReadonlyMap<string, Uint8Array>;
  text(name: string): string;
  metrics: Record<string, number>;
  summary: string;
  notices: string[];
}

const where = 'test';

export function clip(i: number, fields: Partial<ClipRow> = {}): ClipRow {
  return {
    clip_id: `lab/${String(i).padStart(4, '0')}`,
    corpus: 'lab',
    path: `${i}.wav`,
    sha256: String(i).padStart(64, '0'),
    sample_rate: 16000,
    channels: 1,
    frames: 48000,
    duration_s: 3,
    speaker: '1',
    sex: null,
    emotion: 'happy',
    intensity: null,
    statement: null,
    repetition: null,
    vocal_channel: null,
    ...fields,
  };
}

/** Runs the stage in a temporary folder that is removed afterwards. */
export async function evaluate(
  world: World,
  params: Partial<EvaluateParams> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'evaluate-'));
  const place = async (name: string) => {
    await mkdir(join(folder, name));
    return join(folder, name);
  };
  try {
    const metrics: Record<string, number> = {};
    let summary = '';
    const notices: string[] = [];
    const members = Object.entries(world.members ?? {});
    const out = await place('report');
    const report = await Report.create(out, { where });
    await stage.run({
      params: {
        title: 'Evaluation',
        role: 'test',
        notes: [],
        reproduce: '',
        bootstrap: 50,
        resample: 'auto',
        confidence: 0.95,
        permutations: 150,
        mistakes: 12,
        ...params,
      },
      inputs: {
        predictions: [await writePredictions(await place('predictions'), 'vote', world.labels, world.predictions)],
        clips: await writeClips(await place('clips'), world.clips),
        split: world.split ? await writeSplit(await place('split'), world.split) : undefined,
        members: await Promise.all(
          members.map(async ([from, rows]) =>
            writePredictions(await place(`member-${from}`), from, world.labels, rows),
          ),
        ),
        models: await Promise.all(
          Object.entries(world.models ?? {}).map(async ([from, model]) => ({
            from,
            artifact: await writeModel(await place(`model-${from}`), model),
          })),
        ),
        audio: world.audio ? await writeAudio(await place('audio'), world.audio) : undefined,
      },
      outputs: { report },
      state: undefined,
      rng: new Rng(42, 'evaluate'),
      threads: 1,
      device: 'cpu',
      signal,
      recordings: {
        folder: () => '',
        read: () => Promise.reject(new Error('evaluate reads no recordings')),
      },
      scratch: { read: () => Promise.resolve(undefined), write: () => Promise.resolve() },
      progress: () => undefined,
      notice: (message) => void notices.push(message),
      metrics: (values) => Object.assign(metrics, values),
      summary: (text) => (summary = text),
    });
    await report.close();
    const files = new Map<string, Uint8Array>();
    for (const name of (await readdir(out)).sort()) files.set(name, await readFile(join(out, name)));
    return { files, text: (name) => new TextDecoder().decode(files.get(name)), metrics, summary, notices };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeClips(folder: string, rows: readonly ClipRow[]) {
  const writer = await ClipTable.create(folder, { where });
  for (const row of rows) await writer.append(row);
  await writer.close();
  return ClipTable.open(folder, { where });
}

async function writeAudio(folder: string, rows: readonly AudioRow[]) {
  const writer = await AudioTable.create(folder, { where });
  for (const row of rows) await writer.append(row);
  await writer.close();
  return AudioTable.open(folder, { where });
}

async function writeSplit(folder: string, rows: readonly SplitRow[]) {
  const writer = await SplitTable.create(folder, { where });
  for (const row of rows) await writer.append(row);
  await writer.close();
  return SplitTable.open(folder, { where });
}

async function writePredictions(
  folder: string,
  from: string,
  labels: readonly string[],
  rows: readonly PredictedRow[],
): Promise<ManyItem<Awaited<ReturnType<typeof PredictionTable.open>>>> {
  const writer = await PredictionTable.create(folder, { where });
  writer.begin(labels);
  for (const { clip_id, item_id = clip_id, fold = 0, role = 'test', label, seen = 'unseen', p } of rows) {
    await writer.append({ clip_id, item_id, fold, role, label, seen }, Float32Array.from(p));
  }
  await writer.close();
  return { from, artifact: await PredictionTable.open(folder, { where }) };
}

async function writeModel(folder: string, model: NonNullable<World['models']>[string]) {
  const writer = await Model.create(folder, { where });
  await writer.json('model.json', model.json);
  if (model.history) {
    const table = await writer.table('history', {
      columns: [
        { name: 'epoch', type: 'int32' },
        { name: 'loss', type: 'float64' },
        { name: 'accuracy', type: 'float64' },
        { name: 'val_loss', type: 'float64', nullable: true },
        { name: 'val_accuracy', type: 'float64', nullable: true },
        { name: 'learning_rate', type: 'float64' },
      ],
      metadata: { kind: 'history' },
    });
    for (const row of model.history) await table.append(row);
  }
  await writer.close();
  return Model.open(folder, { where });
}

/**
 * A world of `speakers` x `takes` clips of 8 emotions; predictions are right about 7 times in 10.
 * @param shared whether test speakers are heard in training too
 */
export function makeWorld({ speakers = 24, takes = 5, shared = true, corpus = 'lab', seed = 1 } = {}): World {
  const labels = ['neutral', 'calm', 'happy', 'sad', 'angry', 'fearful', 'disgust', 'surprised'];
  const rng = new Rng(seed, 'world');
  const clips: ClipRow[] = [];
  for (let s = 1; s <= speakers; s++) {
    for (const emotion of labels) {
      for (let t = 0; t < takes; t++) {
        clips.push(
          clip(clips.length, {
            clip_id: `${corpus}/03-01-${String(labels.indexOf(emotion) + 1).padStart(2, '0')}-01-0${t}-01-${String(s).padStart(2, '0')}`,
            corpus,
            emotion,
            speaker: String(s),
            sex: s % 2 ? 'male' : 'female',
            duration_s: 3 + 0.4 * rng.normal() + (emotion === 'sad' ? 0.4 : 0),
          }),
        );
      }
    }
  }
  const isTest = (row: ClipRow, i: number) => (shared ? i % 5 === 0 : Number(row.speaker) > speakers * 0.8);
  const split = clips.map((row, i): SplitRow => ({
    clip_id: row.clip_id,
    fold: 0,
    role: isTest(row, i) ? 'test' : i % 7 === 1 ? 'validation' : 'train',
  }));
  const predict = (sharpness: number, name: string): PredictedRow[] =>
    clips
      .filter((_, i) => split[i]!.role === 'test')
      .map((row) => {
        const own = rng.fork(name, row.clip_id);
        const scores = labels.map((label) =>
          Math.exp(sharpness * (label === row.emotion ? 1 : 0) + 1.1 * own.normal()),
        );
        const sum = scores.reduce((a, b) => a + b, 0);
        return { clip_id: row.clip_id, label: row.emotion, p: scores.map((value) => value / sum) };
      });
  const epochs = Array.from({ length: 40 }, (_, i) => i + 1);
  return {
    clips,
    split,
    labels,
    predictions: predict(2.6, 'vote'),
    members: { dnn: predict(2.3, 'dnn'), forest: predict(2, 'forest') },
    models: {
      dnn: {
        json: { kind: 'network', labels, parameters: 187_432, best_epoch: 31 },
        history: epochs.map((epoch) => ({
          epoch,
          loss: 2.1 * Math.exp(-epoch / 14) + 0.02,
          accuracy: 1 - 0.85 * Math.exp(-epoch / 14),
          val_loss: 0.9 + 1.2 * Math.exp(-epoch / 10) + (epoch > 30 ? (epoch - 30) * 0.01 : 0),
          val_accuracy: 0.7 - 0.55 * Math.exp(-epoch / 10),
          learning_rate: 1e-3,
        })),
      },
      forest: { json: { kind: 'forest', labels } },
    },
  };
}
