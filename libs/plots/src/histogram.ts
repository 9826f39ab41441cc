/** Histogram of one list of numbers. */
import { heading, linear, requireFinite, xAxis, yAxis } from './frame.ts';
import { element, svgDocument } from './svg.ts';
import { type Theme, background, seriesColor } from './theme.ts';
import { niceRange } from './ticks.ts';

export interface HistogramOptions {
  title: string;
  values: ArrayLike<number>;
  /** Name of the value axis, with its unit. */
  valueName: string;
  /** Number of equally wide bins; default by Sturges' rule. */
  bins?: number;
  range?: readonly [number, number];
  theme?: Theme;
}

/** Counts per bin; a value equal to the upper end belongs to the last bin, values outside `range` are left out. */
export function histogramCounts(values: ArrayLike<number>, low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < low || value > high) continue;
    counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))]!++;
  }
  return counts;
}

/** Throws a RequestError if a value is not finite. */
export function histogram({ title, values, valueName, theme = 'light', ...options }: HistogramOptions): string {
  requireFinite(Array.from(values), title);
  const ordered = Array.from(values).sort((a, b) => a - b);
  const range = options.range ?? niceRange(ordered[0] ?? 0, ordered.at(-1) ?? 1);
  const bins = options.bins ?? Math.max(1, Math.ceil(Math.log2(Math.max(1, values.length))) + 1);
  const counts = histogramCounts(values, range[0], range[1], bins);
  const top = niceRange(0, Math.max(1, ...counts));
  const box = { left: 70, top: 56, width: 460, height: 230 };
  const x = linear(...range, box.left, box.left + box.width);
  const y = linear(...top, box.top + box.height, box.top);
  const bars = counts.map((count, b) => {
    const left = box.left + (b * box.width) / bins;
    return element('rect', {
      x: left + 0.5,
      y: y(count),
      width: Math.max(0.5, box.width / bins - 1),
      height: y(0) - y(count),
      fill: seriesColor(theme, 0),
      'data-count': count,
    });
  });
  const description = `${values.length} values in ${bins} bins; ${valueName}`;
  return svgDocument(
    { width: 560, height: 340, title, description, background: background(theme) },
    heading(theme, title, 20),
    yAxis(theme, box, y, { range: top, name: 'count', whole: true }),
    ...bars,
    xAxis(theme, box, x, { range, name: valueName, grid: false }),
  );
}
