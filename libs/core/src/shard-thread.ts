/** The thread side of `shard.ts`: loads the worker module once, then answers items. */
import { parentPort, workerData } from 'node:worker_threads';
import { serializeError, type ShardReply, type ShardWorker } from './shard.ts';

const port = parentPort!;
const { module: url, setup } = workerData as { module: string; setup: unknown };
const ready = import(url).then((module: { default: ShardWorker<unknown, unknown, unknown> }) => module.default(setup));

port.on('message', ({ index, item }: { index: number; item: unknown }) => {
  void answer(index, item);
});

async function answer(index: number, item: unknown): Promise<void> {
  let reply: ShardReply;
  try {
    const work = await ready;
    reply = { index, result: await work(item) };
  } catch (error) {
    reply = { index, error: serializeError(error) };
  }
  port.postMessage(reply, ownedBuffers(reply.result));
}

/** Buffers of whole typed arrays in a result, to be moved instead of copied. */
function ownedBuffers(value: unknown, found = new Set<ArrayBuffer>(), depth = 0): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null && depth < 4) {
    for (const inner of Object.values(value)) ownedBuffers(inner, found, depth + 1);
  }
  return [...found];
}
