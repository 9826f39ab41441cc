/** Pictures of two reports: what can lie on one pair of axes does, what cannot stands side by side. */
import {
  type LineSeries,
  type Theme,
  barChart,
  confusionDifference,
  confusionMatrix,
  lineChart,
  percent,
} from '@prosodia/plots';
import type { EpochRow } from '@prosodia/tables';

/** One of the two, as drawn. */
export interface Side {
  name: string;
  /** Of the rows that both judged; if there are none, of its own. */
  counts: number[][];
  /** Of all rows that it judged. */
  calibration: readonly { confidence: number | null; accuracy: number | null }[];
  /** By model trained in epochs. */
  histories: readonly { from: string; rows: readonly EpochRow[] }[];
}

/** More models than this (folds, trials) make curves that nobody reads. */
const MOST_MODELS = 3;

/** By name; `curves_...` are left out where no model was trained in epochs. */
export function pictures(labels: readonly string[], a: Side, b: Side, theme: Theme): Map<string, string> {
  const out = new Map<string, string>();
  out.set('confusion_matrix_first', confusionMatrix({ labels, counts: a.counts, title: a.name, theme }));
  out.set('confusion_matrix_second', confusionMatrix({ labels, counts: b.counts, title: b.name, theme }));
  out.set(
    'confusion_difference',
    confusionDifference({
      labels,
      first: a.counts,
      second: b.counts,
      names: [a.name, b.name],
      title: `From ${a.name} to ${b.name}`,
      theme,
    }),
  );
  out.set('per_class_recall', recalls(labels, a, b, theme));
  out.set('calibration', calibration(a, b, theme));
  for (const [quantity, validation] of [
    ['loss', 'val_loss'],
    ['accuracy', 'val_accuracy'],
  ] as const) {
    const series = [a, b].flatMap((side, color) => curvesOf(side, color, quantity, validation));
    if (series.length === 0) continue;
    const panel = { name: quantity, series, ...(quantity === 'accuracy' ? { range: [0, 1] as const } : {}) };
    out.set(
      `curves_${quantity}`,
      lineChart({ title: `Training: ${quantity}`, xName: 'epoch', panels: [panel], theme }),
    );
  }
  return out;
}

function recalls(labels: readonly string[], a: Side, b: Side, theme: Theme): string {
  const recall = (row: readonly number[], i: number) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return total > 0 ? row[i]! / total : undefined;
  };
  const bars = labels.flatMap((label, i) => {
    const [first, second] = [recall(a.counts[i]!, i), recall(b.counts[i]!, i)];
    if (first === undefined || second === undefined) return [];
    return [
      { label, value: first },
      { label: '', value: second, second: true },
    ];
  });
  return barChart({
    title: 'Recall of each class',
    valueName: 'share of the class that was recognized',
    range: [0, 1],
    format: (value) => percent(value),
    names: { value: a.name, second: b.name },
    bars,
    theme,
  });
}

function calibration(a: Side, b: Side, theme: Theme): string {
  const line = ({ name, calibration: bins }: Side): LineSeries => {
    const filled = bins.filter((bin) => bin.confidence !== null && bin.accuracy !== null);
    return { name, x: filled.map((bin) => bin.confidence!), y: filled.map((bin) => bin.accuracy!) };
  };
  const perfect: LineSeries = { name: 'perfect', x: [0, 1], y: [0, 1], dashed: true };
  const series = [line(a), line(b), perfect];
  return lineChart({
    title: 'Calibration',
    xName: 'confidence',
    panels: [{ name: 'share that is right', range: [0, 1], series }],
    theme,
  });
}

function curvesOf(
  { name, histories }: Side,
  color: number,
  quantity: 'loss' | 'accuracy',
  validation: 'val_loss' | 'val_accuracy',
): LineSeries[] {
  return histories.slice(0, MOST_MODELS).flatMap(({ from, rows }): LineSeries[] => {
    const of = histories.length > 1 ? `${name} ${from}` : name;
    const held = rows.filter((row) => typeof row[validation] === 'number' && Number.isFinite(row[validation]));
    const trained = { name: `${of}, training`, x: rows.map((r) => r.epoch), y: rows.map((r) => r[quantity]), color };
    if (held.length === 0) return [trained];
    return [
      { ...trained, dashed: true },
      { name: `${of}, validation`, x: held.map((r) => r.epoch), y: held.map((r) => r[validation]!), color },
    ];
  });
}
