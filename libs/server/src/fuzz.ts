/**
 * Malformed requests, drawn from a seed: what no client of ours would send, and somebody will.
 *
 * Every request has to end, in an answer below 500 or in a closed connection; afterwards the server has to be as it was.
 */
import { connect } from 'node:net';
import { Rng } from '@prosodia/core';

export interface FuzzOptions {
  /** Of the server, `http://host:port`. */
  url: string;
  requests: number;
  seed: number;
  /** A recording that can be read, to be damaged. */
  recording: Uint8Array;
  /** Requests at a time. */
  parallel?: number;
  /** How long one request may take, in milliseconds. */
  patience_ms?: number;
}

export interface FuzzReport {
  requests: number;
  /** Requests by kind. */
  kinds: Record<string, number>;
  /** Answers by status; `closed`: the connection ended without one. */
  answers: Record<string, number>;
  /** Requests that nothing came of in time, each as its kind and number. */
  hung: string[];
  /** Answers that a malformed request must not get (500 and the like), each as its kind and number. */
  wrong: string[];
}

/** Draws the bytes of one connection. */
type Maker = (rng: Rng, recording: Uint8Array) => Buffer;

const PATHS = [
  '/',
  '/v1/predict',
  '/v1/predict/batch',
  '/v1/models',
  '/v1/stream',
  '/healthz',
  '/metrics',
  '/openapi.json',
];
const TRICKS = [
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%2f..%2fpackage.json',
  '/.%00./x',
  '//',
  '/%',
  '/%ff%fe',
  '/v1/models/../../x/card',
  '/v1/models/%2e%2e%2fx/card',
  '/v1/models/__proto__/card',
  '/v1/models/constructor/model.onnx',
  '/vendor/onnxruntime-web/../../../package.json',
  `/${'a/'.repeat(500)}`,
  '/\\..\\..\\x',
  'http://evil.example/',
  '*',
];
const OPTIONS = ['model', 'window_s', 'hop_s', 'top_k', 'threshold', 'speakers', '__proto__', 'constructor', 'x'];
const VALUES = [
  '',
  '0',
  '-1',
  'NaN',
  'Infinity',
  '1e309',
  '1e-309',
  'true',
  'null',
  '[]',
  '{}',
  '%00',
  '%F0%9F%98%80',
  '0x10',
  ' 1',
];
const TYPES = [
  'audio/wav',
  'audio/flac',
  'application/octet-stream',
  'application/json',
  'text/plain',
  '',
  'audio/',
  ';',
  'multipart/form-data',
];

const MAKERS: Readonly<Record<string, Maker>> = {
  'random bytes': (rng) => bytes(rng, rng.int(2000)),
  'random lines': (rng) =>
    Buffer.from(`${bytes(rng, 40).toString('latin1')}\r\n${bytes(rng, 60).toString('latin1')}\r\n\r\n`, 'latin1'),
  'wrong method': (rng) =>
    request(
      rng.choice(['PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'HEAD', 'CONNECT', 'FOO']),
      rng.choice(PATHS),
      {},
    ),
  'path trick': (rng) => request(rng.choice(['GET', 'POST']), rng.choice(TRICKS), {}),
  'wrong option': (rng, recording) => {
    const query = Array.from({ length: 1 + rng.int(4) }, () => `${rng.choice(OPTIONS)}=${rng.choice(VALUES)}`).join(
      '&',
    );
    return request(
      'POST',
      `/v1/predict?${query}`,
      { 'content-type': 'audio/wav' },
      rng.int(2) ? Buffer.from(recording) : bytes(rng, 50),
    );
  },
  'damaged recording': (rng, recording) => {
    const damaged = Buffer.from(recording.subarray(0, 1 + rng.int(recording.length)));
    for (let n = rng.int(20); n > 0; n--) damaged[rng.int(Math.min(damaged.length, 200))] = rng.int(256);
    return request('POST', '/v1/predict', { 'content-type': 'audio/wav' }, damaged);
  },
  'wrong type': (rng) =>
    request('POST', rng.choice(PATHS), { 'content-type': rng.choice(TYPES) }, bytes(rng, rng.int(300))),
  'wrong length': (rng) => {
    const body = bytes(rng, rng.int(200));
    const length = rng.choice(['-1', '1e3', 'x', '0', '99999999999', String(body.length + 5), '', '5, 6']);
    return request('POST', '/v1/predict', { 'content-type': 'audio/wav', 'content-length': length }, body);
  },
  'damaged form': (rng, recording) => {
    const form = formOf(rng, recording);
    const damaged = rng.int(2) ? form.subarray(0, rng.int(form.length)) : form;
    for (let n = rng.int(10); n > 0; n--) damaged[rng.int(Math.min(damaged.length, 300))] = rng.int(256);
    const type = rng.int(5)
      ? 'multipart/form-data; boundary=b'
      : rng.choice([
          'multipart/form-data; boundary=',
          'multipart/form-data; boundary="',
          'multipart/mixed; boundary=b',
        ]);
    return request('POST', rng.choice(['/v1/predict', '/v1/predict/batch']), { 'content-type': type }, damaged);
  },
  'damaged chunks': (rng) => {
    const head = request('POST', '/v1/predict', {
      'content-type': 'audio/wav',
      'transfer-encoding': 'chunked',
      'content-length': undefined,
    });
    return Buffer.concat([
      head,
      Buffer.from(rng.choice(['zz\r\n', 'ffffffffffffffff\r\nx', '5\r\nabc', '0\r\nx: y', '-1\r\n\r\n'])),
    ]);
  },
  'many headers': (rng) =>
    request('GET', '/healthz', Object.fromEntries(Array.from({ length: rng.int(3000) }, (_, i) => [`x${i}`, 'y']))),
  'huge header': (rng) =>
    request('GET', rng.choice(PATHS), { [rng.choice(['cookie', 'authorization', 'x'])]: 'y'.repeat(rng.int(60_000)) }),
  'odd header': (rng) =>
    request('GET', '/v1/models', {
      [rng.choice(['host', 'origin', 'expect', 'connection', 'range', 'te'])]: bytes(rng, 30).toString('latin1'),
    }),
  'odd websocket': (rng) => Buffer.concat([upgrade(rng), bytes(rng, rng.int(300))]),
  'websocket frames': (rng) => {
    const frames = Array.from({ length: 1 + rng.int(5) }, () => frame(rng));
    return Buffer.concat([upgrade(rng, true), ...frames]);
  },
};

/** Sends them, a few at a time. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { requests, seed, recording, parallel = 8 } = options;
  const report: FuzzReport = { requests, kinds: {}, answers: {}, hung: [], wrong: [] };
  const kinds = Object.keys(MAKERS);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < requests; i = next++) {
      const rng = new Rng(seed, i);
      const kind = rng.choice(kinds);
      const answer = await send(options, MAKERS[kind]!(rng, recording), rng);
      report.kinds[kind] = (report.kinds[kind] ?? 0) + 1;
      report.answers[answer] = (report.answers[answer] ?? 0) + 1;
      if (answer === 'hung') report.hung.push(`${kind} ${i}`);
      if (/^5/.test(answer)) report.wrong.push(`${kind} ${i}: ${answer}`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return report;
}

/** The status of the first answer; `closed` without one; `hung` if neither comes. */
function send({ url, patience_ms = 20_000 }: FuzzOptions, data: Buffer, rng: Rng): Promise<string> {
  const { hostname, port } = new URL(url);
  // Now and then the bytes come in two pieces, or the sender leaves in the middle, or closes its side.
  const [split, leaves, ends] = [rng.int(8) === 0, rng.int(16) === 0, rng.int(2) === 0];
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    const settle = (answer: string) => {
      clearTimeout(patience);
      socket.destroy();
      resolve(answer);
    };
    const patience = setTimeout(() => settle('hung'), patience_ms);
    const seen = () => /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
    socket.on('data', (chunk: Buffer) => {
      if (text.length < 100) text += chunk.toString('latin1');
      const status = seen();
      // Past an upgrade, the frames that follow have to be dealt with too.
      if (status !== undefined && status !== '100' && status !== '101') settle(status);
    });
    socket.on('error', () => settle(seen() ?? 'closed'));
    socket.on('close', () => settle(seen() ?? 'closed'));
    const half = split ? Math.floor(data.length / 2) : data.length;
    socket.write(data.subarray(0, half));
    if (leaves) setTimeout(() => settle('left'), 5);
    else if (split) setTimeout(() => socket.writable && socket.end(data.subarray(half)), 10);
    else if (ends) socket.end();
    else setTimeout(() => socket.writable && socket.end(), 200);
  });
}

function request(
  method: string,
  path: string,
  headers: Record<string, string | undefined>,
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const all = { host: 'localhost', 'content-length': String(body.length), ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

function formOf(rng: Rng, recording: Uint8Array): Buffer {
  const parts = Array.from({ length: 1 + rng.int(40) }, () => {
    const name = rng.choice(['file', 'file', 'model', 'top_k', '__proto__', '', 'x'.repeat(300)]);
    const filename = rng.choice([
      '',
      '; filename="a.wav"',
      '; filename="../../a"',
      `; filename="${'a'.repeat(2000)}"`,
      "; filename*=utf-8''%ff",
    ]);
    const content = rng.int(2) ? bytes(rng, rng.int(100)) : Buffer.from(recording);
    return Buffer.concat([
      Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"${filename}\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]);
  });
  return Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
}

/** The request that opens a WebSocket, right or with one thing wrong. */
function upgrade(rng: Rng, right = false): Buffer {
  const headers: Record<string, string | undefined> = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'content-length': undefined,
  };
  if (!right) headers[rng.choice(Object.keys(headers))] = rng.choice(['', 'x', '0', 'y'.repeat(200)]);
  return request('GET', right ? '/v1/stream' : rng.choice(PATHS), headers);
}

/** A frame as a client sends it, masked with zeros; its head may lie. */
function frame(rng: Rng): Buffer {
  const text = rng.choice([
    '{"sample_rate":16000,"format":"s16le"}',
    '{"sample_rate":16000,"format":"f32le"}',
    '{',
    'null',
    '[]',
    '"x"',
  ]);
  const payload = rng.int(2) ? Buffer.from(text) : bytes(rng, rng.int(120));
  const opcode = rng.int(4) ? 1 + rng.int(2) : rng.int(16);
  const head = Buffer.from([(rng.int(5) ? 0x80 : 0) | opcode, 0x80 | payload.length, 0, 0, 0, 0]);
  if (rng.int(6) === 0) head[1] = rng.int(256);
  return Buffer.concat([head, payload]);
}

function bytes(rng: Rng, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => rng.int(256)));
}
