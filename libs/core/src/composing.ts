/**
 * Composing: a finished run as one ONNX graph, from the samples of a recording to probabilities.
 *
 * The graph that serves is walked as for a prediction, but instead of rows each stage is given tensors, and answers
 * with the tensors that come of them. Nothing is computed until the model is run, wherever that may be.
 */
import type { TObject } from 'typebox';
import type { ArtifactKind, ReaderOf } from './kinds.ts';
import type { Static } from './stage.ts';

/** What the numbers of a tensor are. */
export type GraphElement = 'float32' | 'float64' | 'int64' | 'bool' | 'string';

/** A tensor of a graph that is being built. `@prosodia/onnx` makes them; nobody else looks inside. */
export interface GraphTensor {
  readonly element: GraphElement;
}

/** An artifact as part of a graph. */
export type Composed = ComposedClips | ComposedAudio | ComposedFeatures | ComposedPredictions;

/** The recordings themselves: what the model is given. */
export interface ComposedClips {
  readonly kind: 'clips';
}

/** Items of equal length, those of one recording together. */
export interface ComposedAudio {
  readonly kind: 'audio';
  /** float32 `[items, samples]`. */
  readonly samples: GraphTensor;
  /** Hz. */
  readonly rate: number;
  /** int64 `[1]`: items that each recording was cut into; undefined while an item is a recording. */
  readonly parts: GraphTensor | undefined;
}

export interface ComposedFeatures {
  readonly kind: 'features';
  /** float32 `[items, ...shape]`. */
  readonly values: GraphTensor;
  readonly shape: readonly number[];
  readonly parts: GraphTensor | undefined;
}

export interface ComposedPredictions {
  readonly kind: 'predictions';
  /** float32 `[items, classes]`. */
  readonly probabilities: GraphTensor;
  readonly classes: number;
  readonly parts: GraphTensor | undefined;
  /**
   * The model of the mean of these predictions and others: `waveform` float32 `[batch, samples]` in, `probabilities`
   * float32 `[batch, classes]` out, a row for each recording.
   */
  model(others: readonly ComposedPredictions[], options: ComposedModelOptions): Uint8Array;
}

export interface ComposedModelOptions {
  /** Key and value pairs that the model keeps. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ComposeContext<P extends TObject, O> {
  readonly params: Static<P>;
  /** Each throws a RequestError if the input is not there or is something else. */
  audio(input: string): ComposedAudio;
  features(input: string): ComposedFeatures;
  /** All that the input is given, in order. */
  manyFeatures(input: string): readonly ComposedFeatures[];
  predictions(input: string): ComposedPredictions;
  manyPredictions(input: string): readonly ComposedPredictions[];
  /** As in serving; `serve.learned` has to name it. */
  learned<N extends keyof O & string>(output: N): Promise<ReaderOf<O[N]>>;
}

/**
 * Says what a stage does to recordings as part of a graph: a tensor for each output that later stages read.
 * Throws a RequestError, which the user reads, if there is no such graph: what it does, and which setting asks for it.
 */
export type Compose<P extends TObject, O extends Record<string, ArtifactKind>> = (
  context: ComposeContext<P, O>,
) => Promise<{ readonly [N in keyof O]?: Composed }>;
