import { describe, expect, it } from 'vitest';
import { RequestError } from '@prosodia/core';
import { type OptionSpec, type ParsedArgs, parseArgs } from './args.ts';
import { overridesFrom } from './commands/overrides.ts';

const OPTIONS: Record<string, OptionSpec> = {
  json: { type: 'flag', summary: '' },
  jobs: { type: 'value', summary: '', placeholder: 'N' },
  set: { type: 'list', summary: '' },
};

const parse = (line: string, open = false): ParsedArgs => parseArgs(line.split(' ').filter(Boolean), OPTIONS, open);

describe('parseArgs', () => {
  it('tells positionals, flags, values and lists apart, in any order', () => {
    const args = parse('run --jobs 2 --json --set a=1 x --set=b=2');
    expect(args.positionals).toEqual(['run', 'x']);
    expect([...args.flags]).toEqual(['json']);
    expect(Object.fromEntries(args.values)).toEqual({ jobs: '2' });
    expect(args.lists.get('set')).toEqual(['a=1', 'b=2']);
  });

  it('takes what follows -- as it is, and values with = and spaces in them', () => {
    expect(parse('-- --json').positionals).toEqual(['--json']);
    expect(parseArgs(['--jobs=a = b'], OPTIONS).values.get('jobs')).toBe('a = b');
    expect(parse('--jobs= x').values.get('jobs')).toBe('');
  });

  it('takes negative numbers as values, and the last of several', () => {
    expect(parse('--jobs -3 --jobs 4').values.get('jobs')).toBe('4');
    expect(parse('--jobs -3').values.get('jobs')).toBe('-3');
  });

  it('knows flags that are spelled out', () => {
    expect(parse('--json=true').flags.has('json')).toBe(true);
    expect(parse('--json=false').flags.has('json')).toBe(false);
    expect(() => parse('--json=yes')).toThrow('--json takes no value');
  });

  it('refuses unknown options with the nearest right name, and values that are missing', () => {
    expect(() => parse('--jsno')).toThrow(RequestError);
    expect(() => parse('--jsno')).toThrow(/unknown option --jsno[^]*--json, --jobs, --set[^]*did you mean --json\?/);
    expect(() => parse('--jobs')).toThrow(/--jobs needs a value[^]*--jobs N/);
    expect(() => parse('--jobs --json')).toThrow('--jobs needs a value');
  });

  it('lets a command take more: --name=value and --name value', () => {
    expect(parse('--corpus=demo --seed 3', true).extra).toEqual({ corpus: 'demo', seed: '3' });
    expect(() => parse('--corpus', true)).toThrow('unknown option --corpus');
  });
});

describe('overridesFrom', () => {
  it('joins both spellings of a variable', () => {
    expect(overridesFrom(parse('--corpus=demo --set seed=3 --set text=a=b', true))).toEqual({
      corpus: 'demo',
      seed: '3',
      text: 'a=b',
    });
  });

  it('refuses --set without a name or a value', () => {
    for (const wrong of ['seed', '=3']) {
      expect(() => overridesFrom(parse(`--set ${wrong}`))).toThrow(
        /--set needs a name and a value[^]*--set NAME=VALUE/,
      );
    }
  });
});
