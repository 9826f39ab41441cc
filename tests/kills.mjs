/**
 * `node tests/kills.mjs --kills 200`: the long form of kills.test.ts.
 *
 * Half of the kills hit the chain of toy stages, half a small recipe of the real ones. Prints what it found as JSON,
 * and fails if a finished stage was lost or a byte differs.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', join(import.meta.dirname, 'support', 'kill-many.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
