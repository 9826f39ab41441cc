/**
 * Instances to be: the points of each stage, and which of them a reference means at a point of another stage.
 *
 * Values are matched by axis name. An axis that only the other stage has is left free, unless it is the axis of a
 * search: then the winner is meant, and whoever asks waits until it is known.
 */
import type { Axes, Point } from './axes.ts';
import type { Shape } from './fan.ts';
import type { Facts, Instance } from './plan.ts';
import { instanceName, signature } from './points.ts';
import { ALL, type Reference } from './reference.ts';

/** An instance to be; its stage's instances are looked up by its point. */
export interface Cell {
  name: string;
  point: Point;
  /** Undefined while it is pending. */
  instance?: Instance;
}

/** What a reference stands for at one point: cells, or what must be known first. */
export type Matched = { cells: Cell[]; waitsFor?: undefined } | { cells?: undefined; waitsFor: string };

export class Cells {
  readonly #axes: Axes;
  readonly #facts: Facts;
  readonly #byName: ReadonlyMap<string, Shape>;
  /** By stage; none for a stage with an axis whose values are not known. */
  readonly #cells = new Map<string, Cell[]>();
  readonly #indices = new Map<string, Map<string, Cell[]>>();
  /** By stage that has no cells yet: what it waits for. */
  readonly #postponed = new Map<string, string>();

  constructor(axes: Axes, facts: Facts, byName: ReadonlyMap<string, Shape>) {
    this.#axes = axes;
    this.#facts = facts;
    this.#byName = byName;
  }

  /** @returns the cells of a stage, one per point */
  add({ name, axes }: Shape, points: readonly Point[]): Cell[] {
    const cells = points.map((point) => ({ name: instanceName(name, axes, point), point }));
    this.#cells.set(name, cells);
    return cells;
  }

  /** Notes that the points of a stage are not known before something else is. */
  postpone({ name }: Shape, waitsFor: string): void {
    this.#postponed.set(name, waitsFor);
  }

  of(stage: string): readonly Cell[] {
    return this.#cells.get(stage) ?? [];
  }

  /** Name of the choice that a search makes for a point: `trial`, or `trial[fold=2]`. */
  choiceId(axis: string, point: Point): string {
    const { stage, meanOver } = this.#axes.all.get(axis)!.choosing!;
    const groups = this.#byName.get(stage)!.axes.filter((name) => name !== axis && !meanOver.includes(name));
    return instanceName(axis, groups, point);
  }

  /** Label of the winner of a search for a point; undefined while it is not known. */
  winnerOf(axis: string, point: Point): string | undefined {
    return this.#facts.choices.get(this.choiceId(axis, point));
  }

  /** The instances that a reference means at a point. */
  match(target: Shape, { selected }: Reference, point: Point): Matched {
    if (!this.#cells.has(target.name)) return { waitsFor: this.#postponed.get(target.name) ?? target.name };
    const fixed: Record<string, string> = {};
    const searches: string[] = [];
    for (const axis of target.axes) {
      const label = selected[axis];
      if (label === ALL) continue;
      if (label !== undefined) fixed[axis] = label;
      else if (Object.hasOwn(point, axis)) fixed[axis] = point[axis]!;
      else if (this.#axes.all.get(axis)!.choosing) searches.push(axis);
    }
    let cells = this.#lookUp(target, fixed);
    for (const axis of searches) {
      const winners: Cell[] = [];
      for (const cell of cells) {
        const label = this.winnerOf(axis, { ...point, ...cell.point });
        if (label === undefined) return { waitsFor: `the choice of ${axis}` };
        if (cell.point[axis] === label) winners.push(cell);
      }
      cells = winners;
    }
    return { cells };
  }

  #lookUp(target: Shape, fixed: Point): Cell[] {
    const cells = this.#cells.get(target.name)!;
    const names = Object.keys(fixed);
    if (names.length === 0) return cells;
    const id = JSON.stringify([target.name, ...names]);
    let index = this.#indices.get(id);
    if (!index) {
      index = new Map<string, Cell[]>();
      for (const cell of cells) {
        const key = signature(names, cell.point);
        const group = index.get(key);
        if (group) group.push(cell);
        else index.set(key, [cell]);
      }
      this.#indices.set(id, index);
    }
    return index.get(signature(names, fixed)) ?? [];
  }

  /** Axes over which a reference from outside all axes means several instances. */
  freeAxes(target: Shape, { selected }: Reference): string[] {
    return target.axes.filter((axis) => {
      const label = selected[axis];
      return label === ALL || (label === undefined && !this.#axes.all.get(axis)!.choosing);
    });
  }
}
