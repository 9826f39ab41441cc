/** The work of tests/fuzz-server.mjs. */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startServer } from '@prosodia/server';
import { fuzz } from '../../libs/server/src/fuzz.ts';
import { FakeModel, recording } from '../../libs/server/src/testing.ts';

// Not an option of the process, which its threads would not take.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Requests before memory is first measured: what is loaded once is loaded then. */
const FIRST = 1000;
/** What the heap may be larger by afterwards, in MiB. */
const GROWTH = 8;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const requests = Number(values.requests);
const seed = Number(values.seed);

const fake = new FakeModel();
const server = await startServer({
  models: [{ source: { kind: 'bundle', folder: fake.folder } }],
  port: 0,
  limits: { threads: 1, arrival_s: 2, idle_s: 2 },
  log: { request: () => undefined, say: () => undefined, failure: (message) => console.error(message) },
});
try {
  const bytes = recording(0.1);
  const begun = performance.now();
  await fuzz({ url: server.url, requests: FIRST, seed: seed + 1, recording: bytes });
  const before = await settled();
  const report = await fuzz({ url: server.url, requests, seed, recording: bytes });
  const after = await settled();
  const { status } = await fetch(`${server.url}/v1/predict`, {
    method: 'POST',
    body: recording(),
    headers: { 'content-type': 'audio/wav' },
  });
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(JSON.stringify({ seed, seconds, ...report, heap_mib: { before, after }, status }, null, 2));
  const sound = report.hung.length === 0 && report.wrong.length === 0 && status === 200 && after - before < GROWTH;
  process.exitCode = sound ? 0 : 1;
} finally {
  await server.stop();
  fake.remove();
}

/** MiB of the heap, with what is outside of it, once connections are closed and what is unused is collected. */
async function settled(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5000));
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Math.round(((heapUsed + arrayBuffers) / 2 ** 20) * 10) / 10;
}
