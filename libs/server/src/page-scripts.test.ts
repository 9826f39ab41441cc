import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PAGE_SCRIPTS, PageScripts } from './page-scripts.ts';
import { KeptLog } from './testing.ts';

let folder: string;
let log: KeptLog;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prosodia-scripts-'));
  writeFileSync(join(folder, 'helper.ts'), 'export const greeting: string = "hello"; export const unused = "never";');
  for (const name of PAGE_SCRIPTS.slice(1)) writeFileSync(join(folder, `${name}.ts`), 'postMessage(1);');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  log = new KeptLog();
  writeFileSync(join(folder, 'main.ts'), 'import { greeting } from "./helper.ts"; console.log(greeting);');
});

describe('the scripts of the page', () => {
  it('are compiled once, with what they use and nothing else', async () => {
    const scripts = new PageScripts(folder, log);
    scripts.prepare();
    const [first, again] = await Promise.all([scripts.text('/main.js'), scripts.text('/main.js')]);
    expect(first).toContain('hello');
    expect(first).not.toContain('never');
    writeFileSync(join(folder, 'main.ts'), 'console.log("changed");');
    expect(again).toBe(first);
    expect(await scripts.text('/main.js')).toBe(first);
    expect(log.lines).toEqual([]);
  });

  it('that do not compile stop nothing: the log says why, and the next visitor has them compiled again', async () => {
    writeFileSync(join(folder, 'main.ts'), 'const = ;');
    const scripts = new PageScripts(folder, log);
    scripts.prepare();
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    expect(log.lines[0]).toMatch(/the page cannot be compiled/);
    await expect(scripts.text('/main.js')).rejects.toThrow(/main\.ts/);
    writeFileSync(join(folder, 'main.ts'), 'console.log("mended");');
    expect(await scripts.text('/main.js')).toContain('mended');
  });
});
