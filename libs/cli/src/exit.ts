/** Exit codes, as documented in docs/command.md. */
export const EXIT = {
  done: 0,
  stageFailed: 1,
  badRequest: 2,
  interrupted: 130,
} as const;
