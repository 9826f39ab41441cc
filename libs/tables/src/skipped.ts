/**
 * Items that a stage could not use: `on_error: fail` stops at the first, `skip` goes on without them and says so.
 *
 * A skipped item is never silent: its name and the reason stand in a notice, which is kept in the run record
 * and repeated on a cache hit.
 */
import { DataError, type StageServices, Type } from '@prosodia/core';

export type OnError = 'fail' | 'skip';

/** The parameter of stages in which a broken item can turn up. */
export const OnErrorSchema = Type.Unsafe<OnError>(
  Type.Union([Type.Literal('fail'), Type.Literal('skip')], {
    default: 'fail',
    description:
      'What a broken item does: fail stops the stage with its name; skip leaves it out and lists it with its reason.',
  }),
);

/** Gathers what was left out, and reports it at the end. */
export class SkippedItems {
  readonly #idsByReason = new Map<string, string[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(id: string, reason: string): void {
    this.#count++;
    const ids = this.#idsByReason.get(reason);
    if (ids) ids.push(id);
    else this.#idsByReason.set(reason, [id]);
  }

  /**
   * Says what was skipped, every item by name; nothing if nothing was.
   * @param used items that were not skipped
   * @throws DataError if none is left, unless the stage serves (`leftOut` is there)
   */
  report(services: Pick<StageServices<never>, 'notice' | 'metrics' | 'leftOut'>, used: number): void {
    if (this.#count === 0) return;
    if (services.leftOut) {
      for (const [reason, ids] of this.#idsByReason) for (const id of ids) services.leftOut(id, reason);
      return;
    }
    const lines = [...this.#idsByReason].map(([reason, ids]) => `${ids.join(', ')}: ${reason}`);
    if (used === 0) {
      throw new DataError({ problem: 'every item is broken', expected: 'at least one that is not', got: lines[0]! });
    }
    services.metrics({ skipped: this.#count });
    for (const line of lines) services.notice(`skipped ${line}`);
  }
}
