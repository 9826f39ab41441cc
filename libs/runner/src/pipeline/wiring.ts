/** Inputs of an instance: each wired to outputs of the right kind, or what they wait for. */
import type { InputInfo, StageInfo } from '../catalogue/info.ts';
import type { Axes, Point } from './axes.ts';
import type { Cells } from './cells.ts';
import { didYouMean } from './checks.ts';
import type { Shape } from './fan.ts';
import type { PipelineFile } from './file.ts';
import type { InputRef } from './plan.ts';
import { instanceName } from './points.ts';
import { type Reference, parseReference, resolveOutput, unknownStage } from './reference.ts';
import type { YamlPath } from './source.ts';
import { type Scope, fill } from './variables.ts';

/** What all instances are wired with. */
export interface Board {
  file: PipelineFile;
  axes: Axes;
  byName: ReadonlyMap<string, Shape>;
  cells: Cells;
}

/**
 * @param scope values of variables and axes at `point`
 * @returns references by input, or what the first of them waits for, in words
 * @throws RequestError for inputs that are missing, or wired to what does not fit
 */
export function wireInputs(
  board: Board,
  shape: Shape,
  stage: StageInfo,
  scope: Scope,
  point: Point,
): Record<string, InputRef[]> | string {
  const inputs: Record<string, InputRef[]> = {};
  let waitsFor: string | undefined;
  for (const input of stage.inputs) {
    const wired = wire(board, shape, input, stage, scope, point);
    if (typeof wired === 'string') waitsFor ??= wired;
    else inputs[input.name] = wired;
  }
  return waitsFor ?? inputs;
}

/** @throws RequestError for an input that the stage does not have */
export function checkInputNames({ file }: Board, { template, path }: Shape, stage: StageInfo): void {
  for (const input of Object.keys(template.from)) {
    const known = stage.inputs.map(({ name }) => name);
    if (known.includes(input)) continue;
    throw file.source.error(
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

function wire(
  board: Board,
  shape: Shape,
  input: InputInfo,
  stage: StageInfo,
  scope: Scope,
  point: Point,
): InputRef[] | string {
  const { template, path } = shape;
  const { byName, cells, file } = board;
  const { source } = file;
  if (!(input.name in template.from)) {
    if (input.arity !== 'one') return [];
    throw missingInput(board, shape, input, stage);
  }
  const written = template.from[input.name];
  const texts = written === null || written === undefined ? [input.name] : Array.isArray(written) ? written : [written];
  const at = [...path, 'from', input.name];
  const wired: InputRef[] = [];
  let waitsFor: string | undefined;
  for (const [i, text] of texts.entries()) {
    const place = Array.isArray(written) ? [...at, i] : at;
    const filled = String(fill(source, place, text, scope));
    const reference = parseReference(source, place, filled);
    const target = byName.get(reference.stage);
    if (!target) throw unknownStage(source, place, reference.stage, filled, [...byName.keys()]);
    const output = resolveOutput(source, place, filled, reference, infoOf(board, target, point), input);
    const found = cells.match(target, reference, point);
    if (found.waitsFor !== undefined) {
      waitsFor ??= found.waitsFor;
      continue;
    }
    if (found.cells.length === 0) throw nothingThere(file, place, target, filled, point);
    const many = input.arity === 'many';
    if (!many && found.cells.length > 1) throw tooMany(file, at, input, found.cells.length);
    for (const cell of found.cells) {
      if (!cell.instance) waitsFor ??= cell.name;
      const told = many && target.axes.length > 0 ? { from: nameFor(board, target, reference, cell.point, point) } : {};
      wired.push({ instance: cell.name, output, ...told });
    }
  }
  if (waitsFor !== undefined) return waitsFor;
  if (input.arity !== 'many' && wired.length !== 1) throw tooMany(file, at, input, wired.length);
  return wired;
}

/** The definition behind a stage, for its outputs: with several, that of the instances meant. */
function infoOf({ cells }: Board, target: Shape, point: Point): StageInfo {
  if (target.infos.length === 1) return target.infos[0]!;
  const cell = cells
    .of(target.name)
    .find(({ point: own }) => target.axes.every((axis) => !Object.hasOwn(point, axis) || own[axis] === point[axis]));
  return cell?.instance?.stage ?? target.infos[0]!;
}

/** How the stage is told of one of several inputs: by the axes in which they differ, and no others. */
function nameFor({ axes }: Board, target: Shape, { selected }: Reference, point: Point, own: Point): string {
  const names = target.axes.filter(
    (axis) => selected[axis] !== undefined || (!Object.hasOwn(own, axis) && !axes.all.get(axis)!.choosing),
  );
  return instanceName(target.name, names, point);
}

function tooMany({ source }: PipelineFile, path: YamlPath, input: InputInfo, count: number): Error {
  return source.error(path, {
    problem: `input ${input.name} takes one output`,
    expected: 'stage or stage.output',
    got: `${count} of them`,
  });
}

function missingInput({ file, byName }: Board, { template, path }: Shape, input: InputInfo, stage: StageInfo): Error {
  const makers = [...byName.values()].flatMap(({ name, infos }) =>
    infos[0]!.outputs.filter(({ kind }) => kind.id === input.kind.id).map((output) => `${name}.${output.name}`),
  );
  return file.source.error(
    [...path, 'from'],
    {
      problem: `stage ${stage.name} needs the input ${input.name}`,
      expected: `from: { ${input.name}: an output of kind ${input.kind.id} }`,
      got: `from: { ${Object.keys(template.from).join(', ')} }`,
      fix:
        makers.length > 0 ? `outputs of that kind here: ${makers.join(', ')}` : `no stage here makes ${input.kind.id}`,
    },
    'key',
  );
}

function nothingThere({ source }: PipelineFile, path: YamlPath, target: Shape, text: string, point: Point): Error {
  const shared = target.axes.filter((axis) => Object.hasOwn(point, axis));
  return source.error(path, {
    problem: `there is no instance of ${target.name} for this input`,
    expected: `an instance that is not excluded`,
    got: shared.length > 0 ? instanceName(target.name, shared, point) : text,
  });
}
