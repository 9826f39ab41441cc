/** Pipeline variables from the command line: `--set name=value` and `--name=value`. */
import { RequestError, nearest } from '@prosodia/core';
import { type Plan, type Project, UnknownVariableError } from '@prosodia/runner';
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

/**
 * Plans a pipeline with the variables of the command line.
 * @param options of the command: a name that is no variable may be one of these, mistyped
 */
export async function planFor(
  project: Project,
  pipeline: string,
  args: ParsedArgs,
  options: Readonly<Record<string, OptionSpec>>,
  cwd: string,
): Promise<Plan> {
  try {
    return await project.plan(pipeline, overridesFrom(args), cwd);
  } catch (error) {
    if (!(error instanceof UnknownVariableError) || !Object.hasOwn(args.extra, error.variable)) throw error;
    const { variable, known } = error;
    const near = nearest(variable, [...Object.keys(options), ...known]);
    throw new RequestError(
      {
        problem: `--${variable} is neither an option nor a variable of the pipeline`,
        expected: `one of: ${[...Object.keys(options), ...known].map((name) => `--${name}`).join(', ')}`,
        got: `--${variable}=${args.extra[variable]}`,
        ...(near === undefined ? {} : { fix: `did you mean --${near}?` }),
      },
      { cause: error },
    );
  }
}

/** The pipeline argument, which every command of this family needs first. */
export function pipelineArgument(args: ParsedArgs, usage: string): string {
  const [pipeline] = args.positionals;
  if (pipeline === undefined) throw new RequestError({ problem: 'which pipeline?', expected: `prosodia ${usage}` });
  return pipeline;
}
