/**
 * Could the difference between two models be luck? Three answers, each for what it is good for:
 * McNemar's test asks of the rows on which exactly one is right; the paired bootstrap gives the difference an interval,
 * over whole speakers where the reports do so; the corrected t test asks whether it holds from fold to fold.
 */
import { type BootstrapInterval, bootstrapInterval, correctedResampledTTest, mcnemar } from '@prosodia/stats';
import { type Pairs, numbersOf } from './pairs.ts';

export interface Difference {
  /** Second minus first. */
  difference: number;
  low: number;
  high: number;
}

export interface Significance {
  mcnemar: { only_first_right: number; only_second_right: number; method: string; statistic: number; p: number };
  /** Null with fewer than two of the unit, or without draws. */
  bootstrap: {
    unit: 'speaker' | 'clip';
    replicates: number;
    level: number;
    accuracy: Difference;
    balanced_accuracy: Difference;
  } | null;
  /** Null with fewer than two folds, or where the sizes of the folds are not known. */
  t_test: {
    folds: number;
    test_to_train: number;
    accuracy: Difference & { p: number };
    balanced_accuracy: Difference & { p: number };
  } | null;
}

export interface TestOptions {
  seed: number;
  replicates: number;
  level: number;
  unit: 'speaker' | 'clip';
  /** Test rows / training rows of a fold; undefined where it is not known. */
  testToTrain: number | undefined;
}

/** @param pairs at least one row */
export function significance(pairs: Pairs, options: TestOptions): Significance {
  const { truth, first, second } = pairs;
  const { onlyFirst, onlySecond, method, statistic, p } = mcnemar(truth, first, second);
  return {
    mcnemar: { only_first_right: onlyFirst, only_second_right: onlySecond, method, statistic, p },
    bootstrap: bootstrap(pairs, options),
    t_test: overFolds(pairs, options),
  };
}

type Score = 'accuracy' | 'balanced_accuracy';

/** Second minus first on some rows, which may repeat. */
function differenceOn({ truth, first, second, labels }: Pairs, rows: ArrayLike<number>, score: Score): number {
  const pick = (values: Int32Array) => Int32Array.from(rows, (r) => values[r]!);
  const own = pick(truth);
  const of = (predicted: Int32Array) => numbersOf(own, pick(predicted), labels.length)[score];
  return of(second) - of(first);
}

function bootstrap(pairs: Pairs, { seed, replicates, level, unit }: TestOptions): Significance['bootstrap'] {
  const groups = pairs.rows.map(({ speaker, clip_id }) => (unit === 'speaker' ? speaker : clip_id));
  if (replicates < 2 || new Set(groups).size < 2) return null;
  const interval = (score: Score): Difference => {
    const found: BootstrapInterval = bootstrapInterval(pairs.rows.length, (rows) => differenceOn(pairs, rows, score), {
      seed,
      replicates,
      level,
      groups,
    });
    return { difference: found.estimate, low: found.low, high: found.high };
  };
  return {
    unit,
    replicates,
    level,
    accuracy: interval('accuracy'),
    balanced_accuracy: interval('balanced_accuracy'),
  };
}

function overFolds(pairs: Pairs, { testToTrain, level }: TestOptions): Significance['t_test'] {
  const folds = [...new Set(pairs.rows.map(({ fold }) => fold))].sort((a, b) => a - b);
  if (folds.length < 2 || testToTrain === undefined) return null;
  const rowsOf = folds.map((fold) => pairs.rows.flatMap((row, r) => (row.fold === fold ? [r] : [])));
  const test = (score: Score) => {
    const { mean, p, interval } = correctedResampledTTest(
      rowsOf.map((rows) => differenceOn(pairs, rows, score)),
      testToTrain,
      { level },
    );
    return { difference: mean, low: interval[0], high: interval[1], p };
  };
  return {
    folds: folds.length,
    test_to_train: testToTrain,
    accuracy: test('accuracy'),
    balanced_accuracy: test('balanced_accuracy'),
  };
}
