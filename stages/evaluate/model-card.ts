/** The model card: what the model is for, what it was judged on, and where it must not be trusted (Mitchell et al., 2019). */
import { percent } from '@prosodia/plots';
import type { Evaluation } from './evaluation.ts';
import { protocolInWords } from './protocol.ts';
import type { Headline, Interval } from './scores.ts';

export function modelCard(evaluation: Evaluation): string {
  const { title, scores, intervals, protocol, baselines, models, source, notes } = evaluation;
  const sections: string[] = [`# ${title}`];
  if (protocol.synthetic) {
    sections.push(
      '> **SYNTHETIC DATA.** Trained and judged on synthesized sounds. The numbers say nothing about real speech.',
    );
  }
  sections.push(
    '## Model',
    models.length === 0
      ? 'The report was made from predictions alone.'
      : table(
          ['stage', 'kind', 'parameters', 'best epoch'],
          models.map((model) => [
            model.from,
            model.kind,
            model.parameters?.toLocaleString('en-US') ?? '',
            String(model.best_epoch ?? ''),
          ]),
        ),
    `It assigns one of ${scores.confusion_matrix.labels.length} classes to a recording: ${scores.confusion_matrix.labels.join(', ')}.`,
    '## Intended use',
    'Research on speech-emotion recognition, and comparison of methods under a stated protocol.',
    'It recognizes how an emotion is portrayed in recordings like those it was trained on. It does not tell what a person feels. Do not use it to decide about people: in hiring, education, policing, credit or health.',
    '## Data and protocol',
    list([...protocolInWords(protocol), ...notes]),
    '## Results',
    table(
      ['measure', 'value', `${percent(intervals.level)} interval`, source ? source.name : 'published'],
      [
        row('accuracy', scores.accuracy, intervals.accuracy, source?.accuracy),
        row('balanced accuracy (UAR)', scores.balanced_accuracy, intervals.balanced_accuracy),
        row('macro F1', scores.macro_f1, intervals.macro_f1, source?.macro_f1),
        row('log-loss', scores.log_loss, null),
        row('expected calibration error', scores.ece, null),
      ],
    ),
    table(
      ['class', 'precision', 'recall', 'F1', 'support'],
      Object.entries(scores.per_class).map(([label, s]) => [
        label,
        s.precision.toFixed(3),
        s.recall.toFixed(3),
        s.f1.toFixed(3),
        String(s.support),
      ]),
    ),
    '## Baselines',
    table(
      ['baseline', 'accuracy', 'how'],
      Object.values(baselines).map((baseline) => [baseline.name, baseline.accuracy.toFixed(3), baseline.detail]),
    ),
    '## Differences between groups',
    groups('sex', evaluation.by_sex),
    groups('speaker', evaluation.by_speaker),
    '## Limits',
    list(limits(evaluation)),
  );
  return sections.join('\n\n') + '\n';
}

/** What follows from the protocol about where the numbers do not hold. */
export function limits({ protocol, scores, intervals }: Evaluation): string[] {
  const out = [
    'Acted and elicited emotion is clearer than what people show in daily life; expect lower numbers there.',
  ];
  if (protocol.synthetic) out.push('The data is synthesized: nothing here carries over to people.');
  if (!protocol.split) out.push('Whether the speakers judged were heard in training is unknown to this report.');
  else if (protocol.split.shared_speakers > 0) {
    out.push('Speakers judged were heard in training; new voices will be understood less well.');
  }
  if (protocol.judged.speakers < 20) {
    out.push(`${protocol.judged.speakers} speakers were judged; differences between so few say little about others.`);
  }
  if (intervals.unit === 'none') out.push('There are too few clips or speakers for confidence intervals.');
  if (scores.ece > 0.1) {
    out.push(
      `Its confidence is off by ${percent(scores.ece)} on average; do not read it as a probability without calibration.`,
    );
  }
  out.push('Other languages, cultures, ages, microphones and rooms than those of the corpus were not tried.');
  return out;
}

function row(name: string, value: number, interval: Interval | null, published?: number): string[] {
  const range = interval ? interval.map((end) => end.toFixed(3)).join(' to ') : '';
  return [name, value.toFixed(4), range, published?.toFixed(4) ?? ''];
}

function groups(name: string, scores: Record<string, Headline>): string {
  const rows = Object.entries(scores);
  if (rows.length === 0) return `By ${name}: not known.`;
  return table(
    [name, 'items', 'accuracy', 'balanced accuracy'],
    rows.map(([group, s]) => [group, String(s.support), s.accuracy.toFixed(3), s.balanced_accuracy.toFixed(3)]),
  );
}

function list(points: readonly string[]): string {
  return points.map((point) => `- ${point}`).join('\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
