/**
 * The reports of two runs, compared row by row by the stage `compare-pair`.
 *
 * The tests and the drawing are the stage's, so that this package needs neither.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeptRun, type Project, runAlone } from '@prosodia/runner';

/** comparison.json of the stage, as far as it is said in the terminal; second minus first. */
export interface Comparison {
  rows: { shared: number; only_first: number; only_second: number };
  shared: readonly [Scores, Scores] | null;
  significance: {
    mcnemar: { only_first_right: number; only_second_right: number; p: number };
    bootstrap:
      | ({ unit: string; replicates: number; level: number } & Record<'accuracy' | 'balanced_accuracy', Difference>)
      | null;
    t_test: ({ folds: number } & Record<'accuracy' | 'balanced_accuracy', Difference & { p: number }>) | null;
  } | null;
}

interface Scores {
  accuracy: number;
  balanced_accuracy: number;
  macro_f1: number;
}

interface Difference {
  difference: number;
  low: number;
  high: number;
}

export interface ComparedReports {
  /** The stage of each run that made the report; mostly of one name. */
  stages: readonly [string, string];
  comparison: Comparison;
  page: string;
}

/** Reports of equal name; if there is none and each run has one report, these two. */
export async function compareReports(
  project: Project,
  a: KeptRun,
  b: KeptRun,
  names: readonly [string, string],
): Promise<ComparedReports[]> {
  const [first, second] = [await reportsOf(a), await reportsOf(b)];
  const common = [...first.keys()].filter((stage) => second.has(stage));
  const pairs: [string, string][] =
    common.length > 0
      ? common.map((stage) => [stage, stage])
      : first.size === 1 && second.size === 1
        ? [[[...first.keys()][0]!, [...second.keys()][0]!]]
        : [];
  const compared: ComparedReports[] = [];
  for (const stages of pairs) {
    const folder = await mkdtemp(join(tmpdir(), 'prosodia-diff-'));
    try {
      await runAlone(project, {
        stage: 'compare-pair',
        params: { title: `${names[0]} and ${names[1]}: ${[...new Set(stages)].join(' and ')}`, names },
        inputs: {
          first: first.get(stages[0])!,
          second: second.get(stages[1])!,
          first_models: modelsOf(a, stages[0]),
          second_models: modelsOf(b, stages[1]),
        },
        outputs: { report: folder },
      });
      compared.push({
        stages,
        comparison: JSON.parse(await readFile(join(folder, 'comparison.json'), 'utf8')) as Comparison,
        page: await readFile(join(folder, 'comparison.html'), 'utf8'),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return compared;
}

/** Folder by stage, of the reports that say what they judged and are still in the store. */
async function reportsOf({ record, folder }: KeptRun): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { stage, outputs = {} } of record.stages) {
    for (const output of Object.keys(outputs)) {
      const report = join(folder, 'stages', stage, output);
      const files = await readdir(report).catch((): string[] => []);
      if (files.includes('predictions.parquet') && files.includes('metrics.json')) found.set(stage, report);
    }
  }
  return found;
}

/** Models that the report was given, or that made the predictions it judged. */
function modelsOf({ record, folder }: KeptRun, stage: string): { from: string; folder: string }[] {
  const { models = [], predictions = [] } = record.resolved[stage]?.from ?? {};
  const outputs = new Map<string, { name: string; output: string; kind: string }>(
    record.stages.flatMap(({ stage: name, outputs: made = {} }) =>
      Object.entries(made).map(([output, { kind }]) => [`${name}.${output}`, { name, output, kind }] as const),
    ),
  );
  const wanted = models.length > 0 ? models : predictions.map((reference) => reference.replace(/\.[^.]*$/, '.model'));
  return wanted.flatMap((reference) => {
    const known = outputs.get(reference);
    if (known?.kind !== 'model') return [];
    return [{ from: known.name, folder: join(folder, 'stages', known.name, known.output) }];
  });
}
