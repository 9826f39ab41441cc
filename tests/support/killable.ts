/** Projects whose runs are killed: a chain of toy stages, and a small recipe of the real ones. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tinyProject } from './corpus.ts';
import { TestProject } from './project.ts';

export interface Killable {
  project: TestProject;
  args: string[];
}

/** Five stages that take their time, two of them side by side, one that draws numbers. */
export function toyChain(): Killable {
  const project = new TestProject('toy');
  writeFileSync(
    join(project.root, 'chain.yaml'),
    `name: chain
stages:
  one: { uses: slow, with: { steps: 4, mark: a } }
  two: { uses: slow, from: { after: one }, with: { steps: 4, mark: b } }
  side: { uses: slow, with: { steps: 6, mark: c } }
  drawn: { uses: draw, from: { after: two }, with: { count: 1000 } }
  all: { uses: join, from: { texts: [one, two, side, drawn] } }
publish: { result: all.text }
`,
  );
  return { project, args: ['chain.yaml'] };
}

/** Ten real stages, from recordings (of tones) to the report. */
export function speechRecipe(): Killable {
  const { project, data } = tinyProject();
  return { project, args: [fileURLToPath(new URL('../fixtures/speech.yaml', import.meta.url)), `--data=${data}`] };
}
