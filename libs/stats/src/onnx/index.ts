/** What is done to features and probabilities, as parts of an ONNX graph. */
export { aggregated, joined, transformed } from './features.ts';
export { stacked, tempered, vote } from './predictions.ts';
