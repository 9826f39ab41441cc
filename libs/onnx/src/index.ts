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
