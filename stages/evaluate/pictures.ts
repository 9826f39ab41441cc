/** The pictures of a report, as files (light) or inside its page (following the page's colours). */
import { type Theme, barChart, confusionMatrix, lineChart, percent, reliabilityDiagram } from '@prosodia/plots';
import type { Evaluation } from './evaluation.ts';
import type { EpochRow } from '@prosodia/tables';
import type { ModelFacts } from './models.ts';

/** By file name without its ending; `curves` is the first model with a history, later ones carry its name. */
export function pictures(evaluation: Evaluation, theme: Theme): Map<string, string> {
  const { scores, title } = evaluation;
  const out = new Map<string, string>();
  out.set('confusion_matrix', confusionMatrix({ ...scores.confusion_matrix, title: 'Confusion matrix', theme }));
  out.set('per_class_accuracy', perClass(evaluation, theme));
  out.set(
    'calibration',
    reliabilityDiagram({
      title: 'Calibration',
      ece: scores.ece,
      bins: scores.calibration.map(({ rows, ...bin }) => ({ ...bin, count: rows })),
      theme,
    }),
  );
  for (const [name, svg] of curves(evaluation.models, theme)) out.set(name, svg);
  if (theme === 'light') {
    const synthetic = evaluation.protocol.synthetic ? ' (synthetic data)' : '';
    out.set('confusion_matrix', confusionMatrix({ ...scores.confusion_matrix, title: `${title}${synthetic}`, theme }));
  }
  return out;
}

/** More models than this, as under cross-validation with many folds, make a page of curves that nobody reads. */
const MOST_CURVES = 6;

function curves(models: readonly ModelFacts[], theme: Theme): [name: string, svg: string][] {
  const trained = models.filter((model) => model.history !== undefined).slice(0, MOST_CURVES);
  return trained.map((model, i) => {
    const name = i === 0 ? 'curves' : `curves-${i + 1}-${model.from.replace(/[^\w-]+/g, '-').replace(/-+$/, '')}`;
    return [name, trainingCurves(model, model.history!, theme)];
  });
}

function trainingCurves({ from, best_epoch }: ModelFacts, history: readonly EpochRow[], theme: Theme): string {
  const line = (name: string, pick: (row: EpochRow) => number | null, dashed: boolean) => {
    const rows = history.filter((row) => Number.isFinite(pick(row)) && pick(row) !== null);
    return { name, x: rows.map((row) => row.epoch), y: rows.map((row) => pick(row)!), dashed };
  };
  const panel = (name: string, lines: ReturnType<typeof line>[]) => ({
    name,
    series: lines.filter((one) => one.x.length > 0),
  });
  const panels = [
    panel('loss', [line('training', (row) => row.loss, false), line('validation', (row) => row.val_loss, true)]),
    {
      ...panel('accuracy', [
        line('training', (row) => row.accuracy, false),
        line('validation', (row) => row.val_accuracy, true),
      ]),
      range: [0, 1] as const,
    },
  ].filter((one) => one.series.length > 0);
  const mark = best_epoch === undefined ? {} : { mark: { x: best_epoch, label: `best epoch ${best_epoch}` } };
  const title = `Training of ${from}`;
  if (theme === 'light') return lineChart({ title, xName: 'epoch', panels, ...mark, theme });
  // In a page the panels are pictures of their own, so that they stand below each other on a phone.
  return panels
    .map((one) => lineChart({ title: `${title}: ${one.name}`, xName: 'epoch', panels: [one], ...mark, theme }))
    .join('');
}

function perClass({ scores, intervals, source }: Evaluation, theme: Theme): string {
  const bars = Object.entries(scores.per_class).map(([label, { recall }]) => ({
    label,
    value: recall,
    interval: intervals.per_class[label] ?? undefined,
    reference: source?.per_class?.[label],
  }));
  return barChart({
    title: 'Accuracy per class',
    valueName: 'recall: share of the class that was recognized',
    range: [0, 1],
    format: (value) => percent(value),
    names: {
      value: 'this run',
      interval: `${percent(intervals.level)} interval`,
      ...(source ? { reference: source.name } : {}),
    },
    bars,
    theme,
  });
}
