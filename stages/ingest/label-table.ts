/**
 * A corpus whose labels are in a CSV file beside the recordings, as people keep them who name files by other rules.
 *
 * One line per recording: its path below the corpus folder, and columns that the catalogue's rules read as they read
 * the named groups of a file name. Nothing is guessed: a line that names no file, or a code without a meaning, stops.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, RequestError, nearest } from '@prosodia/core';
import { CsvError, parse } from 'csv-parse/sync';
import { COLUMN_NAMES, type CatalogueEntry, type ColumnName, type Rule, isAudioName, stemOf } from './catalogue.ts';
import { columnsFrom } from './names.ts';
import { count, listed } from './phrases.ts';
import type { FoundRecording, Scan } from './scan.ts';

interface Line {
  record: Record<string, string>;
  info: { lines: number };
}

/**
 * Reads the table and matches it with the audio files of the folder. A folder without the table has no recordings.
 *
 * @param audio paths of the audio files below `folder`, sorted
 * @throws DataError with file and line for a broken table, a path that is not there, twice or outside, a code without a
 *   meaning
 * @throws RequestError if a rule of the catalogue reads a column that the table does not have
 */
export async function scanTable(entry: CatalogueEntry, folder: string, audio: readonly string[]): Promise<Scan> {
  const { file, path_column: pathColumn } = entry.table!;
  const where = `${entry.name}/${file}`;
  const text = await readFile(join(folder, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) {
    return { recordings: [], misfits: audio.map((path) => ({ path, reason: `${file} is not beside it` })) };
  }
  const { header, lines } = readLines(text, where);
  if (!header.includes(pathColumn)) throw noColumn(pathColumn, 'the path of the recording', header, where, entry.file);
  const rules = rulesFor(entry, header, where);

  const there = new Set(audio);
  const named = new Map<string, number>();
  const recordings: FoundRecording[] = [];
  const unlabelled: string[] = [];
  const absent: string[] = [];
  for (const { record, info } of lines) {
    const place = `${where}:${info.lines}`;
    const path = cleanPath(record[pathColumn]!, place);
    const before = named.get(path);
    if (before !== undefined) {
      throw new DataError({
        problem: 'a recording is listed twice',
        expected: 'one line per recording',
        got: `${path}, in line ${before} too`,
        where: place,
      });
    }
    named.set(path, info.lines);
    if (!there.has(path)) absent.push(`${path} (line ${info.lines})`);
    else if (isUnlabelled(rules, record)) unlabelled.push(path);
    else {
      const columns = columnsFrom(entry.name, rules, record, stemOf(path));
      if ('reason' in columns) throw wrongLine(path, columns.reason, place);
      recordings.push({ path, columns });
    }
  }
  if (absent.length > 0) {
    throw new DataError({
      problem: `${count(absent.length, 'recording')} in the table ${absent.length === 1 ? 'is' : 'are'} not in the folder`,
      expected: 'paths of WAV or FLAC files below the folder of the table, with their endings',
      got: listed(absent),
      where,
      fix: 'correct the paths, or remove these lines',
    });
  }
  recordings.sort((a, b) => (a.path < b.path ? -1 : 1));
  const misfits = [
    ...unlabelled.map((path) => ({ path, reason: 'has no emotion in the table' })),
    ...audio.filter((path) => !named.has(path)).map((path) => ({ path, reason: `is not in ${file}` })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { recordings, misfits, table: text };
}

function readLines(text: string, where: string): { header: string[]; lines: Line[] } {
  let header: string[] = [];
  try {
    const lines = parse(text, {
      bom: true,
      columns: (names: string[]) => (header = names),
      delimiter: [',', ';', '\t'],
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as Line[];
    return { header, lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new DataError(
      {
        problem: 'the table is not valid CSV',
        expected: 'a line of column names, then one line per recording with as many values',
        got: error.message,
        where: typeof error['lines'] === 'number' ? `${where}:${error['lines']}` : where,
      },
      { cause: error },
    );
  }
}

/** Those of the catalogue; without any, each column of the table that has the name of one of ours stands for it. */
function rulesFor(
  entry: CatalogueEntry,
  header: readonly string[],
  where: string,
): readonly (readonly [ColumnName, Rule])[] {
  for (const [column, rule] of entry.rules) {
    if (typeof rule === 'object' && !header.includes(rule.from)) {
      throw noColumn(rule.from, `columns.${column}`, header, where, entry.file);
    }
  }
  if (entry.rules.length > 0) return entry.rules;
  for (const needed of ['speaker', 'emotion'] as const) {
    if (!header.includes(needed)) throw noColumn(needed, needed, header, where, entry.file);
  }
  return COLUMN_NAMES.filter((name) => header.includes(name)).map((name) => [name, { from: name }] as const);
}

function noColumn(name: string, what: string, header: readonly string[], where: string, file: string): RequestError {
  const near = nearest(name, header);
  return new RequestError({
    problem: `the table has no column ${name}, for ${what}`,
    expected: `one of its columns: ${header.join(', ')}`,
    got: `${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`,
    where: `${where}:1`,
    fix: `name the column in ${file}, or add it to the table`,
  });
}

/** With forward slashes, below the folder. */
function cleanPath(path: string, where: string): string {
  const clean = path.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  const outside = clean.startsWith('/') || /^[A-Za-z]:/.test(clean) || clean.split('/').includes('..');
  if (clean === '' || outside || !isAudioName(clean)) {
    throw new DataError({
      problem: 'this is no path of a recording',
      expected: 'the path of a .wav or .flac file below the folder of the table',
      got: JSON.stringify(path),
      where,
    });
  }
  return clean;
}

function isUnlabelled(
  rules: readonly (readonly [ColumnName, Rule])[],
  record: Readonly<Record<string, string>>,
): boolean {
  const rule = rules.find(([column]) => column === 'emotion')?.[1];
  return typeof rule === 'object' && record[rule.from] === '';
}

function wrongLine(path: string, reason: string, where: string): DataError {
  return new DataError({
    problem: `the line of ${path} cannot be read`,
    got: `it ${reason}`,
    where,
    fix: 'correct the line, or add the code to the map of the catalogue',
  });
}
