/** What is known of two reports together: from their files to numbers and tests. */
import { RequestError } from '@prosodia/core';
import type { FolderReader } from '@prosodia/tables';
import { type JudgedRow, type Numbers, countsOf, numbersOf, pairRows } from './pairs.ts';
import type { Side } from './pictures.ts';
import { type Significance, significance } from './tests.ts';

/** comparison.json; differences are second minus first. */
export interface Comparison {
  title: string;
  names: readonly [first: string, second: string];
  synthetic: boolean;
  rows: { shared: number; only_first: number; only_second: number };
  /** On the rows that both judged; null if there are none. */
  shared: readonly [Numbers, Numbers] | null;
  /** Of each report, on its own rows. */
  all: readonly [Readonly<Record<string, number>>, Readonly<Record<string, number>>];
  significance: Significance | null;
}

/** What is used of a report's metrics.json. */
interface Metrics {
  synthetic?: boolean;
  calibration: Side['calibration'];
  confusion_matrix: { labels: string[]; counts: number[][] };
  ci?: { unit: string };
  protocol?: { split?: { counts: { train: number; test: number }[] } | null };
}

export interface CompareOptions {
  title: string;
  names: readonly [string, string];
  seed: number;
  replicates: number;
  level: number;
  resample: 'auto' | 'speaker' | 'clip';
}

export interface Compared {
  comparison: Comparison;
  labels: readonly string[];
  /** Of each: counts of the shared rows (if there are none, of its own), and calibration. */
  sides: readonly [Omit<Side, 'histories'>, Omit<Side, 'histories'>];
}

/** @throws RequestError if the reports judge different classes, DataError if they do not agree on what is true */
export async function compareReports(
  first: FolderReader,
  second: FolderReader,
  { title, names, seed, replicates, level, resample }: CompareOptions,
): Promise<Compared> {
  const metrics = [await first.json<Metrics>('metrics.json'), await second.json<Metrics>('metrics.json')] as const;
  const labels = sameLabels(metrics[0], metrics[1], second.where);
  const pairs = pairRows(
    labels,
    await first.parquet<JudgedRow>('predictions.parquet'),
    await second.parquet<JudgedRow>('predictions.parquet'),
    second.where,
  );
  const { truth, rows } = pairs;
  const width = labels.length;
  const any = rows.length > 0;
  const independent = metrics.some(({ ci }) => ci?.unit === 'speaker');
  const unit = resample === 'auto' ? (independent ? 'speaker' : 'clip') : resample;
  const comparison: Comparison = {
    title,
    names,
    synthetic: metrics.some(({ synthetic }) => synthetic === true),
    rows: { shared: rows.length, only_first: pairs.onlyFirst, only_second: pairs.onlySecond },
    shared: any ? [numbersOf(truth, pairs.first, width), numbersOf(truth, pairs.second, width)] : null,
    all: [numbersIn(metrics[0]), numbersIn(metrics[1])],
    significance: any ? significance(pairs, { seed, replicates, level, unit, testToTrain: ratioOf(metrics[0]) }) : null,
  };
  const side = (which: 0 | 1) => ({
    name: names[which],
    counts: any
      ? countsOf(truth, which === 0 ? pairs.first : pairs.second, width)
      : inOrder(metrics[which].confusion_matrix, labels),
    calibration: metrics[which].calibration,
  });
  return { comparison, labels, sides: [side(0), side(1)] };
}

function sameLabels(first: Metrics, second: Metrics, where: string): readonly string[] {
  const [a, b] = [first.confusion_matrix.labels, second.confusion_matrix.labels];
  if (a.length === b.length && a.every((label) => b.includes(label))) return a;
  throw new RequestError({
    problem: 'the reports judge different classes',
    expected: a.join(', '),
    got: b.join(', '),
    where,
    fix: 'compare reports with the same labels',
  });
}

/** Counts with rows and columns in the order of `labels`. */
function inOrder({ labels: own, counts }: Metrics['confusion_matrix'], labels: readonly string[]): number[][] {
  const at = labels.map((label) => own.indexOf(label));
  return at.map((i) => at.map((j) => counts[i]![j]!));
}

/** The numbers at the top of metrics.json that are no counts. */
function numbersIn(metrics: object): Record<string, number> {
  const entries = Object.entries(metrics).filter(([name, value]) => typeof value === 'number' && name !== 'support');
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Test rows / training rows, mean over the folds. */
function ratioOf({ protocol }: Metrics): number | undefined {
  const ratios = (protocol?.split?.counts ?? [])
    .filter(({ train, test }) => train > 0 && test > 0)
    .map(({ train, test }) => test / train);
  return ratios.length > 0 ? ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length : undefined;
}
