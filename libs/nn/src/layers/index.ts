/** The registry of layers: what a `layers` list may contain. */
import { Type, type Static, type TSchema } from '@prosodia/core';
import { activation } from './activation.ts';
import { batch_norm } from './batch_norm.ts';
import { conv1d, conv2d } from './convolution.ts';
import { dense } from './dense.ts';
import { dropout, gaussian_noise, spatial_dropout } from './dropout.ts';
import { flatten, permute, reshape } from './flatten.ts';
import { attention_pool } from './attention_pool.ts';
import { avg_pool1d, avg_pool2d, global_pool, max_pool1d, max_pool2d } from './pooling.ts';
import { group_norm } from './group_norm.ts';
import type { LayerDefinition } from './layer.ts';
import { layer_norm } from './layer_norm.ts';
import { bidirectional, gru, lstm } from './recurrent.ts';
import { residualLayer } from './residual.ts';

const simple = {
  activation,
  attention_pool,
  avg_pool1d,
  avg_pool2d,
  batch_norm,
  bidirectional,
  conv1d,
  conv2d,
  dense,
  dropout,
  flatten,
  gaussian_noise,
  global_pool,
  group_norm,
  gru,
  layer_norm,
  lstm,
  max_pool1d,
  max_pool2d,
  permute,
  reshape,
  spatial_dropout,
};

type Entry<Layers> = {
  readonly [Name in keyof Layers]?: Layers[Name] extends LayerDefinition<infer Options> ? Static<Options> : never;
};

/** Layers by the name they have in a list. */
export const layers = { ...simple, residual: residualLayer<Entry<typeof simple>>(entrySchema(simple)) };

export type LayerName = keyof typeof layers;

/** One entry of a layer list: a map with one key, the layer's name, whose value are its options. */
export type LayerSpec = Entry<typeof layers>;

/** Schema of one layer: a map with exactly one key. */
export const LayerSchema = Type.Unsafe<LayerSpec>(entrySchema(layers));

/** Schema of a layer list, first to last, without the output layer, which is added for the classes. */
export const LayersSchema = Type.Array(LayerSchema, {
  description: 'The hidden layers, first to last. The output layer, one unit per class with softmax, is added.',
});

/** A map with exactly one key: unlike a union, it lets an editor and an error message name the wrong option. */
function entrySchema(choices: Readonly<Record<string, { summary: string; options: TSchema }>>): TSchema {
  return Type.Object(
    Object.fromEntries(
      Object.entries(choices).map(([name, { summary, options }]) => [
        name,
        Type.Optional(Type.Unsafe({ ...options, description: summary })),
      ]),
    ),
    { additionalProperties: false, minProperties: 1, maxProperties: 1 },
  );
}
