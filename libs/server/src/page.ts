/**
 * The page: files of one folder, and the parts of ONNX Runtime that it runs on.
 *
 * The files are listed once, at the start. A path is looked up among them and never joined to a folder, so no path,
 * however it is written, leads out of it.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Log } from './log.ts';
import { PAGE_SCRIPTS, PageScripts } from './page-scripts.ts';

const MEDIA: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const PAGE_FOLDER = fileURLToPath(new URL('../page', import.meta.url));
/** Where the page finds the files of onnxruntime-web. */
const RUNTIME_PATH = '/vendor/onnxruntime-web/';
/** Its parts for WebAssembly on the processor, as modules. */
const RUNTIME_FILES = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** Routes of the page; `/` is its index.html. Its scripts are compiled when they are asked for, or prepared. */
export function addPage(app: FastifyInstance, log: Log): PageScripts {
  for (const [path, file] of pageFiles()) {
    app.get(path, async (_request, reply) => {
      const cached = path.startsWith(RUNTIME_PATH);
      return reply
        .type(MEDIA[extname(file)] ?? 'application/octet-stream')
        .header('cache-control', cached ? 'public, max-age=86400' : 'no-cache')
        .send(await readFile(file));
    });
  }
  const scripts = new PageScripts(PAGE_FOLDER, log);
  for (const name of PAGE_SCRIPTS) {
    const path = `/${name}.js`;
    app.get(path, async (_request, reply) => {
      const text = await scripts.text(path);
      return reply.type(MEDIA['.js']!).header('cache-control', 'no-cache').send(text);
    });
  }
  return scripts;
}

/** File by path. */
function pageFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of filesIn(PAGE_FOLDER)) {
    if (!(extname(file) in MEDIA) || extname(file) === '.json') continue;
    const path = `/${relative(PAGE_FOLDER, file).split(sep).join('/')}`;
    files.set(path === '/index.html' ? '/' : path, file);
  }
  // From the sources' own place, where the package is installed.
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  for (const name of RUNTIME_FILES) files.set(RUNTIME_PATH + name, join(runtime, name));
  return files;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}
