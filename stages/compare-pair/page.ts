/** comparison.html: two reports on one page, for somebody who wants to know whether the second is better. */
import { RUN_MARK, escapeXml as escape } from '@prosodia/core';
import { figure, htmlPage, list, percent, section, table } from '@prosodia/plots';
import type { Comparison } from './comparison.ts';
import { inWords, points, shownP } from './words.ts';

/** @param pictures embedded SVG by name */
export function page(comparison: Comparison, pictures: ReadonlyMap<string, string>): string {
  const { title, names, shared, all, rows, synthetic } = comparison;
  const drawn = (...wanted: string[]) =>
    wanted.flatMap((name) => (pictures.has(name) ? [figure(pictures.get(name)!)] : [])).join('');
  const curves = drawn('curves_loss', 'curves_accuracy');
  return htmlPage(`${title}${synthetic ? ' (synthetic data)' : ''}`, [
    synthetic
      ? '<div class="synthetic" role="note"><strong>SYNTHETIC DATA</strong>These recordings were computed, not spoken. The numbers say nothing about real speech.</div>'
      : '',
    `<h1>${escape(title)}</h1>`,
    `<p class="lead">${rows.shared.toLocaleString('en-US')} rows that both judged; ${escape(names[0])} judged ${rows.only_first.toLocaleString('en-US')} more, ${escape(names[1])} ${rows.only_second.toLocaleString('en-US')}.</p>`,
    section('Is it better?', list(inWords(comparison)) + testTable(comparison)),
    section('Numbers', shared ? numberTable('On the rows that both judged.', names, shared) : '') +
      numberTable('Each on all the rows that it judged; they may not be the same rows.', names, all),
    RUN_MARK,
    section(
      'Which emotions are confused',
      (shared ? '' : '<p>Each on its own rows, since they judged none in common.</p>') +
        `<div class="pair">${drawn('confusion_matrix_first', 'confusion_matrix_second')}</div>` +
        drawn('confusion_difference'),
    ),
    section('Class by class', drawn('per_class_recall')),
    section('Can their confidence be trusted?', drawn('calibration')),
    curves === '' ? '' : section('How training went', `<div class="pair">${curves}</div>`),
    '<footer>Made by Prosodia. The numbers of this page are in comparison.json.</footer>',
  ]);
}

function numberTable(caption: string, names: readonly [string, string], both: readonly [object, object]): string {
  const [first, second] = both.map((numbers) => ({ ...numbers }) as Record<string, number>) as [
    Record<string, number>,
    Record<string, number>,
  ];
  const rows = Object.keys(first)
    .filter((name) => name in second)
    .map((name) => [
      name.replaceAll('_', ' '),
      first[name]!.toFixed(4),
      second[name]!.toFixed(4),
      `${second[name]! < first[name]! ? '−' : '+'}${Math.abs(second[name]! - first[name]!).toFixed(4)}`,
    ]);
  return table(caption, ['', ...names, 'Difference'], rows);
}

function testTable({ significance }: Comparison): string {
  if (!significance) return '';
  const { mcnemar, bootstrap, t_test } = significance;
  const rows = [
    [
      'McNemar, same rows',
      `${mcnemar.only_first_right} against ${mcnemar.only_second_right} rows that one alone has right`,
      '',
      shownP(mcnemar.p),
    ],
  ];
  for (const [score, name] of [
    ['accuracy', 'accuracy'],
    ['balanced_accuracy', 'balanced accuracy'],
  ] as const) {
    if (bootstrap) {
      const { difference, low, high } = bootstrap[score];
      rows.push([
        `Bootstrap over ${bootstrap.unit}s, ${name}`,
        points(difference),
        `${points(low)} to ${points(high)} (${percent(bootstrap.level)})`,
        '',
      ]);
    }
    if (t_test) {
      const { difference, low, high, p } = t_test[score];
      rows.push([
        `Corrected t test over ${t_test.folds} folds, ${name}`,
        points(difference),
        `${points(low)} to ${points(high)}`,
        shownP(p),
      ]);
    }
  }
  return table(
    'Differences are second minus first, in points. p: how often a difference at least as large would arise if both were equally good.',
    ['Test', 'Difference', 'Interval', 'p'],
    rows,
    ['text', 'text', 'text', ''],
  );
}
