/** Pipeline variables from the command line: `--set name=value` and `--name=value`. */
import { RequestError } from '@prosodia/core';
import type { OptionSpec, ParsedArgs } from '../args.ts';

export const VARIABLE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  set: {
    type: 'list',
    summary: 'set a variable of the pipeline; --NAME=VALUE is short for it',
    placeholder: 'NAME=VALUE',
  },
  data: { type: 'value', summary: 'where the recordings are; also PROSODIA_DATA', placeholder: 'DIR' },
};

export function overridesFrom(args: ParsedArgs): Record<string, string> {
  const overrides: Record<string, string> = { ...args.extra };
  for (const setting of args.lists.get('set') ?? []) {
    const equals = setting.indexOf('=');
    if (equals <= 0)
      throw new RequestError({ problem: '--set needs a name and a value', expected: '--set NAME=VALUE', got: setting });
    overrides[setting.slice(0, equals)] = setting.slice(equals + 1);
  }
  return overrides;
}

/** The pipeline argument, which every command of this family needs first. */
export function pipelineArgument(args: ParsedArgs, usage: string): string {
  const [pipeline] = args.positionals;
  if (pipeline === undefined) throw new RequestError({ problem: 'which pipeline?', expected: `prosodia ${usage}` });
  return pipeline;
}
