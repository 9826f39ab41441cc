/** The table of a comparison, from names and numbers alone. */

/** One report. */
export interface Entry {
  /** The stage it comes from, without its axes. */
  stage: string;
  /** Value's name by axis. */
  axes: Readonly<Record<string, string>>;
  numbers: Readonly<Record<string, number>>;
}

export interface Line {
  /** What the averaged reports have in common: `feature=mel network=cnn`. */
  name: string;
  reports: number;
  numbers: Readonly<Record<string, Spread>>;
}

export interface Spread {
  mean: number;
  /** Of a sample; null for one report. */
  deviation: number | null;
  min: number;
  max: number;
  /** The number of each averaged report, by what tells it from the others of its line: `fold=3`. */
  each: Readonly<Record<string, number>>;
}

/** @param from as inputs are named: `judge`, or `judge[feature=mel,seed=1]` */
export function entryOf(from: string, numbers: Readonly<Record<string, number>>): Entry {
  const [, stage = from, inner = ''] = /^([^[]*)\[(.*)\]$/.exec(from) ?? [];
  const axes = inner === '' ? [] : inner.split(',').map((part) => part.split('=', 2) as [string, string]);
  return { stage, axes: Object.fromEntries(axes), numbers };
}

/** One line per combination of the axes that are not averaged over, the best first; equals in the order given. */
export function compareEntries(
  entries: readonly Entry[],
  metrics: readonly string[],
  over: readonly string[],
  descending: boolean,
): Line[] {
  const severalStages = new Set(entries.map(({ stage }) => stage)).size > 1;
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const kept = Object.entries(entry.axes).filter(([axis]) => !over.includes(axis));
    const parts = [...(severalStages ? [entry.stage] : []), ...kept.map(([axis, label]) => `${axis}=${label}`)];
    const name = parts.join(' ') || entry.stage;
    groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  const lines = [...groups].map(([name, group]) => lineOf(name, group, metrics, over));
  const first = metrics[0]!;
  const sign = descending ? -1 : 1;
  lines.sort((a, b) => sign * (a.numbers[first]!.mean - b.numbers[first]!.mean));
  if (over.length === 0 && entries.length > 1)
    lines.push(lineOf('mean', entries, metrics, Object.keys(entries[0]!.axes)));
  return lines;
}

function lineOf(name: string, group: readonly Entry[], metrics: readonly string[], over: readonly string[]): Line {
  const keys = group.map(({ stage, axes }) => over.map((axis) => `${axis}=${axes[axis]}`).join(',') || stage);
  const numbers = metrics.map((metric) => {
    const values = group.map((entry) => entry.numbers[metric]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null;
    const each = Object.fromEntries(keys.map((key, i) => [key, values[i]!]));
    return [metric, { mean, deviation, min: Math.min(...values), max: Math.max(...values), each }] as const;
  });
  return { name, reports: group.length, numbers: Object.fromEntries(numbers) };
}

/** Markdown with padded columns, so that it reads well in a terminal too. */
export function markdownTable(lines: readonly Line[], metrics: readonly string[]): string {
  const rows = [
    ['', 'reports', ...metrics],
    ...lines.map(({ name, reports, numbers }) => [
      name,
      String(reports),
      ...metrics.map((metric) => {
        const { mean, deviation } = numbers[metric]!;
        return deviation === null ? mean.toFixed(4) : `${mean.toFixed(4)} ± ${deviation.toFixed(4)}`;
      }),
    ]),
  ];
  return padded(rows);
}

/** The first row is the head. */
function padded(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const text = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`);
  const rule = `| ${widths.map((size) => '-'.repeat(size)).join(' | ')} |`;
  return [text[0]!, rule, ...text.slice(1)].join('\n');
}

/** One row per line and one column per averaged report, for one metric. */
export function eachTable(lines: readonly Line[], metric: string): string {
  const keys = [...new Set(lines.flatMap(({ numbers }) => Object.keys(numbers[metric]!.each)))];
  const rows = lines.map(({ name, numbers }) => {
    const { each } = numbers[metric]!;
    return [name, ...keys.map((key) => each[key]?.toFixed(4) ?? '')];
  });
  return padded([[metric, ...keys], ...rows]);
}
