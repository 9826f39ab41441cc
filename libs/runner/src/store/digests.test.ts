import { mkdtemp, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DigestMemory } from './digests.ts';
import { digestOf } from './file-digest.ts';

let folder: string;
let file: string;
let memory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prosodia-digests-'));
  [file, memory] = [join(folder, 'file'), join(folder, 'memory', 'digests.json')];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Long enough after a change for a digest to be remembered. */
const settle = () => sleep(30);

describe('DigestMemory', () => {
  it('takes the digest of a file, empty, large, or too large to be read as a whole', async () => {
    const digests = new DigestMemory(memory);
    for (const text of ['', 'x', 'y'.repeat(3_000_000), 'zz..'.repeat(9_000_001)]) {
      await writeFile(file, text);
      expect(await digests.digest(file)).toBe(await digestOf(text));
    }
  });

  it('keeps what it has learned for the next run, and does not read the file again', async () => {
    await writeFile(file, 'one');
    await settle();
    const first = new DigestMemory(memory);
    await first.digest(file);
    await first.save();
    const entries = JSON.parse(await readFile(memory, 'utf8')) as {
      blake3: [string, { state: string; digest: string }][];
    };
    expect(entries.blake3).toHaveLength(1);
    entries.blake3[0]![1].digest = 'from memory';
    await writeFile(memory, JSON.stringify(entries));
    expect(await new DigestMemory(memory).digest(file)).toBe('from memory');
  });

  it('notices an edit of the same length whose modification time was put back', async () => {
    const digests = new DigestMemory(memory);
    await writeFile(file, 'one');
    const { atime, mtime } = await stat(file);
    await settle();
    expect(await digests.digest(file)).toBe(await digestOf('one'));
    await writeFile(file, 'two');
    await utimes(file, atime, mtime);
    expect(await digests.digest(file)).toBe(await digestOf('two'));
  });

  it('notices a file put in place of another', async () => {
    const digests = new DigestMemory(memory);
    await writeFile(file, 'one');
    await writeFile(`${file}2`, 'two');
    await settle();
    await digests.digest(file);
    await rename(`${file}2`, file);
    expect(await digests.digest(file)).toBe(await digestOf('two'));
  });

  it('notices edits that follow at once', async () => {
    const digests = new DigestMemory(memory);
    for (let i = 0; i < 50; i++) {
      await writeFile(file, `edit ${i % 10}`);
      expect(await digests.digest(file)).toBe(await digestOf(`edit ${i % 10}`));
    }
  });

  it('starts afresh if its own file is damaged, or of a version with other digests', async () => {
    await writeFile(file, 'one');
    await settle();
    const whole = new DigestMemory(memory);
    await whole.digest(file);
    await whole.save();
    const old = [[file, { state: 'any', sha256: 'of an older version' }]];
    for (const damage of ['', '[["x"', '{}', 'null', '[1]', '{"blake3":[1]}', JSON.stringify(old)]) {
      await writeFile(memory, damage);
      const digests = new DigestMemory(memory);
      expect(await digests.digest(file)).toBe(await digestOf('one'));
      await digests.save();
    }
    expect(await readdir(join(folder, 'memory'))).toEqual(['digests.json']);
  });
});
