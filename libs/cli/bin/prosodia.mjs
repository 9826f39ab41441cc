#!/usr/bin/env node
/** Starts the command from an up-to-date build of the sources. */
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuild } from '../../runner/launch/build.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

let build;
try {
  build = await ensureBuild(root);
} catch (error) {
  process.stderr.write(`The sources do not compile.\n\n${error.message}\n`);
  process.exit(2);
}
process.env.PROSODIA_ROOT = root;
process.env.PROSODIA_BUILD = build;
const { main } = await import(pathToFileURL(resolve(build, 'libs', 'cli', 'src', 'main.js')).href);
process.exitCode = await main(process.argv.slice(2));
