export { Message } from './writer.ts';
export { MessageReader, fieldsOf, textOf, type Field } from './reader.ts';
export * from './fields.ts';
export {
  attributeMessage,
  graphMessage,
  modelBytes,
  nodeMessage,
  tensorMessage,
  valueMessage,
  type AttributeValue,
  type GraphSpec,
  type NodeSpec,
  type Opsets,
  type TensorData,
  type ValueSpec,
} from './messages.ts';
export { embed } from './compose/embed.ts';
export { composedModel, type ComposedModelSpec } from './compose/model.ts';
export * from './compose/ops.ts';
export { byRecording, composedPredictions } from './compose/predictions.ts';
export { apply, applyAll, constant, graphInput, integers, scalar, type ApplyOptions } from './compose/tensor.ts';
