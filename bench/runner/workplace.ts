/** Places to measure in, apart from the repository: copies of it, timed commands, and numbers printed. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from '../../tests/support/project.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

export const nxBinary = (): string => {
  const { bin } = require('nx/package.json') as { bin: { nx: string } };
  return join(dirname(require.resolve('nx/package.json')), bin.nx);
};

/** Gives a copy of the repository what Nx needs, and a target that does nothing. */
export function addNx(project: TestProject): void {
  cpSync(join(REPOSITORY, 'libs/nx-plugin'), join(project.root, 'libs/nx-plugin'), { recursive: true });
  for (const file of ['.env', 'nx.json', 'tsconfig.base.json']) {
    copyFileSync(join(REPOSITORY, file), join(project.root, file));
  }
  mkdirSync(join(project.root, 'empty'));
  const target = { executor: 'nx:run-commands', cache: false, options: { command: 'true' } };
  writeFileSync(
    join(project.root, 'empty/project.json'),
    JSON.stringify({ name: 'empty', targets: { empty: target } }),
  );
}

/** Seconds that a command takes; it must end well. */
export function timed(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): number {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NX_|PROSODIA_|INIT_CWD)/.test(name));
  const begun = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const seconds = (performance.now() - begun) / 1000;
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return seconds;
}

/** Runs all of them in turn, several times, so that other work on the machine meets all alike. */
export function alternate<Name extends string>(
  rounds: number,
  runs: Readonly<Record<Name, () => number>>,
): Record<Name, number> {
  const best = Object.fromEntries(Object.keys(runs).map((name) => [name, Infinity])) as Record<Name, number>;
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(runs) as Name[]) best[name] = Math.min(best[name], runs[name]());
  }
  return best;
}

/** A figure of ours with its target. */
export function report(name: string, value: number, unit: string, target?: number): void {
  const short = Number(value.toPrecision(3));
  console.log(
    JSON.stringify({ name, value: short, unit, ...(target === undefined ? {} : { target, ok: value < target }) }),
  );
}

/** A time of ours beside a peer's. */
export function compare(name: string, ours: number, peer: string, theirs: number): void {
  const [ours_s, peer_s, ratio] = [ours, theirs, ours / theirs].map((value) => Number(value.toPrecision(3)));
  console.log(JSON.stringify({ name, ours_s, peer, peer_s, ratio }));
}
