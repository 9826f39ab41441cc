import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lease, leased } from './lease.ts';
import { newOwner, ownerName } from './owner.ts';

const DAY_MS = 24 * 3600 * 1000;

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'prosodia-lease-'));
  folder = join(root, 'leases');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function date(days: number): Promise<void> {
  const time = new Date(Date.now() + days * DAY_MS);
  for (const name of await readdir(folder)) await utimes(join(folder, name), time, time);
}

describe('a lease', () => {
  it.each([-20_000, -31, 31, 20_000])(
    'of a living process here holds whatever its date says (%i days from now), for a clock may have been set',
    async (days) => {
      const lease = (await Lease.take(root))!;
      lease.note('digest');
      await date(days);
      expect([...(await leased(root))]).toContain('digest');
      lease.note('another');
      expect([...(await leased(root))]).toContain('another');
      await lease.release();
      expect((await leased(root)).size).toBe(0);
    },
  );

  it('of another machine holds for 30 days, and also if its date is still to come', async () => {
    const lease = (await Lease.take(root))!;
    await lease.release();
    await writeFile(join(folder, ownerName({ ...newOwner(), host: 'elsewhere' })), 'far\n');
    for (const [days, holds] of [
      [-29, true],
      [400, true],
      [-31, false],
    ] as const) {
      await date(days);
      expect([days, (await leased(root)).has('far')]).toEqual([days, holds]);
    }
    expect(await readdir(folder)).toEqual([]);
  });
});
