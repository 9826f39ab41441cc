/** What `prosodia predict` found, as a table with a time line, as JSON, and as CSV. */
import { type PredictResult, mostProbable, summarizeFiles } from '@prosodia/runner';
import { columns } from '../ui/style.ts';

export interface Settings {
  pipeline: string;
  run: number;
  members: readonly string[];
  window_s: number;
  hop_s: number;
  /** Seconds of a window that reach the models. */
  heard_s: number;
  /** Uncertain below this probability. */
  threshold: number;
  calibrated: boolean;
}

/** Settings, windows (`predictions`) and files with their time lines. */
export function asObject(result: PredictResult, settings: Settings) {
  const { labels, predictions, ...rest } = result;
  const byLabel = (probabilities: readonly number[]) =>
    Object.fromEntries(labels.map((label, i) => [label, probabilities[i]]));
  return {
    ...settings,
    labels,
    files: summarizeFiles(labels, predictions).map(({ probabilities, ...file }) => ({
      ...file,
      uncertain: file.probability < settings.threshold,
      probabilities: byLabel(probabilities),
    })),
    predictions: predictions.map(({ probabilities, ...place }) => {
      const best = mostProbable(probabilities);
      const uncertain = probabilities[best]! < settings.threshold;
      return { ...place, label: labels[best]!, uncertain, probabilities: byLabel(probabilities) };
    }),
    ...rest,
  };
}

/** A header, and a line for each window. */
export function asCsv({ labels, predictions }: PredictResult, { threshold }: Settings): string {
  const lines = predictions.map(({ file, start_s, end_s, probabilities }) => {
    const best = mostProbable(probabilities);
    const label = quoted(labels[best]!);
    return [quoted(file), start_s, end_s, label, probabilities[best]! < threshold, ...probabilities].join(',');
  });
  return [['file', 'start_s', 'end_s', 'label', 'uncertain', ...labels.map(quoted)].join(','), ...lines, ''].join('\n');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line for each file, and its time line below it if it was heard in several windows. */
export function asTable(
  { labels, predictions }: PredictResult,
  { run, pipeline, members, window_s, hop_s, heard_s, threshold, calibrated }: Settings,
  top: number,
): string {
  const said = (label: string, probability: number) => (probability < threshold ? `uncertain (${label}?)` : label);
  const rows = summarizeFiles(labels, predictions).flatMap((own) => {
    const { file, windows, label, probability, probabilities, timeline } = own;
    const ranked = labels
      .map((name, i) => ({ name, p: probabilities[i]! }))
      .sort((a, b) => b.p - a.p)
      .slice(0, top);
    const span = time(timeline[0]!.start_s, timeline.at(-1)!.end_s);
    const whole = [
      file,
      span,
      said(label, probability),
      ranked.map(({ name, p }) => `${name} ${p.toFixed(3)}`).join('  '),
    ];
    if (windows === 1 || timeline.length === 1) return [whole];
    const parts = timeline.map((part) => [
      '',
      time(part.start_s, part.end_s),
      said(part.label, part.probability),
      part.probability.toFixed(3),
    ]);
    return [whole, ...parts];
  });
  const facts = [
    `run ${run} of ${pipeline}: ${members.length > 4 ? `mean of ${members.length} models' predictions` : members.join(' + ')}`,
    `windows of ${window_s} s every ${hop_s} s${heard_s < window_s ? `, ${heard_s.toFixed(1)} s of each heard` : ''}`,
    `uncertain below ${threshold}`,
    calibrated
      ? `probabilities calibrated${members.length > 1 ? ', each before the mean was taken' : ''}`
      : 'probabilities as the models give them, not calibrated',
  ];
  return `${rows.length > 0 ? `${columns(rows)}\n\n` : ''}${facts.join('; ')}\n`;
}

function time(start_s: number, end_s: number): string {
  return `${start_s.toFixed(2)}-${end_s.toFixed(2)} s`;
}
