/** The stacking example of docs/pipelines.md, as it stands there, through the real command. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import { type TestProject, summaryOf } from './support/project.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/pipelines.md', import.meta.url));
const example = /```yaml\n(name: stacking\n[^]*?)```/.exec(readFileSync(DOCUMENT, 'utf8'))![1]!;

let project: TestProject;
let data: string;
beforeAll(() => {
  ({ project, data } = tinyProject());
});
afterAll(() => project.remove());

async function run(name: string, text: string) {
  const file = join(project.root, `${name}.yaml`);
  writeFileSync(file, text);
  return project.cli(['run', file, '--json', `--data=${data}`, '--corpus=tiny', '--trees=10']);
}

describe('stacking', () => {
  it('runs as documented, and its members are judged beside it', async () => {
    const ended = await run('stacking', example);
    expect(ended.err).toBe('');
    expect(summaryOf(ended)).toMatchObject({ ok: true, computed: 5 + 2 + 6 + 2, cached: 0 });
    const report = join(project.root, 'artifacts', 'runs', 'stacking', 'latest', 'metrics.json');
    const { members } = JSON.parse(readFileSync(report, 'utf8')) as { members: object };
    expect(Object.keys(members).sort()).toEqual(['forest', 'trees']);
  });

  it('is refused if the inner folds hold test clips of the outer split (planted leak)', async () => {
    const leaking = example.replace('{ clips, within: split }', '{ clips }').replace('name: stacking', 'name: leaking');
    const ended = await run('leaking', leaking);
    expect(ended.code).not.toBe(0);
    expect(`${ended.out}${ended.err}`).toMatch(/has seen a row that is held out here/);
  });
});
