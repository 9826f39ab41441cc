/** Heat map of a matrix, as for a mel spectrogram in dB: one image stretched over the axes, with a colour bar. */
import { RequestError } from '@prosodia/core';
import { spectral } from './color.ts';
import { type Box, TICK_SIZE, heading, linear, requireFinite, xAxis, yAxis } from './frame.ts';
import { dataUri, indexedPng } from './indexed-png.ts';
import { element, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color } from './theme.ts';
import { niceTicks, tickLabels } from './ticks.ts';

export interface HeatMapOptions {
  title: string;
  /** Row-major `[rows, columns]`; row 0 is drawn at the bottom, as frequency is. */
  values: Float32Array;
  rows: number;
  columns: number;
  /** What the columns span, for example `[0, 3.2]` seconds. */
  xRange: readonly [number, number];
  xName: string;
  /** What the rows span; default row numbers. */
  yRange?: readonly [number, number];
  yName: string;
  /** Values of the first and last colour; default the data's ends. Values beyond are clipped. */
  range?: readonly [number, number];
  /** Unit at the colour bar. */
  unit?: string;
  theme?: Theme;
}

const COLORS = Array.from({ length: 256 }, (_, i) => spectral(i / 255));

/** Throws a RequestError if the shape does not fit or a value is not finite. */
export function heatMap(options: HeatMapOptions): string {
  const { title, values, rows, columns, xRange, xName, yName, unit = '', theme = 'light' } = options;
  if (rows < 1 || columns < 1 || values.length !== rows * columns) {
    throw new RequestError({
      problem: 'the heat map does not fit its shape',
      expected: `${rows} x ${columns} values, at least one`,
      got: `${values.length} values`,
    });
  }
  requireFinite(values, title);
  const [low, high] = options.range ?? ends(values);
  const box = { left: 76, top: 50, width: 560, height: 240 };
  const bar = { left: box.left + box.width + 18, top: box.top, width: 14, height: box.height };
  const yRange = options.yRange ?? [0, rows];
  const x = linear(...xRange, box.left, box.left + box.width);
  const y = linear(...yRange, box.top + box.height, box.top);
  return svgDocument(
    {
      width: bar.left + 76,
      height: box.top + box.height + 54,
      title,
      description: `${rows} by ${columns} values between ${tickLabels([low])[0]!} and ${tickLabels([high])[0]!} ${unit}`,
      background: background(theme),
    },
    heading(theme, title, 20),
    xAxis(theme, box, x, { range: xRange, name: xName, grid: false, count: 8 }),
    yAxis(theme, box, y, { range: yRange, name: yName, grid: false }),
    heatImage({ values, rows, columns }, [low, high], box),
    colorBar(theme, [low, high], unit, bar),
  );
}

/** The matrix as an image over the box, row 0 at the bottom; values beyond the range are clipped. */
export function heatImage(
  { values, rows, columns }: Pick<HeatMapOptions, 'values' | 'rows' | 'columns'>,
  [low, high]: readonly [number, number],
  box: Box,
): string {
  const pixels = new Uint8Array(rows * columns);
  const shade = linear(low, high, 0, 255);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const level = Math.round(shade(values[r * columns + c]!));
      pixels[(rows - 1 - r) * columns + c] = Math.min(255, Math.max(0, level));
    }
  }
  return image(dataUri(indexedPng(pixels, columns, rows, COLORS)), box);
}

/** The colours from the lowest value to the highest, with ticks to the right. */
export function colorBar(theme: Theme, [low, high]: readonly [number, number], unit: string, bar: Box): string {
  const ramp = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
  const level = linear(low, high, bar.top + bar.height, bar.top);
  const ticks = niceTicks(low, high, 5);
  const labels = tickLabels(ticks);
  return (
    image(dataUri(indexedPng(ramp, 1, 256, COLORS)), bar) +
    ticks
      .map((tick, i) =>
        text(`${labels[i]!}${unit && i === ticks.length - 1 ? ` ${unit}` : ''}`, {
          x: bar.left + bar.width + 6,
          y: level(tick) + 4,
          size: TICK_SIZE,
          fill: color(theme, 'muted'),
        }),
      )
      .join('')
  );
}

function image(href: string, box: Box): string {
  return element('image', {
    href,
    x: box.left,
    y: box.top,
    width: box.width,
    height: box.height,
    preserveAspectRatio: 'none',
    style: 'image-rendering:pixelated',
    'image-rendering': 'optimizeSpeed',
  });
}

/** The smallest and the largest value. */
export function ends(values: Float32Array): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
