/** Field numbers of ONNX's messages (onnx.proto, IR version 8), as far as a forest uses them. */

export const Model = {
  irVersion: 1,
  producerName: 2,
  graph: 7,
  opsetImport: 8,
  metadataProps: 14,
} as const;

export const OpsetId = { domain: 1, version: 2 } as const;

export const Property = { key: 1, value: 2 } as const;

export const Graph = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;

export const Node = { input: 1, output: 2, opType: 4, attribute: 5, domain: 7 } as const;

export const Attribute = { name: 1, i: 3, s: 4, floats: 7, ints: 8, strings: 9, type: 20 } as const;

/** Values of `Attribute.type`. */
export const AttributeType = { int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const;

export const ValueInfo = { name: 1, type: 2 } as const;

/** TypeProto.tensor_type, its two fields, and those of a shape and a dimension. */
export const TensorType = { tensor: 1, elementType: 1, shape: 2, dimension: 1, size: 1, symbol: 2 } as const;

export const Tensor = { dims: 1, dataType: 2, floatData: 4, stringData: 6, name: 8 } as const;

/** TensorProto.DataType. */
export const DataType = { float32: 1, int64: 7, string: 8 } as const;
