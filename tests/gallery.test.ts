/**
 * Wrong pipeline files, each with the whole message it gets, in `tests/gallery`.
 *
 * The messages are there to be read: after a change, `npx vitest run tests/gallery.test.ts -u` writes them anew, and
 * the difference shows whether they still help.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestProject } from './support/project.ts';

const GALLERY = fileURLToPath(new URL('./gallery', import.meta.url));
const NAMES = readdirSync(GALLERY)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))
  .sort();

let project: TestProject;
beforeAll(async () => {
  project = new TestProject('toy');
  await project.cli(['stages']); // Builds, once.
});
afterAll(() => project.remove());

describe('a wrong pipeline file', () => {
  it('is shown in every kind', () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(40);
    const messages = NAMES.map((name) => `${name}.txt`).sort();
    const written = readdirSync(GALLERY).filter((name) => name.endsWith('.txt'));
    expect(written.sort()).toEqual(messages);
  });

  it.concurrent.for(NAMES)('%s', async (name, { expect }) => {
    const { code, out, err } = await project.cli(['status', join(GALLERY, `${name}.yaml`)], { cwd: GALLERY });
    // A leak is refused with 1, as when a stage finds it.
    expect([code, out]).toEqual([/^search-(metric-not|over-folds|winner)/.test(name) ? 1 : 2, '']);
    expect(err).toMatch(new RegExp(`^${name}\\.yaml:\\d+:\\d+: [^\\n]+\\n {2,5}\\d+ \\| [^]*\\n {7}\\| *\\^`));
    expect(err).toMatch(/\n {2}expected: \S[^]*\n {2}got: {6}\S/);
    if (/\n {2}expected: one of: (?!\(none\))/.test(err)) expect(err).toMatch(/\n {2}fix: {6}did you mean \S+\?/);
    expect(err).not.toMatch(/^ +at /m);
    await expect(err).toMatchFileSnapshot(join(GALLERY, `${name}.txt`));
  });
});

describe('a right one', () => {
  it('is not in the gallery by mistake', () => {
    for (const name of NAMES) expect(readFileSync(join(GALLERY, `${name}.yaml`), 'utf8').length).toBeLessThan(800);
  });
});
