/** Turns audio into named numbers per item: spectral features, summarized over time by functionals. */
import { DataError, mapSharded, Type, defineStage } from '@prosodia/core';
import { AudioTable, FeatureTable, type ItemRow } from '@prosodia/tables';
import { FeatureSchema, type FeatureSpec, type Vector } from './features.ts';
import type { FeaturizeItem, FeaturizeSetup } from './rows.ts';

const DEFAULT_FEATURES: FeatureSpec[] = [
  { mfcc: { n_mfcc: 40, functionals: ['mean', 'std'], delta_functionals: ['mean'] } },
];

export default defineStage({
  name: 'featurize',
  summary: 'Computes spectral features of each item and summarizes them over time.',
  details: 'Names, defaults and numbers are those of librosa. Frames are centred, the window is a periodic Hann.',
  params: Type.Object({
    n_fft: Type.Integer({ default: 2048, minimum: 16, description: 'Samples in a frame.' }),
    hop_length: Type.Integer({ default: 512, minimum: 1, description: 'Samples from one frame to the next.' }),
    n_mels: Type.Integer({ default: 128, minimum: 1, description: 'Mel bands, for mel_db and mfcc.' }),
    features: Type.Array(FeatureSchema, {
      default: DEFAULT_FEATURES,
      minItems: 1,
      description:
        'Feature groups by name: mfcc, mel_db, chroma, contrast, centroid, bandwidth, rolloff, flatness, zcr, rms.',
    }),
  }),
  inputs: { audio: AudioTable },
  outputs: { features: FeatureTable },
  resources: { threads: 'all' },

  async run({ params, inputs, outputs, threads, signal, progress }) {
    const { n_fft, hop_length, n_mels, features } = params;
    const total = await inputs.audio.count();
    const first = await firstRow(inputs.audio.rows(['sample_rate', 'item_id']));
    if (!first) {
      outputs.features.begin({ form: 'scalars', names: [] }, { n_fft: String(n_fft), hop_length: String(hop_length) });
      return;
    }
    const sr = first.sample_rate;
    const waiting: ItemRow[] = [];
    async function* items(): AsyncGenerator<FeaturizeItem> {
      for await (const { samples, sample_rate, ...item } of inputs.audio.rows()) {
        if (sample_rate !== sr) throw unequalRates(sr, first!.item_id, sample_rate, item.item_id);
        waiting.push(item);
        yield { itemId: item.item_id, samples: samples.slice() };
      }
    }
    const results = mapSharded<FeaturizeSetup, FeaturizeItem, Vector>(items(), {
      worker: new URL('./rows.ts', import.meta.url),
      setup: { framing: { sr, n_fft, hop_length, n_mels }, features },
      threads,
      signal,
    });
    let done = 0;
    for await (const { names, values } of results) {
      if (done === 0) {
        const units = {
          sample_rate: String(sr),
          n_fft: String(n_fft),
          hop_length: String(hop_length),
          n_mels: String(n_mels),
        };
        outputs.features.begin({ form: 'scalars', names }, units);
      }
      await outputs.features.append(waiting.shift()!, values);
      progress(++done, total, 'items');
    }
  },
});

async function firstRow<T>(rows: AsyncIterable<T>): Promise<T | undefined> {
  for await (const row of rows) return row;
  return undefined;
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
