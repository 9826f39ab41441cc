/**
 * Which numbers of a row are scaled alike, so that a band of a matrix is one quantity and not one per frame.
 *
 * A scaler is fitted on one column per group, and written out again with one entry per number of a row: whoever
 * applies it needs to know nothing of groups.
 */
import { RequestError } from '@prosodia/core';
import type { FeatureLayout } from './kinds/features.ts';

export type Per = 'auto' | 'column' | 'band' | 'channel';

/** Rows of numbers, row-major. */
interface Matrix {
  data: Float32Array | Float64Array;
  rows: number;
  cols: number;
}

/** A fitted scaler, as far as it is spread over the numbers of a row. */
interface Scaler {
  rows: number;
  center: number[];
  scale: number[];
  constant: number[];
  names?: string[];
}

export interface FeatureGroups {
  /** Name of each group. */
  names: string[];
  /** Group of each number of a row; all groups have equally many. */
  of: Int32Array;
}

/** @throws RequestError if the features have no such axis */
export function groupsOf(layout: FeatureLayout, columns: readonly string[], per: Per): FeatureGroups {
  const axes = layout.form === 'matrix' ? layout.axes : [];
  const alike = axesAlike(axes, per);
  if (layout.form === 'scalars' || alike.length === 0) {
    return { names: [...columns], of: Int32Array.from(columns, (_, i) => i) };
  }
  const { shape } = layout;
  const kept = axes.flatMap((axis, i) => (alike.includes(axis) ? [] : [i]));
  const count = kept.reduce((product, axis) => product * shape[axis]!, 1);
  const of = Int32Array.from(columns, (_, i) => {
    const index = indexAt(i, shape);
    return kept.reduce((group, axis) => group * shape[axis]! + index[axis]!, 0);
  });
  const names = Array.from({ length: count }, (_, group) => {
    const index = indexAt(
      group,
      kept.map((axis) => shape[axis]!),
    );
    return kept.map((axis, k) => `${axes[axis]!} ${index[k]!}`).join(', ') || 'all';
  });
  return { names, of };
}

/** The axes over which a scaler is the same. */
function axesAlike(axes: readonly string[], per: Per): readonly string[] {
  if (per === 'column') return [];
  const timed = axes.includes('frame');
  if (per === 'auto') return timed ? ['frame'] : [];
  if (!timed) {
    throw new RequestError({
      problem: `features without a frame axis have no ${per}s`,
      expected: 'per: column',
      got: `axes ${axes.join(', ') || 'none: named columns'}`,
      where: 'parameter per',
    });
  }
  return per === 'band' ? ['frame'] : ['frame', 'band'];
}

/** The index on each axis, last axis fastest. */
function indexAt(position: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

/** Rows of numbers as rows of groups: one column per group, as many rows per row as a group has numbers. */
export function gathered({ data, rows, cols }: Matrix, { names, of }: FeatureGroups): Matrix {
  const groups = names.length;
  if (groups === cols) return { data, rows, cols };
  const members = cols / groups;
  const out = new Float32Array(data.length);
  const seen = new Int32Array(groups);
  for (let row = 0; row < rows; row++) {
    seen.fill(0);
    for (let i = 0; i < cols; i++) {
      const group = of[i]!;
      out[(row * members + seen[group]!++) * groups + group] = data[row * cols + i]!;
    }
  }
  return { data: out, rows: rows * members, cols: groups };
}

/** A scaler of groups as a scaler of the numbers of a row. */
export function expanded<S extends Scaler>(scaler: S, { names, of }: FeatureGroups, columns: readonly string[]): S {
  if (names.length === columns.length) return { ...scaler, names: [...columns] };
  const still = new Set(scaler.constant);
  return {
    ...scaler,
    rows: scaler.rows / (of.length / names.length),
    center: Array.from(of, (group) => scaler.center[group]!),
    scale: Array.from(of, (group) => scaler.scale[group]!),
    constant: [...of.keys()].filter((i) => still.has(of[i]!)),
    names: [...columns],
  };
}
