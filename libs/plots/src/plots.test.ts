import { describe, expect, it } from 'vitest';
import { RequestError } from '@prosodia/core';
import {
  type Theme,
  barChart,
  confusionDifference,
  confusionMatrix,
  htmlPage,
  heatMap,
  histogram,
  histogramCounts,
  lineChart,
  percent,
  plotStyle,
  reliabilityDiagram,
  svgToPng,
  waveform,
} from './index.ts';

const labels = ['happy', 'a<b & "c"', 'sad'];
const counts = [
  [7, 2, 1],
  [0, 0, 0],
  [3, 0, 9],
];
const epochs = [1, 2, 3, 4];

/** One small picture of each kind. */
const charts: Record<string, (theme: Theme) => string> = {
  confusionMatrix: (theme) => confusionMatrix({ labels, counts, title: 'Matrix & more', theme }),
  confusionDifference: (theme) =>
    confusionDifference({ labels, first: counts, second: counts, names: ['a', 'b'], title: 'Change', theme }),
  lineChart: (theme) =>
    lineChart({
      title: 'Training',
      xName: 'epoch',
      panels: [
        {
          name: 'loss',
          series: [
            { name: 'training', x: epochs, y: [2, 1, 0.5, 0.4] },
            { name: 'validation', x: epochs, y: [2, 1.2, 1.1, 1.3], dashed: true },
          ],
        },
        { name: 'accuracy', range: [0, 1], series: [{ name: 'training', x: [1], y: [0.5] }] },
      ],
      mark: { x: 3, label: 'best epoch 3' },
      theme,
    }),
  barChart: (theme) =>
    barChart({
      title: 'Recall',
      valueName: 'recall',
      range: [0, 1],
      names: { value: 'ours', interval: '95 %', reference: 'theirs' },
      bars: [
        { label: 'happy', value: 0.7, interval: [0.5, 0.9], reference: 0.8 },
        { label: 'a<b', value: 0 },
      ],
      theme,
    }),
  reliabilityDiagram: (theme) =>
    reliabilityDiagram({
      title: 'Calibration',
      ece: 0.05,
      bins: [
        { low: 0, high: 0.5, count: 0, confidence: NaN, accuracy: NaN },
        { low: 0.5, high: 1, count: 4, confidence: 0.8, accuracy: 0.75 },
      ],
      theme,
    }),
  histogram: (theme) => histogram({ title: 'Durations', values: [1, 2, 2, 3], valueName: 'seconds', theme }),
  heatMap: (theme) =>
    heatMap({
      title: 'Mel',
      values: Float32Array.from({ length: 12 }, (_, i) => -i),
      rows: 3,
      columns: 4,
      xRange: [0, 2],
      xName: 'time (s)',
      yName: 'band',
      unit: 'dB',
      theme,
    }),
  waveform: (theme) =>
    waveform({
      title: 'Wave',
      samples: Float32Array.from({ length: 900 }, (_, i) => Math.sin(i)),
      sampleRate: 900,
      theme,
    }),
};

describe.each(Object.entries(charts))('%s', (_, draw) => {
  it('is well-formed, says what it is, and holds no number that is none', () => {
    for (const theme of ['light', 'embedded'] as const) {
      const svg = draw(theme);
      expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="[^"]+"/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity|null/);
      expect(unbalanced(svg)).toEqual([]);
    }
  });

  it('has fixed colours in files and CSS variables, all of them defined, in pages', () => {
    expect(draw('light')).not.toContain('var(--');
    const style = plotStyle();
    const used = new Set([...draw('embedded').matchAll(/var\((--plot-[\w-]+)/g)].map((match) => match[1]!));
    expect(used.size).toBeGreaterThan(1);
    for (const name of used) expect(style.split(`${name}:`).length, name).toBe(3); // once for light, once for dark
  });

  it('becomes a PNG of the right size, with the same bytes twice', () => {
    const svg = draw('light');
    const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
    const png = Buffer.from(svgToPng(svg, { scale: 0.5 }));
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(Math.abs(png.readUInt32BE(16) - 0.5 * Number(width))).toBeLessThanOrEqual(1);
    expect(Math.abs(png.readUInt32BE(20) - 0.5 * Number(height))).toBeLessThanOrEqual(1);
    expect(Buffer.compare(png, Buffer.from(svgToPng(svg, { scale: 0.5 })))).toBe(0);
    expect(Buffer.from(svgToPng(svg, { width: 300 })).readUInt32BE(16)).toBe(300);
  });
});

/** Names of tags that are not closed in order. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (closing) {
      if (open.pop() !== name) return [...open, name!];
    } else if (!selfClosing) open.push(name!);
  }
  return open;
}

describe('confusion matrix', () => {
  const svg = confusionMatrix({ labels, counts, title: 'M' });
  const cell = (truth: string, predicted: string) =>
    new RegExp(`data-true="${truth}" data-predicted="${predicted}">(.*?)</g>`).exec(svg)![1]!;

  it('writes each count and its share of the row into its own cell', () => {
    expect(cell('happy', 'sad')).toMatch(/>1<.*>10\u00a0%</);
    expect(cell('sad', 'happy')).toMatch(/>3<.*>25\u00a0%</);
    expect(cell('sad', 'sad')).toMatch(/>9<.*>75\u00a0%</);
  });

  it('shows a class that never occurs as zeros, not as NaN', () => {
    expect(cell('a&lt;b &amp; &quot;c&quot;', 'happy')).toMatch(/>0<.*>0\u00a0%</);
  });

  it('totals rows, columns and all', () => {
    expect(svg).toContain('>22<');
    expect(svg).toMatch(/16 of 22 correct \(72\.7\u00a0%\)/);
  });

  it('makes fuller cells darker, evenly', () => {
    const shades = [0, 1, 2, 3, 4].map((k) => {
      const drawn = confusionMatrix({ labels: ['x', 'y'], counts: [[k, 4 - k], [1, 1]], title: '' }); // prettier-ignore
      return parseInt(/<rect [^>]*fill="#(\w{2})/.exec(drawn.split('data-true')[1]!)![1]!, 16);
    });
    expect(shades).toEqual([...shades].sort((a, b) => b - a));
    expect(new Set(shades).size).toBe(5);
  });

  it('grows with the number of classes', () => {
    for (let n = 2; n <= 12; n++) {
      const names = Array.from({ length: n }, (_, i) => `emotion number ${i}`);
      const drawn = confusionMatrix({
        labels: names,
        counts: names.map((_, i) => names.map((__, j) => i + j)),
        title: '',
      });
      expect(drawn.match(/data-predicted/g)).toHaveLength(n * n);
    }
  });

  it('refuses counts that do not fit the labels', () => {
    expect(() => confusionMatrix({ labels, counts: counts.slice(1), title: '' })).toThrow(RequestError);
    expect(() => confusionMatrix({ labels: [], counts: [], title: '' })).toThrow(/at least one/);
  });
});

describe('line chart', () => {
  it('marks the best epoch and refuses data that cannot be drawn', () => {
    expect(charts['lineChart']!('light')).toContain('best epoch 3');
    const one = (x: number[], y: number[]) => () =>
      lineChart({ title: '', xName: '', panels: [{ name: 'loss', series: [{ name: 'training', x, y }] }] });
    expect(one([1, 2], [1, NaN])).toThrow(/training cannot be drawn[^]*NaN/);
    expect(one([1, 2], [1])).toThrow(/differ in length/);
    expect(one([], [])).toThrow(RequestError);
  });
});

describe('histogram', () => {
  it('counts the upper end in the last bin and leaves out what is outside', () => {
    expect(histogramCounts([0, 0.5, 1, 1.5, 2, -1, 3], 0, 2, 2)).toEqual([2, 3]);
  });
});

describe('heat map', () => {
  it('refuses a shape that does not fit', () => {
    const bad = { title: '', values: new Float32Array(5), rows: 2, columns: 3, xName: '', yName: '' };
    expect(() => heatMap({ ...bad, xRange: [0, 1] })).toThrow(/does not fit its shape/);
  });
});

describe('svgToPng', () => {
  it('refuses a picture whose colours only a page knows', () => {
    expect(() => svgToPng(charts['histogram']!('embedded'))).toThrow(/theme 'light'/);
  });
});

describe('a difference of confusion matrices', () => {
  const second = [
    [9, 0, 1],
    [0, 4, 0],
    [0, 0, 3],
  ];
  const svg = confusionDifference({ labels, first: counts, second, names: ['a', 'b'], title: 'Change' });

  it('tells of each cell by how many points its share of the row changes, from the first to the second', () => {
    expect(svg).toContain('happy taken for happy: +20.0 points from a to b');
    expect(svg).toContain('sad taken for happy: −25.0 points from a to b');
    expect(svg).toContain('more often in b');
  });

  it('refuses matrices that do not fit the labels', () => {
    const wrong = { labels, first: counts, second: [[1]], names: ['a', 'b'] as const, title: 'x' };
    expect(() => confusionDifference(wrong)).toThrow(RequestError);
  });
});

it('a legend that is too long for its panel goes on in another line, and the panel moves down', () => {
  const chart = (name: string) =>
    lineChart({
      title: 't',
      xName: 'x',
      panels: [{ name: 'y', series: [1, 2, 3].map((i) => ({ name: `${name}${i}`, x: [0, 1], y: [0, i] })) }],
    });
  const height = (svg: string) => Number(/ height="(\d+)"/.exec(svg)![1]);
  expect(height(chart('a rather long name of a series, number '))).toBeGreaterThan(height(chart('s')));
});

it('a page carries its style, escapes its title, and leaves empty parts out', () => {
  const page = htmlPage('a < b', ['<p>x</p>', '', '<p>y</p>']);
  expect(page).toContain('<title>a &lt; b</title>');
  expect(page).toContain('prefers-color-scheme:dark');
  expect(page).toContain('<p>x</p>\n<p>y</p>\n</main>');
});

it('the axis of a bar chart of shares counts in whole per cent', () => {
  const bars = [{ label: 'a', value: 0.5 }];
  const svg = barChart({
    title: 'Accuracy',
    valueName: 'accuracy',
    range: [0, 1],
    format: percent,
    names: { value: 'mean' },
    bars,
  });
  const ticks = [...svg.matchAll(/>\s*(\d[\d.]*\s%)\s*</g)].map(([, label]) => label!.replace(/\s/, ' '));
  expect(ticks).toEqual(expect.arrayContaining(['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']));
});
