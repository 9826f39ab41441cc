import { expect, it } from 'vitest';
import { EXAMPLES } from './examples.ts';
import { main } from './main.ts';

function sink() {
  const written: string[] = [];
  return { written, stream: { write: (text: string) => written.push(text) > 0, isTTY: false } };
}

async function said(...argv: string[]): Promise<string> {
  const [out, err] = [sink(), sink()];
  expect(await main(argv, { out: out.stream, err: err.stream } as never)).toBe(0);
  return out.written.join('');
}

it('every command shows examples of itself in its help, and there are none of commands that are not', async () => {
  const names = [...(await said('--help')).matchAll(/^ {2}prosodia (\S+)/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(10);
  expect(Object.keys(EXAMPLES).filter((name) => !names.includes(name) && name !== 'report')).toEqual([]);
  for (const name of names) expect(await said(name, '--help'), name).toMatch(/\nExamples:\n {2}prosodia /);
});
