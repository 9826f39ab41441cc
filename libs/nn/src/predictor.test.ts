import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel, type Model } from './predictor.ts';
import { clusters } from './testing/toy-data.ts';
import { train } from './trainer.ts';

describe('a loaded model', () => {
  let model: Model;
  const data = clusters(600, 4, 3, 1);
  beforeAll(async () => {
    model = await loadModel((await train({ layers: [], inputShape: [4], classes: 3, data, epochs: 1, seed: 1 })).model);
  });
  afterAll(() => model.dispose());

  it('knows the shape of a row', () => expect(model.inputShape).toEqual([4]));

  it('gives a row the same probabilities alone and among others, also over several runs', async () => {
    const all = await model.predict(data.x, 600);
    expect(all).toHaveLength(1800);
    for (const row of [0, 255, 256, 599]) {
      const alone = await model.predict(data.x.slice(row * 4, row * 4 + 4), 1);
      alone.forEach((p, c) => expect(p).toBeCloseTo(all[row * 3 + c]!, 6));
    }
  });

  it('gives nothing for no rows', async () => expect(await model.predict(new Float32Array(0), 0)).toHaveLength(0));

  it('refuses rows of another width', async () => {
    await expect(model.predict(new Float32Array(5), 1)).rejects.toThrow(/1 rows of 4 values[^]*5 values/);
  });
});

it('bytes that are no model are refused', async () => {
  await expect(loadModel(Uint8Array.of(1, 2, 3))).rejects.toThrow('ONNX Runtime cannot load the model');
});
