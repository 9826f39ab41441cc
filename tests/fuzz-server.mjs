/**
 * `node tests/fuzz-server.mjs --requests 10000`: the long form of the server's fuzz.test.ts.
 *
 * Prints what it found as JSON, and fails if a request hung, was answered 500, or left memory behind.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', join(import.meta.dirname, 'support', 'fuzz-many.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
