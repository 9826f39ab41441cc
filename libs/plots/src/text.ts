/**
 * Lettering: widths known without any font, and outlines for PNG.
 *
 * In SVG, text stays text (it can be selected, searched and read aloud). For PNG the same text is
 * drawn as outlines from `outlines.ts`.
 */
import { escapeXml } from '@prosodia/core';
import { BOLD, REGULAR } from './outlines.ts';
import { type Attributes, element, num } from './svg.ts';

const EM = 1024;
const REPLACEMENT = 0xfffd;
/** Letters wider than the measure that other fonts in the viewer may need. */
const FONT_FAMILY = "'DejaVu Sans', Verdana, sans-serif";

interface Glyph {
  advance: number;
  path: string;
}

const regular = parse(REGULAR);
const bold = parse(BOLD);

function parse(lines: string): ReadonlyMap<number, Glyph> {
  return new Map(
    lines.split('\n').map((line) => {
      const [code, advance, ...path] = line.split(' ');
      return [parseInt(code!, 16), { advance: Number(advance), path: path.join(' ') }];
    }),
  );
}

function glyph(character: string, isBold: boolean): Glyph {
  const code = character.codePointAt(0)!;
  return (isBold ? bold.get(code) : undefined) ?? regular.get(code) ?? regular.get(REPLACEMENT)!;
}

export interface Lettering {
  size: number;
  bold?: boolean;
}

/** Width of a line of text, in the units of `size`. */
export function textWidth(content: string, { size, bold: isBold = false }: Lettering): number {
  let width = 0;
  for (const character of content) width += glyph(character, isBold).advance;
  return (width * size) / EM;
}

/** The text, or as much of it as fits into `width` with an ellipsis. */
export function fitText(content: string, width: number, lettering: Lettering): string {
  if (textWidth(content, lettering) <= width) return content;
  const characters = [...content];
  while (characters.length > 0 && textWidth(characters.join('') + '…', lettering) > width) characters.pop();
  return characters.join('').trimEnd() + '…';
}

export interface TextOptions extends Lettering {
  x: number;
  y: number;
  fill: string;
  anchor?: 'start' | 'middle' | 'end';
  /** Degrees, about (x, y). */
  rotate?: number;
}

/** One line of text; `y` is the baseline. */
export function text(content: string, options: TextOptions): string {
  const { x, y, fill, size, anchor = 'start', rotate } = options;
  return element(
    'text',
    {
      x,
      y,
      fill,
      'font-family': FONT_FAMILY,
      'font-size': size,
      'font-weight': options.bold ? 'bold' : undefined,
      'text-anchor': anchor === 'start' ? undefined : anchor,
      transform: rotate === undefined ? undefined : `rotate(${num(rotate)} ${num(x)} ${num(y)})`,
    },
    escapeXml(content),
  );
}

/** Replaces every `<text>` of a picture made by this package with the outlines of its letters. */
export function outlineText(svg: string): string {
  return svg.replace(/<text ([^>]*)>([^<]*)<\/text>/g, (_, attributes: string, content: string) => {
    const given = new Map([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map((match) => [match[1]!, match[2]!]));
    const size = Number(given.get('font-size'));
    const isBold = given.get('font-weight') === 'bold';
    const words = unescapeXml(content);
    const anchor = given.get('text-anchor');
    const shift = anchor === 'middle' ? 0.5 : anchor === 'end' ? 1 : 0;
    const x = Number(given.get('x')) - shift * textWidth(words, { size, bold: isBold });
    const place = `translate(${num(x)} ${num(Number(given.get('y')))}) scale(${(size / EM).toFixed(6)})`;
    const turn = given.get('transform');
    const drawing: Attributes = {
      transform: turn === undefined ? place : `${turn} ${place}`,
      fill: given.get('fill'),
      d: outline(words, isBold),
    };
    return drawing['d'] === '' ? '' : element('path', drawing);
  });
}

function outline(content: string, isBold: boolean): string {
  let pen = 0;
  let d = '';
  for (const character of content) {
    const { advance, path } = glyph(character, isBold);
    // Glyphs begin with a move relative to their origin: made absolute, they can stand in one path.
    d += path.replace(/^m(-?\d+) ?(-?\d+)/, (_, dx: string, dy: string) => `M${pen + Number(dx)} ${dy}`);
    pen += advance;
  }
  return d;
}

function unescapeXml(content: string): string {
  return content.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
