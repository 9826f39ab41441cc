/**
 * One page over the reports of many runs: what `prosodia report` shows.
 *
 * `compare` averages the reports of one fan-out, which share a protocol. Runs of different pipelines need not, so this
 * one first sorts them by how they were judged.
 */
import { RequestError, Type, defineStage, many } from '@prosodia/core';
import { type Theme, barChart, percent, svgToPng } from '@prosodia/plots';
import { Report } from '@prosodia/tables';
import { page } from './page.ts';
import { type Summary, byProtocol, summarize } from './summary.ts';

const About = Type.Object(
  {
    command: Type.Optional(Type.String({ description: 'the command that repeats it' })),
    started: Type.Optional(Type.String({ description: 'when it began, ISO 8601' })),
    seconds: Type.Optional(Type.Number({ minimum: 0, description: 'computing time' })),
    peak_memory_bytes: Type.Optional(Type.Number({ minimum: 0, description: 'of the largest stage' })),
    page: Type.Optional(Type.String({ description: 'address of its own page' })),
  },
  { additionalProperties: false },
);

export default defineStage({
  name: 'overview',
  summary: 'Puts the reports of several runs on one page, grouped by how they were judged.',
  details:
    'Writes `overview.html`, `overview.json`, `overview.txt`, and a plot of each group as SVG and PNG. Reports are grouped by corpus, by ' +
    'whether voices were heard in training, and by how many recordings were judged in how many folds. This is what ' +
    '`prosodia report` shows.',
  params: Type.Object(
    {
      title: Type.String({ default: 'Overview', description: 'heading of the page' }),
      about: Type.Record(Type.String(), About, {
        default: {},
        description: 'what is known of a run beside its report, by name',
      }),
    },
    { additionalProperties: false },
  ),
  inputs: { reports: many(Report) },
  outputs: { report: Report },

  async run({ inputs, params, outputs, metrics, summary }) {
    if (inputs.reports.length === 0) {
      throw new RequestError({ problem: 'there is nothing to show', expected: 'from: { reports: [a, b] }' });
    }
    const { report } = outputs;
    const groups = byProtocol(await Promise.all(inputs.reports.map(summarize)));
    const drawn = groups.map(([under, summaries]) => ({
      under,
      summaries,
      picture: plot(under, summaries, 'embedded'),
    }));
    await report.bytes('overview.html', page(params.title, drawn, params.about));
    await report.json('overview.json', {
      title: params.title,
      groups: groups.map(([under, runs]) => ({ under, runs })),
    });
    for (const [i, [under, summaries]] of groups.entries()) {
      const svg = plot(under, summaries, 'light');
      await report.bytes(`overview-${i + 1}.svg`, svg);
      await report.bytes(`overview-${i + 1}.png`, svgToPng(svg));
    }
    metrics({ reports: inputs.reports.length, groups: groups.length });
    const words = groups.map(([under, summaries]) => inWords(under, summaries)).join('\n\n');
    await report.bytes('overview.txt', words);
    summary(words);
  },
});

function plot(under: string, summaries: readonly Summary[], theme: Theme): string {
  return barChart({
    title: theme === 'light' ? under : 'Balanced accuracy (UAR)',
    valueName: 'balanced accuracy (UAR)',
    range: [0, 1],
    format: (value) => percent(value),
    names: { value: 'run', interval: `${percent(summaries[0]!.ci.level)} interval` },
    bars: summaries.map(({ name, balanced_accuracy, ci }) => ({
      label: name,
      value: balanced_accuracy,
      interval: ci.balanced_accuracy ?? undefined,
    })),
    theme,
  });
}

function inWords(under: string, summaries: readonly Summary[]): string {
  const width = Math.max(...summaries.map(({ name }) => name.length));
  const lines = summaries.map(({ name, balanced_accuracy, accuracy, ci }) => {
    const interval = ci.balanced_accuracy;
    const range = interval ? ` (${(interval[0] * 100).toFixed(1)} to ${(interval[1] * 100).toFixed(1)})` : '';
    return `  ${name.padEnd(width)}  UAR ${percent(balanced_accuracy, 1)}${range}, accuracy ${percent(accuracy, 1)}`;
  });
  return [under, ...lines].join('\n');
}
