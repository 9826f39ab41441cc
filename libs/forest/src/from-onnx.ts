/** Reads back the forest from a model that `forestToOnnx` wrote, bit for bit. */
import { DataError } from '@prosodia/core';
import type { Forest } from './forest.ts';
import { Attribute, Graph, Model, Node, Property, Tensor, TensorType, ValueInfo } from './onnx-fields.ts';
import { ProtoReader } from './protobuf.ts';

/** A forest with what its model file says besides. */
export interface OnnxForest {
  forest: Forest;
  /** `[classes]`, if the model was written with labels. */
  labels?: string[];
  metadata: Record<string, string>;
}

/**
 * Reads an ONNX model.
 *
 * @throws DataError if the bytes are not an ONNX model, or one that `forestToOnnx` did not write
 */
export function forestFromOnnx(bytes: Uint8Array): OnnxForest {
  const model = new ProtoReader(bytes);
  const graph = model.messages(Model.graph)[0];
  const ensemble = graph?.messages(Graph.node).find((node) => node.string(Node.opType) === 'TreeEnsembleClassifier');
  if (graph === undefined || ensemble === undefined) throw foreign('no TreeEnsembleClassifier in it');
  const attributes = new Map(
    ensemble.messages(Node.attribute).map((attribute) => [attribute.string(Attribute.name) ?? '', attribute]),
  );
  const attribute = (name: string): ProtoReader => {
    const found = attributes.get(name);
    if (found === undefined) throw foreign(`no attribute ${name}`);
    return found;
  };
  const classes = attribute('classlabels_int64s').ints(Attribute.ints).length;
  const labels = graph
    .messages(Graph.initializer)
    .find((tensor) => tensor.string(Tensor.name) === 'labels')
    ?.strings(Tensor.stringData);
  const cols = inputColumns(graph);
  const structure = readNodes(attribute);
  checkLinks(structure, cols);
  const distribution = readLeaves(attribute, structure, classes);
  return {
    forest: { classes, cols, ...structure, distribution },
    ...(labels ? { labels } : {}),
    metadata: Object.fromEntries(
      model
        .messages(Model.metadataProps)
        .map((property) => [property.string(Property.key) ?? '', property.string(Property.value) ?? '']),
    ),
  };
}

type Structure = Pick<Forest, 'roots' | 'feature' | 'threshold' | 'child'>;

function readNodes(attribute: (name: string) => ProtoReader): Structure {
  const treeIds = attribute('nodes_treeids').ints(Attribute.ints);
  const nodeIds = attribute('nodes_nodeids').ints(Attribute.ints);
  const columns = attribute('nodes_featureids').ints(Attribute.ints);
  const modes = attribute('nodes_modes').strings(Attribute.strings);
  const trueIds = attribute('nodes_truenodeids').ints(Attribute.ints);
  const falseIds = attribute('nodes_falsenodeids').ints(Attribute.ints);
  const threshold = attribute('nodes_values').floats(Attribute.floats);
  const nodes = treeIds.length;
  if ([nodeIds, columns, modes, trueIds, falseIds, threshold].some((values) => values.length !== nodes)) {
    throw foreign('node attributes of different lengths');
  }
  const roots: number[] = [];
  const feature = new Int32Array(nodes);
  const child = new Uint32Array(nodes);
  for (let i = 0; i < nodes; i++) {
    if (treeIds[i] === roots.length) roots.push(i);
    const root = roots[roots.length - 1] ?? 0;
    if (treeIds[i] !== roots.length - 1 || nodeIds[i] !== i - root) throw foreign('nodes out of order');
    feature[i] = -1;
    if (modes[i] === 'LEAF') continue;
    if (modes[i] !== 'BRANCH_LEQ' || falseIds[i] !== trueIds[i]! + 1) throw foreign(`another kind of node, ${i}`);
    feature[i] = columns[i]!;
    child[i] = root + trueIds[i]!;
  }
  return { roots: Uint32Array.from([...roots, nodes]), feature, threshold, child };
}

/** Links lead forward within their tree, so that every walk ends in a leaf of it. */
function checkLinks({ roots, feature, child }: Structure, cols: number): void {
  for (let tree = 0; tree < roots.length - 1; tree++) {
    const end = roots[tree + 1]!;
    for (let i = roots[tree]!; i < end; i++) {
      if (feature[i]! < 0) continue;
      if (child[i]! <= i || child[i]! + 1 >= end || feature[i]! >= cols) throw foreign(`a wrong link in node ${i}`);
    }
  }
}

/** Fills in the `child` of each leaf; returns the table of distributions. */
function readLeaves(attribute: (name: string) => ProtoReader, structure: Structure, classes: number): Float32Array {
  const { roots, feature, child } = structure;
  const treeIds = attribute('class_treeids').ints(Attribute.ints);
  const nodeIds = attribute('class_nodeids').ints(Attribute.ints);
  const classIds = attribute('class_ids').ints(Attribute.ints);
  const weights = attribute('class_weights').floats(Attribute.floats);
  const mixed: number[] = [];
  let entry = 0;
  for (let tree = 0; tree < roots.length - 1; tree++) {
    for (let i = roots[tree]!; i < roots[tree + 1]!; i++) {
      if (feature[i]! >= 0) continue;
      const row = new Array<number>(classes).fill(0);
      const first = entry;
      for (; treeIds[entry] === tree && nodeIds[entry] === i - roots[tree]!; entry++) {
        row[classIds[entry]!] = weights[entry]!;
      }
      if (entry === first || row.length !== classes) throw foreign(`a leaf without its classes, node ${i}`);
      const pure = row.indexOf(1);
      child[i] = pure >= 0 ? pure : classes + mixed.length / classes;
      if (pure < 0) for (const weight of row) mixed.push(weight);
    }
  }
  if (entry !== weights.length) throw foreign('leaves out of order');
  const distribution = new Float32Array(classes * classes + mixed.length);
  for (let k = 0; k < classes; k++) distribution[k * classes + k] = 1;
  distribution.set(mixed, classes * classes);
  return distribution;
}

function inputColumns(graph: ProtoReader): number {
  const tensor = graph.messages(Graph.input)[0]?.messages(ValueInfo.type)[0]?.messages(TensorType.tensor)[0];
  const columns = tensor?.messages(TensorType.shape)[0]?.messages(TensorType.dimension)[1]?.int(TensorType.size);
  if (columns === undefined) throw foreign('an input without a number of columns');
  return columns;
}

function foreign(got: string): DataError {
  return new DataError({
    problem: 'the model is not a forest of this library',
    expected: 'an ONNX model written by forestToOnnx',
    got,
  });
}
