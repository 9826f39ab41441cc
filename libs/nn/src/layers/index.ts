/** The registry of layers: what a `layers` list may contain. */
import { Type, type Static } from '@prosodia/core';
import { activation } from './activation.ts';
import { batch_norm } from './batch_norm.ts';
import { dense } from './dense.ts';
import { dropout, gaussian_noise } from './dropout.ts';
import { flatten } from './flatten.ts';
import type { LayerDefinition } from './layer.ts';

/** Layers by the name they have in a list. */
export const layers = { activation, batch_norm, dense, dropout, flatten, gaussian_noise };

export type LayerName = keyof typeof layers;

/** One entry of a layer list: a map with one key, the layer's name, whose value are its options. */
export type LayerSpec = {
  readonly [Name in LayerName]?: (typeof layers)[Name] extends LayerDefinition<infer Options> ? Static<Options> : never;
};

/** Schema of one layer: a map with exactly one key. */
export const LayerSchema = Type.Unsafe<LayerSpec>(
  Type.Object(
    Object.fromEntries(
      Object.entries(layers).map(([name, { summary, options }]) => [
        name,
        Type.Optional(Type.Unsafe({ ...options, description: summary })),
      ]),
    ),
    { additionalProperties: false, minProperties: 1, maxProperties: 1 },
  ),
);

/** Schema of a layer list, first to last, without the output layer, which is added for the classes. */
export const LayersSchema = Type.Array(LayerSchema, {
  description: 'The hidden layers, first to last. The output layer, one unit per class with softmax, is added.',
});
