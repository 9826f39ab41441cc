/** From a file name to what it says about the recording, by the rules of the catalogue. */
import type { ClipRow } from '@prosodia/tables';
import { type CatalogueEntry, type ColumnName, type Rule, SEXES, stemOf } from './catalogue.ts';

/** What is known of a recording from its name alone. */
export type NamedColumns = Pick<
  ClipRow,
  'clip_id' | 'speaker' | 'sex' | 'emotion' | 'intensity' | 'statement' | 'repetition' | 'vocal_channel'
>;

/** Why a name does not fit, in words that follow the file's name. */
export interface Misfit {
  readonly reason: string;
}

/**
 * Reads the columns off a path below the corpus folder.
 *
 * `clip_id` is `<corpus>/` and the part of the path that the pattern matched, slashes written as `_`; where
 * the pattern has no slash that is the file's stem.
 */
export function readName({ name, pattern, rules }: CatalogueEntry, path: string): NamedColumns | Misfit {
  const groups = pattern?.exec(stemOf(path))?.groups;
  if (!groups) return { reason: 'does not match the pattern' };
  return columnsFrom(name, rules, groups, groups['clip_']!);
}

/**
 * @param codes named groups of a file name, or the columns of a table
 * @param stem what tells the clip from others of the corpus
 */
export function columnsFrom(
  corpus: string,
  rules: CatalogueEntry['rules'],
  codes: Readonly<Record<string, string | undefined>>,
  stem: string,
): NamedColumns | Misfit {
  const values: Partial<Record<ColumnName, string | number | null>> = {};
  for (const [column, rule] of rules) {
    if (typeof rule !== 'object') values[column] = rule;
    else {
      const code = codes[rule.from];
      const value = code === undefined || code === '' ? null : decode(rule, code);
      if (value === undefined || (value === null && (column === 'speaker' || column === 'emotion'))) {
        return { reason: `has an unknown ${rule.from}, ${JSON.stringify(code ?? '')}` };
      }
      values[column] = column === 'repetition' && value !== null ? Number(value) : value;
    }
  }
  if (values.sex != null && !SEXES.includes(values.sex as string)) {
    return { reason: `has a sex that is neither ${SEXES.join(' nor ')}, ${JSON.stringify(values.sex)}` };
  }
  if (values.repetition != null && !Number.isInteger(values.repetition)) {
    return { reason: 'has a repetition that is not a whole number' };
  }
  const text = (column: ColumnName) => (values[column] ?? null) as string | null;
  return {
    clip_id: `${corpus}/${stem.replaceAll('/', '_')}`,
    speaker: text('speaker')!,
    sex: text('sex'),
    emotion: text('emotion')!,
    intensity: text('intensity'),
    statement: text('statement'),
    repetition: (values.repetition ?? null) as number | null,
    vocal_channel: text('vocal_channel'),
  };
}

/** The value a code stands for; undefined if it stands for nothing. */
function decode({ map, odd, even }: Extract<Rule, object>, code: string): string | number | null | undefined {
  if (map) return Object.hasOwn(map, code) ? map[code] : undefined;
  if (odd === undefined || even === undefined) return code;
  const number = Number(code);
  if (!Number.isInteger(number)) return undefined;
  return number % 2 === 0 ? even : odd;
}
