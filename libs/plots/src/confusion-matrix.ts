/** Confusion matrix: rows are what was true, columns what was predicted, colour is the share of the row. */
import { RequestError } from '@prosodia/core';
import { LABEL_SIZE, TICK_SIZE, TITLE_SIZE, heading, requireFinite } from './frame.ts';
import { element, escapeXml, svgDocument } from './svg.ts';
import { fitText, text, textWidth } from './text.ts';
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
  const cell = n <= 4 ? 86 : n <= 8 ? 66 : 56;
  const label = { size: LABEL_SIZE };
  const gutter = Math.min(130, Math.max(50, ...labels.map((name) => textWidth(name, label)))) + 14;
  const slanted = labels.some((name) => textWidth(name, label) > cell - 6);
  const left = gutter + 34;
  const top = 72 + (slanted ? 44 : 14);
  const edge = 58;
  const size = n * cell;
  const height = top + size + 62;
  const rowTotals = counts.map((row) => row.reduce((a, b) => a + b, 0));
  const columnTotals = labels.map((_, j) => counts.reduce((sum, row) => sum + row[j]!, 0));
  const total = rowTotals.reduce((a, b) => a + b, 0);
  const correct = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  const caption =
    total === 0
      ? 'no items'
      : `${correct} of ${total} correct (${percent(correct / total, 1)}); percentages are of each row`;
  const width = Math.max(
    left + size + edge + (slanted ? 30 : 8),
    20 + textWidth(title, { size: TITLE_SIZE, bold: true }) + 20,
    left + textWidth(caption, { size: TICK_SIZE }) + 20,
  );
  const ink = color(theme, 'ink');
  const muted = color(theme, 'muted');
  const out: string[] = [heading(theme, title, 20)];

  out.push(text('predicted', { x: left + size / 2, y: 58, size: LABEL_SIZE, anchor: 'middle', fill: muted }));
  out.push(text('true', { x: 24, y: top + size / 2, size: LABEL_SIZE, anchor: 'middle', rotate: -90, fill: muted }));
  labels.forEach((name, k) => {
    const middle = top + (k + 0.5) * cell;
    out.push(
      text(fitText(name, gutter - 10, label), { x: left - 10, y: middle + 4, ...label, anchor: 'end', fill: ink }),
    );
    const x = left + (k + 0.5) * cell;
    const shown = fitText(name, 84, label);
    out.push(
      slanted
        ? text(shown, { x: x - 6, y: top - 8, ...label, rotate: -35, fill: ink })
        : text(shown, { x, y: top - 9, ...label, anchor: 'middle', fill: ink }),
    );
    out.push(text(String(rowTotals[k]!), { x: left + size + 12, y: middle + 4, size: TICK_SIZE, fill: muted }));
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
    const big = cell >= 60 ? 15 : 13;
    return element(
      'g',
      { 'data-true': labels[i]!, 'data-predicted': labels[j]! },
      element('title', {}, escapeXml(`${labels[i]!} taken for ${labels[j]!}: ${count} (${percent(share, 1)})`)),
      element('rect', { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 3, fill }),
      text(String(count), { x: middle, y: y + cell / 2 + 1, size: big, bold: i === j, anchor: 'middle', fill: pen }),
      text(percent(share), { x: middle, y: y + cell / 2 + 17, size: 10, anchor: 'middle', fill: pen }),
    );
  }

  const description = `${n} classes, ${correct} of ${total} items correct`;
  return svgDocument({ width, height, title, description, background: background(theme) }, ...out);
}

function requireSquare(labels: readonly string[], counts: readonly (readonly number[])[]): void {
  if (labels.length === 0 || counts.length !== labels.length || counts.some((row) => row.length !== labels.length)) {
    throw new RequestError({
      problem: 'the confusion matrix does not fit its labels',
      expected: `${labels.length} rows of ${labels.length} counts, at least one`,
      got: `rows of ${counts.map((row) => row.length).join(', ') || 'nothing'}`,
    });
  }
  requireFinite(counts.flat(), 'the confusion matrix');
}
