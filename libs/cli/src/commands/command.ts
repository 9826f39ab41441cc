/** A subcommand: one object from which parsing and help derive. */
import type { OptionSpec, ParsedArgs } from '../args.ts';
import type { Context } from '../context.ts';

export interface Command {
  name: string;
  /** Arguments after the name, as in help. */
  usage: string;
  summary: string;
  /** How many arguments without a name it takes at most. */
  positionals: number;
  options: Readonly<Record<string, OptionSpec>>;
  /** Unknown options set pipeline variables. */
  openEnded?: boolean;
  /** @returns the exit code */
  run(args: ParsedArgs, context: Context): Promise<number>;
}
