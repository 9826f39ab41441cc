/**
 * `npm run bench -- <name> [options]`: runs `bench/<name>/bench.ts`, which times us beside a peer.
 *
 * The peers are Python packages; PYTHON names the interpreter that has them (default python3).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [name, ...options] = process.argv.slice(2);
const folder = import.meta.dirname;
const known = readdirSync(folder).filter((entry) => existsSync(join(folder, entry, 'bench.ts')));
if (!known.includes(name)) {
  console.error(`usage: npm run bench -- <${known.join('|')}> [options]`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(folder, name, 'bench.ts'), ...options], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
