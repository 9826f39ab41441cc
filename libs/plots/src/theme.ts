/**
 * Colours by role. A file carries fixed light colours; a picture inside a page carries CSS variables,
 * so that the page decides (and dark mode works) with the light colour as fallback.
 */
import { type Rgb, blues, contrast, hex } from './color.ts';

/** `light`: fixed colours on white, for files. `embedded`: CSS variables, see {@link plotStyle}. */
export type Theme = 'light' | 'embedded';

export const SERIES = 6;
const HEAT_STEPS = 20;

const fixed = {
  light: {
    paper: '#ffffff',
    ink: '#1b2733',
    muted: '#566573',
    grid: '#e3e8ed',
    axis: '#9aa7b3',
    // Okabe and Ito's palette, which stays distinct under the common colour-vision deficiencies.
    'series-1': '#0072b2',
    'series-2': '#d55e00',
    'series-3': '#009e73',
    'series-4': '#a8558a',
    'series-5': '#b87a00',
    'series-6': '#3f8fbf',
  },
  dark: {
    paper: '#14191f',
    ink: '#e8edf2',
    muted: '#9fb0bf',
    grid: '#2a343e',
    axis: '#5b6b7a',
    'series-1': '#56b4e9',
    'series-2': '#f28e4b',
    'series-3': '#3fc59c',
    'series-4': '#dd9cc3',
    'series-5': '#e6b84d',
    'series-6': '#9ccbe6',
  },
} as const;

export type ColorName = keyof (typeof fixed)['light'] | `heat-${number}` | `on-heat-${number}`;

const palettes = { light: palette('light'), dark: palette('dark') };

function palette(scheme: 'light' | 'dark'): ReadonlyMap<string, string> {
  const colors = new Map<string, string>(Object.entries(fixed[scheme]));
  // Pure white or pure black: the better of the two has a contrast of at least 4.58 on any colour.
  const pens: readonly Rgb[] = [
    [255, 255, 255],
    [0, 0, 0],
  ];
  for (let step = 0; step <= HEAT_STEPS; step++) {
    const fill = blues(step / HEAT_STEPS, scheme);
    const pen = contrast(fill, pens[0]!) > contrast(fill, pens[1]!) ? pens[0]! : pens[1]!;
    colors.set(`heat-${step}`, hex(fill));
    colors.set(`on-heat-${step}`, hex(pen));
  }
  return colors;
}

/** The colour of a role, as written into an SVG attribute. */
export function color(theme: Theme, name: ColorName): string {
  const light = palettes.light.get(name)!;
  return theme === 'light' ? light : `var(--plot-${name}, ${light})`;
}

/** Colour of the n-th series, counted from 0; colours repeat after {@link SERIES}. */
export function seriesColor(theme: Theme, index: number): string {
  return color(theme, `series-${(index % SERIES) + 1}` as ColorName);
}

/** Cell colour and the colour to write on it, for a share in 0..1; in 5 % steps. */
export function heat(theme: Theme, share: number): { fill: string; pen: string } {
  const step = Math.round(Math.min(1, Math.max(0, share)) * HEAT_STEPS);
  return { fill: color(theme, `heat-${step}`), pen: color(theme, `on-heat-${step}`) };
}

/** The background of a picture: white in files, the page's own when embedded. */
export function background(theme: Theme): string | undefined {
  return theme === 'light' ? color(theme, 'paper') : undefined;
}

/** CSS that gives embedded pictures their colours, in light and dark; belongs into the page's style. */
export function plotStyle(): string {
  const variables = (scheme: 'light' | 'dark') =>
    [...palettes[scheme]].map(([name, value]) => `--plot-${name}:${value}`).join(';');
  return (
    `:root{${variables('light')}}\n` +
    `@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}\n` +
    'svg text{font-family:"DejaVu Sans",Verdana,system-ui,sans-serif}'
  );
}
