/**
 * The page's scripts, compiled from their sources in memory, so that there is no build to run and none to forget.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import type { Log } from './log.ts';

/** Modules that a browser loads by themselves: the page, a worker, an audio worklet. */
export const PAGE_SCRIPTS = ['main', 'device-worker', 'recorder-worklet'] as const;

const resolving = Symbol('resolved by esbuild itself');

/**
 * The page uses functions of our libraries, whose packages also hold what only Node can do. Modules of ours that
 * nothing is taken from are left out, and with them whatever they import.
 */
const onlyWhatIsUsed: Esbuild.Plugin = {
  name: 'only-what-is-used',
  setup(build) {
    build.onResolve({ filter: /^(node:|@wasm-audio-decoders\/)/ }, ({ path }) => ({
      path,
      external: true,
      sideEffects: false,
    }));
    build.onResolve({ filter: /^(\.|@prosodia\/)/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === resolving) return undefined;
      const { path: file, errors } = await build.resolve(path, { ...rest, pluginData: resolving });
      return { path: file, errors, sideEffects: false };
    });
  },
};
/** Compiles them once, when they are wanted or before. */
export class PageScripts {
  readonly #folder: string;
  readonly #log: Log;
  #texts: Promise<Map<string, string>> | undefined;

  /** @param folder of the sources */
  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Begins to compile, so that the first visitor need not wait. */
  prepare(): void {
    // Why it failed is in the log, and whoever asks for a script tries again.
    this.#compile().catch(() => undefined);
  }

  /** @param path such as `/main.js`; throws what the compiler throws */
  async text(path: string): Promise<string> {
    return (await this.#compile()).get(path)!;
  }

  #compile(): Promise<Map<string, string>> {
    this.#texts ??= pageScripts(this.#folder).catch((error: unknown) => {
      this.#texts = undefined;
      this.#log.failure('the page cannot be compiled; predictions are served all the same', error);
      throw error;
    });
    return this.#texts;
  }
}

/**
 * Text of each script by its path, such as `/main.js`.
 * @param folder of the sources
 */
export async function pageScripts(folder: string): Promise<Map<string, string>> {
  // From the sources' own place, where the package is installed.
  const { resolve } = createRequire(import.meta.url);
  const { default: esbuild } = (await import(pathToFileURL(resolve('esbuild')).href)) as { default: typeof Esbuild };
  const { outputFiles } = await esbuild.build({
    absWorkingDir: folder,
    entryPoints: PAGE_SCRIPTS.map((name) => `${name}.ts`),
    outdir: join(folder, 'out'),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    logLevel: 'silent',
    plugins: [onlyWhatIsUsed],
  });
  return new Map(
    outputFiles.map(({ path, text }) => [path.slice(join(folder, 'out').length).replaceAll('\\', '/'), text]),
  );
}
