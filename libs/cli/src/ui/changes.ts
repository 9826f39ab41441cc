/** What differs, as sentences: everything but the many source files that a change of a library touches. */
import { formatCount } from '@prosodia/core';
import { type Change, sayChange } from '@prosodia/runner';

/**
 * @param most source files that are named; a stage's own come first
 * @param say how one change is told
 */
export function sayChanges(
  changes: readonly Change[],
  most: number,
  say: (change: Change) => string = sayChange,
): string[] {
  const files = changes.filter(({ kind }) => kind === 'file').sort((a, b) => Number(isStages(b)) - Number(isStages(a)));
  const folded = files.length > most + 1 ? new Set(files.slice(most)) : new Set<Change>();
  const lines = [...files.filter((file) => !folded.has(file)), ...changes.filter(({ kind }) => kind !== 'file')].map(
    say,
  );
  if (folded.size > 0) {
    lines.splice(most, 0, `and ${formatCount(folded.size)} more source files (--json names them)`);
  }
  return lines;
}

function isStages(change: Change): boolean {
  return change.kind === 'file' && change.name.startsWith('stages/');
}
