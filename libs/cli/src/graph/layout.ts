/**
 * Layered layout of a graph without circles (Sugiyama, Tagawa and Toda, 1981): layers by longest path, edges over
 * several layers broken at each, order within layers by the mean of the neighbours, then places that straighten edges.
 */

export interface Box {
  name: string;
  width: number;
  needs: readonly string[];
}

export interface Placed {
  name: string;
  /** Centre, in the units of the widths; y counts layers. */
  x: number;
  layer: number;
  width: number;
}

/** From a node to one that takes its output: points of which the first and the last are the nodes. */
export interface Route {
  from: string;
  to: string;
  points: { x: number; layer: number }[];
}

export interface Layout {
  nodes: Placed[];
  routes: Route[];
  width: number;
  layers: number;
}

/** A node, or the place where an edge passes a layer. */
interface Cell {
  width: number;
  layer: number;
  x: number;
  above: Cell[];
  below: Cell[];
}

const SWEEPS = 12;
/** Width that a passing edge takes. */
const PASSING = 12;

/** @param gap least space between two boxes of a layer */
export function layOut(boxes: readonly Box[], gap: number): Layout {
  const cells = new Map<string, Cell>();
  const layers: Cell[][] = [];
  const add = (width: number, layer: number): Cell => {
    const cell: Cell = { width, layer, x: 0, above: [], below: [] };
    (layers[layer] ??= []).push(cell);
    return cell;
  };
  const trails: { from: string; to: string; cells: Cell[] }[] = [];
  for (const { name, width, needs } of boxes) {
    const sources = needs.filter((need) => cells.has(need));
    const layer = Math.max(-1, ...sources.map((need) => cells.get(need)!.layer)) + 1;
    const cell = add(width, layer);
    cells.set(name, cell);
    for (const need of sources) {
      const trail = [cells.get(need)!];
      for (let between = trail[0]!.layer + 1; between < layer; between++) trail.push(add(PASSING, between));
      trail.push(cell);
      for (let i = 1; i < trail.length; i++) {
        trail[i]!.above.push(trail[i - 1]!);
        trail[i - 1]!.below.push(trail[i]!);
      }
      trails.push({ from: need, to: name, cells: trail });
    }
  }
  for (const layer of layers) pack(layer, gap);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) {
      const wished = new Map(layer.map((cell) => [cell, meanOf(down ? cell.above : cell.below) ?? cell.x]));
      layer.sort((a, b) => wished.get(a)! - wished.get(b)!);
      settle(layer, wished, gap);
    }
  }
  const all = layers.flat();
  const left = Math.min(0, ...all.map(({ x, width }) => x - width / 2));
  for (const cell of all) cell.x -= left;
  return {
    nodes: boxes.map(({ name, width }) => {
      const { x, layer } = cells.get(name)!;
      return { name, width, x, layer };
    }),
    routes: trails.map(({ from, to, cells: trail }) => ({
      from,
      to,
      points: trail.map(({ x, layer }) => ({ x, layer })),
    })),
    width: Math.max(0, ...all.map(({ x, width }) => x + width / 2)),
    layers: layers.length,
  };
}

function meanOf(cells: readonly Cell[]): number | undefined {
  if (cells.length === 0) return undefined;
  return cells.reduce((sum, { x }) => sum + x, 0) / cells.length;
}

function pack(layer: readonly Cell[], gap: number): void {
  let x = 0;
  for (const cell of layer) {
    cell.x = x + cell.width / 2;
    x += cell.width + gap;
  }
}

/**
 * Brings the cells of a layer as near to their wishes as their widths allow, in their order: neighbours that would
 * overlap form a block, which stands where the mean of its wishes is (isotonic regression by pooling).
 */
function settle(layer: readonly Cell[], wished: ReadonlyMap<Cell, number>, gap: number): void {
  const offsets: number[] = [];
  layer.forEach((cell, i) => {
    offsets.push(i === 0 ? 0 : offsets[i - 1]! + layer[i - 1]!.width / 2 + gap + cell.width / 2);
  });
  const blocks: { sum: number; count: number }[] = [];
  layer.forEach((cell, i) => {
    let block = { sum: wished.get(cell)! - offsets[i]!, count: 1 };
    for (let last = blocks.at(-1); last && last.sum / last.count > block.sum / block.count; last = blocks.at(-1)) {
      block = { sum: block.sum + last.sum, count: block.count + last.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  let i = 0;
  for (const { sum, count } of blocks)
    for (const end = i + count; i < end; i++) layer[i]!.x = sum / count + offsets[i]!;
}
