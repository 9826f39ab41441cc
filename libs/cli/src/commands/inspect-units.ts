/** Units of the columns of an artifact: those that its kind fixes, and those that the table itself carries. */
import { type ColumnDoc, type Units, unitOf } from '@prosodia/core';

/**
 * @param docs of the kind; `p_<label>` stands for a name of each label, `(padding)` for a column that may be there
 * @param facts what the table says of itself: `units`, and for a matrix the names of its `bands`
 */
export function unitFinder(
  docs: readonly ColumnDoc[],
  facts: Readonly<Record<string, string>>,
): (column: string) => string | undefined {
  const named = docs.map(({ name, unit }) => ({ name: name.replace(/^\((.*)\)$/, '$1'), unit }));
  const fixed: Units = Object.fromEntries(
    named.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name.replaceAll(/<[^>]*>/g, '*'), unit]])),
  );
  // What the kind names is no feature, and the table's own units, which may be those of all features, are not its.
  const ofKind = new Set(named.map(({ name }) => name));
  const own = JSON.parse(facts['units'] ?? '{}') as Units;
  return (column) => {
    const known = unitOf(fixed, column) ?? (ofKind.has(column) ? undefined : unitOf(own, column));
    return known ?? (column === 'values' ? unitsOfBands(own, facts) : undefined);
  };
}

/** A matrix holds what its bands are named after, which may be several things. */
function unitsOfBands(units: Units, { bands, parts }: Readonly<Record<string, string>>): string | undefined {
  const names =
    bands !== undefined
      ? (JSON.parse(bands) as (string | string[])[]).flat()
      : (JSON.parse(parts ?? '[]') as { name: string }[]).map(({ name }) => name);
  const found = new Set(names.map((name) => unitOf(units, name)));
  const known = [...found].filter((unit) => unit !== undefined);
  return known.length === 0 ? undefined : [...known, ...(found.has(undefined) ? ['none'] : [])].join(', ');
}
