/**
 * From a pipeline file to a plan: every stage known, every parameter valid, every input wired to an output of the
 * right kind, no cycle. Whatever can be wrong is found here, before anything runs.
 *
 * Some of a plan may depend on what stages find out: how many folds there are, which trial won. Those instances are
 * pending; they are checked with the values they may get, and planned when it is known.
 */
import type { Catalogue, StageInfo } from '../catalogue/info.ts';
import type { Axes, Axis, Point } from './axes.ts';
import { type Cell, Cells } from './cells.ts';
import { type Shape, findStage, partsOf, shapesOf } from './fan.ts';
import { type PipelineFile, readPipeline } from './file.ts';
import { guardChoice, guardWinner } from './guard.ts';
import type { KnownParams } from './known-params.ts';
import { type Choice, type Count, type Facts, type Instance, NO_FACTS, type Pending, type Plan } from './plan.ts';
import { pointsOf } from './points.ts';
import { publishedOf } from './publish.ts';
import { Settings, type Winners } from './settings.ts';
import { type Scope, fill, mentionsIn } from './variables.ts';
import { type Board, checkInputNames, wireInputs } from './wiring.ts';

/** More than this is a mistake, or another tool's work. */
const MOST_INSTANCES = 100_000;

/**
 * @param name file name for messages
 * @param known parameters that need no second check
 * @throws RequestError with file, line and column; LeakError for a search that would choose on test rows
 */
export function planPipeline(
  name: string,
  text: string,
  catalogue: Catalogue,
  overrides: Readonly<Record<string, string>> = {},
  known?: KnownParams,
): Plan {
  const file = readPipeline(name, text, overrides);
  const shapes = shapesOf(file, catalogue);
  const extend = (facts: Facts): Plan => {
    const planner = new Planner(file, shapes, catalogue, facts, known);
    return { ...planner.plan(), extend };
  };
  return extend(NO_FACTS);
}

class Planner {
  readonly #file: PipelineFile;
  readonly #shapes: readonly Shape[];
  readonly #catalogue: Catalogue;
  readonly #facts: Facts;
  readonly #axes: Axes;
  readonly #cells: Cells;
  readonly #board: Board;
  readonly #settings: Settings;
  readonly #instances = new Map<string, Instance>();
  readonly #pending: Pending[] = [];
  readonly #choices: Choice[] = [];
  /** By choice: the fold whose validation rows choose. */
  readonly #chosenOn = new Map<string, string | undefined>();

  constructor(
    file: PipelineFile,
    shapes: readonly Shape[],
    catalogue: Catalogue,
    facts: Facts,
    known: KnownParams | undefined,
  ) {
    this.#file = file;
    this.#shapes = shapes;
    this.#catalogue = catalogue;
    this.#facts = facts;
    this.#axes = { ...file.axes, all: countedAxes(file.axes, facts) };
    const byName = new Map(shapes.map((shape) => [shape.name, shape]));
    this.#cells = new Cells(this.#axes, facts, byName);
    this.#board = { file, axes: this.#axes, byName, cells: this.#cells };
    this.#settings = new Settings(file, this.#axes, known);
  }

  plan(): Omit<Plan, 'extend'> {
    let count = 0;
    for (const shape of this.#shapes) {
      const unknown = shape.axes.find((name) => !this.#axes.all.get(name)!.values);
      if (unknown !== undefined) {
        this.#checkWithProbes(shape);
        const { counted } = this.#axes.all.get(unknown)!;
        const waitsFor = `the ${counted!.metric} of ${counted!.stage}`;
        this.#addPending(shape, shape.name, waitsFor);
        this.#cells.postpone(shape, waitsFor);
        continue;
      }
      const points = pointsOf(shape.axes, this.#axes);
      count += points.length;
      if (points.length === 0 || count > MOST_INSTANCES) throw this.#wrongCount(shape, count);
      for (const cell of this.#cells.add(shape, points)) this.#build(shape, cell);
      this.#addChoices(shape);
    }
    const { name, title, description, vars } = this.#file;
    return {
      name,
      title,
      description,
      vars,
      instances: [...this.#instances.values()],
      outline: this.#shapes.map(({ name: stage, infos, axes, needs }) => ({
        name: stage,
        uses: infos.map((info) => info.name),
        axes,
        needs,
      })),
      pending: this.#pending,
      counts: this.#counts(),
      choices: this.#choices,
      publish: publishedOf(this.#board),
      facts: this.#facts,
    };
  }

  #wrongCount({ name, path, axes }: Shape, count: number): Error {
    const over = `${name} fans out over ${axes.join(', ')}`;
    return this.#file.source.error(
      path,
      count > MOST_INSTANCES
        ? { problem: 'this would be too many instances', expected: `at most ${MOST_INSTANCES}`, got: over }
        : { problem: `no combination is left for ${name}`, expected: 'at least one that is not excluded', got: over },
      'key',
    );
  }

  #addPending({ name: template, infos }: Shape, name: string, waitsFor: string): void {
    this.#pending.push({ name, template, uses: infos[0]!.name, waitsFor });
  }

  #build(shape: Shape, cell: Cell): void {
    if (shape.chosen.length > 0) this.#guardFold(shape, cell);
    const winners = this.#winnersAt(shape, cell.point);
    if (typeof winners === 'string') {
      if (!this.#pending.some(({ template }) => template === shape.name)) this.#checkWithWinners(shape, cell);
      this.#addPending(shape, cell.name, winners);
      return;
    }
    const made = this.#resolve(shape, cell.name, cell.point, winners);
    if (typeof made === 'string') this.#addPending(shape, cell.name, made);
    else this.#instances.set(cell.name, (cell.instance = made));
  }

  /** Labels of the winners that a stage mentions, or what they wait for. */
  #winnersAt(shape: Shape, point: Point): Map<string, string> | string {
    const winners = new Map<string, string>();
    for (const axis of shape.chosen) {
      if (!mentionsIn(partsOf(shape.template)).some(({ name }) => name === axis)) continue;
      const label = this.#cells.winnerOf(axis, point);
      if (label === undefined) return `the choice of ${axis}`;
      winners.set(axis, label);
    }
    return winners;
  }

  /** Whoever wins, it must have been chosen in the fold of the instance; so any trial will do to look. */
  #guardFold(shape: Shape, { name, point }: Cell): void {
    const winners = new Map(this.#firstOf(shape.chosen));
    const scope = this.#settings.scopeAt(point, winners);
    const stage = this.#stageOf(shape, scope);
    const { fold } = this.#settings.paramsOf(shape, stage, scope, point, winners);
    for (const search of shape.chosen) {
      const chosenOn = this.#chosenOn.get(this.#cells.choiceId(search, point));
      guardWinner(this.#file.source, shape.path, { name, fold, search }, chosenOn);
    }
  }

  /** Whoever wins, the stage must be right: checks it for every trial. */
  #checkWithWinners(shape: Shape, { name, point }: Cell): void {
    const first = this.#firstOf(shape.chosen);
    for (const axis of shape.chosen) {
      for (const label of this.#settings.labelsOf(axis)) {
        this.#resolve(shape, name, point, new Map([...first, [axis, label]]));
      }
    }
  }

  /** Checks a stage whose number of instances is not known, with 0 for what is not. */
  #checkWithProbes(shape: Shape): void {
    const point = Object.fromEntries(this.#firstOf(shape.axes));
    this.#resolve(shape, shape.name, point, new Map(this.#firstOf(shape.chosen)));
  }

  /** The first label of each axis. */
  #firstOf(axes: readonly string[]): [string, string][] {
    return axes.map((axis) => [axis, this.#settings.labelsOf(axis)[0]!]);
  }

  #stageOf({ template, path }: Shape, scope: Scope): StageInfo {
    const uses = fill(this.#file.source, [...path, 'uses'], template.uses, scope) as string;
    return findStage(this.#file, path, uses, this.#catalogue);
  }

  /** An instance, or what it waits for. */
  #resolve(shape: Shape, name: string, point: Point, winners: Winners): Instance | string {
    const settings = this.#settings;
    const scope = settings.scopeAt(point, winners);
    const stage = this.#stageOf(shape, scope);
    checkInputNames(this.#board, shape, stage);
    const params = settings.paramsOf(shape, stage, scope, point, winners);
    const inputs = wireInputs(this.#board, shape, stage, scope, point);
    const seed = settings.seedOf(shape, scope, point);
    const resources = settings.resourcesOf(shape, stage, scope, params);
    if (typeof inputs === 'string') return inputs;
    const needs = new Set(Object.values(inputs).flatMap((references) => references.map(({ instance }) => instance)));
    return { name, template: shape.name, point, stage, params, seed, inputs, needs: [...needs], resources };
  }

  #addChoices(shape: Shape): void {
    for (const axis of this.#axes.all.values()) {
      if (axis.choosing?.stage !== shape.name) continue;
      const { stage, metric, mode } = axis.choosing;
      const groups = new Map<string, Choice>();
      for (const cell of this.#cells.of(shape.name)) {
        const id = this.#cells.choiceId(axis.name, cell.point);
        let choice = groups.get(id);
        if (!choice) groups.set(id, (choice = { id, axis: axis.name, stage, metric, mode, candidates: [] }));
        const label = cell.point[axis.name]!;
        const known = choice.candidates.find((candidate) => candidate.label === label);
        if (known) known.instances.push(cell.name);
        else {
          const value = this.#settings.valueOf(axis.name, label);
          choice.candidates.push({ label, value, instances: [cell.name] });
        }
      }
      for (const choice of groups.values()) {
        if (choice.candidates.every(({ instances }) => instances.every((name) => this.#instances.has(name)))) {
          this.#chosenOn.set(choice.id, guardChoice(this.#file.source, axis, choice, this.#instances));
          this.#choices.push(choice);
        }
      }
    }
  }

  #counts(): Count[] {
    const counts = new Map<string, Count>();
    for (const { counted } of this.#axes.all.values()) {
      if (!counted) continue;
      const id = `${counted.stage}.${counted.metric}`;
      counts.set(id, { id, instance: counted.stage, metric: counted.metric });
    }
    return [...counts.values()];
  }
}

/** Axes with the counts that are known by now. */
function countedAxes({ all }: Axes, { counts }: Facts): Map<string, Axis> {
  return new Map(
    [...all].map(([name, axis]) => {
      const count = axis.counted ? counts.get(`${axis.counted.stage}.${axis.counted.metric}`) : undefined;
      if (count === undefined) return [name, axis];
      const values = Array.from({ length: count }, (_, i) => ({ label: String(i), value: i }));
      return [name, { ...axis, values, base: count }];
    }),
  );
}
