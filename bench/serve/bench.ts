/**
 * A recipe served by us, and by FastAPI, librosa and onnxruntime.
 *
 *     npm run bench -- serve --model FOLDER [--clips 60] [--seconds 10]
 *
 * FOLDER is what `prosodia export` makes of a run of cnn-lstm. A clip is 3 s at 48 kHz, sent as a form. Prints one JSON
 * object per line: latency of one clip after another (both sides in turn), clips per second with four at a time on two
 * threads or processes, and what becomes of 64 at a time. Fails if the two sides do not give the same probabilities.
 *
 * The peer needs fastapi, uvicorn, python-multipart, librosa and onnxruntime; PYTHON names the interpreter.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';

const THREADS = 2;
const AT_A_TIME = 4;
const PAST_CAPACITY = 64;
const PEER = 'fastapi+librosa+onnxruntime';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    clips: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '10' },
    'no-peer': { type: 'boolean', default: false },
  },
});
if (values.model === undefined) throw new Error('--model FOLDER: what prosodia export made of a run of cnn-lstm');
const model = resolve(values.model);
const clips = Number(values.clips);
const seconds = Number(values.seconds);

/** Harmonics over noise, with a pitch of their own. */
function clip(index: number): Blob {
  const rng = new Rng(1, 'clip', index);
  const pitch = rng.uniform(90, 300);
  const samples = Float32Array.from({ length: 3 * 48_000 }, (_, i) => {
    const t = i / 48_000;
    const tone = [1, 2, 3, 4, 5].reduce((sum, k) => sum + Math.sin(2 * Math.PI * pitch * k * t) / k, 0);
    return 0.2 * tone * (0.6 + 0.4 * Math.sin(9 * t)) + 0.01 * rng.normal();
  });
  return new Blob([new Uint8Array(encodeWav(samples, 48_000))]);
}

const pool = Array.from({ length: 8 }, (_, i) => clip(i));

interface Answer {
  status: number;
  seconds: number;
  probabilities: Record<string, number> | undefined;
}

async function ask(url: string, index: number): Promise<Answer> {
  const body = new FormData();
  body.set('file', pool[index % pool.length]!, 'clip.wav');
  const begun = performance.now();
  const response = await fetch(`${url}/v1/predict`, { method: 'POST', body });
  const reply = (await response.json()) as { result?: Answer; probabilities?: Answer['probabilities'] };
  const probabilities = reply.probabilities ?? reply.result?.probabilities;
  return { status: response.status, seconds: (performance.now() - begun) / 1000, probabilities };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

/** Answers of `parallel` senders for some seconds. */
async function load(url: string, parallel: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const end = performance.now() + seconds * 1000;
  const sender = async (first: number) => {
    for (let i = first; performance.now() < end; i++) {
      const answer = await ask(url, i);
      answers.push(answer);
      if (answer.status === 429) await sleep(100);
    }
  };
  await Promise.all(Array.from({ length: parallel }, (_, i) => sender(i)));
  return answers;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const children: ChildProcess[] = [];

async function ours(): Promise<string> {
  const command = join(import.meta.dirname, '..', '..', 'libs', 'cli', 'bin', 'prosodia.mjs');
  const port = await freePort();
  const args = [command, 'serve', model, '--port', String(port), '--threads', String(THREADS), '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  children.push(child);
  return answering(`http://127.0.0.1:${port}`);
}

async function peer(): Promise<string> {
  const port = await freePort();
  const args = [join(import.meta.dirname, 'peer.py'), model, String(port), String(THREADS)];
  children.push(spawn(process.env['PYTHON'] ?? 'python3', args, { stdio: ['ignore', 'ignore', 'inherit'] }));
  return answering(`http://127.0.0.1:${port}`);
}

/** Once it answers, and every thread or process of it has predicted. */
async function answering(url: string): Promise<string> {
  for (let i = 0; i < 600; i++) {
    const up = await ask(url, 0).catch(() => undefined);
    if (up?.status === 200) {
      await Promise.all(Array.from({ length: 8 }, (_, n) => ask(url, n)));
      return url;
    }
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}

function print(line: Record<string, unknown>): void {
  const rounded = Object.entries(line).map(([name, value]) => [
    name,
    typeof value === 'number' ? Number(value.toPrecision(4)) : value,
  ]);
  console.log(JSON.stringify(Object.fromEntries(rounded)));
}

try {
  const our = await ours();
  const their = values['no-peer'] ? undefined : await peer();
  const times = { ours: [] as number[], peer: [] as number[] };
  for (let i = 0; i < clips; i++) {
    const answer = await ask(our, i);
    times.ours.push(answer.seconds);
    if (their === undefined) continue;
    const other = await ask(their, i);
    times.peer.push(other.seconds);
    for (const [label, p] of Object.entries(answer.probabilities!)) {
      const difference = Math.abs(p - other.probabilities![label]!);
      if (difference > 0.01) throw new Error(`${label}: ${p} and ${other.probabilities![label]}`);
    }
  }
  for (const [name, q] of [
    ['latency p50', 0.5],
    ['latency p99', 0.99],
  ] as const) {
    const ours_s = quantile(times.ours, q);
    const peer_s = their === undefined ? undefined : quantile(times.peer, q);
    print({ name, ours_s, ...(peer_s === undefined ? {} : { peer: PEER, peer_s, ratio: ours_s / peer_s }) });
  }
  const rate = async (url: string) =>
    (await load(url, AT_A_TIME)).filter(({ status }) => status === 200).length / seconds;
  const ours_s = 1 / (await rate(our));
  const peer_s = their === undefined ? undefined : 1 / (await rate(their));
  print({
    name: `seconds per clip, ${AT_A_TIME} at a time`,
    ours_s,
    ...(peer_s === undefined ? {} : { peer: PEER, peer_s, ratio: ours_s / peer_s }),
  });
  const all = await load(our, PAST_CAPACITY);
  const done = all.filter(({ status }) => status === 200);
  print({
    name: `${PAST_CAPACITY} at a time`,
    clips_per_second: done.length / seconds,
    done: done.length,
    too_busy: all.filter(({ status }) => status === 429).length,
    other: all.filter(({ status }) => status !== 200 && status !== 429).length,
    p50_s: quantile(
      done.map((own) => own.seconds),
      0.5,
    ),
    p99_s: quantile(
      done.map((own) => own.seconds),
      0.99,
    ),
  });
} finally {
  for (const child of children) child.kill('SIGTERM');
}
