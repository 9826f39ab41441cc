/** Runs one stage instance in this process: opens inputs, fits on training rows, runs, closes outputs. */
import {
  type ArtifactKind,
  CancelledError,
  DataError,
  type FitContext,
  type InputSpec,
  LeakError,
  type OpenOptions,
  ProsodiaError,
  RequestError,
  Rng,
  type Role,
  type RoleSource,
  type RowView,
  type StageDefinition,
  type StageServices,
  inputSpec,
  loadable,
  throwIfCancelled,
} from '@prosodia/core';
import type { FromHost, HostError, Job } from './protocol.ts';
import { recordingsIn } from './recordings.ts';
import { scratchIn } from './scratch.ts';

type Send = (message: FromHost) => void;

/** Loads and runs the stage of a job. Throws what the stage throws, with the stage's name as place. */
export async function execute(job: Job, signal: AbortSignal, send: Send): Promise<void> {
  const { default: stage } = (await import(loadable(job.module).url.href)) as { default: StageDefinition };
  try {
    await runStage(stage, job, signal, send);
  } catch (error) {
    if (
      error instanceof ProsodiaError &&
      !(error instanceof CancelledError) &&
      !error.parts.where?.includes(job.instance)
    ) {
      throw error.at(`stage ${job.instance}`);
    }
    throw error;
  }
}

/** Runs a stage definition; the part that the conformance suite shares. */
export async function runStage(stage: StageDefinition, job: Job, signal: AbortSignal, send: Send): Promise<void> {
  const services = servicesFor(stage, job, signal, send);
  const what = `stage ${job.instance}`;
  throwIfCancelled(signal, what);
  let state: unknown;
  if (stage.fit) {
    const roles = await rolesFor(stage, job);
    const fitContext = extend(services, {
      training: await openInputs(stage, job, viewOf(roles, 'train', job)),
      validation: await openInputs(stage, job, viewOf(roles, 'validation', job)),
    });
    state = await stage.fit(fitContext as FitContext<never, never>);
    throwIfCancelled(signal, what);
  }
  const inputs = await openInputs(stage, job);
  const outputs: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(stage.outputs)) {
    outputs[name] = await kind.create(job.outputs[name]!, { where: `stage ${job.instance}, output ${name}` });
  }
  await stage.run(extend(services, { inputs, outputs, state }) as never);
  throwIfCancelled(signal, what);
  for (const output of Object.values(outputs)) await (output as { close?(): Promise<void> }).close?.();
}

/** Which rows count as training rows: the stage's `fit_on` parameter if it has one, else the training role alone. */
function viewOf(roles: ReadonlyMap<string, Role>, purpose: 'train' | 'validation', job: Job): RowView {
  const fitOn = job.params['fit_on'];
  const wanted: readonly Role[] = purpose === 'train' && Array.isArray(fitOn) ? (fitOn as Role[]) : [purpose];
  if (wanted.includes('test')) {
    throw new LeakError({
      problem: 'test rows must not be fitted on',
      expected: 'fit_on: [train] or [train, validation]',
      got: `fit_on: [${wanted.join(', ')}]`,
      where: `stage ${job.instance}`,
    });
  }
  return {
    description: `${wanted.join(' and ')} rows`,
    keep: (clipId) => {
      const role = roles.get(clipId);
      return role !== undefined && wanted.includes(role);
    },
  };
}

async function rolesFor(stage: StageDefinition, job: Job): Promise<ReadonlyMap<string, Role>> {
  const kind = inputSpec(stage.inputs['split']!).kind as ArtifactKind<RoleSource>;
  const folder = job.inputs['split']![0]!.folder;
  const split = await kind.open(folder, { where: `stage ${job.instance}, input split` });
  const fold = job.params['fold'];
  return split.roles(typeof fold === 'number' ? fold : 0);
}

async function openInputs(stage: StageDefinition, job: Job, view?: RowView): Promise<Record<string, unknown>> {
  const opened: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(stage.inputs)) {
    opened[name] = await openInput(name, spec, job, view ? { view } : {});
  }
  return opened;
}

export async function openInput(
  name: string,
  spec: InputSpec,
  job: Job,
  options: Omit<OpenOptions, 'where'>,
): Promise<unknown> {
  const { kind, arity } = inputSpec(spec);
  const given = job.inputs[name] ?? [];
  const where = `stage ${job.instance}, input ${name}`;
  const open = (folder: string, place: string) => kind.open(folder, { ...options, where: place });
  if (arity === 'many') {
    return Promise.all(
      given.map(async ({ from, folder }) => ({ from, artifact: await open(folder, `${where} (${from})`) })),
    );
  }
  return given.length === 0 ? undefined : open(given[0]!.folder, where);
}

/** More members on top of the services; not a copy, which would ask for `rng`, and only some stages may. */
export function extend(services: StageServices<never>, members: object): unknown {
  return Object.assign(Object.create(services) as object, members);
}

export function servicesFor(stage: StageDefinition, job: Job, signal: AbortSignal, send: Send): StageServices<never> {
  const rng = new Rng(job.seed, job.stage);
  let lastProgress = 0;
  return {
    params: job.params as never,
    get rng(): Rng {
      if (stage.seeded) return rng;
      throw new RequestError({
        problem: `stage ${stage.name} draws random numbers but does not say so`,
        expected: 'seeded: true in its definition, so that the seed becomes part of its cache key',
      });
    },
    threads: job.threads,
    device: job.device,
    signal,
    recordings: recordingsIn(job.corpora),
    scratch: scratchIn(job.scratch),
    progress(done, total, unit = 'rows') {
      const now = performance.now();
      if (now - lastProgress < 100 && done !== total) return;
      lastProgress = now;
      send({ type: 'progress', done, total, unit });
    },
    notice: (message) => send({ type: 'notice', message }),
    metrics: (values) => send({ type: 'metrics', values: { ...values } }),
    summary: (text) => send({ type: 'summary', text }),
  };
}

/** An error in a form that crosses processes. */
export function describeError(error: unknown): HostError {
  const kind =
    error instanceof CancelledError
      ? 'cancelled'
      : error instanceof RequestError
        ? 'request'
        : error instanceof LeakError
          ? 'leak'
          : error instanceof DataError
            ? 'data'
            : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined | null)?.code;
  return {
    kind,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error instanceof ProsodiaError ? { parts: error.parts } : {}),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
  };
}
