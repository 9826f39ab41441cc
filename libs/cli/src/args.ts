/** Command-line arguments: known options, positionals, and `--name=value` for pipeline variables. */
import { RequestError, nearest } from '@prosodia/core';

export interface OptionSpec {
  /** `flag`: no value; `value`: one value; `list`: may be given several times. */
  type: 'flag' | 'value' | 'list';
  summary: string;
  /** How the value is called in help. */
  placeholder?: string;
}

export interface ParsedArgs {
  positionals: string[];
  flags: ReadonlySet<string>;
  values: ReadonlyMap<string, string>;
  lists: ReadonlyMap<string, string[]>;
  /** Options that are not known, with their values; only if `openEnded`. */
  extra: Record<string, string>;
}

/**
 * @param openEnded accept unknown `--name=value` and `--name value` (they set pipeline variables)
 * @throws RequestError for an unknown option or a missing value
 */
export function parseArgs(
  argv: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
  openEnded = false,
): ParsedArgs {
  const positionals: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const extra: Record<string, string> = {};
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') {
      positionals.push(...argv.slice(i + 1));
      break;
    }
    if (!argument.startsWith('--')) {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
    const spec = options[name];
    if (!spec && !openEnded) throw unknownOption(name, options);
    if (spec?.type === 'flag') {
      const value = equals < 0 ? 'true' : argument.slice(equals + 1);
      if (value !== 'true' && value !== 'false') {
        throw new RequestError({ problem: `--${name} takes no value`, got: argument });
      }
      if (value === 'true') flags.add(name);
      continue;
    }
    const value = equals < 0 ? argv[++i] : argument.slice(equals + 1);
    if (value === undefined || (equals < 0 && value.startsWith('--'))) {
      if (!spec) throw unknownOption(name, options);
      throw new RequestError({
        problem: `--${name} needs a value`,
        expected: `--${name} ${spec.placeholder ?? 'VALUE'}`,
      });
    }
    if (!spec) extra[name] = value;
    else if (spec.type === 'value') values.set(name, value);
    else lists.set(name, [...(lists.get(name) ?? []), value]);
  }
  return { positionals, flags, values, lists, extra };
}

function unknownOption(name: string, options: Readonly<Record<string, OptionSpec>>): RequestError {
  const near = nearest(name, Object.keys(options));
  return new RequestError({
    problem: `unknown option --${name}`,
    expected: `one of: ${Object.keys(options)
      .map((option) => `--${option}`)
      .join(', ')}`,
    ...(near ? { fix: `did you mean --${near}?` } : {}),
  });
}
