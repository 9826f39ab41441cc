/**
 * One table of many reports: which combination is best, and by how much more than seeds and folds differ.
 *
 * A mean without its deviation says little here: on corpora of this size two seeds of one network can differ by more
 * than two networks do. So the numbers over repetitions (`over`) are averaged, and their deviation stands beside them.
 */
import { DataError, RequestError, Type, defineStage, many, nearest } from '@prosodia/core';
import { type Column, Report } from '@prosodia/tables';
import { barChart, percent, svgToPng } from '@prosodia/plots';
import { type Entry, type Line, compareEntries, eachTable, entryOf, markdownTable } from './table.ts';

export default defineStage({
  name: 'compare',
  summary: 'Puts the numbers of many reports into one table, with mean and deviation over folds or seeds.',
  details:
    'Takes the reports of a stage that fans out. The axes in `over` are averaged over; each combination of the others ' +
    'is a line, the best first. Writes `comparison.parquet`, `comparison.json`, `comparison.md` (with a table of every ' +
    'single report) and a plot of each metric as SVG and PNG. The deviation is that of a sample (divided by n - 1), and ' +
    'empty for one report.',
  params: Type.Object(
    {
      title: Type.String({ default: 'Comparison', description: 'heading of the table' }),
      metrics: Type.Array(Type.String(), {
        default: ['balanced_accuracy', 'accuracy', 'macro_f1'],
        minItems: 1,
        description: 'numbers of metrics.json to compare; lines are in the order of the first',
      }),
      order: Type.Union([Type.Literal('descending'), Type.Literal('ascending')], {
        default: 'descending',
        description: 'descending puts the largest first; ascending suits losses',
      }),
      over: Type.Array(Type.String(), {
        default: [],
        description: 'axes to average over, such as seed; empty: every report is a line, and the last is their mean',
      }),
    },
    { additionalProperties: false },
  ),
  inputs: { reports: many(Report) },
  outputs: { report: Report },

  async run({ params, inputs, outputs, metrics, summary }) {
    if (inputs.reports.length === 0) {
      throw new RequestError({ problem: 'there is nothing to compare', expected: 'from: { reports: [a, b] }' });
    }
    const entries: Entry[] = [];
    for (const { from, artifact } of inputs.reports) {
      const found = await artifact.json<Record<string, unknown>>('metrics.json');
      entries.push(
        entryOf(from, Object.fromEntries(params.metrics.map((name) => [name, read(found, name, artifact.where)]))),
      );
    }
    requireAxes(params.over, entries);
    const lines = compareEntries(entries, params.metrics, params.over, params.order === 'descending');
    const table = markdownTable(lines, params.metrics);
    await outputs.report.parquet('comparison.parquet', ...parquetOf(lines, params.metrics));
    await outputs.report.json('comparison.json', { title: params.title, over: params.over, lines });
    const singles = params.over.length > 0 ? params.metrics.map((metric) => eachTable(lines, metric)) : [];
    await outputs.report.bytes('comparison.md', [`# ${params.title}`, table, ...singles, ''].join('\n\n'));
    for (const metric of params.metrics) {
      const svg = plotOf(lines, metric, params.title);
      await outputs.report.bytes(`comparison-${metric}.svg`, svg);
      await outputs.report.bytes(`comparison-${metric}.png`, svgToPng(svg));
    }
    const best = lines[0]!.numbers[params.metrics[0]!]!;
    metrics({ reports: entries.length, [`best_${params.metrics[0]!}`]: best.mean });
    summary(`${params.title}\n\n${table}`);
  },
});

function read(found: Readonly<Record<string, unknown>>, name: string, where: string): number {
  const value = found[name];
  if (typeof value === 'number') return value;
  const known = Object.keys(found).filter((key) => typeof found[key] === 'number');
  const near = nearest(name, known);
  throw new DataError({
    problem: `the report has no number ${name}`,
    expected: `one of: ${known.join(', ')}`,
    got: name,
    where,
    ...(near ? { fix: `did you mean ${near}?` } : {}),
  });
}

function requireAxes(over: readonly string[], entries: readonly Entry[]): void {
  const known = [...new Set(entries.flatMap(({ axes }) => Object.keys(axes)))];
  for (const name of over) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new RequestError({
      problem: `the reports have no axis ${name} to average over`,
      expected:
        known.length > 0 ? `one of: ${known.join(', ')}` : 'over: [], for reports that were not collected over an axis',
      got: name,
      where: 'parameter over',
      ...(near ? { fix: `did you mean ${near}?` } : {}),
    });
  }
}

/** Means as bars, the reports they are of as dots. */
function plotOf(lines: readonly Line[], metric: string, title: string): string {
  const bars = lines.map(({ name, numbers }) => {
    const { mean, each } = numbers[metric]!;
    const points = Object.values(each);
    return { label: name, value: mean, points: points.length > 1 ? points : [] };
  });
  const share = lines.every(({ numbers }) => numbers[metric]!.min >= 0 && numbers[metric]!.max <= 1);
  return barChart({
    title,
    bars,
    valueName: metric,
    names: { value: 'mean', points: 'each report' },
    ...(share ? { range: [0, 1], format: percent } : {}),
  });
}

function parquetOf(lines: readonly Line[], metrics: readonly string[]) {
  const columns: Column[] = [
    { name: 'name', type: 'utf8' },
    { name: 'reports', type: 'int32' },
    ...metrics.flatMap((name): Column[] => [
      { name, type: 'float64' },
      { name: `${name}_deviation`, type: 'float64', nullable: true },
    ]),
  ];
  const rows = lines.map(({ name, reports, numbers }) => ({
    name,
    reports,
    ...Object.fromEntries(
      metrics.flatMap((metric) => [
        [metric, numbers[metric]!.mean],
        [`${metric}_deviation`, numbers[metric]!.deviation],
      ]),
    ),
  }));
  return [{ columns, metadata: { kind: 'comparison' } }, rows] as const;
}
