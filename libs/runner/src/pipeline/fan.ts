/**
 * Which axes each stage has.
 *
 * A stage has the axes it declares or names, those of the whole file that it mentions as `${axis}`, and those of the
 * stages whose outputs it takes one at a time. So what an axis cannot change runs once, and a chain after a stage that
 * fans out fans out with it, without a word. An input that takes several collects what the stage has no axis for.
 *
 * The axis of a search belongs to the stages from which its metric comes. Every other stage sees the winner.
 */
import type { Catalogue, StageInfo } from '../catalogue/info.ts';
import type { Axis } from './axes.ts';
import { didYouMean } from './checks.ts';
import { type PipelineFile, type StageTemplate, boundVars } from './file.ts';
import { ALL, type Reference, parseReference, resolveOutput, unknownStage } from './reference.ts';
import type { YamlPath, YamlSource } from './source.ts';
import { type Bound, fill, mentionsIn, scopeOf, unknownVariable } from './variables.ts';

/** One reference as written, and what it may stand for. */
export interface Written {
  input: string;
  /** The input takes several. */
  many: boolean;
  path: YamlPath;
  text: string;
  /** One, or one per value of the axes that the text mentions. */
  possible: Reference[];
}

/** A stage of the file with what is known of all its instances. */
export interface Shape {
  name: string;
  path: YamlPath;
  template: StageTemplate;
  /** What it may use: one stage, or one per value of the axes that `uses` mentions. */
  infos: StageInfo[];
  references: Written[];
  /** In the order of the file. */
  axes: string[];
  /** Searches whose winner it sees. */
  chosen: string[];
  /** Stages that come before it. */
  needs: string[];
}

/**
 * @returns the stages in an order in which each comes after all it needs; ties as in the file
 * @throws RequestError for names that are not there, axes that are not at hand, and circles
 */
export function shapesOf(file: PipelineFile, catalogue: Catalogue): Shape[] {
  const drafts = new Map(Object.keys(file.stages).map((name) => [name, draft(file, name, catalogue)]));
  for (const shape of drafts.values()) checkOutputs(file, shape, drafts);
  const fan = new Fan(file, drafts);
  fan.spread();
  return sortTopologically(file.source, [...drafts.values()]);
}

function draft(file: PipelineFile, name: string, catalogue: Catalogue): Shape {
  const template = file.stages[name]!;
  const path = ['stages', name];
  const infos = allFilled(file, [...path, 'uses'], template.uses).map((uses) => findStage(file, path, uses, catalogue));
  const references: Written[] = [];
  for (const [input, written] of Object.entries(template.from)) {
    const many = infos.every(({ inputs }) => inputs.find((known) => known.name === input)?.arity === 'many');
    const at = [...path, 'from', input];
    const texts = written === null ? [input] : Array.isArray(written) ? written : [written];
    texts.forEach((text, i) => {
      const place = Array.isArray(written) ? [...at, i] : at;
      const possible = allFilled(file, place, text).map((filled) => {
        const reference = parseReference(file.source, place, filled);
        if (Object.hasOwn(file.stages, reference.stage)) return reference;
        throw unknownStage(file.source, place, reference.stage, filled, Object.keys(file.stages));
      });
      references.push({ input, many, path: place, text, possible });
    });
  }
  const needs = [...new Set(references.flatMap(({ possible }) => possible.map(({ stage }) => stage)))];
  return { name, path, template, infos, references, axes: [], chosen: [], needs };
}

/** A wrong kind is told before a circle, which is often its consequence. */
function checkOutputs({ source }: PipelineFile, shape: Shape, drafts: ReadonlyMap<string, Shape>): void {
  for (const { input, path, possible } of shape.references) {
    const own = shape.infos[0]!.inputs.find(({ name }) => name === input);
    for (const reference of own ? possible : []) {
      const { infos } = drafts.get(reference.stage)!;
      if (infos.length === 1) resolveOutput(source, path, written(reference), reference, infos[0]!, own);
    }
  }
}

function written({ stage, output }: Reference): string {
  return output === undefined ? stage : `${stage}.${output}`;
}

export function findStage(file: PipelineFile, path: YamlPath, uses: string, catalogue: Catalogue): StageInfo {
  const stage = catalogue.get(uses);
  if (stage) return stage;
  throw file.source.error([...path, 'uses'], {
    problem: `there is no stage ${uses}`,
    expected: `one of: ${[...catalogue.keys()].join(', ')}`,
    got: uses,
    fix: 'prosodia stages lists them; a new one is a folder in stages/',
    ...didYouMean(uses, catalogue.keys()),
  });
}

/** A text with the variables filled in; once per value of the axes that it mentions. */
function allFilled(file: PipelineFile, path: YamlPath, text: string): string[] {
  let layers: Map<string, Bound>[] = [new Map()];
  for (const { name } of mentionsIn(text)) {
    const axis = file.axes.all.get(name);
    if (!axis || layers[0]!.has(name)) continue;
    layers = layers.flatMap((layer) => valuesOf(axis).map((bound) => new Map([...layer, [name, bound]])));
  }
  const vars = boundVars(file.vars);
  const texts = layers.map((layer) => String(fill(file.source, path, text, scopeOf(layer, vars))));
  return [...new Set(texts)];
}

/** Values of an axis; one that is not known yet is tried with 0. */
export function valuesOf({ values }: Axis): Bound[] {
  return values ?? [{ label: '0', value: 0 }];
}

class Fan {
  readonly #file: PipelineFile;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #source: YamlSource;
  readonly #order: readonly string[];
  readonly #axesOf = new Map<string, Set<string>>();

  constructor(file: PipelineFile, shapes: ReadonlyMap<string, Shape>) {
    this.#file = file;
    this.#shapes = shapes;
    this.#source = file.source;
    this.#order = [...file.axes.all.keys()];
  }

  spread(): void {
    const byReference = sortTopologically(this.#source, [...this.#shapes.values()]);
    const searches = [...this.#file.axes.all.values()].filter(({ choosing }) => choosing);
    /** By search: the stages whose instances are trials. */
    const trials = new Map(searches.map((axis) => [axis.name, this.#trialStages(axis, byReference)]));
    for (const shape of byReference) {
      for (const { name, choosing } of searches) {
        const own = trials.get(name)!;
        if (own.has(shape.name)) continue;
        if (!this.#mentions(shape, name) && !this.#takesFrom(shape, own, name)) continue;
        shape.chosen.push(name);
        if (!shape.needs.includes(choosing!.stage)) shape.needs.push(choosing!.stage);
      }
    }
    for (const shape of sortTopologically(this.#source, [...this.#shapes.values()])) {
      const axes = this.#inferAxes(shape, trials);
      this.#axesOf.set(shape.name, axes);
      shape.axes = this.#order.filter((name) => axes.has(name));
      this.#checkMentions(shape);
      for (const name of axes) {
        const { counted } = this.#file.axes.all.get(name)!;
        if (counted && !shape.needs.includes(counted.stage)) shape.needs.push(counted.stage);
      }
    }
    for (const axis of searches) this.#checkSearch(axis);
    for (const shape of this.#shapes.values()) for (const written of shape.references) this.#checkSelected(written);
    for (const { name, counted } of this.#file.axes.all.values()) {
      if (counted) this.#checkCounted(name, counted.stage);
    }
  }

  /** The judged stage and those before it that the search reaches. */
  #trialStages(axis: Axis, byReference: readonly Shape[]): ReadonlySet<string> {
    const before = new Set([axis.choosing!.stage]);
    for (const shape of byReference.toReversed()) {
      if (before.has(shape.name)) for (const need of shape.needs) before.add(need);
    }
    const reached = new Set<string>();
    for (const shape of byReference) {
      if (!before.has(shape.name)) continue;
      if (this.#mentions(shape, axis.name) || this.#takesFrom(shape, reached, axis.name)) reached.add(shape.name);
    }
    return reached;
  }

  #mentions({ template }: Shape, axis: string): boolean {
    return template.axes.includes(axis) || mentionsIn(partsOf(template)).some(({ name }) => name === axis);
  }

  #takesFrom(shape: Shape, stages: ReadonlySet<string>, axis: string): boolean {
    return shape.references.some(({ possible }) =>
      possible.some(({ stage, selected }) => stages.has(stage) && !Object.hasOwn(selected, axis)),
    );
  }

  #inferAxes(shape: Shape, trials: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
    const { template } = shape;
    const known = this.#file.axes.all;
    const axes = new Set(template.axes);
    for (const { name } of mentionsIn(partsOf(template))) if (known.get(name)?.global) axes.add(name);
    const collecting = template.collect.length > 0;
    for (const { possible, many } of shape.references) {
      for (const { stage, selected } of possible) {
        for (const axis of this.#axesOf.get(stage) ?? []) {
          if (Object.hasOwn(selected, axis)) continue;
          const trial = trials.get(axis)?.has(shape.name) === true;
          if (!many || trial || (collecting && !template.collect.includes(axis))) axes.add(axis);
        }
      }
    }
    for (const search of shape.chosen) {
      axes.delete(search);
      // One choice per fold means that whoever asks for the winner must say of which fold.
      for (const group of this.#groupAxes(known.get(search)!)) {
        if (this.#mentions(shape, search) || !this.#hasAllSources(shape, trials.get(search)!, group)) axes.add(group);
      }
    }
    return axes;
  }

  /** Axes of the judged stage for which a choice of its own is made. */
  #groupAxes({ name, choosing }: Axis): string[] {
    const judged = this.#axesOf.get(choosing!.stage) ?? new Set<string>();
    return [...judged].filter((axis) => axis !== name && !choosing!.meanOver.includes(axis));
  }

  /** Whether everything the shape takes from trials has the axis itself. */
  #hasAllSources(shape: Shape, trial: ReadonlySet<string>, axis: string): boolean {
    return shape.references.every(({ possible }) =>
      possible.every(({ stage }) => !trial.has(stage) || this.#axesOf.get(stage)!.has(axis)),
    );
  }

  #checkMentions(shape: Shape): void {
    const { axes, chosen, path, template } = shape;
    for (const { name, path: inner } of mentionsIn(partsOf(template), path)) {
      if (axes.includes(name) || chosen.includes(name) || Object.hasOwn(this.#file.vars, name)) continue;
      const axis = this.#file.axes.all.get(name);
      if (!axis) {
        throw unknownVariable(this.#source, inner, name, [...Object.keys(this.#file.vars), ...this.#order]);
      }
      throw this.#source.error(inner, {
        problem: `${shape.name} has no axis ${name}`,
        expected: `matrix: [${name}] on ${shape.name}, or an input from a stage that has the axis`,
        got: `\${${name}}`,
        fix: `the axis is declared at ${this.#source.place(axis.path)}; at the top of the file it would be known everywhere`,
      });
    }
  }

  #checkSearch(axis: Axis): void {
    const { stage, meanOver, metric } = axis.choosing!;
    const judged = this.#axesOf.get(stage)!;
    if (!judged.has(axis.name)) {
      throw this.#source.error([...axis.path, 'metric'], {
        problem: `${stage} does not depend on the search, so its ${metric} cannot choose`,
        expected: `a stage that mentions \${${axis.name}.parameter}, or takes outputs of one that does`,
        got: stage,
      });
    }
    const other = [...judged].find((name) => name !== axis.name && this.#file.axes.all.get(name)!.choosing);
    if (other !== undefined) {
      throw this.#source.error([...axis.path, 'metric'], {
        problem: 'a search cannot run inside another',
        expected: 'one search with all parameters in its space, or one that starts from the winner of the other',
        got: `${stage} has the axes ${axis.name} and ${other}`,
      });
    }
    meanOver.forEach((name, i) => {
      if (judged.has(name) && name !== axis.name) return;
      throw this.#source.error([...axis.path, 'mean_over', i], {
        problem: `${stage} has no axis ${name} to average over`,
        expected: `one of: ${[...judged].filter((own) => own !== axis.name).join(', ') || '(none)'}`,
        got: name,
      });
    });
  }

  /** Axes and values in brackets must be those of the stage. */
  #checkSelected({ path, possible }: Written): void {
    for (const { stage, selected } of possible) {
      const axes = this.#shapes.get(stage)!.axes;
      for (const [name, label] of Object.entries(selected)) {
        if (!axes.includes(name)) {
          throw this.#source.error(path, {
            problem: `${stage} has no axis ${name}`,
            expected: axes.length > 0 ? `one of: ${axes.join(', ')}` : `${stage}, without brackets`,
            got: `${stage}[${name}=${label}]`,
            ...didYouMean(name, axes),
          });
        }
        const { values } = this.#file.axes.all.get(name)!;
        const labels = values?.map((value) => value.label);
        if (label === ALL || !labels || labels.includes(label)) continue;
        throw this.#source.error(path, {
          problem: `axis ${name} has no value ${label}`,
          expected: `one of: ${labels.length > 20 ? `${labels.slice(0, 20).join(', ')}, ...` : labels.join(', ')}`,
          got: `${stage}[${name}=${label}]`,
          ...didYouMean(label, labels),
        });
      }
    }
  }

  #checkCounted(name: string, stage: string): void {
    const { axes, path } = { ...this.#file.axes.all.get(name)!, axes: this.#shapes.get(stage)!.axes };
    if (axes.length === 0) return;
    throw this.#source.error(path, {
      problem: `${stage} fans out itself, so it has no one number of values for ${name}`,
      expected: 'a stage that runs once',
      got: `${stage}, with the axes ${axes.join(', ')}`,
    });
  }
}

/** What of a stage may mention axes. */
export function partsOf({ uses, with: params, from, seed, resources }: StageTemplate): Record<string, unknown> {
  return { uses, with: params, from, seed, resources };
}

/** Kahn's algorithm, stable. Throws a RequestError that spells out a cycle. */
function sortTopologically(source: YamlSource, shapes: readonly Shape[]): Shape[] {
  const sorted: Shape[] = [];
  const done = new Set<string>();
  const waiting = [...shapes];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ needs }) => needs.every((need) => done.has(need)));
    if (next < 0) throw cycleError(source, waiting);
    const [shape] = waiting.splice(next, 1);
    sorted.push(shape!);
    done.add(shape!.name);
  }
  return sorted;
}

function cycleError(source: YamlSource, waiting: readonly Shape[]): Error {
  const byName = new Map(waiting.map((shape) => [shape.name, shape]));
  const trail: string[] = [];
  let current = waiting[0]!;
  while (!trail.includes(current.name)) {
    trail.push(current.name);
    current = byName.get(current.needs.find((need) => byName.has(need))!)!;
  }
  const cycle = [...trail.slice(trail.indexOf(current.name)), current.name].reverse();
  return source.error(['stages', current.name, 'from'], {
    problem: 'the stages wait for each other in a circle',
    expected: 'each stage takes outputs of stages that do not depend on it',
    got: cycle.join(' -> '),
  });
}
