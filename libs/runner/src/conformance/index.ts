/**
 * For tests: what every stage promises, and a workbench to run one on toy data.
 *
 * `checkStage` needs no test runner; `describeStage` and `useWorkbench` are for vitest.
 */
export { Workbench, type BenchOptions, type Fills, type Fixture, type Ran } from './bench.ts';
export type { BadParams, Outcome, StageCases } from './cases.ts';
export { checkStage, stageChecks, type StageCheck } from './checks.ts';
export {
  audioOf,
  audioRow,
  clipRow,
  clipsOf,
  featureRows,
  featuresOf,
  itemRow,
  predictionRows,
  predictionsOf,
  rowsOf,
  seenAs,
  splitOf,
  toyClips,
  toyFeatures,
  toySound,
  withOther,
  type Fill,
  type SoundOptions,
  type ToyAudioRow,
  type ToyClip,
  type ToyClipRow,
  type ToyFeatureOptions,
  type ToyItemRow,
  type ToyOptions,
  type ToyPredictionRow,
} from './toys.ts';
export { describeStage, useWorkbench } from './vitest.ts';
