/** Waveform: for each column of pixels the range that the samples in it cover. */
import { RequestError } from '@prosodia/core';
import { type Box, type Scale, heading, linear, requireFinite, xAxis, yAxis } from './frame.ts';
import { element, num, svgDocument } from './svg.ts';
import { type Theme, background, seriesColor } from './theme.ts';

export interface WaveformOptions {
  title: string;
  /** Mono, full scale at +-1. */
  samples: Float32Array;
  /** Samples per second. */
  sampleRate: number;
  theme?: Theme;
}

/** Throws a RequestError if there are no samples, one is not finite, or the rate is not positive. */
export function waveform({ title, samples, sampleRate, theme = 'light' }: WaveformOptions): string {
  if (samples.length === 0 || !(sampleRate > 0)) {
    throw new RequestError({
      problem: 'there is no waveform to draw',
      expected: 'at least one sample, and a sample rate above 0',
      got: `${samples.length} samples at ${sampleRate} Hz`,
    });
  }
  requireFinite(samples, title);
  const box = { left: 70, top: 50, width: 600, height: 160 };
  const seconds = samples.length / sampleRate;
  const range = amplitudes(samples);
  const x = linear(0, seconds, box.left, box.left + box.width);
  const y = linear(...range, box.top + box.height, box.top);
  return svgDocument(
    {
      width: box.left + box.width + 30,
      height: box.top + box.height + 54,
      title,
      description: `${num(seconds)} seconds at ${sampleRate} samples per second, peak ${num(range[1])}`,
      background: background(theme),
    },
    heading(theme, title, 20),
    yAxis(theme, box, y, { range, name: 'amplitude', count: 4 }),
    envelope(samples, y, box, seriesColor(theme, 0)),
    xAxis(theme, box, x, { range: [0, seconds], name: 'time (s)', count: 8, grid: false }),
  );
}

/** The axis that fits the loudest sample. */
export function amplitudes(samples: Float32Array): readonly [number, number] {
  const peak = Math.max(
    0.01,
    samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0),
  );
  return [-peak, peak];
}

/** The area between the lowest and the highest sample of each column of pixels. */
export function envelope(samples: Float32Array, y: Scale, box: Box, fill: string): string {
  const columns = Math.min(samples.length, box.width);
  const upper: string[] = [];
  const lower: string[] = [];
  for (let c = 0; c < columns; c++) {
    const from = Math.floor((c * samples.length) / columns);
    const part = samples.subarray(from, Math.floor(((c + 1) * samples.length) / columns));
    const at = num(box.left + ((c + 0.5) * box.width) / columns);
    upper.push(`${at} ${num(y(part.reduce((a, b) => Math.max(a, b))) - 0.4)}`);
    lower.push(`${at} ${num(y(part.reduce((a, b) => Math.min(a, b))) + 0.4)}`);
  }
  return element('path', { d: `M${upper.join('L')}L${lower.reverse().join('L')}Z`, fill });
}
