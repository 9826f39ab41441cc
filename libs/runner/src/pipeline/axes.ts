/**
 * Axes: names with several values, over which stages fan out.
 *
 * `matrix` lists the values, `foreach` takes them from what a stage reports, `search` draws them. An axis is one
 * thing in the whole file, wherever it is declared: two stages that have it are matched value by value.
 */
import type { YamlPath } from './source.ts';

export interface AxisValue {
  /** As in names of instances: `network[feature=mel]`. */
  label: string;
  value: unknown;
}

/** How the winner of a search is found. */
export interface Choosing {
  /** Stage whose instances are judged, and the number it reports. */
  stage: string;
  metric: string;
  mode: 'max' | 'min';
  /** Axes over which the metric is averaged before choosing. */
  meanOver: readonly string[];
}

/** Where the values of a `foreach` come from: a stage reports a count n, the values are 0 to n - 1. */
export interface Counted {
  stage: string;
  metric: string;
}

export interface Axis {
  name: string;
  /** Where it is declared. */
  path: YamlPath;
  /** Declared for the whole file: a stage that mentions it has it. Otherwise only those that name or inherit it. */
  global: boolean;
  /** Undefined for a `foreach` whose stage has not run yet. */
  values: AxisValue[] | undefined;
  /** Values that multiply with other axes; those after them come in points that `include` adds. */
  base: number;
  counted?: Counted;
  choosing?: Choosing;
}

/** Labels by axis: a point, or a part of one. */
export type Point = Readonly<Record<string, string>>;

/** Which points of a product are left out, and which are added. */
export interface Rules {
  exclude: readonly Readonly<Record<string, readonly string[]>>[];
  include: readonly Point[];
}

export interface Axes {
  /** In the order of the file. */
  all: ReadonlyMap<string, Axis>;
  rules: Rules;
}
