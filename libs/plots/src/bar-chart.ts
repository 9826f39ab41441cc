/** Horizontal bars with names: per-class accuracy with intervals and a reference beside it. */
import { escapeXml } from '@prosodia/core';
import { type LegendEntry, LABEL_SIZE, TICK_SIZE, heading, legend, linear, requireFinite, xAxis } from './frame.ts';
import { element, svgDocument } from './svg.ts';
import { fitText, text, textWidth } from './text.ts';
import { type Theme, background, color, seriesColor } from './theme.ts';
import { niceRange } from './ticks.ts';

export interface Bar {
  label: string;
  value: number;
  /** Ends of a confidence interval. */
  interval?: readonly [number, number] | undefined;
  /** A published or earlier value, drawn as a mark beside the bar. */
  reference?: number | undefined;
  /** What `value` is the mean of, drawn as dots. */
  points?: readonly number[] | undefined;
  /** True for a bar of the second of two things compared, drawn in the second colour. */
  second?: boolean;
}

export interface BarChartOptions {
  title: string;
  bars: readonly Bar[];
  /** Name of the value axis. */
  valueName: string;
  /** Ends of the value axis; default 0 to a round number above all values. */
  range?: readonly [number, number];
  format?: (value: number) => string;
  /** Names in the legend; entries without data are left out. */
  names?: { value: string; second?: string; interval?: string; reference?: string; points?: string };
  theme?: Theme;
}

/** Light enough for the interval on top to be seen in light and in dark. */
const BAR_OPACITY = 0.6;

/** Throws a RequestError if a value is not finite. */
export function barChart(options: BarChartOptions): string {
  const { title, bars, valueName, names, theme = 'light', format = String } = options;
  const values = bars.flatMap(({ value, interval = [], reference, points = [] }) => [
    value,
    ...interval,
    ...points,
    ...(reference === undefined ? [] : [reference]),
  ]);
  requireFinite(values, title);
  const range = options.range ?? niceRange(Math.min(0, ...values), Math.max(0, ...values));
  const row = 34;
  const label = { size: LABEL_SIZE };
  const gutter = Math.min(240, Math.max(40, ...bars.map((bar) => textWidth(bar.label, label))));
  const entries = legendEntries(theme, bars, names);
  const box = {
    left: gutter + 32,
    top: entries.length > 0 ? 72 : 48,
    width: 440,
    height: Math.max(1, bars.length) * row,
  };
  const x = linear(...range, box.left, box.left + box.width);
  const out = [heading(theme, title, 20), xAxis(theme, box, x, { range, name: valueName, format })];
  if (entries.length > 0) out.push(legend(theme, entries, box.left - 4, 50));

  bars.forEach((bar, i) => {
    const middle = box.top + (i + 0.5) * row;
    const from = x(Math.max(range[0], Math.min(0, range[1])));
    const to = x(bar.value);
    const parts = [
      element('title', {}, escapeXml(`${bar.label}: ${format(bar.value)}`)),
      text(fitText(bar.label, gutter, label), {
        x: box.left - 10,
        y: middle + 4,
        ...label,
        anchor: 'end',
        fill: color(theme, 'ink'),
      }),
      element('rect', {
        x: Math.min(from, to),
        y: middle - 9,
        width: Math.abs(to - from),
        height: 18,
        rx: 2,
        fill: seriesColor(theme, bar.second ? 1 : 0),
        'fill-opacity': BAR_OPACITY,
      }),
    ];
    let end = Math.max(from, to);
    if (bar.interval) {
      parts.push(whisker(theme, x(bar.interval[0]), x(bar.interval[1]), middle));
      end = Math.max(end, x(bar.interval[1]));
    }
    for (const point of bar.points ?? []) {
      parts.push(
        element('circle', { cx: x(point), cy: middle, r: 3.5, fill: color(theme, 'ink'), 'fill-opacity': 0.7 }),
      );
      end = Math.max(end, x(point) + 4);
    }
    if (bar.reference !== undefined) {
      const at = x(bar.reference);
      parts.push(
        element('path', {
          d: `M${at.toFixed(2)} ${(middle - 12).toFixed(2)}v24`,
          stroke: seriesColor(theme, 1),
          'stroke-width': 3,
        }),
      );
      end = Math.max(end, at);
    }
    parts.push(text(format(bar.value), { x: end + 8, y: middle + 4, size: TICK_SIZE, fill: color(theme, 'muted') }));
    out.push(element('g', { 'data-label': bar.label }, ...parts));
  });
  const height = box.top + box.height + 52;
  const description = `${bars.length} bars; ${valueName}`;
  const width = Math.max(box.left + box.width + 64, 40 + textWidth(title, { size: 16, bold: true }));
  return svgDocument({ width, height, title, description, background: background(theme) }, ...out);
}

function whisker(theme: Theme, low: number, high: number, y: number): string {
  const d = `M${low.toFixed(2)} ${y - 4}v8M${low.toFixed(2)} ${y}H${high.toFixed(2)}M${high.toFixed(2)} ${y - 4}v8`;
  return element('path', { d, stroke: color(theme, 'ink'), 'stroke-width': 1.5, fill: 'none' });
}

function legendEntries(theme: Theme, bars: readonly Bar[], names: BarChartOptions['names']): LegendEntry[] {
  if (!names) return [];
  const entries: LegendEntry[] = [
    { name: names.value, color: seriesColor(theme, 0), shape: 'box', opacity: BAR_OPACITY },
  ];
  if (names.second && bars.some((bar) => bar.second)) {
    entries.push({ name: names.second, color: seriesColor(theme, 1), shape: 'box', opacity: BAR_OPACITY });
  }
  if (names.interval && bars.some((bar) => bar.interval)) {
    entries.push({ name: names.interval, color: color(theme, 'ink'), shape: 'line' });
  }
  if (names.points && bars.some((bar) => bar.points?.length)) {
    entries.push({ name: names.points, color: color(theme, 'ink'), shape: 'box', opacity: 0.7 });
  }
  if (names.reference && bars.some((bar) => bar.reference !== undefined)) {
    entries.push({ name: names.reference, color: seriesColor(theme, 1), shape: 'line' });
  }
  return entries;
}
