/** The segments of an item side by side, so that what comes first is told from what comes last. */
import { DataError } from '@prosodia/core';
import type { ItemRow } from '@prosodia/tables';
import { groupOf } from './groups.ts';

interface Rows {
  readonly data: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

interface Segment {
  readonly start_s: number;
  readonly item_id: string;
  readonly values: Float32Array;
}

export class SegmentsInOrder {
  readonly #cols: number;
  readonly #context: { names: readonly string[]; where: string };
  readonly #groups = new Map<string, Segment[]>();

  constructor(cols: number, context: { names: readonly string[]; where: string }) {
    this.#cols = cols;
    this.#context = context;
  }

  /** Adds one row per item, copied. */
  add(items: readonly ItemRow[], { data, cols }: Rows): void {
    for (const [row, item] of items.entries()) {
      const segment = { ...item, values: data.slice(row * cols, (row + 1) * cols) };
      const group = this.#groups.get(groupOf(item));
      if (group) group.push(segment);
      else this.#groups.set(groupOf(item), [segment]);
    }
  }

  /** Segments per item; 0 without any item. */
  get #parts(): number {
    const [first] = this.#groups.values();
    return first?.length ?? 0;
  }

  /** `energy_part1`, `pitch_part1`, `energy_part2`, ... */
  names(): string[] {
    return Array.from({ length: this.#parts }, (_, part) =>
      this.#context.names.map((name) => `${name}_part${part + 1}`),
    ).flat();
  }

  /** Items that lack segments which others have; they are taken out. */
  dropIncomplete(): string[] {
    const most = Math.max(0, ...[...this.#groups.values()].map(({ length }) => length));
    const incomplete = [...this.#groups].filter(([, { length }]) => length < most).map(([group]) => group);
    for (const group of incomplete) this.#groups.delete(group);
    return incomplete;
  }

  /**
   * One row per item, its segments in order of time.
   * @throws DataError if items have different numbers of segments
   */
  finish(): { groups: string[]; matrix: Rows } {
    const parts = this.#parts;
    const cols = parts * this.#cols;
    const data = new Float32Array(this.#groups.size * cols);
    for (const [row, [group, segments]] of [...this.#groups].entries()) {
      if (segments.length !== parts) {
        const [first] = this.#groups.keys();
        throw new DataError({
          problem: 'items have different numbers of segments',
          expected: `${parts}, as ${first!} has`,
          got: `${segments.length}`,
          where: `${this.#context.where}, item ${group}`,
          fix: 'cut with segment and parts, or summarize the segments',
        });
      }
      segments.sort((a, b) => a.start_s - b.start_s);
      for (const [part, { values }] of segments.entries()) data.set(values, row * cols + part * this.#cols);
    }
    return { groups: [...this.#groups.keys()], matrix: { data, rows: this.#groups.size, cols } };
  }
}
