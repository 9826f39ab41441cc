/**
 * A clip at a glance, under one time axis: waveform, spectrogram, and features as lines or as heat maps.
 *
 * Whoever listens to a clip wants to see what happens when, so all panels share their left and right edges.
 */
import { RequestError } from '@prosodia/core';
import { type Box, LABEL_SIZE, baseline, heading, linear, requireFinite, xAxis, yAxis } from './frame.ts';
import { colorBar, ends, heatImage } from './heat-map.ts';
import { element, num, svgDocument } from './svg.ts';
import { text } from './text.ts';
import { type Theme, background, color, seriesColor } from './theme.ts';
import { amplitudes, envelope } from './waveform.ts';

/** A matrix over time. */
export interface ClipMatrix {
  name: string;
  /** Row-major `[rows, columns]`; row 0 is drawn at the bottom, columns are frames. */
  values: Float32Array;
  rows: number;
  columns: number;
  /** What the rows span, such as `[0, 8000]` Hz. */
  yRange: readonly [number, number];
  yName: string;
  unit?: string;
  /** Seconds that the columns span, from 0 on; default the whole time axis. */
  seconds?: number;
}

/** One number per frame of the samples. */
export interface ClipTrack {
  name: string;
  values: Float32Array;
}

export interface ClipPictureOptions {
  title: string;
  /** What the time axis spans. */
  seconds: number;
  /** Mono, full scale at +-1. */
  samples?: Float32Array;
  /** Seconds that samples and tracks span, from 0 on; default the whole time axis. */
  samplesSeconds?: number;
  matrices?: readonly ClipMatrix[];
  tracks?: readonly ClipTrack[];
  theme?: Theme;
}

const LEFT = 84;
const WIDTH = 620;
const GAP = 36;
const HEIGHTS = { waveform: 110, matrix: 190, track: 70 };

/** Throws a RequestError if there is nothing to draw, or a value is not finite. */
export function clipPicture(options: ClipPictureOptions): string {
  const { title, seconds, samples, matrices = [], tracks = [], theme = 'light' } = options;
  if (!(seconds > 0) || (!samples?.length && matrices.length + tracks.length === 0)) {
    throw new RequestError({
      problem: 'there is nothing of this clip to draw',
      expected: 'samples, a matrix or a track, and a length above 0',
      got: `${samples?.length ?? 0} samples over ${seconds} s`,
    });
  }
  let top = 64;
  const next = (height: number, span = seconds): Box => {
    const box = { left: LEFT, top, width: WIDTH * Math.min(1, span / seconds), height };
    top += height + GAP;
    return box;
  };
  const panels: { box: Box; drawn: string }[] = [];
  if (samples?.length) {
    requireFinite(samples, 'waveform');
    const box = next(HEIGHTS.waveform, options.samplesSeconds);
    const range = amplitudes(samples);
    const y = linear(...range, box.top + box.height, box.top);
    const axis = yAxis(theme, box, y, { range, name: 'amplitude', count: 3 });
    panels.push({
      box,
      drawn: caption(theme, 'waveform', box) + axis + envelope(samples, y, box, seriesColor(theme, 0)),
    });
  }
  for (const matrix of matrices) panels.push(heatPanel(theme, matrix, next(HEIGHTS.matrix, matrix.seconds)));
  for (const [i, track] of tracks.entries())
    panels.push(linePanel(theme, track, i, next(HEIGHTS.track, options.samplesSeconds)));
  const time = linear(0, seconds, LEFT, LEFT + WIDTH);
  const last = panels.length - 1;
  return svgDocument(
    {
      width: LEFT + WIDTH + 92,
      height: top + 20,
      title,
      description: `${num(seconds)} seconds: ${[samples?.length ? 'waveform' : '', ...matrices.map(({ name }) => name), ...tracks.map(({ name }) => name)].filter(Boolean).join(', ')}`,
      background: background(theme),
    },
    heading(theme, title, 20),
    ...panels.map(
      ({ box, drawn }, i) =>
        drawn +
        (i === last
          ? xAxis(theme, { ...box, width: WIDTH }, time, {
              range: [0, seconds],
              name: 'time (s)',
              count: 8,
              grid: false,
            })
          : baseline(theme, box)),
    ),
  );
}

function caption(theme: Theme, name: string, box: Box): string {
  return text(name, { x: box.left, y: box.top - 8, size: LABEL_SIZE, bold: true, fill: color(theme, 'ink') });
}

function heatPanel(theme: Theme, matrix: ClipMatrix, box: Box): { box: Box; drawn: string } {
  const { name, values, rows, columns, yRange, yName, unit = '' } = matrix;
  if (rows < 1 || columns < 1 || values.length !== rows * columns) {
    throw new RequestError({
      problem: `${name} does not fit its shape`,
      expected: `${rows} x ${columns} values, at least one`,
      got: `${values.length} values`,
    });
  }
  requireFinite(values, name);
  const range = ends(values);
  const y = linear(...yRange, box.top + box.height, box.top);
  const bar = { left: LEFT + WIDTH + 16, top: box.top, width: 12, height: box.height };
  return {
    box,
    drawn:
      caption(theme, name, box) +
      yAxis(theme, box, y, { range: yRange, name: yName, grid: false }) +
      heatImage(matrix, range, box) +
      colorBar(theme, range, unit, bar),
  };
}

function linePanel(theme: Theme, { name, values }: ClipTrack, index: number, box: Box): { box: Box; drawn: string } {
  requireFinite(values, name);
  const [low, high] = ends(values);
  const range: readonly [number, number] = low === high ? [low - 1, high + 1] : [low, high];
  const y = linear(...range, box.top + box.height, box.top);
  const step = box.width / Math.max(1, values.length - 1);
  const points = Array.from(values, (value, i) => `${num(box.left + i * step)} ${num(y(value))}`);
  return {
    box,
    drawn:
      caption(theme, name, box) +
      yAxis(theme, box, y, { range, count: 3 }) +
      element('path', {
        d: `M${points.join('L')}`,
        fill: 'none',
        stroke: seriesColor(theme, index),
        'stroke-width': 1.5,
        'stroke-linejoin': 'round',
      }),
  };
}
