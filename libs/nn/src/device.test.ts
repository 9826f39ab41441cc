import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openSession } from './device.ts';
import { Graph } from './graph.ts';
import { encodeModel } from './onnx/model.ts';
import { relu } from './ops.ts';

const cuda = existsSync('/usr/local/cuda');

it.skipIf(cuda || process.platform !== 'linux')(
  `a GPU that is asked for and not there is refused with what has to be installed${cuda ? ' (skipped: CUDA is installed)' : ''}`,
  async () => {
    const graph = new Graph();
    graph.output('y', relu(graph.input('x', [2])));
    await expect(openSession(encodeModel(graph), { device: 'cuda' })).rejects.toMatchObject({
      parts: {
        problem: 'the device cuda is not there',
        expected: expect.stringContaining('--onnxruntime-node-install=cuda12') as string,
      },
    });
  },
);
