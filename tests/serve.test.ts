/** `prosodia serve` through the real command: the numbers of `predict`, over HTTP, from a run and from an exported folder. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { tinyProject } from './support/corpus.ts';
import { type Started, type TestProject } from './support/project.ts';

interface Reply {
  result: { probabilities: Record<string, number>; predictions: { start_s: number; probabilities: object }[] };
}

let project: TestProject;
let folder: string;
let serving: Started;
let url: string;

beforeAll(async () => {
  const tiny = tinyProject();
  project = tiny.project;
  const { data } = tiny;
  folder = join(project.root, 'given');
  mkdirSync(folder);
  cpSync(fileURLToPath(new URL('fixtures/speech.yaml', import.meta.url)), join(project.root, 'pipelines/speech.yaml'));
  const { code, err } = await project.cli(['run', 'speech', '--json', `--data=${data}`]);
  expect(code, err).toBe(0);
  const exported = await project.cli(['export', 'speech', '--to', 'bundle']);
  expect(exported.code, exported.err).toBe(0);
  symlinkSync(join(project.root, 'node_modules'), join(project.root, 'bundle', 'node_modules'));
  [serving, url] = await serve(['speech', 'bundle']);
});
afterAll(async () => {
  serving.child.kill('SIGKILL');
  await serving.ended;
  project.remove();
});

async function serve(models: string[]): Promise<[Started, string]> {
  const started = project.start(['serve', ...models, '--port', '0', '--threads', '1', '--json']);
  let ended = false;
  void started.ended.then(() => (ended = true));
  while (!started.said.out.includes('\n')) {
    if (ended) throw new Error(started.said.err);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { url: address } = JSON.parse(started.said.out.split('\n')[0]!) as { url: string };
  return [started, address];
}

function voice(seconds: number): Float32Array {
  const rng = new Rng(3, 'voice', seconds);
  return Float32Array.from(
    { length: Math.round(seconds * 16_000) },
    (_, i) => 0.3 * Math.sign(Math.sin((2 * Math.PI * 170 * i) / 16_000)) + 0.02 * rng.normal(),
  );
}

async function post(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Reply> {
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(url + path, { method: 'POST', body: bytes, headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Reply;
}

describe('serve', () => {
  it('gives the probabilities that predict gives, window by window, from a run and from an exported folder', async () => {
    for (const [seconds, options, query] of [
      [1, [], ''],
      [7, ['--window=2', '--hop=1.5'], '&window_s=2&hop_s=1.5'],
    ] as const) {
      const path = join(folder, `${seconds}.wav`);
      writeFileSync(path, encodeWav(voice(seconds), 16_000));
      const { out } = await project.cli(['predict', 'speech', path, '--json', ...options]);
      const said = JSON.parse(out) as { predictions: { probabilities: object }[]; files: { probabilities: object }[] };
      for (const model of ['speech-1', 'speech-1-2']) {
        const { result } = await post(`/v1/predict?model=${model}${query}`, new Uint8Array(readFileSync(path)));
        expect(result.probabilities).toEqual(said.files[0]!.probabilities);
        expect(result.predictions.map((own) => own.probabilities)).toEqual(
          said.predictions.map((own) => own.probabilities),
        );
      }
    }
  });

  it('gives a stream the probabilities of the same seconds sent as a recording', async () => {
    const samples = voice(1);
    const bytes = new Uint8Array(encodeWav(samples, 16_000, { format: 'float32' }));
    const { result } = await post('/v1/predict', bytes);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`);
    const messages: { type: string; window?: object }[] = [];
    const estimated = new Promise<void>((resolve, reject) => {
      socket.on('message', (data: Buffer) => {
        messages.push(JSON.parse(data.toString()) as (typeof messages)[number]);
        if (messages.length === 1) socket.send(new Uint8Array(samples.buffer));
        if (messages.length === 2) resolve();
      });
      socket.on('error', reject);
    });
    socket.on('open', () => socket.send('{"sample_rate": 16000, "format": "f32le"}'));
    await estimated;
    socket.terminate();
    expect(messages.map(({ type }) => type)).toEqual(['ready', 'estimate']);
    expect(messages[1]!.window).toEqual(result.probabilities);
  });

  it('lists its models, and has their cards', async () => {
    const { models } = (await (await fetch(`${url}/v1/models`)).json()) as {
      models: { id: string; card: string; labels: string[] }[];
    };
    expect(models.map(({ id }) => id)).toEqual(['speech-1', 'speech-1-2']);
    expect(models[0]!.labels).toEqual(['angry', 'calm', 'happy', 'sad']);
    expect(await (await fetch(url + models[1]!.card)).text()).toContain('Licence');
  });

  it('stops in order on SIGTERM, with its log as one JSON object a line', async () => {
    const [own, address] = await serve(['speech']);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    own.child.kill('SIGTERM');
    const { code, err } = await own.ended;
    expect(code, err).toBe(0);
    const lines = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'request', route: '/healthz', status: 200 }));
  });

  it.each([
    [['serve'], 'needs a run'],
    [['serve', 'speech', '--host', '0.0.0.0'], '--token'],
    [['serve', 'speech', '--port', '99999'], '--port'],
    [['serve', 'speech', '--threads', '0'], '--threads'],
    [['serve', 'no-such-run'], 'no-such-run'],
    [['serve', 'speech', '--one-file', 'missing.onnx'], 'missing.onnx'],
  ])('refuses %j and says why', async (args, reason) => {
    const { code, err } = await project.cli(args);
    expect(code).toBe(2);
    expect(err).toContain(reason);
  });
});
