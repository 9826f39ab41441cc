/** Lines over a common x axis, in one or more panels side by side: training curves. */
import { RequestError } from '@prosodia/core';
import {
  type Box,
  type LegendEntry,
  TICK_SIZE,
  heading,
  LEGEND_LINE,
  legend,
  legendLines,
  linear,
  requireFinite,
  requireSameLength,
  xAxis,
  yAxis,
} from './frame.ts';
import { element, num, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color, seriesColor } from './theme.ts';
import { niceRange } from './ticks.ts';

export interface LineSeries {
  name: string;
  x: readonly number[];
  y: readonly number[];
  dashed?: boolean;
  /** Number of its colour, from 0; default its place. Two lines of one thing share one. */
  color?: number;
}

export interface LinePanel {
  name: string;
  series: readonly LineSeries[];
  /** Fixed ends of the y axis; else they follow the data. */
  range?: readonly [number, number];
}

export interface LineChartOptions {
  title: string;
  xName: string;
  panels: readonly LinePanel[];
  /** A vertical line in every panel, for example at the best epoch. */
  mark?: { x: number; label: string };
  theme?: Theme;
}

const PANEL: { width: number; height: number } = { width: 340, height: 230 };

/** Throws a RequestError if a series is empty, is not finite, or its x and y differ in length. */
export function lineChart({ title, xName, panels, mark, theme = 'light' }: LineChartOptions): string {
  const out = [heading(theme, title, 20)];
  const lines = panels.map(
    ({ series }) =>
      legendLines(
        series.map(({ name }) => name),
        PANEL.width,
      ).length,
  );
  const room = (Math.max(1, ...lines) - 1) * LEGEND_LINE;
  panels.forEach((panel, p) => {
    const box = { left: 70 + p * (PANEL.width + 78), top: 84 + room, ...PANEL };
    out.push(drawPanel(theme, panel, box, xName, mark));
  });
  const width = 70 + panels.length * (PANEL.width + 78) - 50;
  const description = panels.map(({ name, series }) => `${name}: ${series.map((s) => s.name).join(', ')}`).join('; ');
  return svgDocument({ width, height: 366 + room, title, description, background: background(theme) }, ...out);
}

function drawPanel(theme: Theme, panel: LinePanel, box: Box, xName: string, mark: LineChartOptions['mark']): string {
  for (const { name, x, y } of panel.series) {
    requireSameLength(x.length, y.length, `x and y of ${name}`);
    requireFinite([...x, ...y], name);
  }
  const xs = panel.series.flatMap((series) => series.x);
  const ys = panel.series.flatMap((series) => series.y);
  if (xs.length === 0) throw new RequestError({ problem: `there is nothing to draw in panel ${panel.name}` });
  const [xLow, xHigh] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  const xRange: readonly [number, number] = xHigh > xLow ? [xLow, xHigh] : [xLow - 1, xLow + 1];
  const range =
    panel.range ??
    niceRange(
      ys.reduce((a, b) => Math.min(a, b)),
      ys.reduce((a, b) => Math.max(a, b)),
    );
  const x = linear(...xRange, box.left, box.left + box.width);
  const y = linear(...range, box.top + box.height, box.top);
  const whole = xs.every(Number.isInteger);
  const out = [
    xAxis(theme, box, x, { range: xRange, count: 6, whole, name: xName, grid: false }),
    yAxis(theme, box, y, { range, name: panel.name }),
  ];
  if (mark && mark.x >= xRange[0] && mark.x <= xRange[1]) out.push(drawMark(theme, box, x(mark.x), mark.label));
  const entries: LegendEntry[] = [];
  panel.series.forEach((series, s) => {
    const stroke = seriesColor(theme, series.color ?? s);
    const points = series.x.map((value, i) => [x(value), y(series.y[i]!)] as const);
    out.push(
      points.length === 1
        ? element('circle', { cx: points[0]![0], cy: points[0]![1], r: 3, fill: stroke })
        : element('polyline', {
            points: points.map(([px, py]) => `${num(px)},${num(py)}`).join(' '),
            fill: 'none',
            stroke,
            'stroke-width': 2,
            'stroke-linejoin': 'round',
            'stroke-dasharray': series.dashed ? '6 3' : undefined,
          }),
    );
    entries.push({ name: series.name, color: stroke, shape: series.dashed ? 'dashed' : 'line' });
  });
  const lines = legendLines(
    entries.map(({ name }) => name),
    box.width,
  );
  lines.forEach((line, k) => {
    const y = box.top - 28 - (lines.length - 1 - k) * LEGEND_LINE;
    out.push(legend(theme, entries.slice(line.from, line.to), box.left, y));
  });
  return element('g', {}, ...out);
}

function drawMark(theme: Theme, box: Box, x: number, label: string): string {
  const near = x > box.left + box.width * 0.6;
  return (
    element('line', {
      x1: x,
      x2: x,
      y1: box.top,
      y2: box.top + box.height,
      stroke: color(theme, 'muted'),
      'stroke-dasharray': '2 3',
    }) +
    text(label, {
      x: near ? x - 6 : x + 6,
      y: box.top - 6,
      size: TICK_SIZE,
      anchor: near ? 'end' : 'start',
      fill: color(theme, 'muted'),
    })
  );
}
