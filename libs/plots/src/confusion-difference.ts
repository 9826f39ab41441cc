/**
 * What changes from one confusion matrix to another: cells are differences of row shares, in points.
 *
 * Shares, not counts: the two may be of different numbers of rows. Colour says which of the two does it more often, and
 * its strength by how much; whether that is good depends on the cell, so the diagonal is framed.
 */
import { escapeXml } from '@prosodia/core';
import { TICK_SIZE } from './frame.ts';
import { requireSquare } from './confusion-matrix.ts';
import { matrixFrame } from './matrix-frame.ts';
import { element, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color, seriesColor } from './theme.ts';

export interface ConfusionDifferenceOptions {
  labels: readonly string[];
  /** Counts as for {@link confusionMatrix}; the difference is `second` minus `first`. */
  first: readonly (readonly number[])[];
  second: readonly (readonly number[])[];
  names: readonly [first: string, second: string];
  title: string;
  theme?: Theme;
}

/** Strongest colour of a cell; more would drown the figure in it. */
const MOST_OPACITY = 0.75;

/** Throws a RequestError if a matrix is not square with one row per label. */
export function confusionDifference(options: ConfusionDifferenceOptions): string {
  const { labels, first, second, names, title, theme = 'light' } = options;
  requireSquare(labels, first);
  requireSquare(labels, second);
  const differences = labels.map((_, i) => labels.map((_, j) => share(second[i]!, j) - share(first[i]!, j)));
  const most = Math.max(...differences.flat().map(Math.abs));
  const caption = 'points of each row’s share; framed: recognized';
  const { width, height, left, top, cell, size, figure, parts } = matrixFrame(labels, {
    title,
    caption,
    edge: 20,
    theme,
  });
  differences.forEach((row, i) =>
    row.forEach((difference, j) => {
      const x = left + j * cell;
      const y = top + i * cell;
      const strength = most > 0 ? (Math.abs(difference) / most) * MOST_OPACITY : 0;
      const told = `${labels[i]!} taken for ${labels[j]!}: ${points(difference)} points from ${names[0]} to ${names[1]}`;
      const box = { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 3 };
      parts.push(
        element(
          'g',
          { 'data-true': labels[i]!, 'data-predicted': labels[j]! },
          element('title', {}, escapeXml(told)),
          element('rect', { ...box, fill: seriesColor(theme, difference < 0 ? 0 : 1), 'fill-opacity': strength }),
          element('rect', {
            ...box,
            fill: 'none',
            stroke: color(theme, i === j ? 'ink' : 'grid'),
            'stroke-width': i === j ? 1.5 : 1,
          }),
          text(points(difference), {
            x: x + cell / 2,
            y: y + cell / 2 + 5,
            size: figure,
            bold: i === j,
            anchor: 'middle',
            fill: color(theme, 'ink'),
          }),
        ),
      );
    }),
  );
  const legend = [
    { fill: seriesColor(theme, 1), name: `more often in ${names[1]}` },
    { fill: seriesColor(theme, 0), name: `more often in ${names[0]}` },
  ];
  legend.forEach(({ fill, name }, k) => {
    const y = top + size + 16 + 18 * k;
    parts.push(
      element('rect', { x: left, y: y - 9, width: 12, height: 10, rx: 2, fill, 'fill-opacity': MOST_OPACITY }),
      text(name, { x: left + 18, y, size: TICK_SIZE, fill: color(theme, 'muted') }),
    );
  });
  parts.push(text(caption, { x: left, y: top + size + 54, size: TICK_SIZE, fill: color(theme, 'muted') }));
  const description = `${names[1]} minus ${names[0]}, ${labels.length} classes, up to ${(most * 100).toFixed(1)} points`;
  return svgDocument({ width, height: height + 8, title, description, background: background(theme) }, ...parts);
}

function share(row: readonly number[], column: number): number {
  const total = row.reduce((a, b) => a + b, 0);
  return total > 0 ? row[column]! / total : 0;
}

function points(difference: number): string {
  const rounded = (difference * 100).toFixed(1);
  if (Number(rounded) === 0) return '0';
  return difference > 0 ? `+${rounded}` : rounded.replace('-', '−');
}
