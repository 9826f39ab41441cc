/** Confusion matrix: rows are what was true, columns what was predicted, colour is the share of the row. */
import { RequestError, escapeXml } from '@prosodia/core';
import { TICK_SIZE, requireFinite } from './frame.ts';
import { matrixFrame } from './matrix-frame.ts';
import { element, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color, heat } from './theme.ts';
import { percent } from './ticks.ts';

export interface ConfusionMatrixOptions {
  labels: readonly string[];
  /** `counts[i][j]`: items of class i predicted as class j. */
  counts: readonly (readonly number[])[];
  title: string;
  theme?: Theme;
}

/**
 * Counts and row percentages in the cells, totals at both edges.
 * Throws a RequestError if `counts` is not square with one row per label.
 */
export function confusionMatrix({ labels, counts, title, theme = 'light' }: ConfusionMatrixOptions): string {
  requireSquare(labels, counts);
  const n = labels.length;
  const rowTotals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const columnTotals = labels.map((_, j) => counts.reduce((sum, row) => sum + row[j]!, 0));
  const total = rowTotals.reduce((a, b) => a + b, 0);
  const correct = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  const caption =
    total === 0
      ? 'no items'
      : `${correct} of ${total} correct (${percent(correct / total, 1)}); percentages are of each row`;
  const ink = color(theme, 'ink');
  const muted = color(theme, 'muted');
  const {
    width,
    height,
    left,
    top,
    cell,
    size,
    figure,
    parts: out,
  } = matrixFrame(labels, {
    title,
    caption,
    edge: 58,
    theme,
  });
  labels.forEach((_, k) => {
    const [x, y] = [left + (k + 0.5) * cell, top + (k + 0.5) * cell];
    out.push(text(String(rowTotals[k]!), { x: left + size + 12, y: y + 4, size: TICK_SIZE, fill: muted }));
    out.push(text(String(columnTotals[k]!), { x, y: top + size + 20, size: TICK_SIZE, anchor: 'middle', fill: muted }));
  });
  counts.forEach((row, i) => row.forEach((count, j) => out.push(drawCell(i, j, count))));
  out.push(text(String(total), { x: left + size + 12, y: top + size + 20, size: TICK_SIZE, bold: true, fill: ink }));
  out.push(text(caption, { x: left, y: top + size + 46, size: TICK_SIZE, fill: muted }));

  function drawCell(i: number, j: number, count: number): string {
    const share = rowTotals[i]! > 0 ? count / rowTotals[i]! : 0;
    const { fill, pen } = heat(theme, share);
    const x = left + j * cell;
    const y = top + i * cell;
    const middle = x + cell / 2;
    return element(
      'g',
      { 'data-true': labels[i]!, 'data-predicted': labels[j]! },
      element('title', {}, escapeXml(`${labels[i]!} taken for ${labels[j]!}: ${count} (${percent(share, 1)})`)),
      element('rect', { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 3, fill }),
      text(String(count), { x: middle, y: y + cell / 2 + 1, size: figure, bold: i === j, anchor: 'middle', fill: pen }),
      text(percent(share), { x: middle, y: y + cell / 2 + 17, size: 10, anchor: 'middle', fill: pen }),
    );
  }

  const description = `${n} classes, ${correct} of ${total} items correct`;
  return svgDocument({ width, height, title, description, background: background(theme) }, ...out);
}

/** Throws a RequestError unless there is a row and a column for every label, of finite numbers. */
export function requireSquare(labels: readonly string[], counts: readonly (readonly number[])[]): void {
  if (labels.length === 0 || counts.length !== labels.length || counts.some((row) => row.length !== labels.length)) {
    throw new RequestError({
      problem: 'the confusion matrix does not fit its labels',
      expected: `${labels.length} rows of ${labels.length} counts, at least one`,
      got: `rows of ${counts.map((row) => row.length).join(', ') || 'nothing'}`,
    });
  }
  requireFinite(counts.flat(), 'the confusion matrix');
}
