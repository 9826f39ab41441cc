/** report.html: one self-contained file, made to be read by somebody who did not run the pipeline. */
import { RUN_MARK, escapeXml as escape } from '@prosodia/core';
import { Markup, OWN_ROW, figure, htmlPage, list, percent, section, table } from '@prosodia/plots';
import type { Evaluation } from './evaluation.ts';
import { limits } from './model-card.ts';
import { protocolInWords } from './protocol.ts';
import { type Headline, type Interval, meanAndDeviation } from './scores.ts';

/** @param pictures embedded SVG by name */
export function page(evaluation: Evaluation, pictures: ReadonlyMap<string, string>): string {
  const { title, protocol } = evaluation;
  const body = [
    protocol.synthetic ? syntheticBanner() : '',
    `<h1>${escape(title)}</h1>`,
    `<p class="lead">How well the emotion in a recording was recognized: ${evaluation.scores.confusion_matrix.labels.length} classes, ${evaluation.scores.support.toLocaleString('en-US')} recordings judged.</p>`,
    tiles(evaluation),
    section('What was done', list([...protocolInWords(protocol), ...evaluation.notes]) + splitTable(evaluation)),
    published(evaluation),
    selectionSection(evaluation),
    checkSection(evaluation),
    section(
      'Which emotions are confused',
      figure(pictures.get('confusion_matrix')!, 'Each row is a true emotion, each column what was predicted for it.'),
    ),
    section('Class by class', figure(pictures.get('per_class_accuracy')!) + classTable(evaluation)),
    foldSection(evaluation),
    memberSection(evaluation),
    section('Is it better than a simple guess?', baselineTable(evaluation)),
    curveSection(pictures),
    section(
      'Can its confidence be trusted?',
      figure(
        pictures.get('calibration')!,
        'Bars below the diagonal: it is less often right than it is confident. Bars above: it is too modest.',
      ),
    ),
    mistakeSection(evaluation),
    groupSection(evaluation),
    section('Limits', list(limits(evaluation))),
    evaluation.reproduce
      ? section('How to reproduce this', `<pre tabindex="0"><code>${escape(evaluation.reproduce)}</code></pre>`)
      : '',
    RUN_MARK,
    '<footer>Made by Prosodia. The numbers of this page are in metrics.json, the single predictions in predictions.parquet.</footer>',
  ];
  return htmlPage(`${title}${protocol.synthetic ? ' (synthetic data)' : ''}`, body);
}

function syntheticBanner(): string {
  return `<div class="synthetic" role="note"><strong>SYNTHETIC DATA</strong>These recordings were computed, not spoken. The numbers show that the pipeline works. They say nothing about how well emotion in real speech is recognized.</div>`;
}

function tiles({ scores, intervals, source }: Evaluation): string {
  const tile = (name: string, value: number, interval: Interval | null, meaning: string, reference?: number) =>
    `<li><span class="name">${name}</span><b>${percent(value, 1)}</b>` +
    (interval
      ? `<span>${percent(intervals.level)} interval: ${(interval[0] * 100).toFixed(1)} to ${percent(interval[1], 1)}</span>`
      : '') +
    (reference === undefined ? '' : `<span>${escape(source!.name)}: ${percent(reference, 1)}</span>`) +
    `<span>${meaning}</span></li>`;
  return `<ul class="tiles">${[
    tile(
      'Accuracy',
      scores.accuracy,
      intervals.accuracy,
      'Of all recordings, this share was recognized.',
      source?.accuracy,
    ),
    tile(
      'Balanced accuracy',
      scores.balanced_accuracy,
      intervals.balanced_accuracy,
      'Mean over the emotions of the share recognized (UAR). Frequent emotions count no more than rare ones.',
    ),
    tile(
      'Macro F1',
      scores.macro_f1,
      intervals.macro_f1,
      'Mean over the emotions of F1, which also counts false alarms.',
      source?.macro_f1,
    ),
  ].join('')}</ul>${intervalNote(intervals)}`;
}

function intervalNote({ unit, replicates }: Evaluation['intervals']): string {
  if (unit === 'none') return '';
  const what = unit === 'speaker' ? 'speakers were' : 'clips were';
  return `<p class="lead">Intervals: ${what} drawn at random with repetition ${replicates.toLocaleString('en-US')} times (percentile bootstrap).</p>`;
}

function splitTable({ protocol }: Evaluation): string {
  if (!protocol.split) return '';
  const rows = protocol.split.counts.map(({ fold, train, validation, test }) => [
    String(fold),
    String(train),
    String(validation),
    String(test),
  ]);
  return table('Clips in each role.', ['Fold', 'Training', 'Validation', 'Test'], rows);
}

const HEADLINE = ['Recordings', 'Accuracy', 'Balanced accuracy', 'Macro F1'];

/** Cells under a name and {@link HEADLINE}. */
function cells(name: string, s: Headline): string[] {
  return [name, String(s.support), percent(s.accuracy, 1), percent(s.balanced_accuracy, 1), percent(s.macro_f1, 1)];
}

function selectionSection({ selection_rows, scores }: Evaluation): string {
  if (!selection_rows) return '';
  return section(
    'Had the rows that chose been judged',
    table(
      'Validation rows decided which epoch or trial to keep, so the models look better there than they are. Some sources report such rows; compare their figures with this line, and trust the other.',
      ['Rows', ...HEADLINE],
      [cells('Validation rows, which chose', selection_rows), cells(OWN_ROW, scores)],
    ),
  );
}

function checkSection({ checks, protocol }: Evaluation): string {
  const rows = checks.map(({ what, result, detail }) => [what, result, detail]);
  const { split } = protocol;
  const speakers = !split ? 'not checked' : split.shared_speakers === 0 ? 'yes' : 'no';
  const detail = !split
    ? 'the split was not given to the report'
    : split.shared_speakers === 0
      ? `none of ${split.judged_speakers} in the training rows of the same fold`
      : `${split.shared_speakers} of ${split.judged_speakers} were heard in training`;
  return section(
    'Checked for leaks',
    table(
      'Had one of the first four failed, there would be no report. Stages that fit are handed training rows only.',
      ['Check', 'Result', 'How'],
      [...rows, ['Speakers judged are new to the models.', speakers, detail]],
      ['text', 'text', 'text'],
    ),
  );
}

function published({ source, scores }: Evaluation): string {
  if (!source) return '';
  const rows: string[][] = [];
  const add = (name: string, theirs: number | undefined, ours: number | undefined) => {
    if (theirs === undefined || ours === undefined) return;
    const difference = (ours - theirs) * 100;
    const sign = difference < 0 ? '−' : '+';
    rows.push([name, percent(theirs, 1), percent(ours, 1), `${sign}${Math.abs(difference).toFixed(1)}`]);
  };
  add('Accuracy', source.accuracy, scores.accuracy);
  add('Macro F1', source.macro_f1, scores.macro_f1);
  for (const [label, value] of Object.entries(source.per_class ?? {}))
    add(label, value, scores.per_class[label]?.recall);
  const name = source.url ? `<a href="${escape(source.url)}">${escape(source.name)}</a>` : escape(source.name);
  return section(
    'Beside the published figures',
    `<p>Source: ${name}.${source.note ? ` ${escape(source.note)}` : ''}</p>` +
      table('Classes: share recognized (recall).', ['', 'Published', 'Here', 'Difference, points'], rows),
  );
}

function classTable({ scores }: Evaluation): string {
  const rows = Object.entries(scores.per_class).map(([label, s]) => [
    label,
    s.precision.toFixed(3),
    s.recall.toFixed(3),
    s.f1.toFixed(3),
    String(s.support),
  ]);
  const notices = scores.notices.length > 0 ? list(scores.notices) : '';
  return (
    table(
      'Precision: of what was called so, the share that is so. Recall: of what is so, the share that was called so. F1: their harmonic mean.',
      ['Class', 'Precision', 'Recall', 'F1', 'Recordings'],
      rows,
    ) + notices
  );
}

function foldSection({ by_fold, scores }: Evaluation): string {
  const folds = Object.entries(by_fold);
  if (folds.length < 2) return '';
  const spread = (pick: (s: Headline) => number) => {
    const { mean, deviation } = meanAndDeviation(folds.map(([, s]) => pick(s)));
    return `${(mean * 100).toFixed(1)} ± ${percent(deviation, 1)}`;
  };
  const summary = [
    'Mean ± deviation',
    '',
    spread((s) => s.accuracy),
    spread((s) => s.balanced_accuracy),
    spread((s) => s.macro_f1),
  ];
  return section(
    'Fold by fold',
    table(
      'Every fold has a model of its own. The deviation is the standard deviation over the folds.',
      ['Fold', ...HEADLINE],
      [...folds.map(([name, s]) => cells(name, s)), summary, cells(OWN_ROW, scores)],
    ),
  );
}

function memberSection({ members, scores }: Evaluation): string {
  const rows = Object.entries(members).map(([name, m]) => [
    name,
    percent(m.accuracy, 1),
    percent(m.balanced_accuracy, 1),
    percent(m.macro_f1, 1),
    m.mcnemar_p === null ? 'other rows' : m.mcnemar_p < 0.001 ? '< 0.001' : m.mcnemar_p.toFixed(3),
  ]);
  if (rows.length === 0) return '';
  const own = [
    OWN_ROW,
    percent(scores.accuracy, 1),
    percent(scores.balanced_accuracy, 1),
    percent(scores.macro_f1, 1),
    '',
  ];
  return section(
    'The models one by one',
    table(
      'p: how often a difference at least as large would arise if both were equally good (McNemar’s test on the same recordings).',
      ['Model', 'Accuracy', 'Balanced accuracy', 'Macro F1', 'p against this report'],
      [...rows, own],
    ),
  );
}

function baselineTable({ baselines, scores }: Evaluation): string {
  const rows = Object.values(baselines).map((b) => [b.name, percent(b.accuracy, 1), b.detail]);
  const { p_value, permutations } = baselines.shuffle;
  const luck =
    permutations > 0
      ? `<p>Of ${permutations.toLocaleString('en-US')} random orders of its own predictions, ${Math.round(p_value * (permutations + 1)) - 1} did as well as the model (p = ${p_value.toFixed(4)}).</p>`
      : '';
  return (
    table(
      'Accuracy of guesses that know nothing of the voice.',
      ['Guess', 'Accuracy', 'How'],
      [...rows, [OWN_ROW, percent(scores.accuracy, 1), '']],
      ['', '', 'text'],
    ) + luck
  );
}

function curveSection(pictures: ReadonlyMap<string, string>): string {
  const curves = [...pictures].filter(([name]) => name.startsWith('curves')).map(([, svg]) => figure(svg));
  if (curves.length === 0) return '';
  return section('How training went', curves.join(''));
}

function mistakeSection({ judged, mistakes, scores, recordings }: Evaluation): string {
  if (mistakes.length === 0) return section('Mistakes', '<p>Every recording was recognized.</p>');
  const wrong = Math.round(scores.support * (1 - scores.accuracy));
  const rows = mistakes.map((r) => [
    judged.rows[r]!.item_id,
    judged.labels[judged.truth[r]!]!,
    judged.labels[judged.predicted[r]!]!,
    percent(judged.confidence[r]!, 1),
    judged.clips[r]!.speaker,
    ...(recordings.size > 0 ? [player(recordings.get(r))] : []),
  ]);
  return section(
    'Its most confident mistakes',
    table(
      `${mistakes.length} of ${wrong.toLocaleString('en-US')} mistakes. Worth listening to: a wrong label, an odd recording, or a real weakness.`,
      ['Recording', 'True', 'Predicted', 'Confidence', 'Speaker', ...(recordings.size > 0 ? ['Listen'] : [])],
      rows,
      ['id', 'text', 'text', '', '', 'text screen'],
    ),
  );
}

/** Markup, not text: {@link table} lets it through. */
function player(wav: Uint8Array | undefined): Markup {
  if (!wav) return new Markup('');
  const data = Buffer.from(wav.buffer, wav.byteOffset, wav.byteLength).toString('base64');
  return new Markup(`<audio controls preload="none" src="data:audio/wav;base64,${data}"></audio>`);
}

function groupSection({ by_sex, by_speaker }: Evaluation): string {
  const rows = (groups: Record<string, Headline>) =>
    Object.entries(groups).map(([name, s]) => [
      name,
      String(s.support),
      percent(s.accuracy, 1),
      percent(s.balanced_accuracy, 1),
    ]);
  const header = (first: string) => [first, 'Recordings', 'Accuracy', 'Balanced accuracy'];
  const sexes = Object.keys(by_sex).length > 0 ? table('By sex of the speaker.', header('Sex'), rows(by_sex)) : '';
  return section('Who is understood how well', sexes + table('By speaker.', header('Speaker'), rows(by_speaker)));
}
