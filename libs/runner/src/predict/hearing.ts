/**
 * How much of a window the models of a run hear.
 *
 * The graph that predicts is walked with a stretch of time in place of audio. Where paths join, the one that hears
 * least counts: a model that is given all of a window in one place and half of it in another hears half.
 */
import type { Hearing, StageDefinition, Stretch } from '@prosodia/core';
import { servedInputs } from '../host/serve.ts';
import { type ServedRun, splitReference } from './served-run.ts';

/** What a window of some length comes to. */
export interface Heard {
  /** Seconds of the window that reach every model. */
  seconds: number;
  /** Stage instance that leaves out the rest; undefined if all is heard. */
  cutBy: string | undefined;
}

/** Longest recording taken in one piece where the models do not say otherwise, in seconds. */
const USUAL_S = 6;

/** Less than this is not missed: a frame or two at the end of a window. */
const NEGLIGIBLE_S = 0.05;

interface Node {
  stage: StageDefinition;
  params: Record<string, unknown>;
  /** Instances that it reads. */
  sources: readonly string[];
}

interface Path extends Hearing {
  cutBy: string | undefined;
}

export class Ear {
  /** Instances that new rows pass, each after those that it reads. */
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #members: readonly string[];
  /** Length of the windows that longer recordings are best cut into: as long as is heard whole, at most 6 s. */
  readonly window_s: number;

  private constructor(nodes: ReadonlyMap<string, Node>, members: readonly string[]) {
    this.#nodes = nodes;
    this.#members = members;
    this.window_s = this.#longestWhole() ?? USUAL_S;
  }

  /** @throws RequestError if a stage of the run does not say how it serves */
  static async of(run: ServedRun): Promise<Ear> {
    const nodes = new Map<string, Node>();
    const visit = async (instance: string): Promise<void> => {
      if (nodes.has(instance)) return;
      const { uses, with: params, from } = run.instances[instance]!;
      const stage = await run.stage(uses);
      const references = servedInputs(stage).flatMap((name) => from[name] ?? []);
      const sources = [...new Set(references.map((reference) => splitReference(reference).instance))];
      for (const source of sources) await visit(source);
      nodes.set(instance, { stage, params, sources });
    };
    const members = run.members.map((reference) => splitReference(reference).instance);
    for (const member of members) await visit(member);
    return new Ear(nodes, members);
  }

  /** @param window_s length of a window, or of a shorter recording, in seconds */
  hears(window_s: number): Heard {
    const paths = new Map<string, Path>();
    for (const [instance, { stage, params, sources }] of this.#nodes) {
      const given = sources.length === 0 ? whole(window_s) : least(sources.map((source) => paths.get(source)!));
      const left = stage.hears?.({ ...given, params: params as never }) ?? given;
      const cuts = lengthOf(left.items) < lengthOf(given.items) - NEGLIGIBLE_S;
      paths.set(instance, { ...left, cutBy: cuts ? instance : given.cutBy });
    }
    const { items, cutBy } = least(this.#members.map((member) => paths.get(member)!));
    const seconds = lengthOf(items);
    return seconds < window_s - NEGLIGIBLE_S ? { seconds, cutBy } : { seconds: window_s, cutBy: undefined };
  }

  /** Tenths of a second, as recipes mean them; undefined if no window is heard whole, or any is. */
  #longestWhole(): number | undefined {
    const { seconds, cutBy } = this.hears(USUAL_S);
    if (cutBy === undefined) return undefined;
    const window_s = seconds < 0.1 ? seconds : Math.floor(seconds * 10 + 1e-9) / 10;
    return this.hears(window_s).cutBy === undefined ? window_s : undefined;
  }
}

function whole(window_s: number): Path {
  return { rate: undefined, items: [{ start_s: 0, end_s: window_s }], cutBy: undefined };
}

/** The path on which least is heard, the first of equal ones. */
function least(paths: readonly Path[]): Path {
  return paths.reduce((found, path) => (lengthOf(path.items) < lengthOf(found.items) ? path : found));
}

/** Seconds that at least one of the stretches covers. */
function lengthOf(stretches: readonly Stretch[]): number {
  let length = 0;
  let covered = -Infinity;
  for (const { start_s, end_s } of [...stretches].sort((a, b) => a.start_s - b.start_s)) {
    length += Math.max(0, end_s - Math.max(start_s, covered));
    covered = Math.max(covered, end_s);
  }
  return length;
}
