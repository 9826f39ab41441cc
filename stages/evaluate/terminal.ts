/** The report in the terminal, at the end of a run. */
import { classificationReport, confusionMatrix, renderReport } from '@prosodia/stats';
import type { Evaluation } from './evaluation.ts';
import { type Interval, meanAndDeviation } from './scores.ts';

export function terminalReport(evaluation: Evaluation): string {
  const { judged, scores, intervals, source, protocol, baselines, title } = evaluation;
  const confusion = confusionMatrix(judged.truth, judged.predicted, judged.labels.length);
  const lines = [title];
  if (protocol.synthetic) lines.push('SYNTHETIC DATA: these numbers say nothing about real speech.');
  lines.push('', renderReport(classificationReport(confusion, judged.labels)).trimEnd(), '');
  const line = (name: string, value: number, interval: Interval | null, published: number | undefined) => {
    let out = `${name.padEnd(18)} ${value.toFixed(4)}`;
    if (interval) {
      const [low, high] = interval;
      out += `   ${(intervals.level * 100).toFixed(0)} % interval ${low.toFixed(3)} to ${high.toFixed(3)}`;
    }
    if (published !== undefined) out += `   ${source!.name}: ${published.toFixed(4)}`;
    lines.push(out);
  };
  line('accuracy', scores.accuracy, intervals.accuracy, source?.accuracy);
  line('balanced accuracy', scores.balanced_accuracy, intervals.balanced_accuracy, undefined);
  line('macro F1', scores.macro_f1, intervals.macro_f1, source?.macro_f1);
  const folds = Object.values(evaluation.by_fold);
  if (folds.length > 1) {
    const { mean, deviation } = meanAndDeviation(folds.map((fold) => fold.accuracy));
    lines.push(
      `${'over folds'.padEnd(18)} ${mean.toFixed(4)} ± ${deviation.toFixed(4)} accuracy (${folds.length} folds)`,
    );
  }
  for (const [name, member] of Object.entries(evaluation.members)) {
    lines.push(`  ${name.padEnd(16)} ${member.accuracy.toFixed(4)} accuracy, ${member.macro_f1.toFixed(4)} macro F1`);
  }
  const { uniform: _, ...listed } = baselines;
  const beside = Object.values(listed).map(({ name, accuracy }) => `${name.toLowerCase()} ${accuracy.toFixed(3)}`);
  lines.push(`${'baselines'.padEnd(18)} ${beside.join(', ')}`);
  for (const notice of scores.notices) lines.push(`note: ${notice}`);
  return lines.join('\n');
}
