/** What the command answers to requests, right and wrong, through the real command on toy stages. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, TestProject } from './support/project.ts';

let project: TestProject;
beforeAll(async () => {
  project = new TestProject('toy');
  await project.cli(['run', 'toy']);
});
afterAll(() => project.remove());

const cli = (...args: string[]): Promise<Ended> => project.cli(args);

describe('a wrong request', () => {
  const wrong: [string, string[], RegExp][] = [
    ['no command', [], /^Speech-emotion pipelines/],
    ['unknown command', ['rnu'], /There is no command rnu\. Did you mean run\?/],
    ['no pipeline', ['run'], /which pipeline\?\n {2}expected: prosodia run <pipeline>/],
    ['unknown pipeline', ['run', 'tyo'], /there is no pipeline tyo[^]*did you mean toy\?/],
    ['unknown file', ['run', 'no/such.yaml'], /there is no pipeline no\/such\.yaml[^]*a file that can be read/],
    [
      'unknown variable',
      ['run', 'toy', '--wrod=x'],
      /^--wrod is neither an option nor a variable of the pipeline\n[^]*did you mean --word\?/,
    ],
    ['variable set by --set', ['run', 'toy', '--set', 'wrod=x'], /toy\.yaml:3:7: the pipeline has no variable wrod/],
    ['mistyped option', ['run', 'toy', '--jbos=2'], /neither an option[^]*--jobs[^]*--word[^]*did you mean --jobs\?/],
    ['mistyped flag', ['run', 'toy', '--jsno'], /unknown option --jsno[^]*did you mean --json\?/],
    ['mistyped flag with a word after it', ['status', '--jsno', 'toy'], /which pipeline\?|neither an option/],
    ['wrong type of variable', ['run', 'toy', '--size=big'], /pipelines\/toy\.yaml:3:28: variable size is a number/],
    ['out of range', ['run', 'toy', '--size=0'], /pipelines\/toy\.yaml:5:55: parameter size of stage write is wrong/],
    ['unknown device', ['run', 'toy', '--device=gpu'], /there is no such device[^]*auto, cpu, webgpu, cuda/],
    ['jobs that are no number', ['run', 'toy', '--jobs=many'], /--jobs is a number of cores/],
    ['too many arguments', ['run', 'toy', 'other'], /run takes fewer arguments[^]*prosodia run <pipeline>/],
    ['option of another command', ['status', 'toy', '--sql', 'select 1'], /--sql is neither an option nor a variable/],
    ['unknown option', ['stages', '--jsno'], /unknown option --jsno[^]*did you mean --json\?/],
    ['unknown stage', ['stages', 'wirte'], /there is no stage wirte[^]*did you mean write\?/],
    ['no such run', ['inspect', 'toy', '--run', '99'], /there is no such run of toy/],
    ['no such artifact', ['inspect', 'toy', 'lareg'], /the run has no artifact lareg[^]*did you mean large\?/],
    ['rows that are no number', ['inspect', 'toy', 'large', '--rows', 'x'], /--rows is a number of rows/],
  ];
  it.each(wrong)('(%s) is answered with 2 and what is right', async (_, args, message) => {
    const { code, out, err } = await cli(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ +at /m);
  });

  it('leaves no trace', async () => {
    const { out } = await cli('inspect', 'toy', '--run', '1', '--json');
    expect((JSON.parse(out) as unknown[]).length).toBeGreaterThan(0);
    expect((await cli('inspect', 'toy', '--run', '2')).code).toBe(2);
  });
});

describe('version', () => {
  it('is that of the package', async () => {
    const { code, out } = await cli('--version');
    expect([code, out]).toEqual([0, 'prosodia 0.1.0\n']);
  });
});

describe('help', () => {
  it('lists the commands, and the options of each', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    for (const command of ['run', 'status', 'inspect', 'stages']) {
      expect(out).toMatch(new RegExp(`^ {2}prosodia ${command} `, 'm'));
      const help = await cli(command, '--help');
      expect([help.code, help.err]).toEqual([0, '']);
      expect(help.out).toMatch(new RegExp(`^prosodia ${command} [^]*--json`));
    }
  });

  it('documents a stage: inputs, outputs, each parameter with type, default and meaning', async () => {
    const { code, out } = await cli('stages', 'write');
    expect(code).toBe(0);
    expect(out).toContain('write  Writes a text.');
    expect(out).toMatch(/^ {2}text +string +needed +What to write\.$/m);
    expect(out).toMatch(/^ {2}size +integer += 1 +How often to repeat it\.$/m);
    expect((await cli('stages')).out).toMatch(/^upper +Makes all letters of a text large\.$/m);
    const all = JSON.parse((await cli('stages', '--json')).out) as { name: string }[];
    expect(all.map(({ name }) => name)).toEqual(['deal', 'draw', 'fault', 'fit', 'join', 'slow', 'upper', 'write']);
    expect((await cli('stages', 'draw')).out).toContain('its result depends on the seed');
  });
});

describe('inspect', () => {
  it('lists the artifacts of the latest run, and shows one', async () => {
    expect((await cli('inspect', 'toy')).out).toMatch(/^large\.text +text +6 B$/m);
    const shown = await cli('inspect', 'toy', 'large.text');
    expect(shown.out).toMatch(/large\.text {2}text {2}6 B\n {2}text\.txt/);
    const several = (await cli('inspect', 'toy', 'joined', '--json')).out.trim().split('\n');
    expect(several.map((line) => (JSON.parse(line) as { output: string }).output)).toEqual(['text', 'copy', 'letters']);
  });

  it('finds the runs of a pipeline given as a file', async () => {
    const { code, out } = await cli('inspect', 'pipelines/toy.yaml');
    expect([code, out]).toEqual([0, (await cli('inspect', 'toy')).out]);
  });

  it('says so if the files are gone', async () => {
    const env = { PROSODIA_ARTIFACTS: 'gone' };
    await project.cli(['run', 'toy'], { env });
    rmSync(join(project.root, 'gone', 'store'), { recursive: true });
    const { code, err } = await project.cli(['inspect', 'toy', 'large'], { env });
    expect(code).toBe(2);
    expect(err).toMatch(/the files of large\.text are no longer in the store[^]*run the pipeline again/);
  });
});

describe('paths', () => {
  it('are relative to where the user stands', async () => {
    const cwd = join(project.root, 'elsewhere');
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'mine.yaml'), 'name: mine\nstages:\n  a: { uses: write, with: { text: x } }\n');
    const { code, out } = await project.cli(['run', 'mine.yaml'], { cwd, env: { PROSODIA_ARTIFACTS: 'kept' } });
    expect(code).toBe(0);
    expect(out).toContain('run 1: kept/runs/mine/latest');
    const bad = await project.cli(['run', 'mine.yaml', '--x=1'], { cwd });
    expect(bad.err).toMatch(/^--x is neither an option nor a variable/);
    expect((await project.cli(['run', 'mine.yaml', '--set', 'x=1'], { cwd })).err).toMatch(/^mine\.yaml:1:1: /);
  });
});

describe('output that is not read to its end', () => {
  it('is no error', async () => {
    const run = project.start(['stages', '--json']);
    run.child.stdout!.destroy();
    expect((await run.ended).err).toBe('');
  });
});
