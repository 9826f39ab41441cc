/** SVG to PNG with resvg, without any font of the machine: same picture, same bytes. */
import { Resvg } from '@resvg/resvg-js';
import { RequestError } from '@prosodia/core';
import { outlineText } from './text.ts';

export interface PngOptions {
  /** Width in pixels; the height follows. */
  width?: number;
  /** Pixels per SVG unit; 2 if neither is given, which is sharp on screens and in print. */
  scale?: number;
}

/**
 * A PNG of a picture made by this package with the light theme.
 * @throws RequestError for a picture with CSS variables, which have no colours outside a page
 */
export function svgToPng(svg: string, { width, scale = 2 }: PngOptions = {}): Uint8Array {
  if (svg.includes('var(--')) {
    throw new RequestError({
      problem: 'a picture with CSS variables cannot become a PNG',
      expected: "theme 'light'",
      got: "theme 'embedded'",
    });
  }
  const resvg = new Resvg(outlineText(svg), {
    font: { loadSystemFonts: false },
    fitTo: width === undefined ? { mode: 'zoom', value: scale } : { mode: 'width', value: width },
  });
  return resvg.render().asPng();
}
