/** The predictor on toy stages: windows are rows of JSON, and what a stage does to them is chosen by the test. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactKind, DataError, type StageDefinition, Type, defineStage } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { Predictor } from './predictor.ts';
import type { ServedRun } from './served-run.ts';

interface Row {
  clip_id: string;
}

function rowsKind(id: string): ArtifactKind<Row[], Row[]> {
  return {
    id,
    summary: 'rows',
    open: async (folder) => JSON.parse(await readFile(join(folder, 'rows.json'), 'utf8')) as Row[],
    create: (folder) =>
      Promise.resolve(
        Object.assign([] as Row[], {
          async close(this: Row[]) {
            await writeFile(join(folder, 'rows.json'), JSON.stringify([...this]));
          },
        }),
      ),
  };
}

const Rows = rowsKind('clips');
const Split = rowsKind('split');
const Predictions: ArtifactKind<unknown, Row[]> = {
  ...rowsKind('predictions'),
  async open(folder) {
    const rows = JSON.parse(await readFile(join(folder, 'rows.json'), 'utf8')) as Row[];
    return {
      labels: ['calm', 'happy'],
      all: () => Promise.resolve({ rows, probabilities: Float32Array.from(rows.flatMap(() => [0.25, 0.75])) }),
    };
  },
};

/** Three windows of a second for each file; one that is called `bad` is refused. */
const source = defineStage({
  name: 'source',
  summary: 'lists',
  params: Type.Object({}),
  inputs: {},
  outputs: { clips: Rows },
  run: () => Promise.resolve(),
  serve: {
    inputs: [],
    run({ given, outputs }) {
      for (const [file, { name }] of given.files.entries()) {
        if (name === 'bad') given.refused(file, 'it is bad');
        else {
          for (let w = 0; w < 3; w++) {
            const clip_id = `given/${file}.${w}`;
            given.placed({ clip_id, file, start_s: w, end_s: w + 1 });
            outputs.clips.push({ clip_id });
          }
        }
      }
      return Promise.resolve();
    },
  },
});

/** Leaves out the items named in `drop`; those named in `parts` lose a part. */
const clean = defineStage({
  name: 'clean',
  summary: 'cleans',
  params: Type.Object({ drop: Type.Array(Type.String()), parts: Type.Array(Type.String()) }),
  inputs: { clips: Rows },
  outputs: { clips: Rows },
  run({ params, inputs, outputs, leftOut, notice }) {
    for (const row of inputs.clips) {
      if (params.drop.includes(row.clip_id)) leftOut?.(row.clip_id, 'silence');
      else outputs.clips.push(row);
      if (params.parts.includes(row.clip_id)) leftOut?.(`${row.clip_id}@1`, 'a click');
    }
    if (outputs.clips.length === 0) throw new DataError({ problem: 'a table without rows' });
    notice(`first is ${outputs.clips[0]!.clip_id}`);
    return Promise.resolve();
  },
});

function judge(calibrates: boolean, made: string[]): StageDefinition {
  return defineStage({
    name: 'judge',
    summary: 'predicts',
    params: Type.Object({}),
    inputs: { clips: Rows, split: Split },
    outputs: { predictions: Predictions },
    run: () => Promise.resolve(),
    serve: {
      inputs: ['clips'],
      calibrates,
      async run({ inputs, outputs, once }) {
        await once('model', () => {
          made.push('made');
          return Promise.resolve({ dispose: () => Promise.resolve(made.push('disposed')) });
        });
        outputs.predictions.push(...inputs.clips);
      },
    },
  }) as unknown as StageDefinition;
}

async function open({ drop = [] as string[], parts = [] as string[], calibrates = false } = {}) {
  const made: string[] = [];
  const stages: Record<string, StageDefinition> = {
    source: source as unknown as StageDefinition,
    clean: clean as unknown as StageDefinition,
    judge: judge(calibrates, made),
  };
  const run: ServedRun = {
    pipeline: 'toy',
    run: 1,
    title: 'Toy',
    device: 'cpu',
    instances: {
      clips: { uses: 'source', with: {}, from: {}, seed: 1 },
      cleaned: { uses: 'clean', with: { drop, parts }, from: { clips: ['clips.clips'] }, seed: 1 },
      judge: { uses: 'judge', with: {}, from: { clips: ['cleaned.clips'], split: ['split.split'] }, seed: 1 },
    },
    members: ['judge.predictions'],
    labels: ['calm', 'happy'],
    corpora: [],
    stage: (uses) => Promise.resolve(stages[uses]!),
    saved: () => '',
  };
  return { predictor: await Predictor.open(run), made };
}

const files = (...names: string[]) => names.map((name) => ({ name, source: { bytes: new Uint8Array() } }));

describe('Predictor', () => {
  it('lists a window that was left out apart from files of which nothing is predicted', async () => {
    const { predictor } = await open({ drop: ['given/0.1', 'given/2.0', 'given/2.1', 'given/2.2'] });
    const { predictions, left_out, refused } = await predictor.predict(files('a', 'bad', 'c', 'd'));
    expect(predictions.map(({ file, start_s }) => [file, start_s])).toEqual([
      ['a', 0],
      ['a', 2],
      ['d', 0],
      ['d', 1],
      ['d', 2],
    ]);
    expect(left_out).toEqual([{ file: 'a', start_s: 1, end_s: 2, reason: 'silence' }]);
    expect(refused).toEqual([
      { file: 'bad', reason: 'it is bad' },
      { file: 'c', reason: 'silence' },
    ]);
  });

  it('predicts from what is left of a window, and says that a part is missing, in the names of the user', async () => {
    const { predictor } = await open({ parts: ['given/0.2'] });
    const { predictions, left_out, notices } = await predictor.predict(files('a.wav'));
    expect(predictions).toHaveLength(3);
    expect(left_out).toEqual([]);
    expect(notices).toEqual(['first is a.wav', 'a.wav: predicted without a part of it: a click']);
  });

  it('gives the reasons, and no error, where nothing at all is left', async () => {
    const { predictor } = await open({ drop: ['given/0.0', 'given/0.1', 'given/0.2'] });
    expect(await predictor.predict(files('a'))).toEqual({
      labels: ['calm', 'happy'],
      predictions: [],
      left_out: [],
      refused: [{ file: 'a', reason: 'silence' }],
      notices: [],
    });
    const { refused } = await predictor.predict(files('bad'));
    expect(refused).toEqual([{ file: 'bad', reason: 'it is bad' }]);
  });

  it('loads a model once for any number of calls, also at the same time, and frees it when closed', async () => {
    const { predictor, made } = await open();
    await Promise.all([predictor.predict(files('a')), predictor.predict(files('b'))]);
    await predictor.predict(files('c'));
    expect(made).toEqual(['made']);
    await predictor.close();
    expect(made).toEqual(['made', 'disposed']);
  });

  it('calls probabilities calibrated only if the stage that gives them says so', async () => {
    expect((await open()).predictor.calibrated).toBe(false);
    expect((await open({ calibrates: true })).predictor.calibrated).toBe(true);
  });

  it('refuses a window that is no length of time', async () => {
    const { predictor } = await open();
    await expect(predictor.predict(files('a'), { window_s: 0 })).rejects.toThrow('window_s is a length of time');
  });
});
