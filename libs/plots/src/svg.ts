/**
 * SVG as text: elements, escaping and number formatting, and nothing else.
 *
 * Everything drawn goes through here, so that no chart can forget to escape a label, and so that the
 * same numbers always give the same characters.
 */
import { escapeXml } from '@prosodia/core';

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A number with at most two decimals. Throws a RangeError for NaN and infinities: they would draw nothing. */
export function num(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`expected a finite number to draw, got ${value}`);
  const rounded = Math.round(value * 100) / 100;
  return String(rounded === 0 ? 0 : rounded);
}

/** `<name attributes>children</name>`; attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) open += ` ${key}="${typeof value === 'number' ? num(value) : escapeXml(value)}"`;
  }
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

export interface DocumentOptions {
  width: number;
  height: number;
  /** What the picture is; read out by screen readers. */
  title: string;
  /** What it shows, in a sentence. */
  description: string;
  /** Undefined for a transparent picture. */
  background: string | undefined;
}

/** A whole picture. It scales to the width it is given and never beyond its natural size. */
export function svgDocument(options: DocumentOptions, ...children: readonly string[]): string {
  const { width, height, title, description, background } = options;
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${num(width)} ${num(height)}`,
      role: 'img',
      'aria-label': `${title}. ${description}`,
    },
    background === undefined ? '' : element('rect', { width, height, fill: background }),
    ...children,
  );
}
