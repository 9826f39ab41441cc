/** A graph as an SVG picture: boxes in layers, arrows from what is made to what takes it; nothing but SVG in it. */
import { escapeXml as escape, formatCount } from '@prosodia/core';

import { type Layout, layOut } from './layout.ts';
import type { GraphNode, NodeStatus } from './model.ts';

const FONT = 13;
const SMALL = 11;
/** The title is larger than a name, and wider fonts than the first of the list may stand in for it. */
const TITLE_SCALE = 1.25;

/** Mean widths of a character of the two sizes in common sans-serif fonts, rather too much than too little. */
const EM = { name: FONT * 0.62, small: SMALL * 0.58 };
const BOX = { height: 44, padding: 12, gap: 28 };
const LAYER = 92;
const MARGIN = 24;
const HEADER = 34;

const COLOURS: Record<NodeStatus, { fill: string; line: string; word: string }> = {
  cached: { fill: '#e3f4e6', line: '#2f855a', word: 'cached' },
  run: { fill: '#fdf1d8', line: '#b7791f', word: 'would run' },
  maybe: { fill: '#eef0f3', line: '#718096', word: 'may run' },
};

export function graphSvg(title: string, nodes: readonly GraphNode[]): string {
  const boxes = nodes.map((node) => ({ name: node.name, needs: node.needs, width: widthOf(node) }));
  const layout = layOut(boxes, BOX.gap);
  const legend = Object.values(COLOURS);
  const width = Math.max(layout.width, title.length * EM.name * TITLE_SCALE + 20, legend.length * 100) + 2 * MARGIN;
  const height = (layout.layers - 1) * LAYER + BOX.height + 2 * MARGIN + HEADER + 30;
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const shiftX = (width - layout.width) / 2;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" font-family="system-ui, Helvetica, Arial, sans-serif">`,
    `<title>${escape(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8a94a3"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${MARGIN}" y="${MARGIN + FONT}" font-size="${FONT + 2}" font-weight="600" fill="#1a202c">${escape(title)}</text>`,
    `<g transform="translate(${round(shiftX)} ${MARGIN + HEADER})">`,
    ...layout.routes.map(arrow),
    ...layout.nodes.map(({ name, x, layer, width: boxWidth }) => box(byName.get(name)!, x, layer * LAYER, boxWidth)),
    '</g>',
    ...legend.map(({ fill, line, word }, i) => {
      const x = MARGIN + i * 100;
      const y = height - MARGIN;
      return `<rect x="${x}" y="${y - 10}" width="12" height="12" rx="3" fill="${fill}" stroke="${line}"/><text x="${x + 18}" y="${y}" font-size="${SMALL}" fill="#4a5568">${word}</text>`;
    }),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function labelOf({ name, count }: GraphNode): string {
  if (count === 1) return name;
  return `${name} × ${count === undefined ? '?' : formatCount(count)}`;
}

function detailOf({ uses, axes }: GraphNode): string {
  return axes.length > 0 ? `${uses} over ${axes.join(', ')}` : uses;
}

function widthOf(node: GraphNode): number {
  const text = Math.max(labelOf(node).length * EM.name, detailOf(node).length * EM.small);
  return Math.max(90, text + 2 * BOX.padding);
}

function box(node: GraphNode, x: number, y: number, width: number): string {
  const { fill, line, word } = COLOURS[node.status];
  const left = round(x - width / 2);
  const back =
    node.count === 1
      ? ''
      : `<rect x="${left + 4}" y="${y + 4}" width="${round(width)}" height="${BOX.height}" rx="7" fill="${fill}" stroke="${line}"/>`;
  return (
    `<g><title>${escape(`${labelOf(node)}: ${detailOf(node)}, ${word}`)}</title>${back}` +
    `<rect x="${left}" y="${y}" width="${round(width)}" height="${BOX.height}" rx="7" fill="${fill}" stroke="${line}"/>` +
    `<text x="${round(x)}" y="${y + 19}" font-size="${FONT}" font-weight="600" text-anchor="middle" fill="#1a202c">${escape(labelOf(node))}</text>` +
    `<text x="${round(x)}" y="${y + 35}" font-size="${SMALL}" text-anchor="middle" fill="#4a5568">${escape(detailOf(node))}</text></g>`
  );
}

/** From the bottom of a box to the top of another, upright where it passes a layer. */
function arrow({ points }: Layout['routes'][number]): string {
  const last = points.length - 1;
  let path = '';
  points.forEach(({ x, layer }, i) => {
    const top = layer * LAYER;
    const into = i === last ? top - 2 : top;
    if (i > 0) {
      const before = points[i - 1]!;
      const from = before.layer * LAYER + BOX.height;
      const middle = round((from + into) / 2);
      path += `C${round(before.x)} ${middle} ${round(x)} ${middle} ${round(x)} ${into}`;
    }
    if (i === 0) path += `M${round(x)} ${top + BOX.height}`;
    else if (i < last) path += `L${round(x)} ${top + BOX.height}`;
  });
  return `<path d="${path}" fill="none" stroke="#8a94a3" stroke-width="1.3" marker-end="url(#arrow)"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
