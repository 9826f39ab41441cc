/** Exit codes, as documented in docs/command.md, and how an error is told. */
import { CancelledError, ProsodiaError, RequestError, messageOf } from '@prosodia/core';

export const EXIT = {
  done: 0,
  stageFailed: 1,
  badRequest: 2,
  interrupted: 130,
} as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof RequestError) return EXIT.badRequest;
  return error instanceof CancelledError ? EXIT.interrupted : EXIT.stageFailed;
}

/** An error of ours is complete; any other is a bug, so its stack is shown. */
export function explain(error: unknown): string {
  if (error instanceof ProsodiaError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
