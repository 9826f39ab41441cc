/**
 * Field numbers and enumerations of ONNX's messages, as far as they are written or read here.
 *
 * Source: onnx.proto3, IR version 8 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
 */

export const MODEL = { irVersion: 1, producerName: 2, graph: 7, opset: 8, metadata: 14 } as const;

export const OPSET = { domain: 1, version: 2 } as const;

/** StringStringEntryProto: a pair of `MODEL.metadata`. */
export const PAIR = { key: 1, value: 2 } as const;

export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;

export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;

export const ATTRIBUTE = {
  name: 1,
  float: 2,
  integer: 3,
  string: 4,
  graph: 6,
  floats: 7,
  integers: 8,
  strings: 9,
  type: 20,
} as const;

/** AttributeProto.AttributeType: values of `ATTRIBUTE.type`. */
export const ATTRIBUTE_TYPE = {
  float: 1,
  integer: 2,
  string: 3,
  graph: 5,
  floats: 6,
  integers: 7,
  strings: 8,
} as const;

export const VALUE_INFO = { name: 1, type: 2 } as const;

/** TypeProto: only tensors have a place here. */
export const TYPE = { tensor: 1 } as const;

export const TENSOR_TYPE = { element: 1, shape: 2 } as const;

export const SHAPE = { dimension: 1 } as const;

/** A dimension has a size or a name. */
export const DIMENSION = { size: 1, name: 2 } as const;

export const TENSOR = { dims: 1, type: 2, strings: 6, name: 8, raw: 9 } as const;

/** TensorProto.DataType. */
export const ELEMENT = { float32: 1, uint8: 2, int8: 3, int64: 7, string: 8, bool: 9, float64: 11 } as const;

export type ElementName = keyof typeof ELEMENT;
