/** Applies one stage of a finished run to new rows, in this process. */
import {
  DataError,
  type GivenRecordings,
  RequestError,
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

/**
 * @param job inputs and outputs as for a run; inputs that do not serve are left out
 * @param learned folder of each output that the run saved
 */
export async function serveStage(
  stage: StageDefinition,
  job: Job,
  learned: Readonly<Record<string, string>>,
  given: GivenRecordings,
  signal: AbortSignal,
  send: (message: FromHost) => void,
): Promise<void> {
  const where = `stage ${job.instance}`;
  throwIfCancelled(signal, where);
  const inputs: Record<string, unknown> = {};
  for (const name of servedInputs(stage)) inputs[name] = await openInput(name, stage.inputs[name]!, job, undefined);
  const outputs: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(stage.outputs)) {
    outputs[name] = await kind.create(job.outputs[name]!, { where: `${where}, output ${name}` });
  }
  const openLearned = async (name: string) => {
    try {
      return await stage.outputs[name]!.open(learned[name]!, { where: `${where}, saved ${name}` });
    } catch (cause) {
      throw new DataError(
        {
          problem: `what ${job.instance} learned is no longer in the store`,
          got: messageOf(cause),
          where: `${where}, saved ${name}`,
          fix: 'run the pipeline again',
        },
        { cause },
      );
    }
  };
  const context = extend(servicesFor(stage, job, signal, send), {
    inputs,
    outputs,
    learned: openLearned,
    given,
    state: undefined,
  });
  await (stage.serve ? stage.serve.run(context as never) : stage.run(context as never));
  throwIfCancelled(signal, where);
  for (const output of Object.values(outputs)) await (output as { close?(): Promise<void> }).close?.();
}
