/** What an instance is set to at a point of its axes: values of its variables, parameters, seed, resources. */
import type { Resources } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';
import type { Axes, Point } from './axes.ts';
import { asMap, checkSeed } from './checks.ts';
import { type Shape, valuesOf } from './fan.ts';
import { type PipelineFile, boundVars, readResources } from './file.ts';
import type { KnownParams } from './known-params.ts';
import { resolveParams } from './params.ts';
import { type Bound, type Scope, fill, mentionsIn, scopeOf } from './variables.ts';

/** Labels of the winners that an instance sees, by axis. */
export type Winners = ReadonlyMap<string, string>;

export class Settings {
  readonly #file: PipelineFile;
  readonly #known: KnownParams | undefined;
  readonly #vars: ReadonlyMap<string, Bound>;
  readonly #bounds = new Map<string, ReadonlyMap<string, Bound>>();
  readonly #params = new Map<string, Record<string, unknown>>();

  /** @param known parameters that need no second check */
  constructor(file: PipelineFile, axes: Axes, known: KnownParams | undefined) {
    this.#file = file;
    this.#known = known;
    this.#vars = boundVars(file.vars);
    for (const axis of axes.all.values()) {
      this.#bounds.set(axis.name, new Map(valuesOf(axis).map((bound) => [bound.label!, bound])));
    }
  }

  /** Labels of an axis; one that is not known yet is tried with 0. */
  labelsOf(axis: string): string[] {
    return [...this.#bounds.get(axis)!.keys()];
  }

  valueOf(axis: string, label: string): unknown {
    return this.#bounds.get(axis)!.get(label)!.value;
  }

  scopeAt(point: Point, winners: Winners): Scope {
    const layer = new Map<string, Bound>();
    for (const [axis, label] of [...Object.entries(point), ...winners]) {
      layer.set(axis, this.#bounds.get(axis)!.get(label)!);
    }
    return scopeOf(layer, this.#vars);
  }

  /** Parameters with defaults; worked out once for all instances that mention the same values. */
  paramsOf(
    { name, template, path }: Shape,
    stage: StageInfo,
    scope: Scope,
    point: Point,
    winners: Winners,
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

  seedOf({ template, path }: Shape, scope: Scope, point: Point): number {
    const own = template.seed ?? (Object.hasOwn(point, 'seed') ? '${seed}' : undefined);
    if (own === undefined) return this.#file.vars['seed'] as number;
    const seed = fill(this.#file.source, [...path, 'seed'], own, scope);
    checkSeed(this.#file.source, [...path, 'seed'], seed);
    return seed;
  }

  resourcesOf(
    { template, path }: Shape,
    stage: StageInfo,
    scope: Scope,
    params: Readonly<Record<string, unknown>>,
  ): Resources {
    const { threads, ...others } = stage.resources;
    const wanted = threads === 'param' ? (params['threads'] as number) : threads;
    const defined: Resources = wanted === undefined ? others : { ...others, threads: wanted };
    if (template.resources === undefined) return defined;
    const at = [...path, 'resources'];
    const { source } = this.#file;
    return { ...defined, ...readResources(source, at, fill(source, at, template.resources, scope)) };
  }
}
