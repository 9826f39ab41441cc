/**
 * A process that runs stages, one after another.
 *
 * A process of its own, not a thread: native code that crashes or runs out of memory takes the stage
 * down, not the run, and a cancelled stage can always be ended.
 */
import { describeError, execute } from './execute.ts';
import type { FromHost, ToHost } from './protocol.ts';

const send = (message: FromHost): void => {
  if (process.connected) process.send!(message);
};

let controller: AbortController | undefined;

process.on('message', (message: ToHost) => {
  if (message.type === 'cancel') controller?.abort();
  else void handle(message.job);
});
// The runner decides what Ctrl-C means; a lost runner means the work is no longer wanted.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(1));

async function handle(job: Extract<ToHost, { type: 'run' }>['job']): Promise<void> {
  controller = new AbortController();
  try {
    await execute(job, controller.signal, send);
    send({ type: 'done', peakMemory: process.resourceUsage().maxRSS * 1024 });
  } catch (error) {
    send({ type: 'failed', error: describeError(error) });
  }
}
