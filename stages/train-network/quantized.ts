/** The int8 form of a trained model, and what it costs in accuracy. */
import { type TrainingData, type TrainingRows, loadModel, quantizeModel } from '@prosodia/nn';

export interface Quantized {
  readonly model: Uint8Array;
  /** For `model.json`. */
  readonly facts: {
    readonly file: string;
    readonly bytes: number;
    readonly float32_bytes: number;
    /** Weights that integer operators use, and weights that are only stored as integers. */
    readonly dynamic: readonly string[];
    readonly weight_only: readonly string[];
    /** Undefined without validation rows. */
    readonly validation?: {
      readonly rows: number;
      readonly accuracy: number;
      readonly int8_accuracy: number;
      /** Share of the rows that both give the same label. */
      readonly agreement: number;
    };
  };
}

export async function quantize(float32: Uint8Array, validation: TrainingRows | undefined): Promise<Quantized> {
  const { model, dynamic, weight_only } = quantizeModel(float32);
  const compared = validation && (await compare(float32, model, validation));
  const sizes = { bytes: model.length, float32_bytes: float32.length };
  const facts = { file: 'model.int8.onnx', ...sizes, dynamic, weight_only };
  return { model, facts: compared ? { ...facts, validation: compared } : facts };
}

/** One line for the end of a run. */
export function describeQuantized({ facts }: Quantized): string {
  const { bytes, float32_bytes, validation } = facts;
  const size = `int8: ${kilobytes(bytes)} instead of ${kilobytes(float32_bytes)}`;
  if (!validation) return `${size}; without validation rows its accuracy is not known`;
  const { rows, accuracy, int8_accuracy, agreement } = validation;
  const change = (int8_accuracy - accuracy).toFixed(4).replace(/^(?!-)/, '+');
  return (
    `${size}; validation accuracy ${int8_accuracy.toFixed(4)} instead of ${accuracy.toFixed(4)} (${change}), ` +
    `the same label for ${(100 * agreement).toFixed(1)} % of ${rows} rows`
  );
}

/** Both on the CPU, which has all integer operators. */
async function compare(float32: Uint8Array, int8: Uint8Array, data: TrainingRows) {
  const models = [await loadModel(float32), await loadModel(int8)] as const;
  try {
    const right = [0, 0];
    let same = 0;
    for await (const { x, y, rows } of blocksOf(data)) {
      const found = [chosen(await models[0].predict(x, rows), rows), chosen(await models[1].predict(x, rows), rows)];
      for (let r = 0; r < rows; r++) {
        found.forEach((labels, m) => (right[m]! += Number(labels[r] === y[r])));
        same += Number(found[0]![r] === found[1]![r]);
      }
    }
    const [accuracy, int8_accuracy] = right.map((count) => count / data.rows) as [number, number];
    return { rows: data.rows, accuracy, int8_accuracy, agreement: same / data.rows };
  } finally {
    for (const model of models) await model.dispose();
  }
}

async function* blocksOf(data: TrainingRows): AsyncGenerator<TrainingData> {
  if ('x' in data) {
    yield data;
    return;
  }
  let from = 0;
  for (const [block, rows] of data.blocks.entries()) {
    yield { x: await data.read(block), y: data.y.subarray(from, from + rows), rows };
    from += rows;
  }
}

/** The class of the largest probability of each row. */
function chosen(probabilities: Float32Array, rows: number): number[] {
  const classes = probabilities.length / rows;
  return Array.from({ length: rows }, (_, r) => {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[r * classes + c]! > probabilities[r * classes + best]!) best = c;
    }
    return best;
  });
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString('en')} kB`;
}
