/** Everything a report says, once computed; the pages, pictures and files are different views of it. */
import { RequestError, type Static, Type, nearest } from '@prosodia/core';
import type { Baselines } from './baselines.ts';
import type { LeakCheck } from './leaks.ts';
import type { Member } from './members.ts';
import type { ModelFacts } from './models.ts';
import type { Protocol } from './protocol.ts';
import type { Judged } from './rows.ts';
import type { Headline, Intervals, Scores } from './scores.ts';

export const Source = Type.Object(
  {
    name: Type.String({ description: 'who published it, as it should be read in the report' }),
    url: Type.Optional(Type.String({ description: 'where it was published' })),
    accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'published accuracy, 0 to 1' })),
    macro_f1: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'published macro F1, 0 to 1' })),
    per_class: Type.Optional(
      Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1 }), {
        description: 'published accuracy of each class (its recall), by label',
      }),
    ),
    note: Type.Optional(Type.String({ description: 'what to know when comparing, for example another split' })),
  },
  { additionalProperties: false, description: 'published figures to show beside ours' },
);
export type Source = Static<typeof Source>;

export interface Evaluation {
  title: string;
  notes: readonly string[];
  reproduce: string;
  source: Source | undefined;
  judged: Judged;
  scores: Scores;
  intervals: Intervals;
  protocol: Protocol;
  checks: readonly LeakCheck[];
  /** On the rows that chose the best epoch or trial; null if nothing was chosen, or if those rows are what is judged. */
  selection_rows: Headline | null;
  baselines: Baselines;
  members: Record<string, Member>;
  models: readonly ModelFacts[];
  by_fold: Record<string, Headline>;
  by_speaker: Record<string, Headline>;
  by_sex: Record<string, Headline>;
  /** Row indices of wrong predictions, the most confident first. */
  mistakes: readonly number[];
  /** WAV files of mistakes, by row index; empty without audio. */
  recordings: ReadonlyMap<number, Uint8Array>;
}

/**
 * The published figures without those of classes that were not judged, as on another corpus.
 * @throws RequestError for a class whose name looks misspelt
 */
export function sourceOf(
  { per_class, ...source }: Source,
  labels: readonly string[],
): { source: Source; left_out: string[] } {
  const left_out = Object.keys(per_class ?? {}).filter((label) => !labels.includes(label));
  for (const label of left_out) {
    const near = nearest(label, labels);
    if (near === undefined) continue;
    throw new RequestError({
      problem: `there is no class ${label}`,
      expected: labels.join(', '),
      got: label,
      where: 'params.source.per_class',
      fix: `write ${near}`,
    });
  }
  const known = Object.entries(per_class ?? {}).filter(([label]) => labels.includes(label));
  return { source: { ...source, ...(known.length > 0 ? { per_class: Object.fromEntries(known) } : {}) }, left_out };
}

/** Wrong predictions, the most confident first; item ids decide among equals. */
export function mostConfidentMistakes({ truth, predicted, confidence, rows }: Judged, limit: number): number[] {
  return rows
    .map((_, r) => r)
    .filter((r) => truth[r] !== predicted[r])
    .sort((a, b) => confidence[b]! - confidence[a]! || (rows[a]!.item_id < rows[b]!.item_id ? -1 : 1))
    .slice(0, limit);
}

/** The content of metrics.json. Its keys are a contract with other tools: add, never rename. Shares are 0 to 1. */
export interface MetricsJson extends Omit<Scores, 'calibration'> {
  title: string;
  /** True if any of the data is the built-in synthetic corpus. */
  synthetic: boolean;
  /** Confidence intervals `[low, high]`, null where they cannot be drawn. `per_class` holds those of the recall. */
  ci: Intervals;
  /** Confidence bins of equal width; confidence and accuracy are null in an empty bin. */
  calibration: { low: number; high: number; rows: number; confidence: number | null; accuracy: number | null }[];
  /** Headline numbers by fold, speaker and sex (where it is known). */
  by_fold: Record<string, Headline>;
  by_speaker: Record<string, Headline>;
  by_sex: Record<string, Headline>;
  /** The other models given, by stage name. */
  members: Record<string, Member>;
  baselines: Baselines;
  protocol: Protocol;
  /** What was checked so that the figures are not too good to be true. */
  checks: readonly LeakCheck[];
  /** Headline numbers on the rows that chose the best epoch or trial: too good, but what some sources report. */
  selection_rows: Headline | null;
  /** The published figures as given; null if none. */
  source: Source | null;
}

export function metricsJson(evaluation: Evaluation): MetricsJson {
  const { scores, intervals, protocol, checks, baselines, members, by_fold, by_speaker, by_sex, source, title } =
    evaluation;
  const { selection_rows } = evaluation;
  const { calibration, notices, ...values } = scores;
  return {
    title,
    synthetic: protocol.synthetic,
    ...values,
    ci: intervals,
    calibration: calibration.map((bin) => (bin.rows > 0 ? bin : { ...bin, confidence: null, accuracy: null })),
    by_fold,
    by_speaker,
    by_sex,
    members,
    baselines,
    protocol,
    checks,
    selection_rows,
    source: source ?? null,
    notices,
  };
}
