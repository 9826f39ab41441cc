/**
 * The code of an exported folder: the stages that serve and what they reach, compiled into one flat folder.
 *
 * It is the code that trained. Worker modules are named by their URL, so they stay files of their own; all files
 * lie side by side, so that such a URL holds wherever the bundler has put the code that names it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError } from '@prosodia/core';
import type * as Esbuild from 'esbuild';
import type { Project } from '../project.ts';

/** Packages of plain JavaScript, compiled in; all others are installed beside the code. */
const INLINED = ['typebox', 'yaml', 'apache-arrow', 'yauzl', 'csv-parse'];

const ENTRY = 'exported-entry';
/** Not in one piece: the build of the project replaces it wherever it stands, in a text too. */
const OWN_URL = ['import', 'meta', 'url'].join('.');
/** How sources name their worker modules; what a stage reads from outside, its `external`, is not for serving. */
const WORKER_URL = /(?<!external: )new URL\(\s*'(\.{1,2}\/[^']+\.ts)',\s*import\.meta\.url,?\s*\)/g;

export interface ExportedCode {
  /** Packages it imports, with the versions that are installed here. */
  packages: Record<string, string>;
}

/**
 * Compiles into `folder`, whose `prosodia.js` exports `openPredictor()`, `summarizeFiles` and `mostProbable`.
 * @param uses names of the stages
 */
export async function exportCode(project: Project, uses: readonly string[], folder: string): Promise<ExportedCode> {
  const { root } = project;
  const esbuild = await loadEsbuild();
  const workers = new Set<string>();
  for (;;) {
    const known = workers.size;
    const { metafile } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [
        { in: ENTRY, out: 'prosodia' },
        ...[...workers].sort().map((path) => ({ in: path, out: flatName(root, path) })),
      ],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      metafile: true,
      legalComments: 'eof',
      logLevel: 'silent',
      chunkNames: '[name]-[hash]',
      banner: {
        js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(${OWN_URL});`,
      },
      plugins: [resolver(root), loader(root, entryText(project, uses), workers)],
    });
    // A worker that was met only now has to be an entry of its own, and may name others.
    if (workers.size === known) return { packages: packagesOf(root, metafile) };
  }
}

/** From the sources' own place: another package may have brought another version to the root. */
async function loadEsbuild(): Promise<typeof Esbuild> {
  const { resolve } = createRequire(import.meta.url);
  const module = (await import(pathToFileURL(resolve('esbuild')).href)) as { default: typeof Esbuild };
  return module.default;
}

function entryText(project: Project, uses: readonly string[]): string {
  const paths = uses.map((name) => JSON.stringify(join(project.root, project.catalogue.get(name)!.source)));
  const own = (file: string) => JSON.stringify(join(project.root, 'libs/runner/src/predict', file));
  return [
    "import { fileURLToPath } from 'node:url';",
    `import { openExported } from ${own('exported.ts')};`,
    ...paths.map((path, i) => `import stage${i} from ${path};`),
    `export { mostProbable, summarizeFiles } from ${own('timeline.ts')};`,
    `const stages = { ${uses.map((name, i) => `${JSON.stringify(name)}: stage${i}`).join(', ')} };`,
    `export const openPredictor = () => openExported(fileURLToPath(new URL('..', ${OWN_URL})), stages);`,
  ].join('\n');
}

function resolver(root: string): Esbuild.Plugin {
  return {
    name: 'resolve',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${ENTRY}$`) }, () => ({ path: ENTRY, namespace: ENTRY }));
      build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point') return undefined;
        const own = /^@prosodia\/([\w-]+)$/.exec(path);
        if (own) return { path: join(root, 'libs', own[1]!, 'src', 'index.ts') };
        const inlined = INLINED.includes(packageName(path)) || importer.includes(`${sep}node_modules${sep}`);
        return inlined ? undefined : { path, external: true };
      });
    },
  };
}

/** @param workers receives the worker modules that the sources name */
function loader(root: string, entry: string, workers: Set<string>): Esbuild.Plugin {
  return {
    name: 'load',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: ENTRY }, () => ({ contents: entry, loader: 'js', resolveDir: root }));
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const contents = readFileSync(path, 'utf8').replaceAll(WORKER_URL, (written: string, name: string) => {
          const worker = resolve(dirname(path), name);
          // A doc comment may show how it is done with a name that is none.
          if (!existsSync(worker)) return written;
          workers.add(worker);
          return `new URL('./${flatName(root, worker)}.js', ${OWN_URL})`;
        });
        return { contents, loader: 'ts' };
      });
    },
  };
}

/** `stages/resample/rows.ts` is `stages-resample-rows`. */
function flatName(root: string, path: string): string {
  return relative(root, path).replace(/\.ts$/, '').split(sep).join('-');
}

/** What is loaded from outside when the code starts; what is only imported on demand is not for serving. */
function packagesOf(root: string, { outputs }: Esbuild.Metafile): Record<string, string> {
  const names = new Set<string>();
  for (const { imports } of Object.values(outputs)) {
    for (const { path, kind, external } of imports) {
      if (external && kind !== 'dynamic-import' && !isBuiltin(path)) names.add(packageName(path));
    }
  }
  return Object.fromEntries([...names].sort().map((name) => [name, lockedVersion(root, name)]));
}

function lockedVersion(root: string, name: string): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  const version = packages[`node_modules/${name}`]?.version;
  if (version !== undefined) return version;
  throw new DataError({ problem: `the version of ${name} is not known`, expected: 'an entry in package-lock.json' });
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
