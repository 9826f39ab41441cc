import { expect, it } from 'vitest';
import type { Change } from '@prosodia/runner';
import { sayChanges } from './changes.ts';

const file = (name: string): Change => ({ kind: 'file', name, from: 'a'.repeat(64), to: 'b'.repeat(64) });

it("names a stage's own files first, counts the rest of many, and tells everything else", () => {
  const changes: Change[] = [
    ...['libs/a.ts', 'libs/b.ts', 'libs/c.ts', 'stages/x/stage.ts'].map(file),
    { kind: 'parameter', name: 'rate', from: 1, to: 2 },
  ];
  expect(sayChanges(changes, 1)).toEqual([
    'source file stages/x/stage.ts changed (aaaaaaaa -> bbbbbbbb)',
    'and 3 more source files (--json names them)',
    'rate: 1 -> 2',
  ]);
  expect(sayChanges(changes, 3)).toHaveLength(5);
});
