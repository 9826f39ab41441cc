/**
 * The runner: what a run costs besides the work of its stages, beside DVC and Snakemake.
 *
 *     npm run bench -- runner [--part warm|nx|plan|code|store|hash|graph ...] [--rounds 5] [--pipeline ensemble]
 *         [--set NAME=VALUE ...]
 *
 * Everything happens in copies of the repository in a temporary folder, outside git. Prints one JSON object per
 * line: { name, value, unit, target, ok } for a figure of ours, { name, ours_s, peer, peer_s, ratio } beside a peer.
 * The fastest of the rounds counts, and what is compared runs in turn: other work only ever makes a run slower.
 *
 * `warm` and `nx` need results in a store; ARTIFACTS names a folder that has them (as PROSODIA_ARTIFACTS of an earlier
 * run), else the pipeline is first run there, which takes minutes. The peers need dvc and snakemake; PYTHON names the
 * interpreter that has them (default python3). One that is not there is left out, with a message. `--set` sets variables
 * of the pipeline, as for the largest one: `--pipeline architectures --set epochs=1`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Project } from '@prosodia/runner';
import { ensureBuild } from '../../libs/runner/launch/build.mjs';
import { digestOfFile } from '../../libs/runner/src/store/file-digest.ts';
import { withLock } from '../../libs/runner/src/store/lock.ts';
import { sync } from '../../libs/runner/src/store/files.ts';
import { HASH_FORMAT, type Manifest } from '../../libs/runner/src/store/manifest.ts';
import { Store } from '../../libs/runner/src/store/store.ts';
import { TestProject } from '../../tests/support/project.ts';
import { COLUMNS, ROWS, writeDvc, writePipeline, writeSnakemake } from './graphs.ts';
import { addNx, alternate, compare, nxBinary, report, timed } from './workplace.ts';

const PARTS = ['warm', 'nx', 'plan', 'code', 'store', 'hash', 'graph'];

const { values: args } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: PARTS },
    rounds: { type: 'string', default: '5' },
    pipeline: { type: 'string', default: 'ensemble' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const unknown = args.part.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`There is no part ${unknown}; there are: ${PARTS.join(', ')}`);
const rounds = Number(args.rounds);
const { pipeline } = args;
const variables = args.set.map((assignment) => `--${assignment}`);
const wants = (part: string): boolean => args.part.includes(part);

const python = process.env['PYTHON'] ?? 'python3';

/** Ten kinds of features, five folds and two hundred seeds. */
const WIDE = `name: wide
matrix: { bands: [${numbers(10)}], fold: [0, 1, 2, 3, 4] }
stages:
  clips: { uses: ingest }
  split: { uses: split, from: { clips } }
  audio: { uses: resample, from: { clips } }
  features: { uses: featurize, from: { audio }, with: { features: [{ mfcc: { n_mfcc: '\${bands}' } }] } }
  forest:
    uses: train-forest
    matrix: { seed: [${numbers(200)}] }
    from: { features, split, clips }
    with: { fold: '\${fold}', n_estimators: 10 }
  judged: { uses: evaluate, from: { predictions: forest.predictions, clips, split } }
`;

const temporary = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
try {
  if (['warm', 'nx', 'plan', 'code'].some(wants)) await measureReal();
  if (wants('store')) await measureStore();
  if (wants('hash')) await measureHashing();
  if (wants('graph')) measureGraph();
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** With the repository's own stages and pipelines. */
async function measureReal(): Promise<void> {
  const project = new TestProject('all');
  try {
    addNx(project);
    const { root } = project;
    const env = { PROSODIA_ARTIFACTS: process.env['ARTIFACTS'] ?? join(temporary, 'artifacts') };
    const cli = [join(root, 'libs/cli/bin/prosodia.mjs'), 'run', pipeline, ...variables];
    const node = process.execPath;
    if (wants('warm') || wants('nx')) timed(node, cli, root, env);
    if (wants('warm')) {
      const best = alternate(rounds, {
        empty: () => timed(node, ['-e', '0'], root),
        run: () => timed(node, cli, root, env),
      });
      report('node -e 0', best.empty, 's');
      report(`warm run of ${pipeline}, whole process`, best.run, 's');
      report(`warm run of ${pipeline}, beyond Node's own start`, best.run - best.empty, 's', 0.5);
    }
    if (wants('nx')) {
      const withoutDaemon = { ...env, NX_DAEMON: 'false' };
      const best = alternate(rounds, {
        empty: () => timed(node, [nxBinary(), 'run', 'empty:empty'], root, withoutDaemon),
        run: () => timed(node, [nxBinary(), 'run', `pipelines:${pipeline}`, ...variables], root, withoutDaemon),
      });
      report('nx run of an empty target', best.empty, 's');
      report(`nx run pipelines:${pipeline}, warm, more than an empty target`, best.run - best.empty, 's', 0.5);
    }
    if (wants('plan')) await measurePlanning(root);
    if (wants('code')) await measureFingerprints(root);
  } finally {
    project.remove();
  }
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, i) => i + 1).join(', ');
}

async function measurePlanning(root: string): Promise<void> {
  const file = join(root, 'wide.yaml');
  await writeFile(file, WIDE);
  const build = await ensureBuild(root);
  let best = Infinity;
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const project = new Project({ root, build, artifacts: join(temporary, 'none') });
    const begun = performance.now();
    count = (await project.plan(file, {}, root)).instances.length;
    best = Math.min(best, (performance.now() - begun) / 1000);
  }
  report(`planning ${count} instances`, best, 's', 2);
}

/** All that is done before the code of a stage is known to be unchanged: sources looked at, fingerprints put together. */
async function measureFingerprints(root: string): Promise<void> {
  const best = { ms: Infinity };
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    const build = await ensureBuild(root);
    const project = new Project({ root, build });
    for (const { source } of project.catalogue.values()) project.fingerprints.of(source);
    best.ms = Math.min(best.ms, performance.now() - begun);
  }
  report('code fingerprints of all stages, nothing changed', best.ms, 'ms', 300);
}

/** What keeping a result costs: lock, work folder, durable files, manifest; then a verified look-up. */
async function measureStore(): Promise<void> {
  const store = new Store(join(temporary, 'store'));
  const stages = 200;
  const keep = async (i: number): Promise<void> => {
    const key = i.toString(16).padStart(64, '0');
    await withLock(store.lockFile(key), {}, async () => {
      if ((await store.lookUp(key)).hit) throw new Error('The store is not empty.');
      const work = await store.workFolder();
      const folder = join(work, 'text');
      await mkdir(folder);
      await writeFile(join(folder, 'text.txt'), String(i));
      const result: Omit<Manifest, 'outputs'> = {
        key,
        parts: { format: HASH_FORMAT, stage: 'x', code: '', params: {}, inputs: {} },
        notices: [],
        metrics: {},
        summary: [],
        seconds: 0,
        peak_memory_bytes: 0,
      };
      await store.keep(result, { text: { kind: 'text', folder } });
      await store.removeWork(work);
    });
  };
  const spent: number[] = [];
  const looked: number[] = [];
  const synced: number[] = [];
  const time = async (times: number[], work: () => Promise<void>): Promise<void> => {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  };
  const release = await store.hold();
  for (let i = 0; i < stages; i++) {
    await time(spent, () => keep(i));
    const probe = join(temporary, `probe-${i}`);
    await writeFile(probe, String(i));
    await time(synced, () => sync(probe));
  }
  await release();
  await store.digests.save();
  const fresh = new Store(store.root);
  for (let i = 0; i < stages; i++) {
    await time(looked, async () => void (await fresh.lookUp(i.toString(16).padStart(64, '0'))));
  }
  report('one small file made durable (fsync), median, in turn with what follows', median(synced), 'ms');
  report('keeping one result in the store, median', median(spent), 'ms', 5);
  report('looking one result up and verifying it, median', median(looked), 'ms', 5);
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/**
 * Files as large as most that stages write, of which several are hashed at once, and one that is larger; beside them
 * SHA-256, coreutils, and the disk. Where nothing is said of the disk, files are in the page cache.
 */
async function measureHashing(): Promise<void> {
  const part = 2 ** 24;
  const parts = Array.from({ length: 16 }, (_, i) => join(temporary, `part-${i}`));
  const large = join(temporary, 'large');
  for (const path of parts) writeFileSync(path, Buffer.alloc(part, path));
  writeFileSync(large, Buffer.alloc(16 * part, 7));
  spawnSync('sync', [large]); // Only what is on the disk leaves the page cache.
  const store = new Store(join(temporary, 'hashed'));
  const folder = join(temporary, 'parts');
  await mkdir(folder);
  for (const [i, path] of parts.entries()) await rename(path, join(folder, String(i)));
  const memory = Buffer.alloc(part, 7);
  const work = {
    'hashing 256 MiB in 16 files': () => store.digestOf(folder),
    'hashing 256 MiB in one file': () => digestOfFile(large),
    'hashing the same file from the disk': () => digestOfFile(large),
    'cat of the same file from the disk': async () => void spawnSync('sh', ['-c', `cat '${large}' > /dev/null`]),
    'SHA-256 of bytes in memory, one thread, for comparison': async () => {
      for (let i = 0; i < 16; i++) createHash('sha256').update(memory).digest();
    },
    'sha256sum of the same file': async () => void spawnSync('sha256sum', [large]),
    'sha256sum of the 16 files, two at once': async () =>
      void spawnSync('sh', ['-c', `ls '${folder}'/* | xargs -n 1 -P 2 sha256sum`]),
    'cat of the same file, from the page cache': async () => void spawnSync('sh', ['-c', `cat '${large}' > /dev/null`]),
    'the disk itself: dd of the same file, past the page cache': async () =>
      void spawnSync('dd', [`if=${large}`, 'of=/dev/null', 'bs=4M', 'iflag=direct']),
  };
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(work)) {
      if (name.endsWith('from the disk')) spawnSync('dd', [`if=${large}`, 'iflag=nocache', 'count=0']);
      const begun = performance.now();
      await run();
      best.set(name, Math.min(best.get(name) ?? Infinity, performance.now() - begun));
    }
  }
  for (const [name, ms] of best) report(name, (16 * part) / 1e6 / ms, 'GB/s');
}

/** The same graph of cheap stages, cold and warm, in all tools. */
function measureGraph(): void {
  const project = new TestProject('toy');
  try {
    writePipeline(join(project.root, 'columns.yaml'));
    const ours = () =>
      timed(process.execPath, [join(project.root, 'libs/cli/bin/prosodia.mjs'), 'run', 'columns.yaml'], project.root);
    timed(process.execPath, [join(project.root, 'libs/cli/bin/prosodia.mjs'), 'stages'], project.root); // Builds.
    const cold = ours();
    const warm = Math.min(...Array.from({ length: rounds }, ours));
    const what = `${COLUMNS * ROWS} stages`;
    report(`${what}, cold`, cold, 's');
    report(`${what}, warm`, warm, 's');
    for (const peer of [dvc(), snakemake()]) {
      if (!peer) continue;
      const theirs = peer.run();
      const again = Math.min(...Array.from({ length: Math.min(rounds, 2) }, peer.run));
      compare(`${what}, cold`, cold, peer.version, theirs);
      compare(`${what}, warm`, warm, peer.version, again);
    }
  } finally {
    project.remove();
  }
}

interface Peer {
  version: string;
  run(): number;
}

function dvc(): Peer | undefined {
  const version = versionOf('dvc');
  if (version === undefined) return undefined;
  const folder = join(temporary, 'dvc');
  writeDvc(folder);
  const env = { DVC_NO_ANALYTICS: 'true' };
  timed(python, ['-m', 'dvc', 'init', '--no-scm', '--quiet'], folder, env);
  return { version: `dvc ${version}`, run: () => timed(python, ['-m', 'dvc', 'repro', '--quiet'], folder, env) };
}

function snakemake(): Peer | undefined {
  const version = versionOf('snakemake');
  if (version === undefined) return undefined;
  const folder = join(temporary, 'snakemake');
  writeSnakemake(folder);
  const run = () => timed(python, ['-m', 'snakemake', '--cores', '2', '--quiet', 'all'], folder);
  return { version: `snakemake ${version}`, run };
}

function versionOf(module: string): string | undefined {
  const { status, stdout } = spawnSync(python, ['-m', module, '--version'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  console.error(`No ${module} in ${python}: it is left out. PYTHON names an interpreter that has it.`);
  return undefined;
}
