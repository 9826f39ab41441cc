/** The thread side of `shard.ts`: loads the worker module once, then answers items. */
import { parentPort, workerData } from 'node:worker_threads';
import { ownedBuffers, serializeError, type ShardReply, type ShardWorker } from './shard.ts';

const port = parentPort!;
const { module: url, setup } = workerData as { module: string; setup: unknown };
const ready = import(url).then((module: { default: ShardWorker<unknown, unknown, unknown> }) => module.default(setup));

/** One item at a time, in their order: what a worker keeps between steps of an item is not to be shared with the next. */
let last = Promise.resolve();
port.on('message', ({ index, item }: { index: number; item: unknown }) => {
  last = last.then(() => answer(index, item));
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
