/** What a `search` says: which points are tried, and by which number of which stage the winner is chosen. */
import type { Choosing } from './axes.ts';
import { MOST_VALUES } from './axis-values.ts';
import { type YamlMap, asMap, checkKeys, didYouMean, show } from './checks.ts';
import { readNames } from './names.ts';
import { drawPoints, gridPoints, readSpace } from './search.ts';
import type { YamlPath, YamlSource } from './source.ts';

/**
 * How the winner is found.
 * @param stage the stage that the search stands on; undefined for one of the whole file
 * @throws RequestError
 */
export function readChoosing(source: YamlSource, path: YamlPath, map: YamlMap, stage: string | undefined): Choosing {
  const metric: unknown = map['metric'];
  const parts = typeof metric === 'string' ? /^(?:([\w-]+)\.)?(\w+)$/.exec(metric) : null;
  const judged = parts?.[1] ?? stage;
  if (!parts || judged === undefined) {
    throw source.error([...path, 'metric'], {
      problem: 'a search needs a metric to choose by',
      expected:
        stage === undefined ? 'metric: stage.metric' : 'metric: a number that the stage reports, or stage.metric',
      got: show(metric),
    });
  }
  const on = map['on'] ?? 'validation';
  if (on !== 'validation') {
    throw source.error([...path, 'on'], {
      problem: 'a search chooses on validation rows',
      expected: 'on: validation',
      got: `on: ${show(on)}`,
      fix: 'what was chosen on test rows cannot be reported on them; give the split a validation share',
    });
  }
  const mode = map['mode'] ?? (/loss|error|brier|ece/.test(parts[2]!) ? 'min' : 'max');
  if (mode !== 'max' && mode !== 'min') {
    throw source.error([...path, 'mode'], {
      problem: 'there is no such mode',
      expected: 'one of: max, min',
      got: show(mode),
      ...(typeof mode === 'string' ? didYouMean(mode, ['max', 'min']) : {}),
    });
  }
  return {
    stage: judged,
    metric: parts[2]!,
    mode,
    meanOver: readNames(source, [...path, 'mean_over'], map['mean_over']),
  };
}

/**
 * The points of a search, in the order of its trials.
 * @param ownSeed of the pipeline, for a search that has none
 * @throws RequestError
 */
export function readPoints(source: YamlSource, path: YamlPath, map: YamlMap, ownSeed: number): YamlMap[] {
  const strategy = map['strategy'] ?? 'random';
  if (strategy !== 'random' && strategy !== 'grid') {
    throw source.error([...path, 'strategy'], {
      problem: 'there is no such strategy',
      expected: 'one of: random, grid',
      got: show(strategy),
      ...(typeof strategy === 'string' ? didYouMean(strategy, ['random', 'grid']) : {}),
    });
  }
  const space = readSpace(source, [...path, 'space'], map['space']);
  const first = readFirst(source, [...path, 'points'], map['points'], Object.keys(space));
  const { trials } = map;
  if (strategy === 'grid') {
    if (trials !== undefined) {
      throw source.error(
        [...path, 'trials'],
        {
          problem: 'a grid tries all of its points',
          expected: 'no trials, or strategy: random',
          got: `trials: ${show(trials)}`,
        },
        'key',
      );
    }
    return [...first, ...gridPoints(source, [...path, 'space'], space)];
  }
  if (!Number.isSafeInteger(trials) || (trials as number) < 1) {
    throw source.error([...path, 'trials'], {
      problem: 'a random search needs a number of trials',
      expected: 'trials: a whole number from 1',
      got: show(trials),
    });
  }
  const seed = map['seed'] ?? ownSeed;
  if (!Number.isSafeInteger(seed)) {
    throw source.error([...path, 'seed'], {
      problem: 'a seed is a whole number',
      expected: 'a whole number',
      got: show(seed),
    });
  }
  const count = Math.min(trials as number, MOST_VALUES + 1);
  return [...first, ...drawPoints(space, Math.max(0, count - first.length), seed as number)];
}

/** Points to try before those that are drawn, such as the numbers that somebody published. */
function readFirst(source: YamlSource, path: YamlPath, raw: unknown, names: readonly string[]): YamlMap[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) {
    throw source.error(path, { problem: 'points has the wrong form', expected: 'a list of points', got: show(raw) });
  }
  return raw.map((item, i) => {
    const point = asMap(source, [...path, i], item, 'a value for each parameter of the space');
    checkKeys(source, [...path, i], point, names);
    const missing = names.find((name) => !Object.hasOwn(point, name));
    if (missing === undefined) return point;
    throw source.error([...path, i], {
      problem: `the point has no ${missing}`,
      expected: `a value for each of: ${names.join(', ')}`,
      got: show(point),
    });
  });
}
