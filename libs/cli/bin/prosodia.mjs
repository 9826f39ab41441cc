#!/usr/bin/env node
/** Starts the command from an up-to-date build of the sources. */
import module from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuild } from '../../runner/launch/build.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

// `prosodia ... | head` closes the pipe when it has seen enough: no error, and nobody is left to tell.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? 0);
});

let build;
try {
  build = await ensureBuild(root);
} catch (error) {
  // The errors of the compiler come as a list; any other says itself what is wrong.
  const title = Array.isArray(error.errors) ? 'The sources do not compile.' : 'The stages cannot be loaded.';
  process.stderr.write(`${title}\n\n${error.message}\n`);
  process.exit(2);
}
// For all threads and processes to come: ONNX Runtime says nothing to its maker (see libs/nn/src/device.ts).
process.env.ORT_DISABLE_TELEMETRY = '1';
process.env.PROSODIA_ROOT = root;
process.env.PROSODIA_BUILD = build;
// From Node 22.8 on, what is compiled once is there at the next start; it lies in the build, and goes with it.
module.enableCompileCache?.(resolve(build, 'compiled'));
const { main } = await import(pathToFileURL(resolve(build, 'libs', 'cli', 'src', 'main.js')).href);
process.exitCode = await main(process.argv.slice(2));
