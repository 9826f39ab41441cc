/**
 * A graph drawn with characters: one line per node, and rails from each node down to those that take its outputs,
 * as `git log --graph` draws them.
 */

const UP = 1;
const DOWN = 2;
const LEFT = 4;
const RIGHT = 8;

/** By the directions in which a character leads on. */
const BOXES = ' ││││┘┐┤│└┌├─┴┬┼';

interface Rail {
  node: string;
  /** Nodes that still have to take from it. */
  left: number;
}

/**
 * @param nodes each after all it needs
 * @returns lines; `node` is the name of the node on the line, undefined for a line of rails only
 */
export function drawRails(nodes: readonly { name: string; needs: readonly string[] }[]): {
  rails: string;
  node?: string;
}[] {
  const known = new Set(nodes.map(({ name }) => name));
  const takers = new Map<string, number>();
  for (const { needs } of nodes) for (const need of needs) takers.set(need, (takers.get(need) ?? 0) + 1);
  const rails: (Rail | undefined)[] = [];
  const lines: { rails: string; node?: string }[] = [];
  for (const { name, needs } of nodes) {
    const sources = rails.flatMap((rail, i) => (rail && known.has(rail.node) && needs.includes(rail.node) ? [i] : []));
    const before = rails.map((rail) => rail !== undefined);
    for (const i of sources) if (--rails[i]!.left === 0) rails[i] = undefined;
    const own = sources.find((i) => !rails[i]) ?? firstFree(rails);
    if (sources.length > 0 && !(sources.length === 1 && sources[0] === own)) {
      lines.push({ rails: joint(before, rails, sources, own) });
    }
    rails[own] = { node: name, left: takers.get(name) ?? 0 };
    lines.push({ rails: rails.map((rail, i) => (i === own ? '●' : rail ? '│' : ' ')).join(' '), node: name });
    if (rails[own].left === 0) rails[own] = undefined;
    while (rails.length > 0 && !rails.at(-1)) rails.pop();
  }
  return lines;
}

function firstFree(rails: readonly (Rail | undefined)[]): number {
  const free = rails.findIndex((rail) => !rail);
  return free < 0 ? rails.length : free;
}

/** The line on which the rails of the sources come together above a node. */
function joint(
  before: readonly boolean[],
  after: readonly (Rail | undefined)[],
  sources: readonly number[],
  own: number,
): string {
  const ends = [...sources, own];
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  let line = '';
  for (let i = 0; i < Math.max(before.length, to + 1); i++) {
    const joined = ends.includes(i);
    let way = (before[i] ? UP : 0) | (after[i] || i === own ? DOWN : 0);
    // A rail that only crosses stays whole, so that it is not taken for one that joins.
    if (joined || way === 0) way |= (i > from && i <= to ? LEFT : 0) | (i >= from && i < to ? RIGHT : 0);
    line += BOXES[way]! + (i >= from && i < to ? '─' : ' ');
  }
  return line.trimEnd();
}
