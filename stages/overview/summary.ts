/** What an overview says of one report, read from its metrics.json. */
import { DataError, type ManyItem } from '@prosodia/core';
import type { FolderReader } from '@prosodia/tables';

export interface Headline {
  accuracy: number;
  balanced_accuracy: number;
  macro_f1: number;
}

/** The part of metrics.json that `evaluate` promises and this needs; what came later may be missing in old reports. */
interface Metrics extends Headline {
  title: string;
  synthetic: boolean;
  support: number;
  ece: number;
  per_class: Record<string, { recall: number }>;
  ci: { level: number; unit: string } & Record<keyof Headline, readonly [number, number] | null>;
  by_fold: Record<string, Headline>;
  baselines: Record<string, { name: string; accuracy: number }>;
  protocol: {
    corpora: string[];
    role: string;
    folds: number[];
    judged: { speakers: number };
    split?: { shared_speakers: number };
  };
  selection_rows?: Headline | null;
  source: { name: string; accuracy?: number } | null;
}

export interface Summary extends Metrics {
  /** What it is called on the page, such as `ensemble/3`. */
  name: string;
  /** In words; figures under different ones must not be compared. */
  under: string;
}

/** @throws DataError if the report was not made by `evaluate` */
export async function summarize({ from, artifact }: ManyItem<FolderReader>): Promise<Summary> {
  const metrics = await artifact.json<Partial<Metrics>>('metrics.json');
  if (!metrics.protocol || metrics.ci === undefined || metrics.per_class === undefined) {
    throw new DataError({
      problem: 'this is no report of recordings that were judged',
      expected: 'a report of the stage evaluate',
      got: `metrics.json with ${Object.keys(metrics).slice(0, 6).join(', ')}`,
      where: artifact.where,
    });
  }
  return { ...(metrics as Metrics), name: from, under: protocolOf(metrics as Metrics) };
}

function protocolOf({ protocol, support }: Metrics): string {
  const { split, folds, corpora, role } = protocol;
  const voices = !split
    ? 'split unknown'
    : split.shared_speakers === 0
      ? 'voices not heard in training'
      : 'voices that were heard in training';
  const size = `${support.toLocaleString('en-US')} recordings${folds.length > 1 ? ` in ${folds.length} folds` : ''}`;
  return `${corpora.join(' and ')}: ${voices}, ${size}${role === 'test' ? '' : `, ${role} rows`}`;
}

/** Groups of equal protocol: unheard voices first, larger ones first; within, the highest UAR first. */
export function byProtocol(summaries: readonly Summary[]): [under: string, group: Summary[]][] {
  const groups = new Map<string, Summary[]>();
  for (const one of summaries) groups.set(one.under, [...(groups.get(one.under) ?? []), one]);
  for (const group of groups.values()) {
    group.sort((a, b) => b.balanced_accuracy - a.balanced_accuracy || (a.name < b.name ? -1 : 1));
  }
  const rank = ({ protocol, synthetic, support }: Summary): readonly number[] => [
    synthetic ? 1 : 0,
    protocol.split?.shared_speakers === 0 ? 0 : 1,
    -support,
  ];
  return [...groups].sort(([nameA, [a]], [nameB, [b]]) => {
    const [left, right] = [rank(a!), rank(b!)];
    const at = left.findIndex((value, i) => value !== right[i]);
    return at < 0 ? (nameA < nameB ? -1 : 1) : left[at]! - right[at]!;
  });
}
