/**
 * Units of the numbers of a table, by name of column.
 *
 * A table of features has thousands of columns whose names are made of few parts, so units go by patterns: `*` stands
 * for any characters, and of several patterns that fit the last one counts, as in a list of exceptions.
 */

/** Unit by pattern, such as `{ "centroid*": "Hz", "*_skewness": "" }`; an empty unit is that of a plain number. */
export type Units = Readonly<Record<string, string>>;

/** The unit of a column; undefined where none is known or the number has none. */
export function unitOf(units: Units, column: string): string | undefined {
  const found = Object.keys(units).findLast((pattern) => fits(pattern, column));
  return found === undefined ? undefined : units[found] || undefined;
}

/** Settings of features whose numbers have these units; of a matrix, units go by the names of its bands. */
export function withUnits(metadata: Readonly<Record<string, string>>, units: Units): Record<string, string> {
  return { ...metadata, units: JSON.stringify(units) };
}

/** The units that the settings of features say their numbers have. */
export function unitsIn({ units }: Readonly<Record<string, string>>): Units {
  return units === undefined ? {} : (JSON.parse(units) as Units);
}

function fits(pattern: string, column: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(column);
}
