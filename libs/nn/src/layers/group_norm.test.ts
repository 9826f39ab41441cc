import { Rng } from '@prosodia/core';
import { expect, it } from 'vitest';
import { loadModel } from '../predictor.ts';
import { inferenceModel } from '../programs.ts';
import { initialParameters, takeInventory, type NetworkSpec } from '../network.ts';

const BATCH = 3;
const [HEIGHT, WIDTH, CHANNELS, GROUPS] = [2, 3, 4, 2];

it('gives each group of each row mean 0 and deviation 1, then the gamma and beta of the channel', async () => {
  const rng = new Rng(1);
  const x = Float32Array.from({ length: BATCH * HEIGHT * WIDTH * CHANNELS }, () => rng.normal(3, 2));
  const spec: NetworkSpec = {
    layers: [{ group_norm: { groups: GROUPS } }, { flatten: {} }],
    inputShape: [HEIGHT, WIDTH, CHANNELS],
    classes: 2,
  };
  const inventory = takeInventory(spec);
  const parameters = initialParameters(inventory, 1).map(() => rng.normal());
  const slot = (name: string) => {
    const { offset, shape } = inventory.parameters.find((each) => each.name === name)!;
    return parameters.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
  };
  const [gamma, beta] = [slot('0_group_norm/gamma'), slot('0_group_norm/beta')];
  const [kernel, bias] = [slot('output/kernel'), slot('output/bias')];

  const places = HEIGHT * WIDTH;
  const expected = Array.from({ length: BATCH }, (_, row) => {
    const at = (place: number, channel: number) => x[(row * places + place) * CHANNELS + channel]!;
    const logits = [...bias];
    for (let channel = 0; channel < CHANNELS; channel++) {
      const size = CHANNELS / GROUPS;
      const first = Math.floor(channel / size) * size;
      const values = Array.from({ length: places * size }, (_, i) => at(Math.floor(i / size), first + (i % size)));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      for (let place = 0; place < places; place++) {
        const y = ((at(place, channel) - mean) / Math.sqrt(variance + 0.001)) * gamma[channel]! + beta[channel]!;
        for (let c = 0; c < 2; c++) logits[c]! += y * kernel[(place * CHANNELS + channel) * 2 + c]!;
      }
    }
    const first = 1 / (1 + Math.exp(logits[1]! - logits[0]!));
    return [first, 1 - first];
  }).flat();

  const served = await loadModel(inferenceModel(spec, parameters, new Float32Array(0)));
  try {
    const found = await served.predict(x, BATCH);
    expected.forEach((p, i) => expect(found[i]).toBeCloseTo(p, 5));
  } finally {
    await served.dispose();
  }
});

it('refuses channels that its groups do not divide, and says which layer', () => {
  const spec: NetworkSpec = { layers: [{ group_norm: { groups: 3 } }], inputShape: [4], classes: 2 };
  expect(() => takeInventory(spec)).toThrow(/layers\[0\][^]*equal groups[^]*a multiple of 3 channels[^]*got: +4/);
});
