/**
 * A network as the files of TensorFlow.js: `model.json` (layers, and what the weights are called) and
 * the weights in shards. `tf.loadLayersModel` reads them in a browser; so does {@link loadTfjsModel} here.
 *
 * Only the GRU needs more than TensorFlow.js itself: see `layers/reset-after-gru.ts`.
 */
import { DataError, messageOf } from '@prosodia/core';
import type { io } from '@tensorflow/tfjs-core';
import type { NetworkSpec } from '../network.ts';
import type { Model } from '../predictor.ts';
import { resetAfterGru } from './layers/reset-after-gru.ts';
import { TfNetwork } from './network.ts';
import { openTfjs } from './runtime.ts';

/** Files by name. */
export type TfjsFiles = Readonly<Record<string, Uint8Array>>;

/** The size of a shard: what the converter of TensorFlow.js takes, small enough for browsers to cache. */
const SHARD_BYTES = 4 * 1024 * 1024;

/** `model.json` as far as it matters here. */
interface ModelJson {
  readonly modelTopology: object;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: io.WeightsManifestEntry[];
  }[];
}

/**
 * `model.json` and the shards of weights.
 *
 * @param parameters weights as a flat vector, as in `readModel`
 * @param metadata kept as `userDefinedMetadata`
 *
 * Throws a RequestError that names the layer for one that TensorFlow.js cannot build.
 */
export async function toTfjsFiles(
  network: NetworkSpec,
  parameters: Float32Array,
  statistics: Float32Array,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<TfjsFiles> {
  const { tf } = await openTfjs('cpu');
  const built = new TfNetwork(tf, network);
  try {
    built.setWeights({ parameters, statistics });
    let saved: io.ModelArtifacts | undefined;
    const done = { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const } };
    await built.model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = artifacts;
        return Promise.resolve(done);
      }),
    );
    return toFiles(tf.io.CompositeArrayBuffer.join(saved!.weightData), saved!, metadata);
  } finally {
    built.dispose();
  }
}

function toFiles(
  weights: ArrayBuffer,
  { format, generatedBy, modelTopology, weightSpecs }: io.ModelArtifacts,
  metadata: Readonly<Record<string, unknown>>,
): TfjsFiles {
  const count = Math.max(1, Math.ceil(weights.byteLength / SHARD_BYTES));
  const shards = Array.from({ length: count }, (_, i) => [
    `group1-shard${i + 1}of${count}.bin`,
    new Uint8Array(weights.slice(i * SHARD_BYTES, (i + 1) * SHARD_BYTES)),
  ]) as [string, Uint8Array][];
  const json = {
    format,
    generatedBy,
    convertedBy: '@prosodia/nn',
    modelTopology,
    weightsManifest: [{ paths: shards.map(([name]) => name), weights: weightSpecs }],
    userDefinedMetadata: metadata,
  };
  return { 'model.json': new TextEncoder().encode(JSON.stringify(json)), ...Object.fromEntries(shards) };
}

/**
 * Reads the files again. Throws a DataError if they are no model of this form, or some are missing.
 */
export async function loadTfjsModel(files: TfjsFiles): Promise<Model> {
  const { tf } = await openTfjs('cpu');
  resetAfterGru(tf);
  const { modelTopology, weightsManifest } = readJson(files);
  const parts = weightsManifest.flatMap(({ paths }) => paths).map((path) => fileOf(files, path));
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  const weightData = new Uint8Array(Buffer.concat(parts)).buffer;
  const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
  const inputShape = model.inputs[0]!.shape.slice(1) as number[];
  const width = inputShape.reduce((product, size) => product * size, 1);
  return {
    inputShape,
    async predict(x, rows) {
      if (x.length !== rows * width) {
        throw new DataError({
          problem: 'the input does not fit the model',
          expected: `${rows} rows of ${inputShape.join(' x ')} values, ${rows * width} in all`,
          got: `${x.length} values`,
        });
      }
      const output = tf.tidy(() => {
        const predicted = model.predict(tf.tensor(x, [rows, ...inputShape]));
        return Array.isArray(predicted) ? predicted[0]! : predicted;
      });
      const probabilities = (await output.data()) as Float32Array;
      output.dispose();
      return probabilities;
    },
    dispose() {
      model.dispose();
      return Promise.resolve();
    },
  };
}

function readJson(files: TfjsFiles): ModelJson {
  const text = new TextDecoder().decode(fileOf(files, 'model.json'));
  let json: Partial<ModelJson>;
  try {
    json = JSON.parse(text) as Partial<ModelJson>;
  } catch (error) {
    throw new DataError({ problem: 'model.json is no JSON', got: messageOf(error) }, { cause: error });
  }
  const { modelTopology, weightsManifest } = json;
  if (modelTopology && weightsManifest) return { modelTopology, weightsManifest };
  throw new DataError({
    problem: 'model.json is no model of TensorFlow.js',
    expected: 'modelTopology and weightsManifest',
    got: Object.keys(json).join(', '),
  });
}

function fileOf(files: TfjsFiles, name: string): Uint8Array {
  const file = files[name];
  if (file) return file;
  throw new DataError({
    problem: 'a file of the model is missing',
    expected: name,
    got: Object.keys(files).join(', ') || 'none',
  });
}
