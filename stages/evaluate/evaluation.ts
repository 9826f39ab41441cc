/** Everything a report says, once computed; the pages, pictures and files are different views of it. */
import { type Static, Type } from '@prosodia/core';
import type { Baselines } from './baselines.ts';
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
  baselines: Baselines;
  members: Record<string, Member>;
  models: readonly ModelFacts[];
  by_speaker: Record<string, Headline>;
  by_sex: Record<string, Headline>;
  /** Row indices of wrong predictions, the most confident first. */
  mistakes: readonly number[];
}

/** Wrong predictions, the most confident first; item ids decide among equals. */
export function mostConfidentMistakes({ truth, predicted, confidence, rows }: Judged, limit: number): number[] {
  return rows
    .map((_, r) => r)
    .filter((r) => truth[r] !== predicted[r])
    .sort((a, b) => confidence[b]! - confidence[a]! || (rows[a]!.item_id < rows[b]!.item_id ? -1 : 1))
    .slice(0, limit);
}

/** The content of metrics.json. Its keys are a contract with other tools: add, never rename. */
export function metricsJson(evaluation: Evaluation) {
  const { scores, intervals, protocol, baselines, members, by_speaker, by_sex, source, title } = evaluation;
  const { calibration, notices, ...values } = scores;
  const { level, replicates, unit, ...ci } = intervals;
  return {
    title,
    synthetic: protocol.synthetic,
    ...values,
    ci: { level, replicates, unit, ...ci },
    calibration: calibration.map((bin) => (bin.rows > 0 ? bin : { ...bin, confidence: null, accuracy: null })),
    by_speaker,
    by_sex,
    members,
    baselines,
    protocol,
    source: source ?? null,
    notices,
  };
}
