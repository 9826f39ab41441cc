/** Drawings of a graph: every edge is there, nothing overlaps, what it says can be read back. */
import { describe, expect, it } from 'vitest';
import { type Box, layOut } from './layout.ts';
import type { GraphNode } from './model.ts';
import { drawRails } from './rails.ts';
import { graphSvg } from './svg.ts';

const NODES: GraphNode[] = (
  [
    ['clips', []],
    ['split', ['clips']],
    ['audio', ['clips']],
    ['features', ['audio']],
    ['network', ['features', 'split']],
    ['report', ['network', 'clips', 'split']],
  ] as const
).map(([name, needs]) => ({ name, uses: 'x', count: 1, axes: [], status: 'run', needs: [...needs] }));

describe('a graph in the terminal', () => {
  it('joins each node with rails from those it takes from, and ends a rail after the last that takes', () => {
    expect(drawRails(NODES).map(({ rails, node }) => (node === undefined ? rails : `${rails} ${node}`))).toEqual([
      '● clips',
      '├─┐',
      '│ ● split',
      '├─│─┐',
      '│ │ ● audio',
      '│ │ ● features',
      '│ ├─┤',
      '│ │ ● network',
      '├─┴─┘',
      '●     report',
    ]);
  });

  it('gives a pipeline without edges one line per stage', () => {
    const lines = drawRails([
      { name: 'a', needs: [] },
      { name: 'b', needs: [] },
    ]);
    expect(lines.map(({ node }) => node)).toEqual(['a', 'b']);
  });
});

describe('the layout of a picture', () => {
  const boxes: Box[] = NODES.map(({ name, needs }) => ({ name, needs, width: 80 }));

  it('puts every node below those it needs, without two in one place', () => {
    const { nodes, routes, width } = layOut(boxes, 10);
    const placed = new Map(nodes.map((node) => [node.name, node]));
    for (const { from, to, points } of routes) {
      expect(placed.get(from)!.layer).toBeLessThan(placed.get(to)!.layer);
      expect(points.length).toBe(placed.get(to)!.layer - placed.get(from)!.layer + 1);
    }
    expect(routes).toHaveLength(8);
    for (const a of nodes) {
      expect(a.x - a.width / 2).toBeGreaterThanOrEqual(-1e-9);
      expect(a.x + a.width / 2).toBeLessThanOrEqual(width + 1e-9);
      for (const b of nodes) {
        if (a !== b && a.layer === b.layer) expect(Math.abs(a.x - b.x)).toBeGreaterThanOrEqual(90 - 1e-9);
      }
    }
  });
});

describe('the picture', () => {
  it('shows a fan as one box with its count and axes, and texts as they are', () => {
    const fan: GraphNode = { ...NODES[0]!, name: 'fit', count: 1500, axes: ['fold', 'seed'], status: 'cached' };
    const svg = graphSvg('a < b & "c"', [fan, { ...fan, name: 'later', count: undefined, needs: ['fit'] }]);
    expect(svg).toContain('fit × 1,500');
    expect(svg).toContain('x over fold, seed');
    expect(svg).toContain('later × ?');
    expect(svg).toContain('<title>a &lt; b &amp; &quot;c&quot;</title>');
    expect(svg.match(/marker-end/g)).toHaveLength(1);
  });
});
