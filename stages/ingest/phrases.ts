/** Counts and lists as they stand in notices and errors. */
import { formatCount } from '@prosodia/core';

/** `1 recording`, `1,440 recordings`; the bare number without a noun. */
export function count(n: number, noun?: string): string {
  const number = formatCount(n);
  return noun === undefined ? number : `${number} ${noun}${n === 1 ? '' : 's'}`;
}

/** The first few of `names`, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  const rest = names.length - most;
  return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${count(rest)} more` : '');
}
