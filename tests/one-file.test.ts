/** `prosodia export --one-file`: one model from samples to the probabilities that the run gave. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL, MessageReader, PAIR } from '@prosodia/onnx';
import { AudioTable, PredictionTable } from '@prosodia/tables';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import type { TestProject } from './support/project.ts';
import { TRIMMED } from './support/recipes.ts';

const COMPOSABLE = `name: composable
title: Segments, spectral features, two models, a vote, calibrated
stages:
  clips: { uses: ingest, with: { corpus: tiny } }
  split: { uses: split, from: { clips }, with: { scheme: holdout, test: 0.25, validation: 0.2 } }
  audio: { uses: resample, from: { clips }, with: { rate: 8000 } }
  louder: { uses: augment, from: { audio, split }, with: { copies: 1, transforms: [gain: { db: [-3, 3] }] } }
  segments: { uses: segment, from: { audio: louder }, with: { length_s: 0.2, overlap: 0.5, tail: pad } }
  spectral:
    uses: featurize
    from: { audio: segments }
    with:
      n_fft: 512
      hop_length: 128
      n_mels: 24
      features:
        - mfcc: { n_mfcc: 8, functionals: [mean, std], delta_functionals: [mean] }
        - chroma: { functionals: [mean] }
        - rolloff: { functionals: [p95] }
        - zcr: { functionals: [mean] }
  perclip: { uses: aggregate, from: { features: spectral } }
  scaled: { uses: scale, from: { features: perclip, split } }
  pca: { uses: pca, from: { features: scaled.features, split }, with: { n_components: 6 } }
  forest: { uses: train-forest, from: { features: pca.features, split, clips }, with: { n_estimators: 10 } }
  dnn:
    uses: train-network
    from: { features: scaled.features, split, clips }
    with: { layers: [dense: { units: 8, activation: relu }], epochs: 3 }
  vote: { uses: ensemble, from: { predictions: [dnn.predictions, forest.predictions], split } }
  calibrated: { uses: calibrate, from: { predictions: vote.predictions, split } }
  evaluate:
    uses: evaluate
    from: { predictions: calibrated.predictions, clips: clips, split: split }
    with: { bootstrap: 10, permutations: 10 }
publish:
  .: evaluate.report
`;

let project: TestProject;
beforeAll(async () => {
  const tiny = tinyProject();
  project = tiny.project;
  const { data } = tiny;
  for (const [name, text] of Object.entries({ composable: COMPOSABLE, trimmed: TRIMMED })) {
    writeFileSync(join(project.root, 'pipelines', `${name}.yaml`), text);
    const { code, err } = await project.cli(['run', name, '--json', `--data=${data}`]);
    expect(code, err).toBe(0);
  }
}, 120_000);
afterAll(() => project.remove());

describe('a model in one file', () => {
  it('gives samples the probabilities that the run gave them, and says what it is', async () => {
    const file = join(project.root, 'composable.onnx');
    const { code, out, err } = await project.cli(['export', 'composable', '--one-file', '--to', file, '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ file, metadata: { sample_rate: 8000, calibrated: true, run: 1 } });

    const bytes = readFileSync(file);
    const kept = new MessageReader(bytes).messages(MODEL.metadata).map((pair) => pair.string(PAIR.key));
    expect(kept).toEqual(
      expect.arrayContaining(['sample_rate', 'labels', 'title', 'threshold', 'window_s', 'limits', 'corpora']),
    );

    const stages = join(project.root, 'artifacts/runs/composable/latest/stages');
    const where = { where: 'the run' };
    const { rows, probabilities } = await (
      await PredictionTable.open(join(stages, 'calibrated', 'predictions'), where)
    ).all();
    const audio = await (await AudioTable.open(join(stages, 'audio', 'audio'), where)).all();
    const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const classes = probabilities.length / rows.length;
    let worst = 0;
    let compared = 0;
    for (const [r, { item_id, role }] of rows.entries()) {
      if (role !== 'test') continue;
      const { samples } = audio.find((row) => row.item_id === item_id)!;
      const twice = Float32Array.from([...samples, ...samples]);
      const waveform = new ort.Tensor('float32', twice, [2, samples.length]);
      const found = (await session.run({ waveform }))['probabilities']!.data as Float32Array;
      for (let c = 0; c < classes; c++) {
        worst = Math.max(worst, Math.abs(found[c]! - probabilities[r * classes + c]!));
        worst = Math.max(worst, Math.abs(found[classes + c]! - found[c]!));
      }
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
    expect(worst).toBeLessThan(1e-4);
  }, 60_000);

  it('leaves a file that is there already alone', async () => {
    const { code, err } = await project.cli(['export', 'composable', '--one-file', '--to', 'package.json']);
    expect(code).toBe(2);
    expect(err).toContain('the file to export to is there already');
  });

  it('is refused with the stage that prevents it, and why', async () => {
    const { code, err } = await project.cli(['export', 'trimmed', '--one-file', '--to', 'trimmed.onnx']);
    expect(code).toBe(2);
    expect(err).toContain('this run has no one-file model');
    expect(err).toContain('stage speech');
    expect(err).toContain('trim leaves a different length of each recording');
  });
});
