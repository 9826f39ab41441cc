/** What pictures of a class by class matrix share: names at the left and above, cells of one size, a caption. */
import { LABEL_SIZE, TICK_SIZE, TITLE_SIZE, heading } from './frame.ts';
import { fitText, text, textWidth } from './text.ts';
import { type Theme, color } from './theme.ts';

export interface MatrixFrame {
  /** Width and height of the picture, without what a caller puts below. */
  width: number;
  height: number;
  /** Left upper corner of the first cell. */
  left: number;
  top: number;
  /** Side of a cell, and of all of them. */
  cell: number;
  size: number;
  /** Size of the larger figure in a cell. */
  figure: number;
  parts: string[];
}

/** @param edge room at the right of the cells */
export function matrixFrame(
  labels: readonly string[],
  { title, caption, edge, theme }: { title: string; caption: string; edge: number; theme: Theme },
): MatrixFrame {
  const n = labels.length;
  const cell = n <= 4 ? 86 : n <= 8 ? 66 : 56;
  const label = { size: LABEL_SIZE };
  const gutter = Math.min(130, Math.max(50, ...labels.map((name) => textWidth(name, label)))) + 14;
  const slanted = labels.some((name) => textWidth(name, label) > cell - 6);
  const left = gutter + 34;
  const top = 72 + (slanted ? 44 : 14);
  const size = n * cell;
  const width = Math.max(
    left + size + edge + (slanted ? 30 : 8),
    20 + textWidth(title, { size: TITLE_SIZE, bold: true }) + 20,
    left + textWidth(caption, { size: TICK_SIZE }) + 20,
  );
  const ink = color(theme, 'ink');
  const muted = color(theme, 'muted');
  const parts: string[] = [heading(theme, title, 20)];
  parts.push(text('predicted', { x: left + size / 2, y: 58, size: LABEL_SIZE, anchor: 'middle', fill: muted }));
  parts.push(text('true', { x: 24, y: top + size / 2, size: LABEL_SIZE, anchor: 'middle', rotate: -90, fill: muted }));
  labels.forEach((name, k) => {
    const middle = top + (k + 0.5) * cell;
    parts.push(
      text(fitText(name, gutter - 10, label), { x: left - 10, y: middle + 4, ...label, anchor: 'end', fill: ink }),
    );
    const x = left + (k + 0.5) * cell;
    const shown = fitText(name, 84, label);
    parts.push(
      slanted
        ? text(shown, { x: x - 6, y: top - 8, ...label, rotate: -35, fill: ink })
        : text(shown, { x, y: top - 9, ...label, anchor: 'middle', fill: ink }),
    );
  });
  return { width, height: top + size + 62, left, top, cell, size, figure: cell >= 60 ? 15 : 13, parts };
}
