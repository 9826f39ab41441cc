/**
 * A process that takes a lock again and again, for the lock's tests: `contender.ts <lock> <rounds> <deadly>`.
 *
 * Inside the lock it puts up a sign; finding the sign of a living process there is the violation the test
 * looks for. With `deadly`, it kills itself inside the lock in its last round.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../lock.ts';

const [, , path, rounds, deadly] = process.argv as [string, string, string, string, string];
const sign = `${path}-sign`;

for (let round = 1; round <= Number(rounds); round++) {
  await withLock(path, { pollMs: 2 }, async () => {
    try {
      writeFileSync(sign, String(process.pid), { flag: 'wx' });
    } catch {
      if (isAlive(Number(readFileSync(sign, 'utf8')))) throw new Error('two owners at once');
      writeFileSync(sign, String(process.pid));
    }
    await sleep(Math.random() * 2);
    if (deadly === 'yes' && round === Number(rounds)) process.kill(process.pid, 'SIGKILL');
    rmSync(sign);
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
