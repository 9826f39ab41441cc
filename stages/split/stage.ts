/**
 * Decides which clips train, which validate and which test, before anything is fitted.
 *
 * The whole plan rests on this table: every later row inherits the role of its clip, and the runner
 * builds the views of stages that fit from it. The schemes and guards are those of @prosodia/stats.
 */
import { RequestError, Type, defineStage, optional } from '@prosodia/core';
import { type SplitOptions, makeSplit } from '@prosodia/stats';
import { ClipTable, SplitTable, clipLabels } from '@prosodia/tables';

const scheme = Type.Union(
  [
    Type.Literal('holdout'),
    Type.Literal('kfold'),
    Type.Literal('group-kfold'),
    Type.Literal('leave-one-speaker-out'),
    Type.Literal('emobox-6fold'),
    Type.Literal('luna-jimenez-5fold'),
  ],
  { default: 'holdout', description: 'How clips are dealt out; the last four keep speakers apart.' },
);

export default defineStage({
  name: 'split',
  summary: 'Deals clips into training, validation and test rows, in one fold or several.',
  details:
    'Recordings with equal content always stay on the same side. `holdout` and `kfold` are stratified by label ' +
    'and let speakers appear on both sides; the other schemes are speaker-independent. The last two are the ' +
    'published folds for RAVDESS.\n\n' +
    'With another split as `within`, only the training clips of its fold are dealt out, and the others have no role: ' +
    'inner folds, for stacking or for choosing, that never see a test clip.',
  params: Type.Object({
    scheme,
    test: Type.Number({
      default: 0.2,
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'Share of test clips; holdout only.',
    }),
    folds: Type.Integer({ default: 5, minimum: 2, description: 'Number of folds; kfold and group-kfold only.' }),
    validation: Type.Number({
      default: 0,
      minimum: 0,
      exclusiveMaximum: 1,
      description: 'Share of the training clips that becomes validation rows.',
    }),
    validation_by: Type.Union([Type.Literal('clip'), Type.Literal('speaker')], {
      default: 'clip',
      description: 'Draw validation rows clip by clip, stratified, or by whole speakers.',
    }),
    stratify: Type.String({
      default: 'emotion',
      description: 'Column of the clips table whose shares are kept equal.',
    }),
    fold: Type.Integer({ default: 0, minimum: 0, description: 'Fold of the split that it is made within.' }),
  }),
  inputs: { clips: ClipTable, within: optional(SplitTable) },
  outputs: { split: SplitTable },
  seeded: true,

  async run({ params, inputs, outputs, rng, notice, metrics }) {
    const labels = await clipLabels(inputs.clips, params.stratify);
    const outer = await inputs.within?.roles(params.fold);
    const rows = (await inputs.clips.all()).filter(({ clip_id }) => !outer || outer.get(clip_id) === 'train');
    const unlabelled = rows.filter(({ clip_id }) => !labels.has(clip_id));
    if (unlabelled.length > 0) {
      notice(`${unlabelled.length} clips without ${params.stratify} take no part, such as ${unlabelled[0]!.clip_id}`);
    }
    const clips = rows
      .filter(({ clip_id }) => labels.has(clip_id))
      .map(({ clip_id, speaker, sha256 }) => ({ clip_id, speaker, label: labels.get(clip_id)!, recording: sha256 }));
    if (clips.length === 0) {
      if (rows.length === 0) return;
      throw new RequestError({ problem: `no clip has a ${params.stratify}`, where: 'parameter stratify' });
    }
    const split = makeSplit(clips, optionsFrom(params, rng.uint32()));
    for (const row of split) await outputs.split.append(row);
    const count = (role: string) => split.filter((row) => row.role === role && row.fold === 0).length;
    metrics({
      folds: Math.max(...split.map(({ fold }) => fold)) + 1,
      train: count('train'),
      validation: count('validation'),
      test: count('test'),
    });
  },
});

interface Params {
  scheme: SplitOptions['scheme'];
  test: number;
  folds: number;
  validation: number;
  validation_by: 'clip' | 'speaker';
}

function optionsFrom({ scheme, test, folds, validation, validation_by }: Params, seed: number): SplitOptions {
  const common = { seed, validation_by, ...(validation > 0 ? { validation } : {}) };
  if (scheme === 'holdout') return { ...common, scheme, test };
  if (scheme === 'kfold' || scheme === 'group-kfold') return { ...common, scheme, folds };
  return { ...common, scheme };
}
