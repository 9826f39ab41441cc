/**
 * Colour scales that are even to the eye, computed in OKLab.
 *
 * OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020) is built so that equal
 * steps look equal; a scale whose lightness is linear there keeps its order in print and for colour-blind readers.
 */

/** Red, green and blue in 0..255. */
export type Rgb = readonly [number, number, number];

/** Lightness 0..1, chroma 0..about 0.3, hue in degrees. */
export interface Oklch {
  l: number;
  c: number;
  h: number;
}

/** OKLCh to sRGB. Chroma beyond what a screen can show is reduced; lightness and hue are kept. */
export function oklchToRgb({ l, c, h }: Oklch): Rgb {
  let chroma = c;
  let linear = toLinear(l, chroma, h);
  while (chroma > 0 && linear.some((v) => v < -1e-4 || v > 1.0001)) {
    chroma = Math.max(0, chroma - 0.004);
    linear = toLinear(l, chroma, h);
  }
  const [r, g, b] = linear.map(encodeChannel) as [number, number, number];
  return [r, g, b];
}

function toLinear(l: number, c: number, h: number): [number, number, number] {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ];
}

function encodeChannel(linear: number): number {
  const v = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
}

export function hex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((v) => v.toString(16).padStart(2, '0')).join('')}`;
}

/** Contrast ratio of two colours, 1..21 (WCAG 2.2, relative luminance). */
export function contrast(first: Rgb, second: Rgb): number {
  const [high, low] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** One blue hue from paper to ink (`light`), or from night to sky (`dark`); `t` in 0..1. */
export function blues(t: number, scheme: 'light' | 'dark'): Rgb {
  return scheme === 'light'
    ? oklchToRgb({ l: 0.975 - 0.615 * t, c: 0.012 + 0.138 * Math.sqrt(t), h: 250 })
    : oklchToRgb({ l: 0.27 + 0.53 * t, c: 0.02 + 0.13 * Math.sqrt(t), h: 245 });
}

/** Dark violet through teal to light yellow, for heat maps; lightness is linear in `t`, 0..1. */
export function spectral(t: number): Rgb {
  return oklchToRgb({ l: 0.16 + 0.77 * t, c: 0.06 + 0.12 * Math.sin(Math.PI * (0.15 + 0.7 * t)), h: 305 - 205 * t });
}
