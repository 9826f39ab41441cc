/** What a pipeline file comes to: the instances to run, and what is not known before some of them have run. */
import type { Resources } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';
import type { Choosing, Point } from './axes.ts';

/** One output of one instance. */
export interface OutputRef {
  instance: string;
  output: string;
}

/** An output given to an input. */
export interface InputRef extends OutputRef {
  /** What the stage is told: the stage it comes from, and the axes over which it was collected. */
  from?: string;
}

/** A stage as used in a pipeline, once for each point of its axes. */
export interface Instance {
  /** `network`, or `network[feature=mel,fold=2]`. */
  name: string;
  /** Name of the stage in the file, `network`. */
  template: string;
  /** Label by axis; empty for a stage without axes. */
  point: Point;
  stage: StageInfo;
  params: Record<string, unknown>;
  seed: number;
  /** References by input name, in the stage's order of inputs; an input left out has none. */
  inputs: Record<string, InputRef[]>;
  /** Instances that must finish first. */
  needs: string[];
  /** What it needs of the machine; not part of its key. */
  resources: Resources;
}

/** An instance, or a stage all of whose instances, cannot be planned yet. */
export interface Pending {
  name: string;
  template: string;
  /** The stage that it uses; where an axis says which, the first of them. */
  uses: string;
  /** In words, after `waits for`. */
  waitsFor: string;
}

/** The winner of a search, for one combination of the axes besides it. */
export interface Choice extends Pick<Choosing, 'stage' | 'metric' | 'mode'> {
  /** `trial`, or `trial[fold=2]`. */
  id: string;
  axis: string;
  /** In the order of the search; more than one instance where the metric is averaged. */
  candidates: { label: string; value: unknown; instances: string[] }[];
}

/** A number that a stage reports, and over which a `foreach` counts. */
export interface Count {
  id: string;
  instance: string;
  metric: string;
}

/** What has become known while running: by id of the count or choice. */
export interface Facts {
  readonly counts: ReadonlyMap<string, number>;
  /** Label of the winner. */
  readonly choices: ReadonlyMap<string, string>;
}

export const NO_FACTS: Facts = { counts: new Map(), choices: new Map() };

/** A stage of the file, all of its instances together. */
export interface StageOutline {
  name: string;
  /** The stage that it uses; several where an axis says which. */
  uses: string[];
  axes: string[];
  /** Stages of the file whose outputs it takes, or for whose count or choice it waits. */
  needs: string[];
}

export interface Plan {
  name: string;
  title: string;
  description: string;
  vars: Record<string, unknown>;
  /** In an order in which each comes after all it needs; ties as in the file. */
  instances: Instance[];
  /** All stages of the file, in an order in which each comes after all it needs. */
  outline: StageOutline[];
  /** What `extend` turns into instances when more is known. */
  pending: Pending[];
  counts: Count[];
  choices: Choice[];
  publish: Record<string, OutputRef>;
  facts: Facts;
  /** The plan with more known; instances that are in this one are equal in that. */
  extend(facts: Facts): Plan;
}
