import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { loadable } from '@prosodia/core';
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

it('a command line of any length does no harm, and ONNX Runtime is told not to report to its maker', async () => {
  const graph = new Graph();
  graph.output('y', relu(graph.input('x', [2])));
  const { url, execArgv } = loadable(new URL('./device.ts', import.meta.url));
  const script = `
    const { openSession } = await import(process.argv[1]);
    const session = await openSession(Buffer.from(process.argv[2], 'base64'), {});
    const { y } = await session.run({ x: { data: Float32Array.of(-1, 2), shape: [2] } }, { y: null });
    console.log([...y], process.env.ORT_DISABLE_TELEMETRY);`;
  const model = Buffer.from(encodeModel(graph)).toString('base64');
  const recordings = Array.from({ length: 2000 }, (_, i) => `/home/somebody/recordings/speaker_01/sentence_${i}.wav`);
  const { CI: _, ORT_DISABLE_TELEMETRY: __, ...env } = process.env;
  const args = [...execArgv, '--input-type=module', '-e', script, url.href, model, ...recordings];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toBe('[ 0, 2 ] 1\n');
});
