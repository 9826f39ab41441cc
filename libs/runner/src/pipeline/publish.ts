/** Where what is published lies; instances of a stage that fans out get a folder each below the place. */
import { boundVars } from './file.ts';
import type { OutputRef } from './plan.ts';
import { parseReference, resolveOutput, unknownStage } from './reference.ts';
import { fill, scopeOf } from './variables.ts';
import type { Board } from './wiring.ts';

/** @throws RequestError for what is not there, and for several outputs in the place of the run itself */
export function publishedOf({ file, byName, cells }: Board): Record<string, OutputRef> {
  const { source, publish } = file;
  const scope = scopeOf(boundVars(file.vars));
  const published: Record<string, OutputRef> = {};
  for (const [place, text] of Object.entries(publish)) {
    const path = ['publish', place];
    const filled = String(fill(source, path, text, scope));
    const reference = parseReference(source, path, filled);
    const target = byName.get(reference.stage);
    if (!target) throw unknownStage(source, path, reference.stage, filled, [...byName.keys()]);
    const output = resolveOutput(source, path, filled, reference, target.infos[0]!);
    const free = cells.freeAxes(target, reference);
    if (place === '.' && free.length > 0) {
      throw source.error(path, {
        problem: 'only one output can be the run itself',
        expected: `a stage that runs once, or one instance: ${target.name}[${free[0]}=...]`,
        got: `${filled}, which fans out over ${free.join(', ')}`,
      });
    }
    for (const { name, point } of cells.match(target, reference, {}).cells ?? []) {
      const inner = free.map((axis) => `${axis}=${point[axis]}`).join(',');
      published[inner === '' ? place : `${place}/${inner}`] = { instance: name, output };
    }
  }
  return published;
}
