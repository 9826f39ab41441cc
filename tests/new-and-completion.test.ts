/** What is scaffolded works as it is; what a shell is offered is what there is. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './support/project.ts';

let project: TestProject;
beforeAll(() => {
  project = new TestProject('all');
});
afterAll(() => project.remove());

describe('prosodia new', () => {
  it('writes a stage that is found at once, once', async () => {
    const made = await project.cli(['new', 'stage', 'turn-up']);
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toContain('npx vitest run stages/turn-up');
    expect((await project.cli(['stages', 'turn-up'])).out).toContain('Multiplies each item by a gain');
    const again = await project.cli(['new', 'stage', 'turn-up']);
    expect([again.code, again.out]).toEqual([2, '']);
    expect(again.err).toContain('stages/turn-up/stage.ts is there already');
    expect(existsSync(join(project.root, 'stages/turn-up/turn-up.test.ts'))).toBe(true);
  });

  it('writes a pipeline that is right', async () => {
    expect((await project.cli(['new', 'pipeline', 'mine'])).code).toBe(0);
    const drawn = await project.cli(['graph', 'mine']);
    expect([drawn.code, drawn.err]).toEqual([0, '']);
    expect(drawn.out).toContain('●  clips  ingest');
    expect(readFileSync(join(project.root, 'pipelines/mine.yaml'), 'utf8')).toMatch(/^# yaml-language-server: /);
  });

  it.each([['stage', 'Loud'], ['stage', '../out'], ['pipeline', 'a/b'], ['stage'], ['thing', 'x']])(
    'refuses %s %s with the rule',
    async (...words) => {
      const { code, err } = await project.cli(['new', ...words]);
      expect(code).toBe(2);
      expect(err).toContain('expected:');
    },
  );
});

describe('completion in bash', () => {
  const complete = (line: string): string[] => {
    const bin = join(project.root, 'bin');
    if (!existsSync(bin)) {
      mkdirSync(bin);
      symlinkSync(join(project.root, 'libs/cli/bin/prosodia.mjs'), join(bin, 'prosodia'));
    }
    const script = `source <(prosodia completion bash); COMP_LINE="$1"; COMP_POINT=\${#1}; _prosodia 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', line], { encoding: 'utf8', env, cwd: project.root });
    return stdout.split('\n').filter(Boolean);
  };

  it('offers commands, pipelines, stages, options and variables', () => {
    expect(complete('prosodia sta')).toEqual(['status', 'stages']);
    expect(complete('prosodia run cnn')).toEqual(['cnn-lstm', 'cnn2d']);
    expect(complete('prosodia stages res')).toEqual(['resample']);
    expect(complete('prosodia run ensemble --jo')).toEqual(['--jobs=']);
    expect(complete('prosodia run ensemble --cor')).toEqual(['--corpus=']);
  });
});
