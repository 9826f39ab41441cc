/** The public face of @prosodia/stats: pure functions on typed arrays, no input or output. */
export { type Float64Matrix, type Matrix, type MatrixContext, matrixFrom, zeros } from './matrix.ts';
export {
  ScalerAccumulator,
  applyScaler,
  fitScaler,
  invertScaler,
  type FittedScaler,
  type ScalerKind,
  type ScalerOptions,
} from './scaler.ts';
export { PcaAccumulator, fitPca, inverseTransformPca, transformPca, type FittedPca, type PcaOptions } from './pca.ts';
export { labelEncoderToOnnx, transformsToOnnx, type TransformOnnxOptions } from './to-onnx.ts';
export { symmetricEigen, type Eigen } from './eigen.ts';
export { compareCodePoints, decodeLabels, encodeLabels, sortedClasses } from './labels.ts';
export { classWeights, type ClassWeightSpec } from './class-weights.ts';
export { quantileOfSorted } from './quantile.ts';
export { GroupAggregator, aggregateRows, functionalNames, type Aggregated, type Functional } from './aggregate.ts';
export { fitVoteWeights, hardVote, softVote, type VoteWeights } from './ensemble.ts';
export { fitLogistic, predictLogistic, type FittedLogistic, type LogisticOptions } from './logistic.ts';
export { fitStack, stack } from './stacking.ts';
export { confusionMatrix, normalizeRows, type ConfusionMatrix } from './metrics/confusion.ts';
export {
  accuracy,
  balancedAccuracy,
  precisionRecallF1,
  type AverageScores,
  type BalancedAccuracy,
  type ClassScore,
  type ClassScores,
  type PrecisionRecallF1,
} from './metrics/classification.ts';
export { classificationReport, renderReport, type ClassificationReport } from './metrics/report.ts';
export { argmaxRows, brierScore, logLoss, topKAccuracy } from './metrics/probabilities.ts';
export { rocAucOvr, type RocAuc } from './metrics/roc-auc.ts';
export {
  applyTemperature,
  expectedCalibrationError,
  fitTemperature,
  logitsOf,
  type CalibrationBin,
  type CalibrationError,
  type TemperatureFit,
} from './metrics/calibration.ts';
export { bootstrapInterval, type BootstrapInterval, type BootstrapOptions } from './metrics/bootstrap.ts';
export { correctedResampledTTest, mcnemar, type McnemarTest, type ResampledTTest } from './metrics/significance.ts';
export { checkSplit, type CheckOptions } from './splits/check.ts';
export { makeSplit } from './splits/make.ts';
export { RAVDESS_FOLDS, type RavdessPreset } from './splits/presets.ts';
export {
  type FixedFoldsOptions,
  type HoldoutOptions,
  type KfoldOptions,
  type SplitClip,
  type SplitOptions,
  type SplitRow,
  type SplitScheme,
} from './splits/types.ts';
export * as onnx from './onnx/index.ts';
