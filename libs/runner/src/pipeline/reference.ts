/**
 * `stage`, `stage.output`, `stage[axis=value].output`: how a pipeline names outputs.
 *
 * In brackets stand axes that are set: to one value, to `*` for all of them as a list, or to `${axis}` of the stage
 * that asks. An axis that is not named there is matched with the asking stage's own; if that has no such axis, all
 * values are collected.
 */
import type { InputInfo, StageInfo } from '../catalogue/info.ts';
import { didYouMean } from './checks.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** Stands for all values of an axis. */
export const ALL = '*';

export interface Reference {
  stage: string;
  /** Label by axis, or {@link ALL}. */
  selected: Readonly<Record<string, string>>;
  output?: string;
}

/** @throws RequestError if the text has another form */
export function parseReference(source: YamlSource, path: YamlPath, text: string): Reference {
  const match = /^([^.[\]]+)(?:\[([^[\]]*)\])?(?:\.([^.[\]]+))?$/.exec(text.trim());
  const refuse = (): Error =>
    source.error(path, {
      problem: 'this does not name a stage output',
      expected: text.includes('[') ? 'stage[axis=value,...].output' : 'stage or stage.output',
      got: text,
    });
  if (!match) throw refuse();
  const [, stage, inner, output] = match;
  const selected: Record<string, string> = {};
  for (const part of inner === undefined ? [] : inner.split(',')) {
    const setting = /^\s*([\w-]+)\s*=\s*([\w.+*-]+)\s*$/.exec(part);
    if (!setting) throw refuse();
    selected[setting[1]!] = setting[2]!;
  }
  return { stage: stage!, selected, ...(output === undefined ? {} : { output }) };
}

/**
 * The output meant: the one named, else the one named as the input, else the only one of its kind.
 * @param text the reference as it should be shown
 * @throws RequestError
 */
export function resolveOutput(
  source: YamlSource,
  path: YamlPath,
  text: string,
  reference: Reference,
  stage: StageInfo,
  input?: InputInfo,
): string {
  const { stage: instance, output: name } = reference;
  const kind = input?.kind.id;
  const all = stage.outputs.map((output) => `${instance}.${output.name} (${output.kind.id})`).join(', ');
  if (name === undefined) {
    const candidates = stage.outputs.filter((output) => kind === undefined || output.kind.id === kind);
    const chosen =
      candidates.find((output) => output.name === input?.name) ?? (candidates.length === 1 ? candidates[0] : undefined);
    if (chosen) return chosen.name;
    throw source.error(path, {
      problem:
        candidates.length === 0
          ? `${instance} has no output of kind ${kind}`
          : `${instance} has several outputs that fit${input ? ` input ${input.name}` : ''}`,
      expected: candidates.length === 0 ? `an output of kind ${kind}` : 'stage.output',
      got: `${text}; it has ${all || 'no outputs'}`,
    });
  }
  const output = stage.outputs.find((own) => own.name === name);
  if (!output) {
    throw source.error(path, {
      problem: `${instance} has no output ${name}`,
      expected: `one of: ${all}`,
      got: text,
      ...didYouMean(
        name,
        stage.outputs.map((own) => own.name),
        (near) => `${instance}.${near}`,
      ),
    });
  }
  if (kind !== undefined && output.kind.id !== kind) {
    throw source.error(path, {
      problem: `input ${input!.name} takes another kind of artifact`,
      expected: `kind ${kind} (${input!.kind.summary})`,
      got: `${text}, which is of kind ${output.kind.id}`,
    });
  }
  return name;
}

/** The error for a reference to a stage that is not in the file. */
export function unknownStage(source: YamlSource, path: YamlPath, name: string, text: string, known: string[]): Error {
  return source.error(path, {
    problem: `there is no stage instance ${name}`,
    expected: `one of: ${known.join(', ')}`,
    got: text,
    ...didYouMean(name, known),
  });
}
