import { describe, expect, it } from 'vitest';
import { openSession } from '../device.ts';
import { Graph, type Tensor } from '../graph.ts';
import { negate, reshape } from '../ops.ts';
import { encodeModel } from './model.ts';

/** How many reshapes a model has that computes `y` from `x [2, 6]`, and what comes out. */
async function built(build: (x: Tensor) => Tensor): Promise<{ reshapes: number; y: Float32Array }> {
  const graph = new Graph();
  graph.output('y', build(graph.input('x', [2, 6])));
  const model = encodeModel(graph);
  const session = await openSession(model, {});
  const data = Float32Array.from({ length: 12 }, (_, i) => i + 1);
  const { y } = await session.run({ x: { data, shape: [2, 6] } }, { y: null });
  await session.release();
  return { reshapes: Buffer.from(model).toString('latin1').split('Reshape').length - 1, y: y! };
}

describe('a model of reshapes', () => {
  const y = Float32Array.from({ length: 12 }, (_, i) => -(i + 1));

  it('has the last of those that follow each other', async () => {
    expect(await built((x) => negate(reshape(reshape(reshape(x, [12]), [3, 4]), [4, 3])))).toEqual({ reshapes: 1, y });
  });

  it('has none where the first shape comes out', async () => {
    expect(await built((x) => negate(reshape(reshape(x, [3, 4]), [2, 6])))).toEqual({ reshapes: 0, y });
  });

  it('keeps one in the middle that something else reads', async () => {
    const both = await built((x) => {
      const flat = reshape(negate(x), [12]);
      const { graph } = x;
      return graph.node(
        'Add',
        [reshape(flat, [2, 6]), reshape(graph.node('Sub', [flat, flat], [[12]])[0]!, [2, 6])],
        [[2, 6]],
      )[0]!;
    });
    expect(both).toEqual({ reshapes: 2, y });
  });

  it('keeps one that is an output', async () => {
    expect(await built((x) => reshape(reshape(negate(x), [12]), [2, 6]))).toMatchObject({ y });
  });
});
