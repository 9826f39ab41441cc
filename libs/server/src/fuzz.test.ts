import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { type RunningServer, startServer } from './server.ts';
import { FakeModel, KeptLog, recording } from './testing.ts';

let fake: FakeModel;
let server: RunningServer;

beforeAll(async () => {
  fake = new FakeModel();
  server = await startServer({
    models: [{ source: { kind: 'bundle', folder: fake.folder } }],
    port: 0,
    limits: { threads: 1, arrival_s: 2, idle_s: 2 },
    preparePage: false,
    log: new KeptLog(),
  });
});
afterAll(async () => {
  await server.stop();
  fake.remove();
});

it('answers or closes on every malformed request, and predicts as before afterwards', async () => {
  const report = await fuzz({ url: server.url, requests: 400, seed: 42, recording: recording(0.1) });
  expect(report.hung).toEqual([]);
  expect(report.wrong).toEqual([]);
  expect(Object.keys(report.kinds).length).toBeGreaterThan(12);
  const after = await fetch(`${server.url}/v1/predict`, {
    method: 'POST',
    body: recording(),
    headers: { 'content-type': 'audio/wav' },
  });
  expect(after.status).toBe(200);
  const state = (await (await fetch(`${server.url}/readyz`)).json()) as object;
  expect(state).toMatchObject({ status: 'ready', queued: 0 });
});
