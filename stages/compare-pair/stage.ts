/**
 * Two reports, row by row: is the second model better than the first, or was it lucky?
 *
 * Two accuracies of the same rows are not independent, so two intervals that overlap say little. Tests on pairs do.
 */
import { readdir } from 'node:fs/promises';
import { type ManyItem, Type, defineStage, many, throwIfCancelled } from '@prosodia/core';
import { svgToPng } from '@prosodia/plots';
import { type EpochRow, type FolderReader, Model, Report } from '@prosodia/tables';
import { compareReports } from './comparison.ts';
import { page } from './page.ts';
import { type Side, pictures } from './pictures.ts';
import { inWords } from './words.ts';

export default defineStage({
  name: 'compare-pair',
  summary: 'Compares two reports on the rows that both judged: paired tests, and pictures of both on one page.',
  details: `Writes \`comparison.json\`, \`comparison.html\` and the pictures as SVG and PNG. Differences are second minus
first. The tests: McNemar's (1947) on the rows that one alone has right; a percentile bootstrap of the difference over
whole speakers, or clips; and with two folds or more Nadeau and Bengio's corrected t test (2003). Rows are matched by
item, fold and role; rows of one report alone are counted and left out. This is what \`prosodia diff\` shows.`,
  params: Type.Object(
    {
      title: Type.String({ default: 'Two reports', description: 'heading of the page' }),
      names: Type.Tuple([Type.String({ minLength: 1 }), Type.String({ minLength: 1 })], {
        default: ['first', 'second'],
        description: 'what the two are called in tables and pictures',
      }),
      bootstrap: Type.Integer({ default: 1000, minimum: 0, description: 'bootstrap draws; below 2: no intervals' }),
      resample: Type.Union([Type.Literal('auto'), Type.Literal('speaker'), Type.Literal('clip')], {
        default: 'auto',
        description: 'what the bootstrap draws; auto: speakers if a report has its own intervals over speakers',
      }),
      confidence: Type.Number({
        default: 0.95,
        exclusiveMinimum: 0,
        exclusiveMaximum: 1,
        description: 'level of the intervals',
      }),
    },
    { additionalProperties: false },
  ),
  inputs: { first: Report, second: Report, first_models: many(Model), second_models: many(Model) },
  outputs: { report: Report },
  seeded: true,

  async run({ inputs, params, outputs, rng, signal, metrics, summary }) {
    const [a, b] = params.names as [string, string];
    const { comparison, labels, sides } = await compareReports(inputs.first, inputs.second, {
      title: params.title,
      names: [a, b],
      seed: rng.fork('bootstrap').uint32(),
      replicates: params.bootstrap,
      level: params.confidence,
      resample: params.resample,
    });
    throwIfCancelled(signal);
    const first: Side = { ...sides[0], histories: await historiesOf(inputs.first_models) };
    const second: Side = { ...sides[1], histories: await historiesOf(inputs.second_models) };
    const { report } = outputs;
    await report.json('comparison.json', comparison);
    await report.bytes('comparison.html', page(comparison, pictures(labels, first, second, 'embedded')));
    for (const [name, svg] of pictures(labels, first, second, 'light')) {
      throwIfCancelled(signal);
      await report.bytes(`${name}.svg`, svg);
      await report.bytes(`${name}.png`, svgToPng(svg));
    }
    const { shared, rows, significance } = comparison;
    metrics({
      shared_rows: rows.shared,
      ...(shared ? { accuracy_difference: shared[1].accuracy - shared[0].accuracy } : {}),
      ...(shared ? { balanced_accuracy_difference: shared[1].balanced_accuracy - shared[0].balanced_accuracy } : {}),
      ...(significance ? { mcnemar_p: significance.mcnemar.p } : {}),
    });
    summary([params.title, ...inWords(comparison)].join('\n\n'));
  },
});

async function historiesOf(models: readonly ManyItem<FolderReader>[]): Promise<Side['histories']> {
  const found = await Promise.all(
    models.map(async ({ from, artifact }) => {
      const trained = (await readdir(artifact.folder)).includes('history');
      return { from, rows: trained ? await (await artifact.table<EpochRow>('history')).all() : [] };
    }),
  );
  return found.filter(({ rows }) => rows.length > 0);
}
