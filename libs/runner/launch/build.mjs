/**
 * Compiles the TypeScript sources for running, and records what each module is made of.
 *
 * Why not a loader: registering one costs every start (and every worker thread) about 0.3 s, which a
 * warm run cannot afford. Here a start costs one stat per source file; only an edit costs a build
 * (about a second, by esbuild). Compiled files mirror the source tree, and `import.meta.url` keeps
 * naming the source, so modules find their worker modules and assets as if nothing had been compiled.
 *
 * The import graph of the same build is what code fingerprints are made from, so a fingerprint cannot
 * disagree with the code that runs. Plain JavaScript, because it runs before anything is compiled.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Pure JavaScript packages compiled in, because loading them file by file is slow (typebox: 0.3 s). */
const INLINED = ['typebox', 'yaml', 'ajv', 'apache-arrow'];

/** Builds kept besides those that a process runs from. */
const KEPT_BUILDS = 3;

const SOURCE_FILE = /\.ts$/;
const TEST_FILE = /\.test\.ts$/;
/** How sources name their worker modules and assets. */
const SIBLING_URL = /new URL\(\s*'(\.{1,2}\/[^']+)',\s*import\.meta\.url,?\s*\)/g;

/**
 * The folder of an up-to-date build, made first if need be. It stays as long as this process does, whatever
 * is edited and built meanwhile: a run that takes hours starts its stages from one build.
 * @param {string} projectRoot
 * @returns {Promise<string>} absolute path
 */
export async function ensureBuild(projectRoot) {
  const root = realpathSync(projectRoot);
  const cache = join(root, 'node_modules', '.cache', 'prosodia');
  const stamp = sourceStamp(root);
  const current = readPointer(cache);
  if (current?.stamp === stamp && existsSync(join(cache, current.folder))) return inUse(join(cache, current.folder));
  mkdirSync(cache, { recursive: true });
  const name = `build-${Date.now()}-${randomUUID().slice(0, 8)}`;
  const folder = join(cache, name);
  try {
    await build(root, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  inUse(folder);
  const temporary = join(cache, `current-${randomUUID()}.json`);
  writeFileSync(temporary, JSON.stringify({ stamp, folder: name }));
  renameSync(temporary, join(cache, 'current.json'));
  removeOldBuilds(cache);
  return folder;
}

/** What the last build was made of, and its folder; undefined if there is none or the pointer is damaged. */
function readPointer(cache) {
  try {
    return JSON.parse(readFileSync(join(cache, 'current.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Notes that this process runs from a build. */
function inUse(folder) {
  const note = join(folder, 'users', String(process.pid));
  try {
    mkdirSync(dirname(note), { recursive: true });
    writeFileSync(note, '');
    process.once('exit', () => rmSync(note, { force: true }));
  } catch {
    // A project that cannot be written to is not built anew either.
  }
  return folder;
}

function removeOldBuilds(cache) {
  const builds = readdirSync(cache).filter((name) => name.startsWith('build-'));
  for (const name of builds.sort().slice(0, -KEPT_BUILDS)) {
    const users = join(cache, name, 'users');
    if (existsSync(users) && readdirSync(users).some(isAlive)) continue;
    rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Identifies the state of all sources, and of this file, by path, size and time of change. */
function sourceStamp(root) {
  const hash = createHash('sha256').update(`${process.version}\n`);
  const builder = fileURLToPath(import.meta.url);
  for (const path of [builder, ...[...sources(root), join(root, 'package-lock.json')].sort()]) {
    const { size, mtimeNs } = statSync(path, { bigint: true });
    hash.update(`${relative(root, path)}\0${size}\0${mtimeNs}\n`);
  }
  return hash.digest('hex');
}

/** All source files that can be part of a run. */
function sources(root) {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (SOURCE_FILE.test(entry.name) && !TEST_FILE.test(entry.name)) found.push(path);
    }
  };
  for (const library of folders(join(root, 'libs'))) {
    if (existsSync(join(library, 'src'))) walk(join(library, 'src'));
  }
  walk(join(root, 'stages'));
  return found;
}

function folders(parent) {
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(parent, entry.name));
}

async function build(root, folder) {
  const esbuild = await import('esbuild');
  const all = sources(root);
  const siblings = new Map(all.map((path) => [path, siblingFiles(path)]));
  const digests = new Map();
  const stageFiles = folders(join(root, 'stages'))
    .map((stage) => join(stage, 'stage.ts'))
    .filter((path) => existsSync(path));
  const workers = [...siblings.values()].flat().filter((path) => SOURCE_FILE.test(path));
  const main = join(root, 'libs', 'cli', 'src', 'main.ts');
  const describer = join(root, 'libs', 'runner', 'src', 'catalogue', 'describe.ts');
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [...new Set([main, describer, ...stageFiles, ...workers])],
    outbase: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    // Read at every start and in every thread: half as many characters, and source maps lead to the lines.
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'silent',
    chunkNames: 'chunks/[name]-[hash]',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [resolver(root), loader(digests)],
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'graph.json'), JSON.stringify(moduleGraph(root, result.metafile, siblings, digests)));
  copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
  const stages = stageFiles.map((source) => ({
    source: posix(relative(root, source)),
    compiled: join(folder, relative(root, source).replace(SOURCE_FILE, '.js')),
  }));
  const { describeStages } = await import(
    pathToFileURL(join(folder, 'libs', 'runner', 'src', 'catalogue', 'describe.js')).href
  );
  writeFileSync(join(folder, 'catalogue.json'), JSON.stringify(await describeStages(stages)));
}

/** Our packages by their source; inlined packages by esbuild's own rules; all others stay imports. */
function resolver(root) {
  return {
    name: 'resolve',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point') return undefined;
        const own = /^@prosodia\/([\w-]+)$/.exec(path);
        if (own) return { path: join(root, 'libs', own[1], 'src', 'index.ts') };
        const inlined = INLINED.includes(packageName(path)) || importer.includes(`${sep}node_modules${sep}`);
        return inlined ? undefined : { path, external: true };
      });
    },
  };
}

/**
 * Compiled code answers `import.meta.url` with the URL of its source. `digests` receives the SHA-256 of what
 * was compiled: the file may be edited while the build runs.
 */
function loader(digests) {
  return {
    name: 'load',
    setup(build) {
      build.onLoad({ filter: SOURCE_FILE }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const text = readFileSync(path, 'utf8');
        digests.set(path, createHash('sha256').update(text).digest('hex'));
        return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)), loader: 'ts' };
      });
    },
  };
}

/** Files that a source names with `new URL('./x', import.meta.url)`. */
function siblingFiles(path) {
  return [...readFileSync(path, 'utf8').matchAll(SIBLING_URL)]
    .map((match) => resolve(dirname(path), match[1]))
    .filter((file) => existsSync(file) && statSync(file).isFile());
}

/**
 * Modules of ours with their digests, imports, siblings and packages; the raw material of code fingerprints.
 * Paths are relative to the root, with forward slashes.
 */
function moduleGraph(root, metafile, siblings, digests) {
  const modules = {};
  for (const [path, input] of Object.entries(metafile.inputs)) {
    if (path.includes('node_modules/')) continue;
    const module = (modules[path] = { sha256: digests.get(resolve(root, path)), imports: [], packages: [] });
    for (const imported of input.imports) {
      if (imported.path.startsWith('node:')) continue;
      const inPackage = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(imported.path);
      if (inPackage) module.packages.push(inPackage[1]);
      else if (imported.external) module.packages.push(packageName(imported.path));
      else module.imports.push(imported.path);
    }
    const named = siblings.get(resolve(root, path)) ?? [];
    module.imports.push(...named.map((file) => posix(relative(root, file))));
  }
  return modules;
}

function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function posix(path) {
  return path.split(sep).join('/');
}
