/** The rectangle that data is drawn in: linear scales, grid, ticks, axis names. */
import { RequestError } from '@prosodia/core';
import { element } from './svg.ts';
import { text, textWidth } from './text.ts';
import { type Theme, color } from './theme.ts';
import { niceTicks, tickLabels } from './ticks.ts';

export const TITLE_SIZE = 16;
export const LABEL_SIZE = 12;
export const TICK_SIZE = 11;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export type Scale = (value: number) => number;

/** Maps [low, high] to [from, to], both ends included. */
export function linear(low: number, high: number, from: number, to: number): Scale {
  const span = high === low ? 1 : high - low;
  return (value) => from + ((value - low) / span) * (to - from);
}

export interface AxisOptions {
  range: readonly [number, number];
  /** Ticks about this many; default 5. */
  count?: number;
  /** Only whole numbers. */
  whole?: boolean;
  format?: (value: number) => string;
  name?: string | undefined;
  /** Lines across the box at the ticks; default true. */
  grid?: boolean;
}

export function xAxis(theme: Theme, box: Box, scale: Scale, options: AxisOptions): string {
  const { ticks, labels } = ticksOf(options);
  const bottom = box.top + box.height;
  const marks = ticks.map((tick, i) => {
    const x = scale(tick);
    return (
      element('line', {
        x1: x,
        x2: x,
        y1: options.grid === false ? bottom : box.top,
        y2: bottom + 4,
        stroke: color(theme, 'grid'),
      }) + text(labels[i]!, { x, y: bottom + 17, size: TICK_SIZE, anchor: 'middle', fill: color(theme, 'muted') })
    );
  });
  return marks.join('') + baseline(theme, box) + axisName(theme, options.name, box.left + box.width / 2, bottom + 37);
}

export function yAxis(theme: Theme, box: Box, scale: Scale, options: AxisOptions): string {
  const { ticks, labels } = ticksOf(options);
  const marks = ticks.map((tick, i) => {
    const y = scale(tick);
    return (
      element('line', {
        x1: box.left - 4,
        x2: options.grid === false ? box.left : box.left + box.width,
        y1: y,
        y2: y,
        stroke: color(theme, 'grid'),
      }) + text(labels[i]!, { x: box.left - 8, y: y + 4, size: TICK_SIZE, anchor: 'end', fill: color(theme, 'muted') })
    );
  });
  const widest = Math.max(0, ...labels.map((label) => textWidth(label, { size: TICK_SIZE })));
  const name = options.name
    ? text(options.name, {
        x: box.left - widest - 20,
        y: box.top + box.height / 2,
        rotate: -90,
        size: LABEL_SIZE,
        anchor: 'middle',
        fill: color(theme, 'ink'),
      })
    : '';
  return marks.join('') + name;
}

function ticksOf({ range, count = 5, whole = false, format }: AxisOptions): { ticks: number[]; labels: string[] } {
  const ticks = niceTicks(range[0], range[1], count, whole);
  return { ticks, labels: format ? ticks.map((value) => format(value)) : tickLabels(ticks) };
}

/** The line that data stands on. */
export function baseline(theme: Theme, box: Box): string {
  const y = box.top + box.height;
  return element('line', { x1: box.left, x2: box.left + box.width, y1: y, y2: y, stroke: color(theme, 'axis') });
}

export function axisName(theme: Theme, name: string | undefined, x: number, y: number): string {
  return name ? text(name, { x, y, size: LABEL_SIZE, anchor: 'middle', fill: color(theme, 'ink') }) : '';
}

export function heading(theme: Theme, title: string, x: number, y = 28): string {
  return text(title, { x, y, size: TITLE_SIZE, bold: true, fill: color(theme, 'ink') });
}

export interface LegendEntry {
  name: string;
  color: string;
  shape: 'line' | 'dashed' | 'box';
  opacity?: number;
}

/** Entries in one row, beginning at (x, y), y being their middle. */
export function legend(theme: Theme, entries: readonly LegendEntry[], x: number, y: number): string {
  let pen = x;
  let out = '';
  for (const entry of entries) {
    out +=
      entry.shape === 'box'
        ? element('rect', {
            x: pen + 4,
            y: y - 5,
            width: 12,
            height: 10,
            rx: 2,
            fill: entry.color,
            'fill-opacity': entry.opacity,
          })
        : element('line', {
            x1: pen,
            x2: pen + 20,
            y1: y,
            y2: y,
            stroke: entry.color,
            'stroke-width': 2.5,
            'stroke-dasharray': entry.shape === 'dashed' ? '5 3' : undefined,
          });
    out += text(entry.name, { x: pen + 26, y: y + 4, size: TICK_SIZE, fill: color(theme, 'ink') });
    pen += 26 + textWidth(entry.name, { size: TICK_SIZE }) + 20;
  }
  return out;
}

/** From one line of a legend to the next. */
export const LEGEND_LINE = 17;

/** Entries that fit beside each other, line by line; an entry that is too long has a line of its own. */
export function legendLines(names: readonly string[], width: number): { from: number; to: number }[] {
  const lines: { from: number; to: number }[] = [];
  let pen = 0;
  names.forEach((name, i) => {
    const size = 26 + textWidth(name, { size: TICK_SIZE }) + 20;
    if (lines.length === 0 || pen + size - 20 > width) {
      lines.push({ from: i, to: i });
      pen = 0;
    }
    lines.at(-1)!.to = i + 1;
    pen += size;
  });
  return lines;
}

/** Throws a RequestError unless all values are finite. */
export function requireFinite(values: Iterable<number>, what: string): void {
  let position = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      throw new RequestError({
        problem: `${what} cannot be drawn`,
        expected: 'finite numbers',
        got: `${value} at position ${position}`,
      });
    }
    position++;
  }
}

/** Throws a RequestError unless the two lengths agree. */
export function requireSameLength(first: number, second: number, what: string): void {
  if (first !== second) {
    throw new RequestError({
      problem: `${what} differ in length`,
      expected: `${first} of each`,
      got: `${first} and ${second}`,
    });
  }
}
