/** Pictures and sound of one clip, from its audio, its features or both. */
import { RequestError, Type, defineStage, nearest, optional } from '@prosodia/core';
import { encodeWav } from '@prosodia/audio';
import { svgToPng } from '@prosodia/plots';
import { type AudioRow, AudioTable, type FeatureReader, FeatureTable, type ItemRow, Report } from '@prosodia/tables';
import { type SeenFeatures, TRACK_NAMES, drawClip } from './picture.ts';

export default defineStage({
  name: 'view-clip',
  summary: 'Draws a clip (waveform, spectrogram, features over time) and writes it as WAV to listen to.',
  details:
    'One picture, as SVG and PNG, and one WAV for each item of the clip: the clip itself, its altered copies, its ' +
    'segments. This is what `prosodia inspect --clip` shows.',
  params: Type.Object({
    clip: Type.String({ default: '', description: 'Clip id or item id; empty for the first item.' }),
    tracks: Type.Array(Type.String(), {
      default: ['rms', 'centroid'],
      description:
        `What to draw over time of the audio (${TRACK_NAMES.join(', ')}), and which named features to list: those ` +
        'whose names begin so, or all of them if there are none.',
    }),
    n_fft: Type.Integer({ default: 1024, minimum: 16, description: 'Samples in a frame.' }),
    hop_length: Type.Integer({ default: 256, minimum: 1, description: 'Samples from one frame to the next.' }),
    max_items: Type.Integer({ default: 8, minimum: 1, description: 'Items to draw at most.' }),
  }),
  inputs: { audio: optional(AudioTable), features: optional(FeatureTable) },
  outputs: { view: Report },

  async run({ params, inputs, outputs, signal, progress, notice }) {
    const { max_items } = params;
    const sounds = inputs.audio ? await found(inputs.audio.rows(), params.clip, max_items) : undefined;
    const shown = inputs.features ? await foundFeatures(inputs.features, params.clip, max_items) : undefined;
    const seen = [...(sounds?.ids ?? []), ...(shown?.ids ?? [])];
    const byId = new Map<string, { audio?: AudioRow; features?: SeenFeatures; item: ItemRow }>();
    for (const audio of sounds?.rows ?? []) byId.set(audio.item_id, { audio, item: audio });
    for (const features of shown?.rows ?? []) {
      const { item } = features;
      byId.set(item.item_id, { ...byId.get(item.item_id), features, item });
    }
    if (byId.size === 0 && seen.length > 0) throw unknownClip(params.clip, seen);
    const total = Math.min(max_items, byId.size);
    for (const [done, { audio, features, item }] of [...byId.values()].slice(0, total).entries()) {
      signal.throwIfAborted();
      const name = item.item_id.replaceAll(/[^\w.@+-]+/g, '_');
      const svg = drawClip(item, audio, features, params);
      if (svg !== undefined) {
        await outputs.view.bytes(`${name}.svg`, svg);
        await outputs.view.bytes(`${name}.png`, svgToPng(svg));
      }
      if (audio) await outputs.view.bytes(`${name}.wav`, encodeWav(audio.samples, audio.sample_rate));
      if (features) await outputs.view.json(`${name}.json`, listing(features, item));
      progress(done + 1, total, 'items');
    }
    if (byId.size > max_items)
      notice(`${byId.size - max_items} more items of ${params.clip} are not shown (max_items)`);
  },
});

function matches({ clip_id, item_id }: ItemRow, clip: string, first: boolean): boolean {
  return clip === '' ? first : clip_id === clip || item_id === clip;
}

/** The rows of a clip, each outliving its batch, and the ids there are. */
async function found(rows: AsyncIterable<AudioRow>, clip: string, limit: number) {
  const chosen: AudioRow[] = [];
  const ids: string[] = [];
  for await (const row of rows) {
    if (ids.length < 100_000) ids.push(row.item_id);
    if (chosen.length <= limit && matches(row, clip, ids.length === 1)) {
      chosen.push({ ...row, samples: row.samples.slice() });
    }
  }
  return { rows: chosen, ids };
}

async function foundFeatures(features: FeatureReader, clip: string, limit: number) {
  const chosen: SeenFeatures[] = [];
  const ids: string[] = [];
  for await (const { items, values, width, padding } of features.blocks()) {
    for (const [row, item] of items.entries()) {
      if (ids.length < 100_000) ids.push(item.item_id);
      if (chosen.length > limit || !matches(item, clip, ids.length === 1)) continue;
      chosen.push({
        item,
        layout: features.layout,
        metadata: features.metadata,
        values: values.slice(row * width, (row + 1) * width),
        ...(padding ? { padding: padding[row]! } : {}),
      });
    }
  }
  return { rows: chosen, ids };
}

function listing({ layout, metadata, values, padding }: SeenFeatures, item: ItemRow) {
  if (layout.form === 'scalars') {
    return { item, metadata, values: Object.fromEntries(layout.names.map((name, i) => [name, values[i]!])) };
  }
  return { item, metadata, shape: layout.shape, axes: layout.axes, padding, values: [...values] };
}

function unknownClip(clip: string, ids: readonly string[]): RequestError {
  const near = nearest(clip, ids);
  return new RequestError({
    problem: `there is no clip or item ${clip}`,
    expected: `one of ${ids.length}: ${ids.slice(0, 3).join(', ')}, ...`,
    ...(near === undefined ? {} : { fix: `did you mean ${near}?` }),
  });
}
