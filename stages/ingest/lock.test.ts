import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { inTempFolder } from './harness.ts';
import { withLock } from './lock.ts';

const never = new AbortController().signal;

describe('the lock of a download', () => {
  it('lets one in at a time, and is gone afterwards, also after an error', () =>
    inTempFolder(async (folder) => {
      const file = join(folder, 'lock');
      const log: string[] = [];
      const first = withLock(
        file,
        never,
        () => undefined,
        async () => {
          log.push('first in');
          await new Promise((resolve) => setTimeout(resolve, 50));
          log.push('first out');
          throw new Error('failed');
        },
      );
      first.catch(() => undefined);
      while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 1));
      await withLock(
        file,
        never,
        () => log.push('waits'),
        async () => Promise.resolve(log.push('second in')),
      );
      await expect(first).rejects.toThrow('failed');
      expect(log).toEqual(['first in', 'waits', 'first out', 'second in']);
      expect(existsSync(file)).toBe(false);
    }));

  it('is taken over from a process that died', () =>
    inTempFolder(async (folder) => {
      const file = join(folder, 'lock');
      await writeFile(file, '');
      const longAgo = new Date(Date.now() - 3_600_000);
      await utimes(file, longAgo, longAgo);
      await expect(
        withLock(
          file,
          never,
          () => undefined,
          () => Promise.resolve('in'),
        ),
      ).resolves.toBe('in');
    }));

  it('can be waited for no longer', () =>
    inTempFolder(async (folder) => {
      const file = join(folder, 'lock');
      await writeFile(file, '');
      const stop = new AbortController();
      const waiting = withLock(
        file,
        stop.signal,
        () => stop.abort(),
        () => Promise.resolve(),
      );
      await expect(waiting).rejects.toThrow(CancelledError);
      expect(existsSync(file)).toBe(true);
    }));
});
