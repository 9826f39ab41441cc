/**
 * A finished run as one ONNX file, from samples to probabilities: the graph that predicts, walked once, with each
 * stage saying what it does to tensors.
 */
import {
  type ComposeContext,
  type Composed,
  type ComposedPredictions,
  DataError,
  RequestError,
  type StageDefinition,
  messageOf,
} from '@prosodia/core';
import { servedInputs } from '../host/serve.ts';
import type { TrainedOn } from './corpora.ts';
import { Ear } from './hearing.ts';
import { type ServedRun, splitReference } from './served-run.ts';

/** What the file says of itself; all of it also stands in its metadata, as text. */
export interface OneFileMetadata {
  pipeline: string;
  run: number;
  title: string;
  /** Of the samples that the model takes, in Hz; files of other rates have to be resampled before. */
  sample_rate: number;
  /** In the order of the probabilities. */
  labels: string[];
  calibrated: boolean;
  /** Below this probability of the likeliest label, an answer is worth little. */
  threshold: number;
  /** Longer recordings are better given in windows of this length, in seconds. */
  window_s: number;
  /** Stage instances whose probabilities are averaged. */
  members: string[];
  /** What it was trained on, with licences and citations. */
  corpora: readonly TrainedOn[];
  /** What it is no good for; the file travels without its card. */
  limits: string;
}

export type OneFile =
  | { readonly model: Uint8Array; readonly metadata: OneFileMetadata }
  /** Which stage prevents it, and why, on one line. */
  | { readonly reason: string };

/** What `predict` takes unless told otherwise. */
const THRESHOLD = 0.4;

const LIMITS =
  'An emotion that is acted is not one that is felt, and a label is the opinion of who gave it. The model knows the ' +
  'voices and languages of its corpus. It is no basis for decisions about people.';

/** @throws DataError if what the run saved is gone */
export async function composeOneFile(served: ServedRun): Promise<OneFile> {
  const walk = new Walk(served);
  const members: ComposedPredictions[] = [];
  try {
    for (const reference of served.members) members.push(await walk.predictions(reference));
    const [first, ...others] = members;
    const metadata: OneFileMetadata = {
      pipeline: served.pipeline,
      run: served.run,
      title: served.title,
      sample_rate: walk.rate,
      labels: [...served.labels],
      calibrated: await calibrated(served),
      threshold: THRESHOLD,
      window_s: (await Ear.of(served)).window_s,
      members: served.members.map((reference) => splitReference(reference).instance),
      corpora: served.corpora,
      limits: LIMITS,
    };
    const texts = Object.entries(metadata).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    const entries = Object.fromEntries(texts) as Record<string, string>;
    return { model: first!.model(others, { metadata: entries }), metadata };
  } catch (error) {
    if (error instanceof RequestError) return { reason: inOneLine(error) };
    throw error;
  }
}

function inOneLine({ parts: { where, problem, got } }: RequestError): string {
  return [where ? `${where}: ` : '', problem, got === undefined ? '' : ` (${got})`].join('');
}

async function calibrated(served: ServedRun): Promise<boolean> {
  for (const reference of served.members) {
    const { uses } = served.instances[splitReference(reference).instance]!;
    if ((await served.stage(uses)).serve?.calibrates !== true) return false;
  }
  return true;
}

/** Each instance once, whoever reads its outputs. */
class Walk {
  readonly #served: ServedRun;
  readonly #composed = new Map<string, Promise<Readonly<Record<string, Composed | undefined>>>>();
  #rate: number | undefined;

  constructor(served: ServedRun) {
    this.#served = served;
  }

  /** Rate of the samples that the graph begins with. Throws a RequestError if it begins with none. */
  get rate(): number {
    if (this.#rate !== undefined) return this.#rate;
    throw new RequestError({ problem: 'the run predicts without recordings', expected: 'a stage that gives audio' });
  }

  async predictions(reference: string): Promise<ComposedPredictions> {
    return asKind(await this.#open(reference), 'predictions', reference);
  }

  async #open(reference: string): Promise<Composed> {
    const { instance, output } = splitReference(reference);
    const started = this.#composed.get(instance) ?? this.#compose(instance);
    this.#composed.set(instance, started);
    const composed = (await started)[output];
    if (composed) return composed;
    throw new RequestError({ problem: `stage ${instance} says nothing of ${output} in an ONNX graph` });
  }

  async #compose(instance: string): Promise<Readonly<Record<string, Composed | undefined>>> {
    const { uses, with: params, from } = this.#served.instances[instance]!;
    const stage = await this.#served.stage(uses);
    if (!stage.compose) throw new RequestError({ problem: `${uses} has no ONNX graph`, where: `stage ${instance}` });
    const inputs = new Map<string, Composed[]>();
    for (const name of servedInputs(stage)) {
      const list: Composed[] = [];
      for (const reference of from[name] ?? []) list.push(await this.#open(reference));
      inputs.set(name, list);
    }
    try {
      const outputs = (await stage.compose(this.#context(instance, stage, params, inputs))) as Record<string, Composed>;
      for (const composed of Object.values(outputs)) if (composed.kind === 'audio') this.#rate ??= composed.rate;
      return outputs;
    } catch (error) {
      throw error instanceof RequestError ? error.at(`stage ${instance}`) : error;
    }
  }

  #context(
    instance: string,
    stage: StageDefinition,
    params: Record<string, unknown>,
    inputs: ReadonlyMap<string, readonly Composed[]>,
  ): ComposeContext<never, Record<string, never>> {
    const all =
      <K extends Composed['kind']>(kind: K) =>
      (name: string) =>
        (inputs.get(name) ?? []).map((input) => asKind(input, kind, name));
    const one =
      <K extends Composed['kind']>(kind: K) =>
      (name: string) => {
        const [input] = all(kind)(name);
        if (input) return input;
        throw new RequestError({ problem: `input ${name} is not part of the graph` });
      };
    const learned = async (name: string) => {
      const where = `stage ${instance}, saved ${name}`;
      try {
        return await stage.outputs[name]!.open(this.#served.saved(instance, name), { where });
      } catch (cause) {
        const got = messageOf(cause);
        throw new DataError({ problem: 'what the run learned is no longer there', got, where }, { cause });
      }
    };
    return {
      params: params as never,
      audio: one('audio'),
      features: one('features'),
      manyFeatures: all('features'),
      predictions: one('predictions'),
      manyPredictions: all('predictions'),
      learned: learned as never,
    };
  }
}

function asKind<K extends Composed['kind']>(
  composed: Composed,
  kind: K,
  where: string,
): Extract<Composed, { kind: K }> {
  if (composed.kind === kind) return composed as Extract<Composed, { kind: K }>;
  throw new RequestError({ problem: `${where} is something else in the graph`, expected: kind, got: composed.kind });
}
