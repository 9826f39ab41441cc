/** A few asynchronous jobs at a time, results in order. */
import { throwIfCancelled } from '@prosodia/core';

/**
 * `work(item)` for each item, at most `limit` at a time; stops handing out items at the first error or when
 * `signal` fires.
 *
 * @throws the first error of `work`; CancelledError
 */
export async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        throwIfCancelled(signal, 'ingest');
        results[index] = await work(items[index]!);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker));
  return results;
}
