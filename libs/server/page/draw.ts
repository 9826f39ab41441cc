/** Pictures of a clip. Colours come from the style sheet, so that light and dark are decided in one place. */
import type { MelSpectrogram } from './mel.ts';
import { mels } from './mel.ts';
import type { Explanation } from './explanation.ts';

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The canvas at the pixels of the screen, empty. */
function prepare(canvas: HTMLCanvasElement): { context: CanvasRenderingContext2D; width: number; height: number } {
  const scale = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  return { context, width, height };
}

export function drawWaveform(canvas: HTMLCanvasElement, samples: Float32Array): void {
  const { context, width, height } = prepare(canvas);
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-6);
  context.fillStyle = color('--wave');
  for (let x = 0; x < width; x++) {
    const from = Math.floor((x * samples.length) / width);
    const to = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / width));
    let low = 0;
    let high = 0;
    for (let i = from; i < to; i++) {
      low = Math.min(low, samples[i]!);
      high = Math.max(high, samples[i]!);
    }
    const top = (0.5 - (0.48 * high) / loudest) * height;
    context.fillRect(x, top, 1, Math.max(1, (0.48 * height * (high - low)) / loudest));
  }
}

export function drawSpectrogram(
  canvas: HTMLCanvasElement,
  { values, frames, bands, top_hz }: MelSpectrogram,
  explanation: Explanation | undefined,
  duration_s: number,
): void {
  const { context, width, height } = prepare(canvas);
  const stops = ['--low', '--middle', '--high'].map((name) => channels(color(name)));
  const image = new ImageData(frames, bands);
  for (let f = 0; f < frames; f++) {
    for (let b = 0; b < bands; b++) {
      const level = 1 + values[f * bands + b]! / 80;
      const [from, to, share] = level < 0.5 ? [stops[0]!, stops[1]!, 2 * level] : [stops[1]!, stops[2]!, 2 * level - 1];
      const at = 4 * ((bands - 1 - b) * frames + f);
      for (let c = 0; c < 3; c++) image.data[at + c] = from[c]! + share * (to[c]! - from[c]!);
      image.data[at + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(frames, bands);
  small.getContext('2d')!.putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, width, height);
  if (explanation)
    drawCells(
      context,
      explanation,
      (s) => (s / duration_s) * width,
      (hz) => height * (1 - mels(hz) / mels(top_hz)),
    );
}

/** A frame around each cell that matters, thicker the more it does, with the change in points written into it. */
function drawCells(
  context: CanvasRenderingContext2D,
  { cells }: Explanation,
  x: (s: number) => number,
  y: (hz: number) => number,
): void {
  const most = cells.reduce((max, { drop }) => Math.max(max, Math.abs(drop)), 0);
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const { start_s, end_s, low_hz, high_hz, drop } of cells) {
    const share = most > 0 ? Math.abs(drop) / most : 0;
    if (share < 0.25 || Math.abs(drop) < 0.005) continue;
    const [left, right, top, bottom] = [x(start_s), x(end_s), y(high_hz), y(low_hz)];
    context.strokeStyle = color(drop > 0 ? '--for' : '--against');
    context.lineWidth = 1 + 3 * share;
    context.setLineDash(drop > 0 ? [] : [4, 3]);
    context.globalAlpha = 1;
    context.strokeRect(left + 2, top + 2, right - left - 4, bottom - top - 4);
    const text = `${drop > 0 ? '+' : '−'}${Math.round(100 * Math.abs(drop))}`;
    const half = context.measureText(text).width / 2 + 3;
    if (2 * half > right - left - 6) continue;
    const [middle, centre] = [(left + right) / 2, (top + bottom) / 2];
    context.fillStyle = color('--card');
    context.fillRect(middle - half, centre - 8, 2 * half, 16);
    context.fillStyle = color('--ink');
    context.fillText(text, middle, centre + 1);
  }
  context.setLineDash([]);
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
