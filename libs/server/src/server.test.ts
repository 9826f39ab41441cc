import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { OPERATIONS, type Operation } from './operations.ts';
import type { ProblemDetails } from './problem.ts';
import { NAMED } from './schemas.ts';
import type { BatchReply, ModelsReply, PredictReply, ReadyReply } from './schemas.ts';
import type { RunningServer } from './server.ts';
import { FakeModel, RATE, form, recording } from './testing.ts';
import { useServer } from './testing-server.ts';

const { fake, log, server, start, another, post, body, problem, raw } = useServer();

describe('POST /v1/predict', () => {
  it('predicts a raw recording, and the same recording in a form', async () => {
    const raw = await body<PredictReply>(await post('/v1/predict', recording()), 'predict');
    expect(raw).toMatchObject({
      model: 'fake',
      labels: ['angry', 'calm', 'sad'],
      calibrated: true,
      window_s: 6,
      hop_s: 3,
    });
    expect(raw.result).toMatchObject({ duration_s: 1, windows: 1, label: 'angry', uncertain: false });
    expect(raw.result.probabilities).toEqual({ angry: 0.5, calm: 0.375, sad: 0.125 });
    const sent = await body<PredictReply>(await post('/v1/predict', form([recording()])), 'predict');
    expect(sent).toEqual(raw);
    const untyped = await post('/v1/predict', recording(), { 'content-type': 'application/octet-stream' });
    expect(await body(untyped, 'predict')).toEqual(raw);
  });

  it('takes options from the query and from the form, which wins', async () => {
    const reply = await body<PredictReply>(
      await post(
        '/v1/predict?window_s=2&threshold=0.9&top_k=1',
        form([recording(10)], { hop_s: '2', threshold: '0.1' }),
      ),
      'predict',
    );
    expect(reply).toMatchObject({ window_s: 2, hop_s: 2, threshold: 0.1 });
    expect(reply.result.predictions).toHaveLength(5);
    expect(reply.result.top).toEqual([{ label: 'angry', probability: 0.5 }]);
    expect(reply.result).toMatchObject({ uncertain: false });
  });

  it.each([
    ['no-recording', 400, '', new Uint8Array(0)],
    ['not-predicted', 422, '', new TextEncoder().encode('this is no recording')],
    ['not-predicted', 422, '', recording(1, RATE.refuse)],
    ['too-long', 422, '', recording(61, 1000)],
    ['too-long', 422, '?window_s=1&hop_s=0.05', recording(50, 1000)],
    ['too-large', 413, '', new Uint8Array(500_001)],
    ['invalid-parameter', 400, '?top_k=none', recording()],
    ['invalid-parameter', 400, '?top_k=0', recording()],
    ['invalid-parameter', 400, '?window_s=1e9', recording()],
    ['invalid-parameter', 400, '?hop_s=1&hop_s=2', recording()],
    ['invalid-parameter', 400, '?treshold=0.5', recording()],
    ['no-such-model', 404, '?model=fakes', recording()],
    ['internal', 500, '', recording(1, RATE.fail)],
    ['thread-died', 500, '', recording(1, RATE.die)],
  ])('answers %s with %d and the reason (%s)', async (name, status, query, bytes) => {
    const response = await post(`/v1/predict${query}`, bytes);
    const told = await problem(response, 'predict');
    expect([told.name, response.status]).toEqual([name, status]);
    expect(told.detail.length).toBeGreaterThan(5);
  });

  it('refuses wrong fields of a form as it refuses wrong parameters', async () => {
    for (const [fields, name] of [
      [{ top_k: 'three' }, 'invalid-parameter'],
      [{ colour: 'blue' }, 'invalid-parameter'],
      [{ model: 'none' }, 'no-such-model'],
      [{ model: 'x'.repeat(2000) }, 'invalid-parameter'],
    ] as const) {
      const told = await problem(await post('/v1/predict', form([recording()], fields)), 'predict');
      expect(told.name).toBe(name);
    }
    const two = await problem(await post('/v1/predict', form([recording(), recording()])), 'predict');
    expect(two.name).toBe('too-many-files');
    const other = new FormData();
    other.append('upload', new Blob([recording()]), 'a.wav');
    expect((await problem(await post('/v1/predict', other), 'predict')).detail).toContain('upload');
    expect((await problem(await post('/v1/predict', form([])), 'predict')).name).toMatch(/no-recording|bad-multipart/);
  });

  it('refuses other media types, and forms that break off', async () => {
    const json = await post('/v1/predict', '{}', { 'content-type': 'application/json' });
    expect((await problem(json, 'predict')).fix).toContain('audio/wav');
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    for (const text of [
      '',
      '--x',
      '--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF',
    ]) {
      expect((await problem(await post('/v1/predict', text, type), 'predict')).status).toBe(400);
    }
    const bare = await post('/v1/predict', 'x', { 'content-type': 'multipart/form-data' });
    expect((await problem(bare, 'predict')).status).toBe(400);
  });

  it('leaves nothing behind where its threads put files, even if one has died', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prosodia-scratch-'));
    vi.stubEnv('TMPDIR', folder);
    try {
      const own = await start();
      const first = readdirSync(folder);
      expect(first).toHaveLength(1);
      await post('/v1/predict', recording(1, RATE.die), {}, own);
      expect((await post('/v1/predict', recording(), {}, own)).status).toBe(200);
      expect(readdirSync(folder)).not.toEqual(first);
      await own.stop();
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    }
  });

  it('goes on after its thread has died', async () => {
    await post('/v1/predict', recording(1, RATE.die));
    const replies = await Promise.all([1, 2].map(() => post('/v1/predict', recording())));
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('POST /v1/predict/batch', () => {
  it('answers in the order of the recordings, and refuses each by itself', async () => {
    const recordings = [recording(1, 16_000, 0.25), recording(1, RATE.refuse), recording(61, 1000), recording()];
    const reply = await body<BatchReply>(await post('/v1/predict/batch', form(recordings)), 'batch');
    expect(reply.results).toMatchObject([
      { file: 'speech-0.wav', probabilities: { angry: 0.25 } },
      { file: 'speech-1.wav', refused: { type: 'urn:prosodia:problem:not-predicted', detail: 'too quiet' } },
      { file: 'speech-2.wav', refused: { type: 'urn:prosodia:problem:too-long' } },
      { file: 'speech-3.wav', probabilities: { angry: 0.5 } },
    ]);
  });

  it('refuses more recordings or more bytes than the limits', async () => {
    const five = Array.from({ length: 5 }, () => recording(0.1));
    expect((await problem(await post('/v1/predict/batch', form(five)), 'batch')).name).toBe('too-many-files');
    const large = Array.from({ length: 4 }, () => recording(5));
    expect((await problem(await post('/v1/predict/batch', form(large)), 'batch')).name).toBe('too-large');
  });
});

describe('a batch on several threads', () => {
  it('is shared out among them where speakers are apart, and answered in the order it was sent in', async () => {
    const own = await another({ limits: { threads: 2 } });
    const running = async () => ((await (await fetch(`${own.url}/readyz`)).json()) as ReadyReply).running;
    const levels = [0.5, 0.25, 0.75, 0.125];
    const sent = form(levels.map((level) => recording(1, RATE.wait, level)));
    const pending = post('/v1/predict/batch', sent, {}, own);
    while ((await running()) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    fake.release();
    const { results } = await body<BatchReply>(await pending, 'batch');
    expect(results.map((result) => 'probabilities' in result && result.probabilities['angry'])).toEqual(levels);
  });

  it('stays on one where the recordings are of one speaker', async () => {
    const own = await another({ limits: { threads: 2 } });
    const state = async () => (await (await fetch(`${own.url}/readyz`)).json()) as ReadyReply;
    const sent = form([recording(1, RATE.wait), recording(1, RATE.wait)], { speakers: 'one' });
    const pending = post('/v1/predict/batch', sent, {}, own);
    while ((await state()).running < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await state()).toMatchObject({ running: 1, queued: 0 });
    fake.release();
    expect((await pending).status).toBe(200);
  });

  it('fails as a whole where a thread dies of a part of it', async () => {
    const own = await another({ limits: { threads: 2 } });
    const sent = form([recording(), recording(1, RATE.die)]);
    expect((await problem(await post('/v1/predict/batch', sent, {}, own), 'batch')).name).toBe('thread-died');
  });
});

describe('load', () => {
  it('answers /healthz and /readyz while predictions are pending, and refuses what is past its capacity', async () => {
    const pending = Array.from({ length: 3 }, () => post('/v1/predict', recording(1, RATE.wait)));
    let done = 0;
    for (const own of pending) void own.then(() => done++);
    const state = async () => (await (await fetch(`${server().url}/readyz`)).json()) as ReadyReply;
    while ((await state()).queued < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await fetch(`${server().url}/healthz`)).status).toBe(200);
    expect(await body(await fetch(`${server().url}/readyz`), 'ready')).toMatchObject({ running: 1, queued: 2 });
    const refused = await post('/v1/predict', recording());
    expect((await problem(refused, 'predict')).name).toBe('too-busy');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(done).toBe(0);
    fake.release();
    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await post('/v1/predict', recording())).status).toBe(200);
  });

  it('answers 504 when a prediction takes too long, and replaces a thread that does not stop', async () => {
    const own = await another({ limits: { answer_s: 0.2 } });
    const response = await post('/v1/predict', recording(1, RATE.hang), {}, own);
    expect((await problem(response, 'predict')).name).toBe('timed-out');
    for (;;) {
      if ((await post('/v1/predict', recording(), {}, own)).status === 200) break;
    }
  });

  it('gives the place of a sender that is gone to the next', async () => {
    const gone = new AbortController();
    const abandoned = Array.from({ length: 3 }, () =>
      fetch(`${server().url}/v1/predict`, {
        method: 'POST',
        body: recording(1, RATE.wait),
        headers: { 'content-type': 'audio/wav' },
        signal: gone.signal,
      }).catch(() => 'gone'),
    );
    const state = async () => (await (await fetch(`${server().url}/readyz`)).json()) as ReadyReply;
    while ((await state()).queued < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    gone.abort();
    await Promise.all(abandoned);
    while ((await state()).running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await post('/v1/predict', recording())).status).toBe(200);
  });

  it('finishes requests in flight when it stops, and takes no others', async () => {
    const own = await start();
    const pending = post('/v1/predict', recording(1, RATE.wait), {}, own);
    const ready = () => fetch(`${own.url}/readyz`);
    while (((await (await ready()).json()) as ReadyReply).running < 1)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const stopped = own.stop();
    const during = await ready();
    expect([during.status, ((await during.json()) as ReadyReply).status]).toEqual([503, 'stopping']);
    expect((await problem(await post('/v1/predict', recording(), {}, own), 'predict')).name).toBe('stopping');
    fake.release();
    expect((await pending).status).toBe(200);
    await stopped;
    await expect(ready()).rejects.toThrow();
  });
});

describe('access', () => {
  it('wants the token everywhere but where health, the document and the page are', async () => {
    const own = await another({ token: 's3cret' });
    for (const operation of Object.values<Operation>(OPERATIONS)) {
      if (operation.method !== 'GET' || operation.path === '/v1/stream') continue;
      const path = operation.path.replace(':id', 'fake');
      expect([path, (await fetch(own.url + path)).status === 401]).toEqual([path, operation.open !== true]);
    }
    expect((await problem(await post('/v1/predict', recording(), {}, own), 'predict')).name).toBe('unauthorized');
    const wrong = await post('/v1/predict', recording(), { authorization: 'Bearer s3cre' }, own);
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer');
    const right = await post('/v1/predict', recording(), { authorization: 'Bearer s3cret' }, own);
    expect(right.status).toBe(200);
    expect(await opened(own)).toBe(401);
    expect(await opened(own, ['prosodia.v1', 'bearer.s3cret'])).toBe('open');
  });

  it('does not listen to other machines without a token, unless that is said', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow('--insecure');
    await another({ host: '0.0.0.0', insecure: true });
    await another({ host: '0.0.0.0', token: 'x' });
  });

  it('refuses pages of other origins, and other names for this machine', async () => {
    const other = await post('/v1/predict', recording(), { origin: 'http://evil.example' });
    expect((await problem(other, 'predict')).name).toBe('other-origin');
    expect((await post('/v1/predict', recording(), { origin: server().url })).status).toBe(200);
    expect(await raw('GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 403/,
    );
    expect(await opened(server(), [], { origin: 'http://evil.example' })).toBe(403);
  });

  it('sends headers that keep a page to itself, and none that open it to others', async () => {
    for (const path of ['/healthz', '/nothing']) {
      const { headers } = await fetch(server().url + path);
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('a model that hears less than a usual window', () => {
  it('has windows as long as it hears, and says so of longer ones that are asked for', async () => {
    const hearing = new FakeModel({ hears_s: 2.5 });
    try {
      const own = await another({ models: [{ source: { kind: 'bundle', folder: hearing.folder } }] });
      const { models } = await body<ModelsReply>(await fetch(`${own.url}/v1/models`), 'models');
      expect(models).toMatchObject([{ window_s: 2.5 }]);
      const usual = await body<PredictReply>(await post('/v1/predict', recording(5), {}, own), 'predict');
      expect(usual).toMatchObject({ window_s: 2.5, hop_s: 1.25, heard_s: 2.5, result: { windows: 3 } });
      const longer = await body<PredictReply>(await post('/v1/predict?window_s=6', recording(5), {}, own), 'predict');
      expect(longer).toMatchObject({ window_s: 6, heard_s: 2.5, result: { windows: 1 } });
    } finally {
      hearing.remove();
    }
  });
});

describe('other routes', () => {
  it('says which models there are, with their card and the limits', async () => {
    const { models, limits } = await body<ModelsReply>(await fetch(`${server().url}/v1/models`), 'models');
    expect(models).toMatchObject([{ id: 'fake', pipeline: 'fake', run: 1, calibrated: true, one_file: null }]);
    expect(limits).toMatchObject({ threads: 1, queue: 2, files: 4 });
    expect(await body(await fetch(server().url + models[0]!.card!), 'card')).toContain('as it is told');
    expect((await problem(await fetch(`${server().url}/v1/models/none/card`), 'card')).name).toBe('no-such-model');
    expect((await problem(await fetch(`${server().url}/v1/models/fake/model.onnx`), 'oneFile')).name).toBe('not-found');
  });

  it('describes every route that it has', async () => {
    const document = (await (await fetch(`${server().url}/openapi.json`)).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      Object.values(OPERATIONS).map(({ path }) => path.replace(':id', '{id}')),
    );
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g)) expect(Object.keys(NAMED)).toContain(name);
  });

  it('names the methods of a path, and the nearest path', async () => {
    const wrong = await fetch(`${server().url}/v1/predict`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    const near = (await (await fetch(`${server().url}/v1/predikt`)).json()) as ProblemDetails;
    expect(near.fix).toContain('/v1/predict');
    expect((await problem(await fetch(`${server().url}/v1/stream`), 'stream')).name).toBe('upgrade-required');
  });

  it('counts requests, audio and deaths for Prometheus', async () => {
    await post('/v1/predict', recording());
    const text = await body<string>(await fetch(`${server().url}/metrics`), 'metrics');
    expect(text).toMatch(/prosodia_http_requests_total\{method="POST",route="\/v1\/predict",status="200"\} \d+/);
    expect(text).toMatch(/prosodia_audio_seconds_total\{model="fake"\} [\d.]+/);
    expect(text).toMatch(/prosodia_thread_deaths_total [1-9]/);
    expect(text).toContain('prosodia_queue_length 0');
  });

  it('logs what was asked, and no name of a file, query or path', async () => {
    log.lines.length = 0;
    await post('/v1/predict?threshold=0.123', form([recording()]));
    await fetch(`${server().url}/my-secret-path`);
    await expect.poll(() => log.lines.length).toBe(2);
    expect(log.lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { method: 'POST', route: '/v1/predict', status: 200 },
      { route: '(none)', status: 404, problem: 'not-found' },
    ]);
    expect(log.lines.join()).not.toMatch(/speech|0\.123|secret/);
  });
});

describe('connections', () => {
  it('answers what is no HTTP, and headers that are too large, with a problem', async () => {
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*urn:prosodia:problem:bad-request/s);
    const large = `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(large)).toMatch(/^HTTP\/1.1 431 .*headers-too-large/s);
    expect(await raw('GET /%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  it('does not wait for a body that does not come', async () => {
    const own = await another({ limits: { arrival_s: 0.3 } });
    const head =
      'POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: audio/wav\r\ncontent-length: 1000\r\n\r\nRIFF';
    expect(await raw(head, own)).toMatch(/^HTTP\/1.1 408 .*too-slow/s);
    expect((await post('/v1/predict', recording(), {}, own)).status).toBe(200);
  });

  it('leads no path out of the page', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '//etc/passwd',
      '/vendor/../src/index.ts',
    ]) {
      expect([path, await raw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)]).toEqual([
        path,
        expect.stringMatching(/^HTTP\/1.1 40[04] /),
      ]);
    }
  });
});

/** Whether a WebSocket opens, or the status of the refusal. */
async function opened(at: RunningServer, protocols: string[] = [], headers = {}): Promise<'open' | number> {
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}/v1/stream`, protocols, { headers });
  return new Promise((resolve, reject) => {
    socket.on('open', () => (resolve('open'), socket.terminate()));
    socket.on('unexpected-response', (_request, response) => (resolve(response.statusCode!), response.destroy()));
    socket.on('error', reject);
  });
}
