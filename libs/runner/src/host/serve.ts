/** Applies one stage of a finished run to new rows, in this process. */
import {
  DataError,
  type GivenRecordings,
  type Recordings,
  RequestError,
  type Shelf,
  type StageDefinition,
  inputSpec,
  messageOf,
  throwIfCancelled,
} from '@prosodia/core';
import { extend, openInput, servicesFor } from './execute.ts';
import type { FromHost, Job } from './protocol.ts';

/** The inputs that new rows come by. Throws a RequestError for a stage that does not say how it serves. */
export function servedInputs(stage: StageDefinition): readonly string[] {
  if (stage.serve) return stage.serve.inputs;
  const names = Object.keys(stage.inputs);
  const learns = stage.fit !== undefined || names.some((name) => inputSpec(stage.inputs[name]!).kind.id === 'split');
  if (!learns && names.length > 0) return names;
  throw new RequestError({
    problem: `stage ${stage.name} does not say how it applies to new recordings`,
    expected: 'serve: { inputs, run } in its definition',
  });
}

/** What a served stage is given beside its job. */
export interface ServeMeans {
  /** Folder of each output that the run saved and the stage may ask for. */
  readonly learned: Readonly<Record<string, string>>;
  readonly given: GivenRecordings;
  readonly recordings: Recordings;
  /** What it reads and writes may lie there. */
  readonly shelf: Shelf;
  /** What was made for this instance before. */
  readonly kept: Map<string, Promise<unknown>>;
  /** Seconds of work before a stage starts threads. */
  patience_s: number;
  leftOut(item_id: string, reason: string): void;
}

/** @param job inputs and outputs as for a run; inputs that do not serve are left out */
export async function serveStage(
  stage: StageDefinition,
  job: Job,
  { learned, given, recordings, shelf, kept, patience_s, leftOut }: ServeMeans,
  signal: AbortSignal,
  send: (message: FromHost) => void,
): Promise<void> {
  const where = `stage ${job.instance}`;
  throwIfCancelled(signal, where);
  const inputs: Record<string, unknown> = {};
  for (const name of servedInputs(stage)) inputs[name] = await openInput(name, stage.inputs[name]!, job, { shelf });
  const outputs: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(stage.outputs)) {
    outputs[name] = await kind.create(job.outputs[name]!, { where: `${where}, output ${name}`, shelf });
  }
  const context = extend(servicesFor(stage, job, signal, send), {
    inputs,
    outputs,
    learned: (name: string) => openLearned(stage, job.instance, learned, name),
    once(name: string, make: () => Promise<unknown>) {
      const known = kept.get(name);
      if (known) return known;
      const made = make();
      kept.set(name, made);
      made.catch(() => kept.delete(name));
      return made;
    },
    given,
    recordings,
    patience_s,
    leftOut,
    state: undefined,
  });
  await (stage.serve ? stage.serve.run(context as never) : stage.run(context as never));
  throwIfCancelled(signal, where);
  for (const output of Object.values(outputs)) await (output as { close?(): Promise<void> }).close?.();
}

async function openLearned(
  stage: StageDefinition,
  instance: string,
  learned: Readonly<Record<string, string>>,
  name: string,
): Promise<unknown> {
  const where = `stage ${instance}, saved ${name}`;
  const folder = learned[name];
  if (folder === undefined) {
    throw new RequestError({
      problem: `stage ${stage.name} asks for what it learned without saying so`,
      expected: `serve: { learned: ['${name}'] } in its definition, so that an exported folder holds it`,
      where,
    });
  }
  try {
    return await stage.outputs[name]!.open(folder, { where });
  } catch (cause) {
    throw new DataError(
      {
        problem: `what ${instance} learned is no longer there`,
        got: messageOf(cause),
        where,
        fix: 'run the pipeline again',
      },
      { cause },
    );
  }
}
