/**
 * The catalogue: one YAML file per corpus in `data/corpora/`, which says where the recordings come from
 * and how a file name becomes a row of the clips table. Adding a corpus is adding a file.
 *
 * What a file name says is written as a regular expression with named groups and, per column, which
 * group it comes from and what its codes stand for. That is data, not code, so it is validated, shown,
 * and part of the cache key.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RequestError, type Static, Type, nearest } from '@prosodia/core';
import { parseChecked } from './checked-yaml.ts';

const AUDIO_ENDING = /\.(wav|flac)$/i;

const Value = Type.Union([Type.String(), Type.Integer(), Type.Null()]);

const FromGroup = Type.Object(
  {
    from: Type.String({ minLength: 1, description: 'a named group of `files`' }),
    map: Type.Optional(
      Type.Record(Type.String(), Value, {
        description: 'what each code stands for; a name with another code does not fit',
      }),
    ),
    odd: Type.Optional(Type.String({ description: 'value if the group is an odd number' })),
    even: Type.Optional(Type.String({ description: 'value if the group is an even number' })),
  },
  { additionalProperties: false },
);

const ColumnRule = Type.Union([FromGroup, Type.String(), Type.Integer()]);

const Columns = Type.Object(
  {
    speaker: ColumnRule,
    sex: Type.Optional(ColumnRule),
    emotion: ColumnRule,
    intensity: Type.Optional(ColumnRule),
    statement: Type.Optional(ColumnRule),
    repetition: Type.Optional(ColumnRule),
    vocal_channel: Type.Optional(ColumnRule),
  },
  {
    additionalProperties: false,
    description: 'columns of the clips table; a plain value is the same for every recording',
  },
);

const Archive = Type.Object(
  {
    url: Type.String({ pattern: '^https?://', description: 'address of a ZIP archive' }),
    file: Type.String({ pattern: '^[^/\\\\]+\\.zip$', description: 'name of the archive' }),
    bytes: Type.Optional(Type.Integer({ minimum: 1, description: 'its size' })),
    md5: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  { additionalProperties: false },
);

/** The form of a catalogue file. */
export const CorpusSchema = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    licence: Type.String({ minLength: 1, description: 'what its users may do with it' }),
    citation: Type.Optional(Type.String({ minLength: 1, description: 'what a paper that uses it cites' })),
    homepage: Type.Optional(Type.String({ pattern: '^https?://' })),
    recordings: Type.Optional(Type.Integer({ minimum: 1, description: 'how many the whole corpus has' })),
    archive: Type.Optional(Archive),
    obtain: Type.Optional(Type.String({ minLength: 1, description: 'how to get it, where no archive can be fetched' })),
    synthesizer: Type.Optional(
      Type.Object(
        { seed: Type.Integer({ minimum: 0 }) },
        { additionalProperties: false, description: 'made on this machine by the built-in synthesizer' },
      ),
    ),
    files: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'regular expression with named groups for the end of the path below the corpus folder, without its ending',
      }),
    ),
    example: Type.Optional(
      Type.String({ minLength: 1, description: 'a path that fits `files`, without which it is wrong; it is checked' }),
    ),
    table: Type.Optional(
      Type.String({
        pattern: '^[^/\\\\]+\\.(csv|tsv)$',
        description: 'instead of `files`: a CSV file in the corpus folder with one line per recording',
      }),
    ),
    path_column: Type.Optional(
      Type.String({ minLength: 1, description: 'its column with paths below the corpus folder (default: path)' }),
    ),
    columns: Type.Optional(Columns),
  },
  { additionalProperties: false },
);

export type Corpus = Static<typeof CorpusSchema>;
export type ArchiveSource = Static<typeof Archive>;
export type ColumnName = keyof Static<typeof Columns>;
export const COLUMN_NAMES = Object.keys(Columns.properties) as ColumnName[];
export type Rule = Static<typeof ColumnRule>;

/** A validated catalogue file. */
export interface CatalogueEntry {
  readonly name: string;
  /** For messages: `data/corpora/<name>.yaml`. */
  readonly file: string;
  readonly corpus: Corpus;
  /** `corpus.files`, compiled: matches at the start of a path or after a slash, up to its end. */
  readonly pattern?: RegExp;
  /** Where the labels are, if not in the names. */
  readonly table?: { readonly file: string; readonly path_column: string };
  /** What a recording is called, for messages. */
  readonly named: string;
  /** `corpus.columns` as a list; may be empty with a table. */
  readonly rules: readonly (readonly [ColumnName, Rule])[];
}

/** The folder of the catalogue below the project's root. */
export const CATALOGUE_FOLDER = 'data/corpora';

/**
 * The name under which the probe hands the catalogue's folder to the stage, beside the corpus folder: the
 * stage then reads the very file that its key covers. No corpus can have this name.
 */
export const CATALOGUE = '(catalogue)';

/** Names of all corpora, sorted. */
export async function listCorpora(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => (name.endsWith('.yaml') ? [name.slice(0, -'.yaml'.length)] : [])).sort();
}

/**
 * Reads one entry.
 *
 * @param folder the catalogue's folder
 * @throws RequestError if there is no such corpus, or its file is wrong, with line and column
 */
export async function readCorpus(folder: string, name: string): Promise<CatalogueEntry> {
  const file = `${CATALOGUE_FOLDER}/${name}.yaml`;
  // A corpus is a name, never a path out of the catalogue.
  const text = /^[\w.-]+$/.test(name)
    ? await readFile(join(folder, `${name}.yaml`), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      })
    : undefined;
  if (text === undefined) {
    const known = await listCorpora(folder);
    const near = nearest(name, known);
    throw new RequestError({
      problem: `there is no corpus ${JSON.stringify(name)} in the catalogue`,
      expected: known.length > 0 ? known.join(', ') : `YAML files in ${folder}`,
      got: `${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
      where: 'parameter corpus',
      fix: `use one of these, or describe your corpus in ${file}`,
    });
  }
  return parseCorpus(text, name, file);
}

/** Validates the text of a catalogue file. Throws a RequestError with line and column. */
export function parseCorpus(text: string, name: string, file: string): CatalogueEntry {
  const { value: corpus, where } = parseChecked(text, CorpusSchema, file);
  const rules = Object.entries(corpus.columns ?? {}) as [ColumnName, Rule][];
  const groups = corpus.files === undefined ? undefined : groupNames(corpus.files);
  for (const [column, rule] of rules) {
    checkRule(column, rule, groups, (path) => where(['columns', column, ...path]));
  }
  const source = corpus.table === undefined ? namesSource(corpus, where) : tableSource(corpus, corpus.table, where);
  if (corpus.synthesizer && corpus.archive) {
    throw new RequestError({
      problem: 'a corpus is either synthesized or fetched',
      expected: 'synthesizer or archive',
      got: 'both',
      where: where(['archive']),
    });
  }
  return { name, file, corpus, rules, ...source };
}

type Where = (path: readonly string[]) => string;

/** Labels in names: pattern, example and columns belong together. */
function namesSource(corpus: Corpus, where: Where): Pick<CatalogueEntry, 'pattern' | 'named'> {
  const { files, example, columns, path_column: pathColumn } = corpus;
  const missing = Object.entries({ files, example, columns }).find(([, value]) => value === undefined)?.[0];
  if (files === undefined || example === undefined || missing !== undefined) {
    throw new RequestError({
      problem: `the file lacks ${missing}`,
      expected: 'files, example and columns, or a table: where labels are found',
      where: where([]),
    });
  }
  if (pathColumn !== undefined) {
    throw new RequestError({
      problem: 'path_column belongs to a table',
      expected: 'table: labels.csv',
      got: 'files',
      where: where(['path_column']),
    });
  }
  const pattern = compile(files, where(['files']));
  if (!isAudioName(example) || !pattern.test(stemOf(example))) {
    throw new RequestError({
      problem: 'the example does not fit files',
      expected: `a path that ends in .wav or .flac and matches ${files}`,
      got: example,
      where: where(['example']),
    });
  }
  return { pattern, named: `named like ${example.split('/').at(-1)!}` };
}

function tableSource(corpus: Corpus, table: string, where: Where): Pick<CatalogueEntry, 'table' | 'named'> {
  for (const other of ['files', 'example', 'synthesizer'] as const) {
    if (corpus[other] === undefined) continue;
    throw new RequestError({
      problem: 'labels are either in a table or in names',
      expected: `table or ${other}`,
      got: 'both',
      where: where([other]),
    });
  }
  return { table: { file: table, path_column: corpus.path_column ?? 'path' }, named: `listed in ${table} beside them` };
}

/** True for the names of files that could be recordings. */
export function isAudioName(path: string): boolean {
  return AUDIO_ENDING.test(path);
}

/** A path without its audio ending: what `files` is matched against. */
export function stemOf(path: string): string {
  return path.replace(AUDIO_ENDING, '');
}

/** Around the pattern: it begins the path or, as far right as it can, a name in it; and it ends the path. */
const BEFORE = '^(?:.*/)?(?<clip_>';
const AFTER = ')$';

function compile(source: string, where: string): RegExp {
  try {
    return new RegExp(`${BEFORE}${source}${AFTER}`);
  } catch (error) {
    throw new RequestError({
      problem: 'files is not a regular expression',
      got: (error as Error).message.replace(BEFORE, '').replace(AFTER, ''),
      where,
    });
  }
}

function groupNames(source: string): string[] {
  return [...source.matchAll(/\(\?<([A-Za-z_]\w*)>/g)].map((match) => match[1]!);
}

export const SEXES: readonly string[] = ['female', 'male'];

function checkRule(
  column: ColumnName,
  rule: Rule,
  groups: readonly string[] | undefined,
  where: (path: readonly string[]) => string,
): void {
  const values: [path: string[], value: unknown][] =
    typeof rule !== 'object'
      ? [[[], rule]]
      : [
          ...Object.entries(rule.map ?? {}).map(([code, value]): [string[], unknown] => [['map', code], value]),
          ...(['odd', 'even'] as const).flatMap((key): [string[], unknown][] =>
            rule[key] === undefined ? [] : [[[key], rule[key]]],
          ),
        ];
  for (const [path, value] of values) {
    const expected = allowed(column, value);
    if (expected !== undefined) {
      throw new RequestError({
        problem: `columns.${column} has a wrong value`,
        expected,
        got: JSON.stringify(value),
        where: where(path),
      });
    }
  }
  if (typeof rule !== 'object') return;
  // The columns of a table are known when it is read.
  if (groups && !groups.includes(rule.from)) {
    const near = nearest(rule.from, groups);
    throw new RequestError({
      problem: `columns.${column} is taken from a group that files does not have`,
      expected: groups.length > 0 ? `one of ${groups.join(', ')}` : 'a named group, (?<name>...), in files',
      got: `${rule.from}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
      where: where(['from']),
    });
  }
  const parity = [rule.odd, rule.even].filter((value) => value !== undefined).length;
  if (parity === 1 || (parity === 2 && rule.map)) {
    throw new RequestError({
      problem: `columns.${column} is not clear`,
      expected: 'map, or both odd and even, or neither',
      got: Object.keys(rule).join(', '),
      where: where([]),
    });
  }
}

/** What a column may hold, if `value` is not that. */
function allowed(column: ColumnName, value: unknown): string | undefined {
  if (column === 'repetition') return value === null || typeof value === 'number' ? undefined : 'a whole number';
  if (value === null) return column === 'speaker' || column === 'emotion' ? 'text' : undefined;
  if (typeof value !== 'string') return 'text (quote it)';
  if (column === 'sex' && !SEXES.includes(value)) return SEXES.join(' or ');
  return undefined;
}
