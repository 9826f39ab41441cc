/** `prosodia new`: a stage or a pipeline to start from, which works as it is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RequestError, nearest } from '@prosodia/core';
import { EXIT } from '../exit.ts';
import { pipelineFile } from '../scaffold/pipeline.ts';
import { stageFiles } from '../scaffold/stage.ts';
import type { Command } from './command.ts';

const FORMS = {
  stage: {
    rule: 'lower-case letters and digits, with - between words, beginning with a letter',
    pattern: /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    files: stageFiles,
    next: (name: string) => [
      [`npx vitest run stages/${name}`, 'its tests, the conformance suite among them'],
      ['npx prosodia generate', 'the editor schema and the reference pages'],
      ['npx prosodia stages', 'it is listed; docs/add-a-stage.md has the rules'],
    ],
  },
  pipeline: {
    rule: 'letters, digits, _, - and ., beginning with a letter or digit',
    pattern: /^[A-Za-z0-9][\w.-]*$/,
    files: (name: string) => ({ [`pipelines/${name}.yaml`]: pipelineFile(name) }),
    next: (name: string) => [
      [`npx prosodia graph ${name}`, 'its stages, and what would run'],
      [`npx prosodia run ${name}`, 'or: npx nx run pipelines:' + name],
      ['npx prosodia stages', 'what else it may use; docs/pipelines.md has the rest'],
    ],
  },
} as const;

export const newCommand: Command = {
  name: 'new',
  usage: '<stage|pipeline> <name>',
  summary: 'Writes a stage with its test, or a pipeline, to start from.',
  positionals: 2,
  options: {},
  async run({ positionals: [form, name] }, context) {
    if (form !== 'stage' && form !== 'pipeline') {
      const near = form === undefined ? undefined : nearest(form, Object.keys(FORMS));
      throw new RequestError({
        problem: 'what is to be made?',
        expected: 'prosodia new stage <name>, or prosodia new pipeline <name>',
        got: form ?? 'nothing',
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      });
    }
    const { rule, pattern, files, next } = FORMS[form];
    if (name === undefined || !pattern.test(name)) {
      throw new RequestError({ problem: `a ${form} needs a plain name`, expected: rule, got: name ?? 'nothing' });
    }
    const written = Object.entries(files(name));
    for (const [path, text] of written) await writeNew(context.root, path, text);
    const steps = next(name).map(([command, what]) => `  ${command}\n      ${what}`);
    context.out.write(`${written.map(([path]) => path).join('\n')}\n\nNext:\n${steps.join('\n')}\n`);
    return EXIT.done;
  },
};

async function writeNew(root: string, path: string, text: string): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new RequestError(
      { problem: `${path} is there already`, expected: 'another name', got: path, fix: 'nothing was overwritten' },
      { cause },
    );
  }
}
