/** Reads back the forest from a model that `forestToOnnx` wrote, bit for bit. */
import { DataError } from '@prosodia/core';
import { ATTRIBUTE, DIMENSION, GRAPH, MODEL, MessageReader, NODE, PAIR, SHAPE } from '@prosodia/onnx';
import { TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from '@prosodia/onnx';
import type { Forest } from './forest.ts';

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
  const model = new MessageReader(bytes);
  const graph = model.message(MODEL.graph);
  const ensemble = graph?.messages(GRAPH.node).find((node) => node.string(NODE.op) === 'TreeEnsembleClassifier');
  if (graph === undefined || ensemble === undefined) throw foreign('no TreeEnsembleClassifier in it');
  const attributes = new Map(
    ensemble.messages(NODE.attribute).map((attribute) => [attribute.string(ATTRIBUTE.name) ?? '', attribute]),
  );
  const attribute = (name: string): MessageReader => {
    const found = attributes.get(name);
    if (found === undefined) throw foreign(`no attribute ${name}`);
    return found;
  };
  const classes = attribute('classlabels_int64s').integers(ATTRIBUTE.integers).length;
  const labels = graph
    .messages(GRAPH.initializer)
    .find((tensor) => tensor.string(TENSOR.name) === 'labels')
    ?.strings(TENSOR.strings);
  const cols = inputColumns(graph);
  const structure = readNodes(attribute);
  checkLinks(structure, cols);
  const distribution = readLeaves(attribute, structure, classes);
  return {
    forest: { classes, cols, ...structure, distribution },
    ...(labels ? { labels } : {}),
    metadata: Object.fromEntries(
      model
        .messages(MODEL.metadata)
        .map((property) => [property.string(PAIR.key) ?? '', property.string(PAIR.value) ?? '']),
    ),
  };
}

type Structure = Pick<Forest, 'roots' | 'feature' | 'threshold' | 'child'>;

function readNodes(attribute: (name: string) => MessageReader): Structure {
  const treeIds = attribute('nodes_treeids').integers(ATTRIBUTE.integers);
  const nodeIds = attribute('nodes_nodeids').integers(ATTRIBUTE.integers);
  const columns = attribute('nodes_featureids').integers(ATTRIBUTE.integers);
  const modes = attribute('nodes_modes').strings(ATTRIBUTE.strings);
  const trueIds = attribute('nodes_truenodeids').integers(ATTRIBUTE.integers);
  const falseIds = attribute('nodes_falsenodeids').integers(ATTRIBUTE.integers);
  const threshold = attribute('nodes_values').floats(ATTRIBUTE.floats);
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
function readLeaves(attribute: (name: string) => MessageReader, structure: Structure, classes: number): Float32Array {
  const { roots, feature, child } = structure;
  const treeIds = attribute('class_treeids').integers(ATTRIBUTE.integers);
  const nodeIds = attribute('class_nodeids').integers(ATTRIBUTE.integers);
  const classIds = attribute('class_ids').integers(ATTRIBUTE.integers);
  const weights = attribute('class_weights').floats(ATTRIBUTE.floats);
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

function inputColumns(graph: MessageReader): number {
  const tensor = graph.message(GRAPH.input)?.message(VALUE_INFO.type)?.message(TYPE.tensor);
  const columns = tensor?.message(TENSOR_TYPE.shape)?.messages(SHAPE.dimension)[1]?.integer(DIMENSION.size);
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
