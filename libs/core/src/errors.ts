/**
 * Errors that help: what was expected, what was found, where, and how to mend it.
 *
 * Every message a user sees is built here, so that they all have the same four parts and a program
 * can read them as fields (`--json`) instead of parsing prose.
 */

/** The four parts of a helpful error. `where` reads from the outside in: file, line, stage, clip. */
export interface ErrorParts {
  /** What went wrong, in one sentence without a full stop at the end. */
  problem: string;
  /** What would have been right. */
  expected?: string;
  /** What was there instead. */
  got?: string;
  /** The place: `pipelines/x.yaml:12:7`, `stage pca, input features`, `clip demo/03-...`. */
  where?: string;
  /** What to do about it. */
  fix?: string;
}

/** Base of all errors that Prosodia raises on purpose; `String(error)` is ready to print. */
export class ProsodiaError extends Error {
  readonly parts: ErrorParts;

  constructor(parts: ErrorParts, options?: { cause?: unknown }) {
    super(formatParts(parts), options);
    this.name = new.target.name;
    this.parts = parts;
  }

  /** A copy of this error that also says where it happened; an inner place is kept after the outer one. */
  at(where: string): this {
    const inner = this.parts.where;
    const parts = { ...this.parts, where: inner ? `${where}, ${inner}` : where };
    const Constructor = this.constructor as new (parts: ErrorParts, options?: { cause?: unknown }) => this;
    return new Constructor(parts, { cause: this });
  }
}

/** The request itself is wrong: a bad pipeline file, option or parameter. Exit code 2. */
export class RequestError extends ProsodiaError {}

/** The data is wrong: an unreadable recording, a table without a needed column, units that differ. */
export class DataError extends ProsodiaError {}

/** A leak guard refused: a number computed on this data could not be trusted. */
export class LeakError extends ProsodiaError {}

/** The work was cancelled through its signal; never an error of the data or the request. */
export class CancelledError extends ProsodiaError {
  constructor(what = 'the work') {
    super({ problem: `${what} was cancelled` });
  }
}

/** Throws {@link CancelledError} if `signal` has fired. Call it inside long loops. */
export function throwIfCancelled(signal: AbortSignal | undefined, what?: string): void {
  if (signal?.aborted) throw new CancelledError(what);
}

function formatParts({ problem, expected, got, where, fix }: ErrorParts): string {
  const lines = [where ? `${where}: ${problem}` : problem];
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (got !== undefined) lines.push(`  got:      ${got}`);
  if (fix !== undefined) lines.push(`  fix:      ${fix}`);
  return lines.join('\n');
}

/** The message of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The candidate nearest to `word` by edit distance, or `undefined` if none is near enough
 * (more than a third of the word, at least two edits, would have to change); then the only one that the word begins.
 */
export function nearest(word: string, choices: Iterable<string>): string | undefined {
  const candidates = [...choices];
  const limit = Math.max(2, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? candidateBegunBy(word, candidates);
}

/** The only candidate of which a word of some length is the beginning, such as `memory` of `memory_gb`. */
function candidateBegunBy(word: string, candidates: readonly string[]): string | undefined {
  const begun = candidates.filter((candidate) => candidate.toLowerCase().startsWith(word.toLowerCase()));
  return word.length >= 3 && begun.length === 1 ? begun[0] : undefined;
}

/** Levenshtein distance with adjacent transpositions counted as one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const beforePrevious = previous;
    previous = current;
    current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        current[j] = Math.min(current[j]!, beforePrevious[j - 2]! + 1);
      }
    }
  }
  return current[b.length]!;
}

/** The reason of a data error in one line, without the place it names. */
export function reasonOf({ parts: { problem, expected, got } }: DataError): string {
  const details = [
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    ...(got === undefined ? [] : [`got ${got}`]),
  ];
  return details.length === 0 ? problem : `${problem} (${details.join(', ')})`;
}
