/** Compares gradients with central finite differences, and the interpreter with ONNX Runtime. */
import { Rng } from '@prosodia/core';
import { expect } from 'vitest';
import { openSession } from '../device.ts';
import { sizeOf, type Graph, type Tensor } from '../graph.ts';
import { gradients } from '../gradients/differentiate.ts';
import { encodeModel } from '../onnx/model.ts';
import { multiply, sum } from '../ops.ts';
import { array, type NumberArray } from './arrays.ts';
import { evaluate } from './interpreter.ts';

export interface GradientCheck {
  /** Values of the graph's inputs; normal random ones for those left out. */
  values?: Readonly<Record<string, NumberArray>>;
  /** Half the distance of the two points. */
  step?: number;
  /** At most this many elements of each source are tried, chosen at random. */
  elements?: number;
}

/**
 * Checks, for a random weighting of the elements of `y`, the gradients with respect to `sources`
 * (inputs of the graph) in double precision, and that ONNX Runtime finds the same values.
 */
export async function checkGradient(
  y: Tensor,
  sources: readonly Tensor[],
  { values = {}, step = 1e-5, elements = 6 }: GradientCheck = {},
): Promise<void> {
  const { graph } = y;
  const rng = new Rng(7, 'check');
  const weighting = Float32Array.from({ length: sizeOf(y.shape) }, () => rng.uniform(-1, 1));
  const target = sum(
    multiply(y, graph.constant(weighting, y.shape)),
    y.shape.map((_, axis) => axis),
    false,
  );
  const inputs = fillInputs(graph, values, rng);
  const found = gradients(target, sources);
  const at = evaluate(graph, inputs);
  for (const [i, source] of sources.entries()) {
    const gradient = found[i];
    expect(gradient, `gradient of ${source.name}`).toBeDefined();
    const analytic = at(gradient!);
    expect(analytic.shape).toEqual(source.shape);
    const indices = rng.sample([...analytic.data.keys()], elements);
    for (const index of indices) {
      const moved = (by: number): number => {
        const { shape, data } = inputs[source.name]!;
        const changed = data.slice();
        changed[index]! += by;
        return evaluate(graph, { ...inputs, [source.name]: { shape, data: changed } })(target).data[0]!;
      };
      const numeric = (moved(step) - moved(-step)) / (2 * step);
      const tolerance = 1e-6 * Math.max(1, Math.abs(numeric));
      expect(
        Math.abs(analytic.data[index]! - numeric),
        `${source.name}[${index}]: ${analytic.data[index]} and ${numeric}`,
      ).toBeLessThan(tolerance);
    }
  }
  await checkRuntime(graph, inputs, [y, ...(found as Tensor[])]);
}

/** ONNX Runtime, in single precision, agrees with the interpreter on `tensors`. */
export async function checkRuntime(
  graph: Graph,
  inputs: Readonly<Record<string, NumberArray>>,
  tensors: readonly Tensor[],
): Promise<void> {
  const at = evaluate(graph, inputs);
  const names = tensors.map((_, i) => `result_${i}`);
  tensors.forEach((tensor, i) => graph.output(names[i]!, tensor));
  const session = await openSession(encodeModel(graph), {});
  try {
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, shape }) => [name, { data: Float32Array.from(inputs[name]!.data), shape }]),
    );
    const results = await session.run(feeds, Object.fromEntries(names.map((name) => [name, null])));
    tensors.forEach((tensor, i) => {
      const expected = at(tensor).data;
      const scale = expected.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
      results[names[i]!]!.forEach((value, j) => {
        expect(Math.abs(value - expected[j]!), `ONNX Runtime, output ${i}, element ${j}`).toBeLessThan(2e-5 * scale);
      });
    });
  } finally {
    await session.release();
  }
}

function fillInputs(
  graph: Graph,
  values: Readonly<Record<string, NumberArray>>,
  rng: Rng,
): Record<string, NumberArray> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [
      name,
      // Rounded to single precision, so that both sides start from the same numbers.
      values[name] ??
        array(
          shape,
          Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()),
        ),
    ]),
  );
}
