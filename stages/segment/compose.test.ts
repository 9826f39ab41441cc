/** Segments in an ONNX graph are those that the stage cuts. */
import { onnx } from '@prosodia/dsp';
import { composedModel } from '@prosodia/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { segmentBounds } from './stage.ts';

describe.each(['pad', 'drop'] as const)('tail: %s', (tail) => {
  it.each([
    [1000, 0.5],
    [1000, 0],
    [300, 0.75],
  ])('segments of %i samples with an overlap of %d', async (size, overlap) => {
    const hop = Math.max(1, Math.round(size * (1 - overlap)));
    const { samples } = onnx.segments(onnx.waveform(), size, hop, tail === 'pad');
    const value = { name: 'y', element: 'float32' as const, shape: ['items', size] };
    const model = composedModel({ name: 'g', outputs: [{ tensor: samples, value }] });
    const session = await ort.InferenceSession.create(model);
    for (const length of [1, 299, 300, 999, 1000, 1001, 1499, 1500, 1501, 2000, 3217]) {
      const y = Float32Array.from({ length }, (_, i) => i + 1);
      const found = (await session.run({ waveform: new ort.Tensor('float32', y, [1, length]) }))['y']!;
      const bounds = segmentBounds(length, 1, { length_s: size, overlap, tail });
      const expected = bounds.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => y[start + i] ?? 0),
      );
      expect([...(found.data as Float32Array)], `${length} samples`).toEqual(expected);
    }
  });
});
