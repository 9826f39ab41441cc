/** Turns audio into numbers: spectral features, as functionals over time, matrices, stacked channels or vectors. */
import { DataError, RequestError, mapSharded, Type, defineStage } from '@prosodia/core';
import { AudioTable, FeatureTable, type ItemRow, OnErrorSchema, SkippedItems } from '@prosodia/tables';
import { FEATURE_NAMES, FeatureSchema, type FeatureSpec } from './features.ts';
import { composed } from './compose.ts';
import {
  AlignSchema,
  type FormOptions,
  FormSchema,
  LengthSchema,
  NormalizeSchema,
  checkForm,
  keptOf,
} from './forms.ts';
import type { FeaturizeItem, FeaturizeResult, FeaturizeSetup } from './rows.ts';

const USUAL_FEATURES: FeatureSpec[] = [
  { mfcc: { n_mfcc: 40, fmin: 0, lifter: 0, functionals: ['mean', 'std'], delta_functionals: ['mean'], deltas: 0 } },
];

export default defineStage({
  name: 'featurize',
  summary: 'Computes features of each item: summarized over time, or as a matrix, stacked channels or a vector.',
  details:
    'Names, defaults and numbers are those of librosa, and for the voice (voice_quality, formants) those of Praat. ' +
    'Frames are centred, the window is a periodic Hann. A matrix is [frames, bands], as conv1d and recurrent layers ' +
    'take it; stacked channels are [bands, frames, channels], as conv2d takes them. How much of an item is padding ' +
    'stands in the column `padding`.',
  params: Type.Object({
    n_fft: Type.Integer({ default: 2048, minimum: 16, description: 'Samples in a frame.' }),
    hop_length: Type.Integer({ default: 512, minimum: 1, description: 'Samples from one frame to the next.' }),
    n_mels: Type.Integer({ default: 128, minimum: 1, description: 'Mel bands, for mel_db and mfcc.' }),
    form: FormSchema,
    features: Type.Array(FeatureSchema, {
      default: [],
      description: `Feature groups by name: ${FEATURE_NAMES.join(', ')}. Empty: mfcc. Not for form channels.`,
    }),
    channels: Type.Array(Type.Array(FeatureSchema, { minItems: 1 }), {
      default: [],
      description: 'For form channels: the feature groups of each channel; all channels need as many bands.',
    }),
    length: Type.Optional(LengthSchema),
    align: AlignSchema,
    pad_value: Type.Number({ default: 0, description: 'What added frames hold, after any normalization.' }),
    normalize: NormalizeSchema,
    channel_axis: Type.Boolean({
      default: false,
      description: 'For form vector: [values, 1] instead of [values], as conv1d takes it.',
    }),
    on_error: OnErrorSchema,
  }),
  inputs: { audio: AudioTable },
  outputs: { features: FeatureTable },
  resources: { threads: 'all' },

  async run({ params, inputs, outputs, threads, patience_s, signal, progress, notice, metrics, leftOut }) {
    const { n_fft, hop_length, n_mels, on_error } = params;
    const options = optionsOf(params);
    checkForm(options);
    const total = await inputs.audio.count();
    const first = await firstRow(inputs.audio.rows(['sample_rate', 'item_id']));
    if (!first) {
      outputs.features.begin({ form: 'scalars', names: [] }, { n_fft: String(n_fft), hop_length: String(hop_length) });
      return;
    }
    const sr = first.sample_rate;
    const waiting: { item: ItemRow; seconds: number }[] = [];
    async function* items(): AsyncGenerator<FeaturizeItem> {
      for await (const { samples, sample_rate, ...item } of inputs.audio.rows()) {
        if (sample_rate !== sr) throw unequalRates(sr, first!.item_id, sample_rate, item.item_id);
        waiting.push({ item, seconds: samples.length / sr });
        yield { itemId: item.item_id, samples: samples.slice() };
      }
    }
    const results = mapSharded<FeaturizeSetup, FeaturizeItem, FeaturizeResult>(items(), {
      worker: new URL('./rows.ts', import.meta.url),
      setup: { framing: { sr, n_fft, hop_length, n_mels }, options, on_error },
      threads,
      patience_s,
      moved: true,
      signal,
    });
    const skipped = new SkippedItems();
    let done = 0;
    let heard = 0;
    for await (const result of results) {
      const { item, seconds } = waiting.shift()!;
      if ('skipped' in result) skipped.add(item.item_id, result.skipped);
      else {
        if (done === skipped.count) {
          const units = { sample_rate: sr, n_fft, hop_length, n_mels };
          const texts = Object.entries(units).map(([name, value]) => [name, String(value)]);
          const { layout, metadata } = result.description!;
          outputs.features.begin(layout, { ...Object.fromEntries(texts), ...metadata });
        }
        await outputs.features.append(item, result.values, result.padding);
      }
      heard += seconds;
      progress(++done, total, `items, ${Math.round(heard)} s of audio`);
    }
    skipped.report({ notice, metrics, leftOut }, done - skipped.count);
  },

  hears: ({ params, rate, items }) => ({ rate, items: items.map((item) => keptOf(item, rate, params)) }),

  compose: async ({ params, audio }) => ({ features: composed(audio('audio'), params, optionsOf(params)) }),
});

type Options = Omit<FormOptions, 'channels'> & { features: FeatureSpec[]; channels: FeatureSpec[][] };

/** Throws a RequestError if the features stand in the wrong place for the form. */
function optionsOf({
  features,
  channels,
  ...params
}: Omit<Options, 'length'> & Partial<Pick<Options, 'length'>>): FormOptions {
  const { form, length, align, pad_value, normalize, channel_axis } = params;
  const stacked = form === 'channels';
  if ((stacked ? features : channels).length > 0 || (stacked && channels.length === 0)) throw badGroups(form);
  const groups = stacked ? channels : [features.length > 0 ? features : USUAL_FEATURES];
  return { form, channels: groups, length, align, pad_value, normalize, channel_axis };
}

async function firstRow<T>(rows: AsyncIterable<T>): Promise<T | undefined> {
  for await (const row of rows) return row;
  return undefined;
}

function badGroups(form: string): RequestError {
  return new RequestError({
    problem: form === 'channels' ? 'the features of stacked channels stand in channels' : 'there is one channel only',
    expected: form === 'channels' ? 'channels: [[...], [...]] and no features' : 'features, and no channels',
    got: `form: ${form}`,
    where: 'parameters of featurize',
  });
}

function unequalRates(expected: number, firstItem: string, got: number, item: string): DataError {
  return new DataError({
    problem: 'items have different sample rates, so their features cannot be compared',
    expected: `${expected} Hz, as ${firstItem}`,
    got: `${got} Hz`,
    where: `item ${item}`,
    fix: 'put a resample stage before',
  });
}
