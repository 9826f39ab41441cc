/** Reliability diagram: how often predictions of a given confidence are right (Guo et al., ICML 2017). */
import { RequestError } from '@prosodia/core';
import { TICK_SIZE, heading, legend, linear, requireFinite, xAxis, yAxis } from './frame.ts';
import { element, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color, seriesColor } from './theme.ts';
import { percent } from './ticks.ts';

export interface ReliabilityBin {
  /** Ends of the bin, in 0..1. */
  low: number;
  high: number;
  count: number;
  /** Mean confidence and share of right predictions in the bin; not looked at if the count is 0. */
  confidence: number;
  accuracy: number;
}

export interface ReliabilityOptions {
  title: string;
  bins: readonly ReliabilityBin[];
  /** Expected calibration error, written below the picture. */
  ece?: number;
  theme?: Theme;
}

/** Bars of accuracy per confidence bin, the diagonal of perfect calibration, and below it how many items each bin has. */
export function reliabilityDiagram({ title, bins, ece, theme = 'light' }: ReliabilityOptions): string {
  const filled = bins.filter((bin) => bin.count > 0);
  requireFinite(
    filled.flatMap((bin) => [bin.low, bin.high, bin.count, bin.confidence, bin.accuracy]),
    title,
  );
  if (bins.length === 0) throw new RequestError({ problem: 'a reliability diagram needs bins' });
  const box = { left: 74, top: 76, width: 340, height: 300 };
  const lower = { left: box.left, top: box.top + box.height + 24, width: box.width, height: 56 };
  const x = linear(0, 1, box.left, box.left + box.width);
  const y = linear(0, 1, box.top + box.height, box.top);
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const depth = linear(0, most, lower.top + lower.height, lower.top);
  const out = [
    heading(theme, title, 20),
    legend(
      theme,
      [
        { name: 'share that is right', color: seriesColor(theme, 0), shape: 'box' },
        { name: 'perfectly calibrated', color: color(theme, 'ink'), shape: 'dashed' },
      ],
      box.left,
      52,
    ),
    yAxis(theme, box, y, { range: [0, 1], name: 'share that is right', format: (v) => percent(v) }),
    xAxis(theme, box, x, { range: [0, 1], format: () => '' }),
  ];
  for (const bin of filled) {
    const left = x(bin.low) + 1;
    const width = Math.max(1, x(bin.high) - x(bin.low) - 2);
    const top = y(bin.accuracy);
    out.push(
      element(
        'g',
        { 'data-bin': `${bin.low}-${bin.high}` },
        element(
          'title',
          {},
          `confidence ${percent(bin.confidence)}: ${percent(bin.accuracy)} right, ${bin.count} items`,
        ),
        element('rect', { x: left, y: top, width, height: y(0) - top, fill: seriesColor(theme, 0) }),
        element('rect', {
          x: left,
          y: depth(bin.count),
          width,
          height: depth(0) - depth(bin.count),
          fill: color(theme, 'axis'),
        }),
      ),
    );
  }
  out.push(
    element('line', {
      x1: x(0),
      y1: y(0),
      x2: x(1),
      y2: y(1),
      stroke: color(theme, 'ink'),
      'stroke-width': 1.5,
      'stroke-dasharray': '5 4',
    }),
    xAxis(theme, lower, x, { range: [0, 1], name: 'confidence', format: (v) => percent(v), grid: false }),
    text('items', {
      x: lower.left - 8,
      y: lower.top + lower.height / 2 + 4,
      size: TICK_SIZE,
      anchor: 'end',
      fill: color(theme, 'muted'),
    }),
  );
  if (ece !== undefined) {
    const label = `expected calibration error ${ece.toFixed(3)}`;
    const at = { x: box.left + box.width / 2, y: lower.top + lower.height + 60 };
    out.push(text(label, { ...at, size: TICK_SIZE, anchor: 'middle', fill: color(theme, 'muted') }));
  }
  const items = bins.reduce((sum, bin) => sum + bin.count, 0);
  return svgDocument(
    {
      width: box.left + box.width + 34,
      height: lower.top + lower.height + (ece === undefined ? 50 : 74),
      title,
      description: `${items} items in ${bins.length} confidence bins`,
      background: background(theme),
    },
    ...out,
  );
}
