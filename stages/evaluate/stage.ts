/**
 * Judges predictions and writes the report.
 *
 * A report states its protocol beside its numbers, since a number of this field means little without it:
 * whether the speakers judged were heard in training changes accuracy more than most models do.
 */
import { type ManyItem, Type, defineStage, many, optional, throwIfCancelled } from '@prosodia/core';
import { svgToPng } from '@prosodia/plots';
import {
  AudioTable,
  type ClipRow,
  ClipTable,
  type Column,
  Model,
  type PredictionReader,
  PredictionTable,
  Report,
  type Row,
  SplitTable,
} from '@prosodia/tables';
import { baselines, trainingRows } from './baselines.ts';
import { type Evaluation, Source, metricsJson, mostConfidentMistakes, sourceOf } from './evaluation.ts';
import { scoreMembers } from './members.ts';
import { leakChecks } from './leaks.ts';
import { recordingsOf } from './listening.ts';
import { modelCard } from './model-card.ts';
import { describeModels } from './models.ts';
import { page } from './page.ts';
import { pictures } from './pictures.ts';
import { describeProtocol } from './protocol.ts';
import { type Judged, gather, requireRolesOfSplit } from './rows.ts';
import { intervals, score, scoreGroups } from './scores.ts';
import { scoreSelectionRows } from './selection.ts';
import { terminalReport } from './terminal.ts';

export default defineStage({
  name: 'evaluate',
  summary: 'Judges predictions: metrics with intervals, baselines, pictures, a page and a model card.',
  details: `Writes \`metrics.json\`, \`predictions.parquet\`, \`report.html\`, \`model_card.md\` and, as SVG and PNG,
\`confusion_matrix\`, \`per_class_accuracy\`, \`calibration\` and, for models trained in epochs, \`curves\`.

Predictions of several folds are pooled. Intervals are percentile bootstrap intervals over whole speakers
or clips. With a split, predictions whose role is not the split's are refused, the report says whether
speakers were shared between training and test, and the fitted baselines are computed. With \`audio\`, the most
confident mistakes can be listened to on the page, which then holds these recordings: mind their licence.

The page ends with a mark that the runner replaces by the parameters of all stages, their times and the machine.`,
  params: Type.Object(
    {
      title: Type.String({ default: 'Evaluation', description: 'heading of the report' }),
      role: Type.Union([Type.Literal('test'), Type.Literal('validation'), Type.Literal('train')], {
        default: 'test',
        description: 'which rows are judged',
      }),
      source: Type.Optional(Source),
      notes: Type.Array(Type.String(), {
        default: [],
        description: 'sentences for the protocol, such as how this differs from the published recipe',
      }),
      reproduce: Type.String({ default: '', description: 'the command that repeats this run, shown in the report' }),
      bootstrap: Type.Integer({ default: 1000, minimum: 0, description: 'bootstrap draws; below 2: no intervals' }),
      resample: Type.Union([Type.Literal('auto'), Type.Literal('speaker'), Type.Literal('clip')], {
        default: 'auto',
        description:
          'what the bootstrap draws; auto: speakers if none of those judged was heard in training, else clips',
      }),
      confidence: Type.Number({
        default: 0.95,
        exclusiveMinimum: 0,
        exclusiveMaximum: 1,
        description: 'level of the intervals',
      }),
      permutations: Type.Integer({ default: 1000, minimum: 0, description: 'draws of the label-shuffle baseline' }),
      mistakes: Type.Integer({ default: 12, minimum: 0, description: 'how many confident mistakes are listed' }),
    },
    { additionalProperties: false },
  ),
  inputs: {
    predictions: many(PredictionTable),
    clips: ClipTable,
    split: optional(SplitTable),
    members: many(PredictionTable),
    models: many(Model),
    audio: optional(AudioTable),
  },
  outputs: { report: Report },
  seeded: true,
  async run({ inputs, params, outputs, rng, signal, progress, metrics, notice, summary }) {
    const clips = new Map((await inputs.clips.all()).map((clip) => [clip.clip_id, clip]));
    const split = await inputs.split?.table.all();
    const judged = await gather(inputs.predictions, params.role, clips);
    const published = params.source && sourceOf(params.source, judged.labels);
    if (published && published.left_out.length > 0) {
      notice(`no clip is labelled ${published.left_out.join(', ')}: what the source says of it is left out`);
    }
    const where = inputs.predictions[0]!.artifact.where;
    if (split) requireRolesOfSplit(judged, split, where);
    const checks = leakChecks(judged, clips, split, where);
    progress(1, 4, 'steps');

    const protocol = describeProtocol(judged, clips, split, params.role);
    const independent = protocol.split?.shared_speakers === 0;
    const unit = params.resample === 'auto' ? (independent ? 'speaker' : 'clip') : params.resample;
    const mistakes = mostConfidentMistakes(judged, params.mistakes);
    const severalCorpora = protocol.corpora.length > 1;
    const evaluation: Evaluation = {
      title: params.title,
      notes: params.notes,
      reproduce: params.reproduce,
      // Published figures are of real speech: beside synthetic data they would only mislead.
      source: protocol.synthetic ? undefined : published?.source,
      judged,
      scores: score(judged),
      intervals: intervals(judged, { replicates: params.bootstrap, level: params.confidence, unit, rng }),
      protocol,
      checks,
      selection_rows: params.role === 'test' ? await selectionRows(inputs, clips) : null,
      baselines: baselines(judged, trainingRows(split ?? [], clips, judged.labels), params.permutations, rng),
      members: await scoreMembers(inputs.members, params.role, clips, judged),
      models: await describeModels(inputs.models),
      by_fold: scoreGroups(judged, (r) => String(judged.rows[r]!.fold)),
      by_speaker: scoreGroups(judged, (r) => {
        const { corpus, speaker } = judged.clips[r]!;
        return severalCorpora ? `${corpus}/${speaker}` : speaker;
      }),
      by_sex: scoreGroups(judged, (r) => judged.clips[r]!.sex),
      mistakes,
      recordings: await recordingsOf(inputs.audio, judged, mistakes, signal),
    };
    throwIfCancelled(signal);
    progress(2, 4, 'steps');

    const { report } = outputs;
    await report.json('metrics.json', metricsJson(evaluation));
    await report.parquet('predictions.parquet', ...predictionsFile(judged));
    await report.bytes('model_card.md', modelCard(evaluation));
    await report.bytes('report.html', page(evaluation, pictures(evaluation, 'embedded')));
    progress(3, 4, 'steps');
    for (const [name, svg] of pictures(evaluation, 'light')) {
      throwIfCancelled(signal);
      await report.bytes(`${name}.svg`, svg);
      await report.bytes(`${name}.png`, svgToPng(svg));
    }
    progress(4, 4, 'steps');

    const { scores } = evaluation;
    metrics({
      accuracy: scores.accuracy,
      balanced_accuracy: scores.balanced_accuracy,
      macro_f1: scores.macro_f1,
      weighted_f1: scores.weighted_f1,
      log_loss: scores.log_loss,
      brier: scores.brier,
      ece: scores.ece,
      ...(scores.roc_auc_ovr === null ? {} : { roc_auc_ovr: scores.roc_auc_ovr }),
    });
    summary(terminalReport(evaluation));
  },
});

/** Of a calibrated model, which was fitted on these rows once more, those of the one member that was calibrated. */
async function selectionRows(
  { predictions, members }: Record<'predictions' | 'members', readonly ManyItem<PredictionReader>[]>,
  clips: ReadonlyMap<string, ClipRow>,
) {
  return (
    (await scoreSelectionRows(predictions, clips)) ?? (members.length === 1 ? scoreSelectionRows(members, clips) : null)
  );
}

/** Every judged row with what was predicted for it, for people to sort and filter. */
function predictionsFile(judged: Judged) {
  const { labels, rows, clips, predicted, probabilities, confidence, truth } = judged;
  const columns: Column[] = [
    ...['clip_id', 'item_id'].map((name): Column => ({ name, type: 'utf8' })),
    { name: 'fold', type: 'int32' },
    ...['role', 'speaker', 'label', 'predicted'].map((name): Column => ({ name, type: 'utf8' })),
    { name: 'correct', type: 'bool' },
    { name: 'confidence', type: 'float32' },
    ...labels.map((label): Column => ({ name: `p_${label}`, type: 'float32' })),
  ];
  const cells = rows.map((row, r): Row => {
    const own = labels.map((label, c) => [`p_${label}`, probabilities.data[r * labels.length + c]!]);
    return {
      ...row,
      speaker: clips[r]!.speaker,
      predicted: labels[predicted[r]!]!,
      correct: predicted[r] === truth[r],
      confidence: confidence[r]!,
      ...(Object.fromEntries(own) as Record<string, number>),
    };
  });
  return [{ columns, metadata: { kind: 'judged_predictions' } }, cells] as const;
}
