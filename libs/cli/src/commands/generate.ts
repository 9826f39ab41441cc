/** `prosodia generate`: what is made from the stage definitions: the editor schema and the reference pages. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { RequestError } from '@prosodia/core';
import { artifactsPage, pipelineSchema, stagesPage } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';

export const generate: Command = {
  name: 'generate',
  usage: '[--check]',
  summary: 'Writes the editor schema of pipelines and the reference pages of stages and artifacts.',
  positionals: 0,
  options: { check: { type: 'flag', summary: 'only say whether the files are up to date (exit code 2 if not)' } },
  async run(args, context) {
    const { catalogue } = context.project();
    const files = {
      'schemas/pipeline.schema.json': `${JSON.stringify(pipelineSchema(catalogue), null, 1)}\n`,
      'docs/stages.md': stagesPage(catalogue),
      'docs/artifacts.md': artifactsPage(catalogue),
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(context.root, name);
      const shown = relative(context.cwd, path);
      if (args.flags.has('check')) {
        const found = await readFile(path, 'utf8').catch(() => '');
        if (found === text) continue;
        throw new RequestError({
          problem: 'the file is not what the stages say now',
          where: shown,
          fix: 'npx prosodia generate',
        });
      }
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      context.out.write(`${shown}\n`);
    }
    return EXIT.done;
  },
};
