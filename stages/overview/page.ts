/** overview.html: many runs on one page, those apart that must not be compared. */
import { escapeXml as escape } from '@prosodia/core';
import { Markup, figure, htmlPage, list, percent, section, table } from '@prosodia/plots';
import type { Headline, Summary } from './summary.ts';

/** What a command knows of a run beside its report. */
export interface About {
  command?: string;
  /** ISO 8601, UTC. */
  started?: string;
  seconds?: number;
  peak_memory_bytes?: number;
  /** Address of the run's own page. */
  page?: string;
}

/**
 * @param groups of equal protocol, with a picture each (embedded SVG)
 * @param about by name of the run
 */
export function page(
  title: string,
  groups: readonly { under: string; summaries: readonly Summary[]; picture: string }[],
  about: Readonly<Record<string, About>>,
): string {
  const all = groups.flatMap(({ summaries }) => summaries);
  const synthetic = all.some((one) => one.synthetic);
  const commands = [...new Set(all.flatMap(({ name }) => about[name]?.command ?? []))];
  return htmlPage(title, [
    `<h1>${escape(title)}</h1>`,
    `<p class="lead">${all.length} ${all.length === 1 ? 'run' : 'runs'}. Figures are only comparable within a section: whether a voice was heard in training changes them more than most models do.</p>`,
    synthetic
      ? '<div class="synthetic" role="note"><strong>SYNTHETIC DATA</strong>Sections that name the corpus demo judge computed recordings. Their numbers say nothing about real speech.</div>'
      : '',
    ...groups.map(({ under, summaries, picture }) =>
      section(escape(under), figure(picture) + headlines(summaries, about) + classes(summaries) + notes(summaries)),
    ),
    section('Time and memory', times(all, about)),
    commands.length > 0
      ? section(
          'How to reproduce this',
          `<pre tabindex="0"><code>${commands.map((line) => escape(line)).join('\n')}</code></pre>`,
        )
      : '',
    '<footer>Made by Prosodia. The numbers of this page are in overview.json.</footer>',
  ]);
}

function headlines(summaries: readonly Summary[], about: Readonly<Record<string, About>>): string {
  const rows = summaries.map((one) => [
    linked(one.name, about[one.name]?.page),
    one.title,
    figureOf(one, 'balanced_accuracy'),
    figureOf(one, 'accuracy'),
    figureOf(one, 'macro_f1'),
    one.ece.toFixed(3),
    percent(Math.max(...Object.values(one.baselines).map(({ accuracy }) => accuracy)), 1),
  ]);
  const { level, unit } = summaries[0]!.ci;
  const drawn = unit === 'speaker' ? 'whole speakers' : 'recordings';
  return table(
    `In brackets: ${percent(level)} bootstrap intervals over ${drawn}. ECE: how far confidence is off. Guess: the best of the baselines that hear no voice.`,
    ['Run', 'What', 'Balanced accuracy (UAR)', 'Accuracy', 'Macro F1', 'ECE', 'Guess'],
    rows,
    ['id', 'text'],
  );
}

function linked(name: string, address: string | undefined): string | Markup {
  return address === undefined ? name : new Markup(`<a href="${escape(address)}">${escape(name)}</a>`);
}

function figureOf(one: Summary, metric: keyof Headline): string {
  const interval = one.ci[metric];
  const range = interval ? ` (${(interval[0] * 100).toFixed(1)} to ${(interval[1] * 100).toFixed(1)})` : '';
  return `${percent(one[metric], 1)}${range}`;
}

function classes(summaries: readonly Summary[]): string {
  const labels = [...new Set(summaries.flatMap(({ per_class }) => Object.keys(per_class)))];
  const rows = summaries.map(({ name, per_class }) => [
    name,
    ...labels.map((label) => (per_class[label] ? percent(per_class[label].recall) : '')),
  ]);
  return table('Share of each emotion that was recognized (recall).', ['Run', ...labels], rows, ['id']);
}

/** Folds, sources and the rows that chose: what a reader needs before comparing. */
function notes(summaries: readonly Summary[]): string {
  const points = summaries.flatMap(({ name, by_fold, source, selection_rows, accuracy }) => {
    const folds = Object.values(by_fold).map((fold) => fold.balanced_accuracy);
    return [
      folds.length > 1
        ? `${name}: UAR of its folds ${folds.map((value) => (value * 100).toFixed(1)).join(', ')} %.`
        : '',
      source?.accuracy === undefined
        ? ''
        : `${name}: ${source.name} reports an accuracy of ${percent(source.accuracy, 1)}, here it is ${percent(accuracy, 1)}.`,
      selection_rows
        ? `${name}: on the validation rows that chose its epoch the accuracy is ${percent(selection_rows.accuracy, 1)}; that is no result.`
        : '',
    ];
  });
  return list(points.filter((point) => point !== ''));
}

function times(all: readonly Summary[], about: Readonly<Record<string, About>>): string {
  const rows = all.map(({ name }) => {
    const { started, seconds, peak_memory_bytes: bytes } = about[name] ?? {};
    return [
      name,
      started?.replace('T', ' ').replace(/\..*/, '') ?? '',
      seconds === undefined ? '' : seconds < 100 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`,
      bytes === undefined ? '' : `${(bytes / 1024 ** 3).toFixed(2)} GiB`,
    ];
  });
  return table(
    'Computing time adds up over stages that ran side by side, in this run or an earlier one; the memory is that of the largest stage.',
    ['Run', 'Begun (UTC)', 'Computing', 'Most memory'],
    rows,
    ['id'],
  );
}
