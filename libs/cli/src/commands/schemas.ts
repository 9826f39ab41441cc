/** `prosodia schemas`: writes the JSON Schema that editors check pipeline files with. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { RequestError } from '@prosodia/core';
import { pipelineSchema } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';

export const schemas: Command = {
  name: 'schemas',
  usage: '[--check]',
  summary: 'Writes schemas/pipeline.schema.json, which gives editors completion and help for pipelines.',
  options: { check: { type: 'flag', summary: 'only say whether the file is up to date (exit code 2 if not)' } },
  async run(args, context) {
    const { catalogue } = context.project();
    const path = join(context.root, 'schemas', 'pipeline.schema.json');
    const text = `${JSON.stringify(pipelineSchema(catalogue), null, 2)}\n`;
    if (args.flags.has('check')) {
      const found = await readFile(path, 'utf8').catch(() => '');
      if (found !== text) {
        throw new RequestError({
          problem: 'the schema is not that of the stages',
          where: relative(context.cwd, path),
          fix: 'npx prosodia schemas',
        });
      }
      return EXIT.done;
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    context.out.write(`${relative(context.cwd, path)}\n`);
    return EXIT.done;
  },
};
