export { type FittedForest, type Forest, type OutOfBag, treeCount } from './forest.ts';
export { fitForest, type FitOptions } from './fit.ts';
export { type ClassWeight, type ForestParams, type MaxFeatures } from './params.ts';
export { predict, predictProba } from './predict.ts';
export { forestFromOnnx, type OnnxForest } from './from-onnx.ts';
export { forestToOnnx, type OnnxOptions } from './to-onnx.ts';
export { permutationImportance, type PermutationImportance, type PermutationOptions } from './permutation.ts';
export { type Scoring } from './scoring.ts';
export { summarizeForest, type ForestSummary } from './summary.ts';
