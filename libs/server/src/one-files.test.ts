import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelRequest } from './models.ts';
import type { Model, ModelsReply } from './schemas.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';
import { FakeModel, KeptLog, recording } from './testing.ts';

const MAKES = 'return { model: Uint8Array.of(1, 2, 3), metadata: {} };';
const PREVENTED = 'return { reason: "stage speech: trim leaves a different length of each recording" };';
const DIES = 'process.exit(3);';
const HANGS = 'for (;;) ;';

let folder: string;
let before: string | undefined;
let fakes: FakeModel[];
let server: RunningServer | undefined;
let log: KeptLog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prosodia-test-'));
  before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  fakes = [];
  log = new KeptLog();
});
afterEach(async () => {
  await server?.stop();
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  for (const fake of fakes) fake.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A model whose predictor makes its one-file form by this code, or is too old to make any. */
function fake(oneFile?: string): ModelRequest {
  const own = new FakeModel(oneFile === undefined ? {} : { oneFile });
  fakes.push(own);
  return { source: { kind: 'bundle', folder: own.folder } };
}

async function start(models: ModelRequest[], options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  server = await startServer({
    models,
    port: 0,
    log,
    preparePage: false,
    ...options,
    limits: { threads: 1, ...options.limits },
  });
  return server;
}

async function models(): Promise<Model[]> {
  return ((await (await fetch(`${server!.url}/v1/models`)).json()) as ModelsReply).models;
}

const file = (id: string) => fetch(`${server!.url}/v1/models/${id}/model.onnx`);
/** Folders of what was made. */
const made = () => readdirSync(folder).filter((name) => name.startsWith('prosodia-one-file-'));
/** Models once none is being made. */
const settled = async () => {
  let now = await models();
  await expect
    .poll(async () => (now = await models()).map((model) => model.one_file_state), { timeout: 20_000 })
    .not.toContain('making');
  return now;
};

describe('the one-file form', () => {
  it('is the file that was given, or made by the server itself, or refused with the reason', async () => {
    const given = join(folder, 'given.onnx');
    writeFileSync(given, 'given');
    const codes = [MAKES, PREVENTED, undefined, 'throw new Error("no room");', DIES, MAKES];
    const own = await start([{ ...fake(DIES), oneFile: given }, ...codes.map(fake)]);

    // Whoever asks before it is there waits for it.
    const ids = (await models()).map(({ id }) => id);
    const response = await file(ids[1]!);
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 2, 3]);
    expect(response.headers.get('content-length')).toBe('3');
    expect(await (await file(ids[0]!)).text()).toBe('given');

    const now = await settled();
    expect(now.map((model) => model.one_file_reason)).toEqual([
      null,
      null,
      'stage speech: trim leaves a different length of each recording',
      'the folder was exported by an earlier version: export it again',
      'making it failed: no room',
      'making it failed: its thread ended with code 3',
      null,
    ]);
    expect(now.map((model) => model.one_file_state)).toEqual([
      'ready',
      'ready',
      'none',
      'none',
      'none',
      'none',
      'ready',
    ]);
    expect((await fetch(own.url + now[6]!.one_file!)).status).toBe(200);
    expect(now[2]!.one_file).toBe(null);
    const refused = await file(ids[2]!);
    expect(refused.status).toBe(404);
    expect(await refused.text()).toContain('trim leaves a different length');
    expect(log.lines).toContainEqual(expect.stringMatching(/ as one file: 0\.0 MB, made in /));

    // A model of which there is none predicts all the same.
    const headers = { 'content-type': 'audio/wav' };
    const answer = await fetch(`${own.url}/v1/predict?model=${ids[5]}`, { method: 'POST', body: recording(), headers });
    expect(answer.status).toBe(200);

    expect(made()).toHaveLength(1);
    await own.stop();
    expect(made()).toEqual([]);
  });

  it('is not made if the server is told so, for whoever has it has the model', async () => {
    await start([fake(MAKES)], { makeOneFiles: false });
    expect(await models()).toMatchObject([
      { one_file: null, one_file_state: 'none', one_file_reason: 'the server was started without it' },
    ]);
  });

  it('keeps no one waiting longer than other answers, nor the server from stopping', async () => {
    const own = await start([fake(HANGS)], { limits: { answer_s: 0.2 } });
    expect(await models()).toMatchObject([{ one_file: null, one_file_state: 'making', one_file_reason: null }]);
    expect((await file('fake')).status).toBe(504);
    await own.stop();
    expect(made()).toEqual([]);
  });
});
