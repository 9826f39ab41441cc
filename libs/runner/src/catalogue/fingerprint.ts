/**
 * Code fingerprints: what a stage's result depends on besides data.
 *
 * A fingerprint covers the stage's own source, every module of ours it reaches (worker modules and
 * assets named by URL included), and the locked versions of the npm packages those import, with all
 * their dependencies. Import graph, digests and lock file are those of the build the code runs from: an
 * edit made while a run goes on must not put its name on what the code before it computed.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CodeParts, codeDigest } from '../store/code-lists.ts';

interface ModuleNode {
  /** Of the text that was compiled. */
  sha256: string;
  imports: string[];
  packages: string[];
}

export interface Fingerprint {
  digest: string;
  /** Kept in the store so that `why` can name the file. */
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
  readonly #assets = new Map<string, string>();
  readonly #known = new Map<string, Fingerprint>();

  constructor(root: string, build: string) {
    this.#root = root;
    this.#build = build;
  }

  /** @param source stage file below the root, with forward slashes */
  of(source: string): Fingerprint {
    const known = this.#known.get(source);
    if (known) return known;
    this.#graph ??= readJson<Record<string, ModuleNode>>(join(this.#build, 'graph.json'));
    const graph = this.#graph;
    const files = new Set<string>();
    /** Packages by the place they are imported from: a workspace may have a version of its own. */
    const packages: [name: string, from: string][] = [];
    const visit = (path: string) => {
      if (files.has(path)) return;
      files.add(path);
      const node = graph[path];
      for (const name of node?.packages ?? []) packages.push([name, workspaceOf(path)]);
      node?.imports.forEach(visit);
    };
    visit(source);
    const parts: Record<string, string> = {};
    for (const path of [...files].sort()) parts[path] = graph[path]?.sha256 ?? this.#assetDigest(path);
    for (const [name, digest] of this.#lockedClosure(packages)) parts[name] = digest;
    const fingerprint = { digest: codeDigest(parts), parts };
    this.#known.set(source, fingerprint);
    return fingerprint;
  }

  /** An asset is not compiled in but read where it stands. */
  #assetDigest(path: string): string {
    let digest = this.#assets.get(path);
    if (digest === undefined) {
      digest = createHash('sha256')
        .update(readFileSync(join(this.#root, path)))
        .digest('hex');
      this.#assets.set(path, digest);
    }
    return digest;
  }

  /** Packages and everything they depend on, as `name@version` to integrity, sorted. */
  #lockedClosure(imported: readonly (readonly [name: string, from: string])[]): [string, string][] {
    this.#lock ??= readJson<{ packages: Record<string, LockEntry> }>(join(this.#build, 'package-lock.json')).packages;
    const lock = this.#lock;
    const found = new Map<string, string>();
    const visited = new Set<string>();
    const visit = (name: string, from: string) => {
      const path = resolveLocked(lock, name, from);
      if (path === undefined) return; // An optional package for another platform.
      if (visited.has(path)) return;
      visited.add(path);
      const entry = lock[path]!;
      found.set(`${name}@${entry.version ?? '?'}`, entry.integrity ?? '');
      const needs = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies };
      for (const dependency of Object.keys(needs)) visit(dependency, path);
    };
    for (const [name, from] of imported) visit(name, from);
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** `libs/nn` for `libs/nn/src/x.ts`; the root for what is in no package of its own. */
function workspaceOf(path: string): string {
  return /^libs\/[^/]+/.exec(path)?.[0] ?? '';
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
