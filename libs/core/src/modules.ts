/**
 * Where a source module lives when the project runs from its compiled copy.
 *
 * Prosodia runs TypeScript sources through an incremental build (see the runner's `build` folder);
 * compiled code still names modules by their source URL. In tests there is no build, and the source
 * itself is loaded through tsx.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Environment variables through which the launcher tells every process and thread where the build is. */
export const BUILD_FOLDER = 'PROSODIA_BUILD';
export const PROJECT_ROOT = 'PROSODIA_ROOT';

/** The URL to import for a source module, and the Node options a new thread or process needs for it. */
export function loadable(source: URL | string): { url: URL; execArgv: string[] } {
  const url = new URL(source);
  const build = process.env[BUILD_FOLDER];
  const root = process.env[PROJECT_ROOT];
  if (build !== undefined && root !== undefined) {
    const path = relative(root, fileURLToPath(url));
    if (!path.startsWith('..')) {
      const compiled = resolve(build, path.split(sep).join('/').replace(/\.ts$/, '.js'));
      if (existsSync(compiled)) return { url: pathToFileURL(compiled), execArgv: [] };
    }
  }
  return { url, execArgv: url.pathname.endsWith('.ts') ? ['--import', sourceLoader()] : [] };
}

/** A module that lets a process or thread load TypeScript; `--import tsx` itself has no effect in a thread. */
function sourceLoader(): string {
  const api = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const register = `import { register } from ${JSON.stringify(pathToFileURL(api).href)}; register();`;
  return `data:text/javascript,${encodeURIComponent(register)}`;
}
