import { loadTfjsModel } from '@prosodia/nn';
import { clipsOf, featureRows, splitOf, toyClips, toyFeatures, useWorkbench } from '@prosodia/runner/conformance';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describe('train-network with TensorFlow.js', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 48, emotions: ['angry', 'happy', 'sad'] });
  const { names, rows } = toyFeatures(clips);
  const inputs = { features: featureRows(names, rows), split: splitOf(clips), clips: clipsOf(clips) };
  const params = {
    layers: [{ dense: { units: 6, activation: 'relu' as const } }, { batch_norm: {} }, { dropout: 0.2 }],
    optimizer: { adam: { learning_rate: 0.01 } },
    batch_size: 8,
    epochs: 3,
  };

  it('trains the network that the engine onnx trains, and says what trained', async () => {
    const [onnx, tfjs] = [
      await bench.run(stage, { params, inputs }),
      await bench.run(stage, { params: { ...params, engine: 'tfjs' }, inputs }),
    ];
    const contract = await tfjs.outputs.model.json<{ provider: { version: string } }>('model.json');
    expect(contract.provider.version).toMatch(/^@tensorflow\/tfjs/);
    const [ours, theirs] = [await onnx.outputs.predictions.all(), await tfjs.outputs.predictions.all()];
    ours.probabilities.forEach((p, i) => expect(Math.abs(p - theirs.probabilities[i]!)).toBeLessThan(1e-3));
  });

  it('writes model.json and weights of TensorFlow.js on demand, which predict the same', async () => {
    const { outputs } = await bench.run(stage, { params: { ...params, export: ['tfjs'] }, inputs });
    const names = await readdir(join(outputs.model.folder, 'tfjs'));
    const files = await Promise.all(
      names.map(async (name) => [name, await outputs.model.bytes(`tfjs/${name}`)] as const),
    );
    const model = await loadTfjsModel(Object.fromEntries(files));
    const x = Float32Array.from(rows.flatMap(({ values }) => [...values]));
    const theirs = await model.predict(x, rows.length);
    await model.dispose();
    const { probabilities } = await outputs.predictions.all();
    expect(theirs).toHaveLength(probabilities.length);
    theirs.forEach((p, i) => expect(Math.abs(p - probabilities[i]!)).toBeLessThan(1e-5));
  });

  it('writes none unless asked', async () => {
    const { outputs } = await bench.run(stage, { params, inputs });
    expect(await readdir(outputs.model.folder)).not.toContain('tfjs');
  });
});
