/**
 * Code fingerprints: what a stage's result depends on besides data.
 *
 * A fingerprint covers the stage's own source, every module of ours it reaches (worker modules and
 * assets named by URL included), and the locked versions of the npm packages those import, with all
 * their dependencies. The import graph is that of the build the code runs from.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface ModuleNode {
  imports: string[];
  packages: string[];
}

/** Path below the root, or `package@version`, to digest. Kept with results so that `why` can name the file. */
export type CodeParts = Readonly<Record<string, string>>;

export interface Fingerprint {
  digest: string;
  parts: CodeParts;
}

interface LockEntry {
  version?: string;
  integrity?: string;
  link?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Computes fingerprints from a build. Files are read at most once. */
export class Fingerprints {
  readonly #root: string;
  readonly #build: string;
  #graph: Record<string, ModuleNode> | undefined;
  #lock: Record<string, LockEntry> | undefined;
  readonly #files = new Map<string, string>();
  readonly #known = new Map<string, Fingerprint>();

  constructor(root: string, build: string) {
    this.#root = root;
    this.#build = build;
  }

  /** @param source stage file below the root, with forward slashes */
  of(source: string): Fingerprint {
    const known = this.#known.get(source);
    if (known) return known;
    this.#graph ??= readJson(join(this.#build, 'graph.json'));
    const files = new Set<string>();
    const packages = new Set<string>();
    const visit = (path: string) => {
      if (files.has(path)) return;
      files.add(path);
      const node = this.#graph![path];
      node?.packages.forEach((name) => packages.add(name));
      node?.imports.forEach(visit);
    };
    visit(source);
    const parts: Record<string, string> = {};
    for (const path of [...files].sort()) parts[path] = this.#fileDigest(path);
    for (const [name, digest] of this.#lockedClosure(packages)) parts[name] = digest;
    const digest = createHash('sha256')
      .update(JSON.stringify(Object.entries(parts)))
      .digest('hex');
    const fingerprint = { digest, parts };
    this.#known.set(source, fingerprint);
    return fingerprint;
  }

  #fileDigest(path: string): string {
    let digest = this.#files.get(path);
    if (digest === undefined) {
      digest = createHash('sha256')
        .update(readFileSync(join(this.#root, path)))
        .digest('hex');
      this.#files.set(path, digest);
    }
    return digest;
  }

  /** Packages and everything they depend on, as `name@version` to integrity, sorted. */
  #lockedClosure(names: Iterable<string>): [string, string][] {
    this.#lock ??= readJson<{ packages: Record<string, LockEntry> }>(join(this.#root, 'package-lock.json')).packages;
    const lock = this.#lock;
    const found = new Map<string, string>();
    const visit = (name: string, from: string) => {
      const path = resolveLocked(lock, name, from);
      if (path === undefined) return; // An optional package for another platform.
      const entry = lock[path]!;
      const id = `${name}@${entry.version ?? '?'}`;
      if (found.has(id)) return;
      found.set(id, entry.integrity ?? '');
      const needs = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies };
      for (const dependency of Object.keys(needs)) visit(dependency, path);
    };
    for (const name of names) visit(name, '');
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Node's look-up: the nearest node_modules folder, going up from a package's own place in the lock file. */
function resolveLocked(lock: Record<string, LockEntry>, name: string, from: string): string | undefined {
  let base = from;
  for (;;) {
    const path = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (lock[path]) return path;
    if (base === '') return undefined;
    const parent = base.lastIndexOf('/node_modules/');
    base = parent < 0 ? '' : base.slice(0, parent);
  }
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
