/**
 * What a model must beat to have learned anything: a constant guess, the length of the clip alone, and
 * its own predictions dealt out at random.
 */
import type { Rng } from '@prosodia/core';
import type { ClipRow, SplitRow } from '@prosodia/tables';
import type { Judged } from './rows.ts';

export interface Baseline {
  name: string;
  accuracy: number;
  /** How it was found, in words. */
  detail: string;
}

export interface Baselines {
  /** Every class equally likely. */
  uniform: Baseline;
  majority: Baseline;
  /** Undefined without a split: it has to be fitted on training rows. */
  duration?: Baseline;
  shuffle: Baseline & { p_value: number; permutations: number };
}

export interface TrainingRow {
  fold: number;
  label: number;
  duration_s: number;
}

/** Training rows of the folds judged, for the baselines that are fitted. */
export function trainingRows(
  split: readonly SplitRow[],
  clips: ReadonlyMap<string, ClipRow>,
  labels: readonly string[],
): TrainingRow[] {
  return split.flatMap(({ clip_id, fold, role }) => {
    const clip = clips.get(clip_id);
    const label = clip ? labels.indexOf(clip.emotion) : -1;
    return role === 'train' && clip && label >= 0 ? [{ fold, label, duration_s: clip.duration_s }] : [];
  });
}

export function baselines(judged: Judged, training: readonly TrainingRow[], permutations: number, rng: Rng): Baselines {
  const k = judged.labels.length;
  const duration = training.length > 0 ? durationOnly(judged, training) : undefined;
  return {
    uniform: { name: 'Even guess', accuracy: 1 / k, detail: `one of ${k} classes, each equally likely` },
    majority: majority(judged, training),
    ...(duration ? { duration } : {}),
    shuffle: shuffle(judged, permutations, rng),
  };
}

function majority({ truth, rows, labels }: Judged, training: readonly TrainingRow[]): Baseline {
  const guesses = new Map<number, number>();
  const guessFor = (fold: number) => {
    let guess = guesses.get(fold);
    if (guess === undefined) {
      const own = training.filter((row) => row.fold === fold).map((row) => row.label);
      guess = mostFrequent(own.length > 0 ? own : [...truth], labels.length);
      guesses.set(fold, guess);
    }
    return guess;
  };
  const hits = rows.filter((row, r) => guessFor(row.fold) === truth[r]).length;
  const named = [...new Set([...guesses.values()].map((guess) => labels[guess]!))].join(', ');
  return {
    name: 'Most frequent class',
    accuracy: hits / rows.length,
    detail:
      training.length > 0 ? `always ${named}, counted on training rows` : `always ${named}, counted on the judged rows`,
  };
}

function mostFrequent(labels: readonly number[], classes: number): number {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts.indexOf(Math.max(...counts));
}

/** Gaussian class-conditional densities of log duration, with class priors; one fit per fold. */
function durationOnly({ truth, rows, clips, labels }: Judged, training: readonly TrainingRow[]): Baseline {
  const models = new Map<number, (seconds: number) => number>();
  let hits = 0;
  rows.forEach((row, r) => {
    let model = models.get(row.fold);
    if (!model) {
      model = fitDuration(
        training.filter((one) => one.fold === row.fold),
        labels.length,
      );
      models.set(row.fold, model);
    }
    if (model(clips[r]!.duration_s) === truth[r]) hits++;
  });
  return {
    name: 'Duration only',
    accuracy: hits / rows.length,
    detail: 'a Gaussian classifier on the length of the clip, fitted on training rows',
  };
}

/** Fits log-normal densities per class and returns the most probable class of a duration in seconds. */
export function fitDuration(training: readonly TrainingRow[], classes: number): (seconds: number) => number {
  const logs = (rows: readonly TrainingRow[]) => rows.map((row) => logSeconds(row.duration_s));
  const overall = moments(logs(training));
  // As in scikit-learn's GaussianNB: a class of equal durations must not get a density without width.
  const floor = Math.max(1e-9 * overall.variance, 1e-12);
  const densities = Array.from({ length: classes }, (_, c) => {
    const own = logs(training.filter((row) => row.label === c));
    const { mean, variance } = moments(own);
    return { prior: Math.log(own.length / training.length), mean, variance: variance + floor };
  });
  return (seconds) => {
    const x = logSeconds(seconds);
    const likelihoods = densities.map(({ prior, mean, variance }) =>
      prior === -Infinity ? -Infinity : prior - 0.5 * Math.log(variance) - (x - mean) ** 2 / (2 * variance),
    );
    return likelihoods.indexOf(Math.max(...likelihoods));
  };
}

function logSeconds(seconds: number): number {
  return Math.log(Math.max(seconds, 1e-3));
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  if (values.length === 0) return { mean: 0, variance: 0 };
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length };
}

/**
 * The same predicted labels, dealt out to the rows at random. The mean accuracy of that is exact,
 * sum over classes of (share true x share predicted); the p-value counts seeded permutations that do as well as the model,
 * the identity included (Phipson and Smyth, 2010).
 */
function shuffle({ truth, predicted, labels, rows }: Judged, permutations: number, rng: Rng): Baselines['shuffle'] {
  const n = rows.length;
  const share = (values: Int32Array, c: number) => values.filter((value) => value === c).length / n;
  const hits = (guess: ArrayLike<number>) => truth.reduce((sum, label, r) => sum + (guess[r] === label ? 1 : 0), 0);
  const own = hits(predicted);
  const draw = rng.fork('shuffle');
  let asGood = 1;
  const dealt = Array.from(predicted);
  for (let i = 0; i < permutations; i++) if (hits(draw.shuffle(dealt)) >= own) asGood++;
  return {
    name: 'Shuffled predictions',
    accuracy: labels.reduce((sum, _, c) => sum + share(truth, c) * share(predicted, c), 0),
    detail: `the model's own predictions dealt out at random; mean over all orders`,
    p_value: asGood / (permutations + 1),
    permutations,
  };
}
