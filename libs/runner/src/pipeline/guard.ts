/**
 * Leak guard: a search never chooses on rows that its result is reported on.
 *
 * What can be seen before anything runs is refused here: a metric of test or training rows, validation rows that were
 * fitted on, and one choice for several folds, whose validation rows are test rows of each other.
 */
import { LeakError } from '@prosodia/core';
import type { Axis } from './axes.ts';
import type { Choice, Instance } from './plan.ts';
import type { YamlPath, YamlSource } from './source.ts';

/** Numbers that stages compute on rows which are neither trained on nor tested on. */
const HELD_OUT_METRIC = /^(val|validation|oob)_/;

/**
 * @returns the fold, as JSON, whose validation rows choose; undefined if the trials have none
 * @throws LeakError, placed at the search
 */
export function guardChoice(
  source: YamlSource,
  axis: Axis,
  choice: Choice,
  instances: ReadonlyMap<string, Instance>,
): string | undefined {
  const refuse = (parts: { problem: string; expected: string; got: string; fix: string }): Error => {
    const placed = source.error([...axis.path, 'metric'], parts).parts;
    return new LeakError(placed);
  };
  const judged = choice.candidates.flatMap((candidate) => candidate.instances.map((name) => instances.get(name)!));
  const role = judged[0]?.params['role'];
  if (typeof role === 'string' ? role !== 'validation' : !HELD_OUT_METRIC.test(choice.metric)) {
    throw refuse({
      problem: 'a search must not choose by this metric',
      expected: 'a metric of validation rows: of a stage with role: validation, or one named val_...',
      got: `${choice.stage}.${choice.metric}${typeof role === 'string' ? ` of ${role} rows` : ''}`,
      fix: 'judge the trials by a stage of their own, such as { uses: evaluate, with: { role: validation } }',
    });
  }
  const folds = new Set<string>();
  for (const instance of trialsBehind(judged, axis.name, instances)) {
    const { fold, fit_on: fitOn } = instance.params;
    if (fold !== undefined) folds.add(JSON.stringify(fold));
    if (Array.isArray(fitOn) && fitOn.includes('validation')) {
      throw refuse({
        problem: 'the validation rows that would choose are fitted on',
        expected: `fit_on: [train] on ${instance.template}`,
        got: `fit_on: [${fitOn.join(', ')}]`,
        fix: 'fit on more rows after the choice, in a stage that takes the winner',
      });
    }
  }
  if (folds.size > 1) {
    throw refuse({
      problem: 'one choice for several folds would see test rows: what validates one fold is tested in another',
      expected: 'a choice per fold, so that the fold is an axis of the judged stage and not averaged over',
      got: `folds ${[...folds].join(', ')} in one choice`,
      fix: 'let the judged stage keep the axis of the folds',
    });
  }
  return [...folds][0];
}

/**
 * @param chosenOn the fold whose validation rows chose, as JSON
 * @throws LeakError if a stage of another fold takes the winner
 */
export function guardWinner(
  source: YamlSource,
  path: YamlPath,
  { name, fold, search }: { name: string; fold: unknown; search: string },
  chosenOn: string | undefined,
): void {
  if (fold === undefined || chosenOn === undefined || JSON.stringify(fold) === chosenOn) return;
  const { parts } = source.error(path, {
    problem: `the winner of ${search} was chosen on rows that this fold tests`,
    expected: `fold ${chosenOn}, on whose validation rows it was chosen`,
    got: `fold ${JSON.stringify(fold)} in ${name}`,
    fix: `give the trials the axis of the folds too, so that each fold has a winner of its own`,
  });
  throw new LeakError(parts);
}

/** The judged instances and those before them that belong to a trial. */
function trialsBehind(
  judged: readonly Instance[],
  axis: string,
  instances: ReadonlyMap<string, Instance>,
): Set<Instance> {
  const found = new Set<Instance>();
  const waiting = [...judged];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const need of next.needs) {
      const instance = instances.get(need);
      if (instance && Object.hasOwn(instance.point, axis)) waiting.push(instance);
    }
  }
  return found;
}
