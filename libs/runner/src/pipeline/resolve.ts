/**
 * From a pipeline file to a plan: every stage known, every parameter valid, every input wired to an output of the
 * right kind, no cycle. Whatever can be wrong is found here, before anything runs.
 *
 * Some of a plan may depend on what stages find out: how many folds there are, which trial won. Those instances are
 * pending; they are checked with the values they may get, and planned when it is known.
 */
import type { Resources } from '@prosodia/core';
import type { Catalogue, InputInfo, StageInfo } from '../catalogue/info.ts';
import type { Axes, Axis, Point } from './axes.ts';
import { asMap, checkSeed, didYouMean } from './checks.ts';
import { type Shape, findStage, partsOf, shapesOf, valuesOf } from './fan.ts';
import { type PipelineFile, boundVars, readPipeline, readResources } from './file.ts';
import { guardChoice, guardWinner } from './guard.ts';
import type { KnownParams } from './known-params.ts';
import { resolveParams } from './params.ts';
import {
  type Choice,
  type Count,
  type Facts,
  type InputRef,
  type Instance,
  NO_FACTS,
  type OutputRef,
  type Pending,
  type Plan,
} from './plan.ts';
import { instanceName, pointsOf, signature } from './points.ts';
import { ALL, type Reference, parseReference, resolveOutput, unknownStage } from './reference.ts';
import type { YamlPath } from './source.ts';
import { type Bound, type Scope, fill, mentionsIn, scopeOf } from './variables.ts';

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

/** An instance to be; its stage's instances are looked up by its point. */
interface Cell {
  name: string;
  point: Point;
  /** Undefined while it is pending. */
  instance?: Instance;
}

/** What a reference stands for at one point: cells, or what must be known first. */
type Matched = { cells: Cell[]; waitsFor?: undefined } | { cells?: undefined; waitsFor: string };

class Planner {
  readonly #file: PipelineFile;
  readonly #shapes: readonly Shape[];
  readonly #byName: ReadonlyMap<string, Shape>;
  readonly #catalogue: Catalogue;
  readonly #facts: Facts;
  readonly #known: KnownParams | undefined;
  readonly #axes: Axes;
  readonly #vars: ReadonlyMap<string, Bound>;
  readonly #bounds = new Map<string, ReadonlyMap<string, Bound>>();
  /** By stage; none for a stage with an axis whose values are not known. */
  readonly #cells = new Map<string, Cell[]>();
  readonly #indices = new Map<string, Map<string, Cell[]>>();
  readonly #params = new Map<string, Record<string, unknown>>();
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
    this.#byName = new Map(shapes.map((shape) => [shape.name, shape]));
    this.#catalogue = catalogue;
    this.#facts = facts;
    this.#known = known;
    this.#axes = { ...file.axes, all: countedAxes(file.axes, facts) };
    this.#vars = boundVars(file.vars);
    for (const axis of this.#axes.all.values()) {
      this.#bounds.set(axis.name, new Map(valuesOf(axis).map((bound) => [bound.label!, bound])));
    }
  }

  plan(): Omit<Plan, 'extend'> {
    let count = 0;
    for (const shape of this.#shapes) {
      const unknown = shape.axes.find((name) => !this.#axes.all.get(name)!.values);
      if (unknown !== undefined) {
        this.#checkWithProbes(shape);
        const { counted } = this.#axes.all.get(unknown)!;
        this.#addPending(shape, shape.name, `the ${counted!.metric} of ${counted!.stage}`);
        continue;
      }
      const points = pointsOf(shape.axes, this.#axes);
      count += points.length;
      if (points.length === 0 || count > MOST_INSTANCES) throw this.#wrongCount(shape, count);
      const cells = points.map((point) => ({ name: instanceName(shape.name, shape.axes, point), point }));
      this.#cells.set(shape.name, cells);
      for (const cell of cells) this.#build(shape, cell);
      this.#addChoices(shape);
    }
    const { name, title, description, vars } = this.#file;
    return {
      name,
      title,
      description,
      vars,
      instances: [...this.#instances.values()],
      pending: this.#pending,
      counts: this.#counts(),
      choices: this.#choices,
      publish: this.#publish(),
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
      const label = this.#facts.choices.get(this.#choiceId(axis, point));
      if (label === undefined) return `the choice of ${axis}`;
      winners.set(axis, label);
    }
    return winners;
  }

  #groupAxes(axis: string): string[] {
    const { stage, meanOver } = this.#axes.all.get(axis)!.choosing!;
    return this.#byName.get(stage)!.axes.filter((name) => name !== axis && !meanOver.includes(name));
  }

  #choiceId(axis: string, point: Point): string {
    return instanceName(axis, this.#groupAxes(axis), point);
  }

  /** Whoever wins, it must have been chosen in the fold of the instance; so any trial will do to look. */
  #guardFold(shape: Shape, { name, point }: Cell): void {
    const { source } = this.#file;
    const { template, path } = shape;
    const winners = new Map(shape.chosen.map((axis) => [axis, [...this.#bounds.get(axis)!.keys()][0]!]));
    const scope = this.#scopeAt(point, winners);
    const uses = fill(source, [...path, 'uses'], template.uses, scope) as string;
    const stage = findStage(this.#file, path, uses, this.#catalogue);
    const { fold } = this.#paramsOf(shape, stage, scope, point, winners);
    for (const search of shape.chosen) {
      const chosenOn = this.#chosenOn.get(this.#choiceId(search, point));
      guardWinner(source, path, { name, fold, search }, chosenOn);
    }
  }

  /** Whoever wins, the stage must be right: checks it for every trial. */
  #checkWithWinners(shape: Shape, { name, point }: Cell): void {
    for (const axis of shape.chosen) {
      for (const label of this.#bounds.get(axis)!.keys()) {
        const first = shape.chosen.map((other) => [other, [...this.#bounds.get(other)!.keys()][0]!] as const);
        this.#resolve(shape, name, point, new Map([...first, [axis, label]]));
      }
    }
  }

  /** Checks a stage whose number of instances is not known, with 0 for what is not. */
  #checkWithProbes(shape: Shape): void {
    const point = Object.fromEntries(shape.axes.map((name) => [name, [...this.#bounds.get(name)!.keys()][0]!]));
    const winners = new Map(shape.chosen.map((name) => [name, [...this.#bounds.get(name)!.keys()][0]!]));
    this.#resolve(shape, shape.name, point, winners);
  }

  /** An instance, or what it waits for. */
  #resolve(shape: Shape, name: string, point: Point, winners: ReadonlyMap<string, string>): Instance | string {
    const { template, path } = shape;
    const { source } = this.#file;
    const scope = this.#scopeAt(point, winners);
    const uses = fill(source, [...path, 'uses'], template.uses, scope) as string;
    const stage = findStage(this.#file, path, uses, this.#catalogue);
    this.#checkInputNames(shape, stage);
    const params = this.#paramsOf(shape, stage, scope, point, winners);
    const inputs: Record<string, InputRef[]> = {};
    let waitsFor: string | undefined;
    for (const input of stage.inputs) {
      const wired = this.#wire(shape, input, stage, scope, point);
      if (typeof wired === 'string') waitsFor ??= wired;
      else inputs[input.name] = wired;
    }
    const seed = this.#seedOf(shape, scope, point);
    const resources = this.#resourcesOf(shape, stage, scope);
    if (waitsFor !== undefined) return waitsFor;
    const needs = new Set(Object.values(inputs).flatMap((references) => references.map(({ instance }) => instance)));
    return { name, template: shape.name, point, stage, params, seed, inputs, needs: [...needs], resources };
  }

  #scopeAt(point: Point, winners: ReadonlyMap<string, string>): Scope {
    const layer = new Map<string, Bound>();
    for (const [axis, label] of [...Object.entries(point), ...winners]) {
      layer.set(axis, this.#bounds.get(axis)!.get(label)!);
    }
    return scopeOf(layer, this.#vars);
  }

  #seedOf({ template, path }: Shape, scope: Scope, point: Point): number {
    const own = template.seed ?? (Object.hasOwn(point, 'seed') ? '${seed}' : undefined);
    if (own === undefined) return this.#file.vars['seed'] as number;
    const seed = fill(this.#file.source, [...path, 'seed'], own, scope);
    checkSeed(this.#file.source, [...path, 'seed'], seed);
    return seed;
  }

  #resourcesOf({ template, path }: Shape, stage: StageInfo, scope: Scope): Resources {
    if (template.resources === undefined) return stage.resources;
    const at = [...path, 'resources'];
    const { source } = this.#file;
    return { ...stage.resources, ...readResources(source, at, fill(source, at, template.resources, scope)) };
  }

  #checkInputNames({ template, path }: Shape, stage: StageInfo): void {
    for (const input of Object.keys(template.from)) {
      const known = stage.inputs.map(({ name }) => name);
      if (known.includes(input)) continue;
      throw this.#file.source.error(
        [...path, 'from', input],
        {
          problem: `stage ${stage.name} has no input ${input}`,
          expected: known.length > 0 ? `one of: ${known.join(', ')}` : 'no inputs at all',
          got: input,
          ...didYouMean(input, known),
        },
        'key',
      );
    }
  }

  /** Parameters with defaults; worked out once for all instances that mention the same values. */
  #paramsOf(
    { name, template, path }: Shape,
    stage: StageInfo,
    scope: Scope,
    point: Point,
    winners: ReadonlyMap<string, string>,
  ): Record<string, unknown> {
    const { source } = this.#file;
    const at = [...path, 'with'];
    const mentioned = mentionsIn({ uses: template.uses, with: template.with }).map((mention) => mention.name);
    const key = JSON.stringify([name, ...mentioned.map((axis) => winners.get(axis) ?? point[axis])]);
    const made = this.#params.get(key);
    if (made) return made;
    const given = asMap(source, at, fill(source, at, template.with, scope), 'with: a map of parameters');
    const params = resolveParams(stage, given, source, at, this.#known);
    this.#params.set(key, params);
    return params;
  }

  #wire(shape: Shape, input: InputInfo, stage: StageInfo, scope: Scope, point: Point): InputRef[] | string {
    const { template, path } = shape;
    const { source } = this.#file;
    if (!(input.name in template.from)) {
      if (input.arity !== 'one') return [];
      throw this.#missingInput(shape, input, stage);
    }
    const written = template.from[input.name];
    const texts =
      written === null || written === undefined ? [input.name] : Array.isArray(written) ? written : [written];
    const at = [...path, 'from', input.name];
    const wired: InputRef[] = [];
    let waitsFor: string | undefined;
    for (const [i, text] of texts.entries()) {
      const place = Array.isArray(written) ? [...at, i] : at;
      const filled = String(fill(source, place, text, scope));
      const reference = parseReference(source, place, filled);
      const target = this.#byName.get(reference.stage);
      if (!target) throw unknownStage(source, place, reference.stage, filled, [...this.#byName.keys()]);
      const output = resolveOutput(source, place, filled, reference, this.#infoOf(target, point), input);
      const found = this.#match(target, reference, point);
      if (found.waitsFor !== undefined) {
        waitsFor ??= found.waitsFor;
        continue;
      }
      if (found.cells.length === 0) throw this.#nothingThere(place, target, filled, point);
      const many = input.arity === 'many';
      if (!many && found.cells.length > 1) throw this.#tooMany(at, input, found.cells.length);
      for (const cell of found.cells) {
        if (!cell.instance) waitsFor ??= cell.name;
        const told = many && target.axes.length > 0 ? this.#told(target, reference, cell.point, point) : {};
        wired.push({ instance: cell.name, output, ...told });
      }
    }
    if (waitsFor !== undefined) return waitsFor;
    if (input.arity !== 'many' && wired.length !== 1) throw this.#tooMany(at, input, wired.length);
    return wired;
  }

  #tooMany(path: YamlPath, input: InputInfo, count: number): Error {
    return this.#file.source.error(path, {
      problem: `input ${input.name} takes one output`,
      expected: 'stage or stage.output',
      got: `${count} of them`,
    });
  }

  #missingInput({ template, path }: Shape, input: InputInfo, stage: StageInfo): Error {
    const makers = this.#shapes.flatMap(({ name, infos }) =>
      infos[0]!.outputs.filter(({ kind }) => kind.id === input.kind.id).map((output) => `${name}.${output.name}`),
    );
    return this.#file.source.error(
      [...path, 'from'],
      {
        problem: `stage ${stage.name} needs the input ${input.name}`,
        expected: `from: { ${input.name}: an output of kind ${input.kind.id} }`,
        got: `from: { ${Object.keys(template.from).join(', ')} }`,
        fix:
          makers.length > 0
            ? `outputs of that kind here: ${makers.join(', ')}`
            : `no stage here makes ${input.kind.id}`,
      },
      'key',
    );
  }

  #nothingThere(path: YamlPath, target: Shape, text: string, point: Point): Error {
    const shared = target.axes.filter((axis) => Object.hasOwn(point, axis));
    return this.#file.source.error(path, {
      problem: `there is no instance of ${target.name} for this input`,
      expected: `an instance that is not excluded`,
      got: shared.length > 0 ? instanceName(target.name, shared, point) : text,
    });
  }

  /** The definition behind a stage, for its outputs: with several, that of the instances meant. */
  #infoOf(target: Shape, point: Point): StageInfo {
    if (target.infos.length === 1) return target.infos[0]!;
    const cell = this.#cells
      .get(target.name)
      ?.find(({ point: own }) => target.axes.every((axis) => !Object.hasOwn(point, axis) || own[axis] === point[axis]));
    return cell?.instance?.stage ?? target.infos[0]!;
  }

  /** The instances that a reference means at a point. */
  #match(target: Shape, { selected }: Reference, point: Point): Matched {
    if (!this.#cells.has(target.name)) {
      const waiting = this.#pending.find(({ template }) => template === target.name);
      return { waitsFor: waiting?.waitsFor ?? target.name };
    }
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
        const label = this.#facts.choices.get(this.#choiceId(axis, { ...point, ...cell.point }));
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

  /** How the stage is told of one of several inputs: by the axes in which they differ, and no others. */
  #told(target: Shape, { selected }: Reference, point: Point, own: Point): { from: string } {
    const names = target.axes.filter(
      (axis) => selected[axis] !== undefined || (!Object.hasOwn(own, axis) && !this.#axes.all.get(axis)!.choosing),
    );
    return { from: instanceName(target.name, names, point) };
  }

  #addChoices(shape: Shape): void {
    for (const axis of this.#axes.all.values()) {
      if (axis.choosing?.stage !== shape.name) continue;
      const { stage, metric, mode } = axis.choosing;
      const groups = new Map<string, Choice>();
      for (const cell of this.#cells.get(shape.name)!) {
        const id = this.#choiceId(axis.name, cell.point);
        let choice = groups.get(id);
        if (!choice) groups.set(id, (choice = { id, axis: axis.name, stage, metric, mode, candidates: [] }));
        const label = cell.point[axis.name]!;
        const known = choice.candidates.find((candidate) => candidate.label === label);
        if (known) known.instances.push(cell.name);
        else {
          const { value } = this.#bounds.get(axis.name)!.get(label)!;
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

  /** Where what is published lies; instances of a stage that fans out get a folder each below the place. */
  #publish(): Record<string, OutputRef> {
    const { source, publish } = this.#file;
    const published: Record<string, OutputRef> = {};
    for (const [place, text] of Object.entries(publish)) {
      const path = ['publish', place];
      const filled = String(fill(source, path, text, scopeOf(this.#vars)));
      const reference = parseReference(source, path, filled);
      const target = this.#byName.get(reference.stage);
      if (!target) throw unknownStage(source, path, reference.stage, filled, [...this.#byName.keys()]);
      const output = resolveOutput(source, path, filled, reference, target.infos[0]!);
      const free = this.#freeAxes(target, reference);
      if (place === '.' && free.length > 0) {
        throw source.error(path, {
          problem: 'only one output can be the run itself',
          expected: `a stage that runs once, or one instance: ${target.name}[${free[0]}=...]`,
          got: `${filled}, which fans out over ${free.join(', ')}`,
        });
      }
      for (const { name, point } of this.#match(target, reference, {}).cells ?? []) {
        const inner = free.map((axis) => `${axis}=${point[axis]}`).join(',');
        published[inner === '' ? place : `${place}/${inner}`] = { instance: name, output };
      }
    }
    return published;
  }

  #freeAxes(target: Shape, { selected }: Reference): string[] {
    return target.axes.filter((axis) => {
      const label = selected[axis];
      return label === ALL || (label === undefined && !this.#axes.all.get(axis)!.choosing);
    });
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
