import { escapeXml } from '@prosodia/core';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { blues, contrast, oklchToRgb, spectral } from './color.ts';
import { indexedPng } from './indexed-png.ts';
import { element, num } from './svg.ts';
import { fitText, outlineText, text, textWidth } from './text.ts';
import { heat } from './theme.ts';
import { niceRange, niceTicks, tickLabels } from './ticks.ts';

describe('ticks', () => {
  it('are round numbers inside the range', () => {
    expect(niceTicks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(niceTicks(0.3, 2.7)).toEqual([0.5, 1, 1.5, 2, 2.5]);
    expect(niceTicks(1, 60, 6)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(niceTicks(-80, 0, 4)).toEqual([-80, -60, -40, -20, 0]);
    expect(niceTicks(1, 3, 6, true)).toEqual([1, 2, 3]);
    expect(niceTicks(5, 5)).toEqual([5]);
  });

  it('stay few, whatever the range', () => {
    for (let power = -9; power <= 9; power++) {
      for (const factor of [1, 1.7, 3.3, 6.9]) {
        const ticks = niceTicks(0, factor * 10 ** power);
        expect(ticks.length).toBeGreaterThanOrEqual(3);
        expect(ticks.length).toBeLessThanOrEqual(9);
      }
    }
  });

  it('have labels as short as tells them apart', () => {
    expect(tickLabels([0, 0.5, 1])).toEqual(['0.0', '0.5', '1.0']);
    expect(tickLabels([0, 20])).toEqual(['0', '20']);
    expect(tickLabels([0, 0.00002])).toEqual(['0', '2e-5']);
  });

  it('widen a range to round ends, and a single value to a range', () => {
    expect(niceRange(0.13, 1.92)).toEqual([0, 2]);
    expect(niceRange(0, 0)[0]).toBeLessThan(0);
  });
});

describe('colour', () => {
  it('agrees with the known sRGB corners of OKLCh', () => {
    expect(oklchToRgb({ l: 1, c: 0, h: 0 })).toEqual([255, 255, 255]);
    expect(oklchToRgb({ l: 0, c: 0, h: 0 })).toEqual([0, 0, 0]);
    expect(oklchToRgb({ l: 0.62796, c: 0.25768, h: 29.234 })).toEqual([255, 0, 0]);
    expect(oklchToRgb({ l: 0.45201, c: 0.31321, h: 264.052 })).toEqual([0, 0, 255]);
  });

  it('has 21:1 between black and white', () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21);
  });

  it('gives scales whose luminance only rises or only falls', () => {
    const luminances = (scale: (t: number) => readonly [number, number, number]) =>
      Array.from({ length: 21 }, (_, i) => contrast(scale(i / 20), [0, 0, 0]));
    const rising = (values: number[]) => values.every((value, i) => i === 0 || value > values[i - 1]!);
    expect(rising(luminances(spectral))).toBe(true);
    expect(rising(luminances((t) => blues(t, 'dark')))).toBe(true);
    expect(rising(luminances((t) => blues(t, 'light')).reverse())).toBe(true);
  });

  it('writes on every cell with a contrast of 4.5 or more', () => {
    const rgb = (code: string) => [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16)) as [number, number, number];
    for (let share = 0; share <= 1; share += 0.05) {
      const { fill, pen } = heat('light', share);
      expect(contrast(rgb(fill), rgb(pen)), `share ${share}`).toBeGreaterThan(4.5);
    }
  });
});

describe('svg', () => {
  it('escapes labels and replaces what XML cannot hold', () => {
    expect(escapeXml('<a & "b">\u0001')).toBe('&lt;a &amp; &quot;b&quot;&gt;\uFFFD');
    expect(element('g', { title: 'x"<y', skip: undefined })).toBe('<g title="x&quot;&lt;y"/>');
  });

  it('writes numbers short and refuses what is none', () => {
    expect([1 / 3, -0.001, 5].map(num)).toEqual(['0.33', '0', '5']);
    expect(() => num(NaN)).toThrow(RangeError);
  });
});

describe('lettering', () => {
  const lettering = { size: 12 };

  it('knows widths without a font: wider text, wider in proportion to its size', () => {
    expect(textWidth('iii', lettering)).toBeLessThan(textWidth('mmm', lettering));
    expect(textWidth('abc', { size: 24 })).toBeCloseTo(2 * textWidth('abc', lettering));
    expect(textWidth('abc', { size: 12, bold: true })).toBeGreaterThan(textWidth('abc', lettering));
  });

  it('shortens what does not fit', () => {
    const short = fitText('a rather long label', 60, lettering);
    expect(short).toMatch(/^a rath.*…$/);
    expect(textWidth(short, lettering)).toBeLessThanOrEqual(60);
    expect(fitText('short', 60, lettering)).toBe('short');
  });

  it('draws every letter as outlines, a box for letters it does not have', () => {
    const svg = text('Ä<&ß 漢', { x: 10, y: 20, size: 12, fill: '#000000' });
    const drawn = outlineText(svg);
    expect(drawn).toMatch(/^<path /);
    expect(drawn).not.toContain('<text');
    expect(drawn.match(/M/g)!.length).toBe(6 - 1); // one move to begin each glyph, none for the space
  });

  it('anchors outlines where the text was anchored', () => {
    const at = (anchor: 'start' | 'middle' | 'end') =>
      Number(
        /translate\(([\d.]+)/.exec(outlineText(text('abc', { x: 100, y: 0, ...lettering, fill: '#000', anchor })))![1],
      );
    const width = textWidth('abc', lettering);
    expect(at('middle')).toBeCloseTo(100 - width / 2, 1);
    expect(at('end')).toBeCloseTo(100 - width, 1);
  });
});

describe('indexed PNG', () => {
  it('holds the pixels given, also beyond one stored block', () => {
    const [width, height] = [300, 250];
    const pixels = Uint8Array.from({ length: width * height }, (_, i) => i % 251);
    const png = Buffer.from(
      indexedPng(
        pixels,
        width,
        height,
        Array.from({ length: 256 }, (_, i) => [i, i, i] as const),
      ),
    );
    const start = png.indexOf('IDAT');
    const lines = inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)));
    expect(lines.length).toBe(height * (width + 1));
    const row = 123;
    expect(lines.subarray(row * (width + 1) + 1, (row + 1) * (width + 1))).toEqual(
      Buffer.from(pixels.subarray(row * width, (row + 1) * width)),
    );
  });
});
