/** Keeps a long loop on this thread cancellable: signals and timers fire only between turns of the event loop. */
import { setImmediate } from 'node:timers/promises';

/** The same items, with a turn of the event loop before each. */
export async function* withTurns<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await setImmediate();
    yield item;
  }
}
