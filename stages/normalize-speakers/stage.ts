/**
 * Takes out how a voice sounds at all, so that what is left is how it sounds now.
 *
 * Pitch, loudness and timbre differ more between two speakers than between two emotions of one. Each speaker's own
 * recordings say where that speaker's middle is. No label is used, but test speakers are normalized by their own
 * recordings too: whoever predicts this way needs some recordings of each new speaker, and the report must say so.
 */
import { DataError, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { type FittedScaler, ScalerAccumulator, applyScaler } from '@prosodia/stats';
import {
  type ClipRow,
  FeatureTable,
  ClipTable,
  type TableReader,
  expanded,
  gathered,
  groupsOf,
} from '@prosodia/tables';

export default defineStage({
  name: 'normalize-speakers',
  summary: "Normalizes each feature by the speaker's own recordings, without their labels.",
  details:
    'Mean and deviation (or median and quartiles) are those of all unaltered items of a speaker, test speakers included; ' +
    'labels are not used. Altered copies are normalized by the numbers of the originals. A feature that is constant for a ' +
    'speaker becomes zero. A model trained on such features predicts for a new speaker only from several recordings, of ' +
    'about the mix of emotions trained on: say so where figures are compared with those of methods that hear one.',
  params: Type.Object({
    kind: Type.Union([Type.Literal('standard'), Type.Literal('center'), Type.Literal('robust')], {
      default: 'standard',
      description: 'standard: mean and deviation; center: mean only; robust: median and quartiles.',
    }),
    per: Type.Union([Type.Literal('auto'), Type.Literal('column'), Type.Literal('band'), Type.Literal('channel')], {
      default: 'auto',
      description:
        'What is normalized alike: each number of a row (column), all frames of a band of a channel (band), or a whole ' +
        'channel. auto: band for features with a frame axis, else column.',
    }),
    min_items: Type.Integer({
      default: 8,
      minimum: 2,
      description: 'Fewest unaltered items of a speaker; with fewer, the stage is refused.',
    }),
  }),
  inputs: { features: FeatureTable, clips: ClipTable },
  outputs: { features: FeatureTable },
  resources: { memory_gb: 1 },

  async run({ params, inputs, outputs, signal, metrics }) {
    const { features, clips } = inputs;
    const speakerOf = await speakers(clips);
    const speaker = (clip_id: string) => {
      const found = speakerOf.get(clip_id);
      if (found !== undefined) return found;
      throw new DataError({
        problem: 'a feature row has no speaker',
        expected: 'a row of the clips table for every clip',
        got: `clip ${clip_id}`,
        where: features.where,
      });
    };
    const columns = features.columnNames();
    const groups = groupsOf(features.layout, columns, params.per);
    const kind = params.kind === 'robust' ? 'robust' : 'standard';
    const fits = new Map<string, { accumulator: ScalerAccumulator; items: number }>();
    for await (const { items, values, width } of features.blocks()) {
      throwIfCancelled(signal);
      for (const [row, item] of items.entries()) {
        const id = speaker(item.clip_id);
        const fit = fits.get(id) ?? {
          accumulator: new ScalerAccumulator({ kind, names: groups.names, where: features.where }),
          items: 0,
        };
        fits.set(id, fit);
        if (item.augmentation !== null) continue;
        const data = values.subarray(row * width, (row + 1) * width);
        fit.accumulator.add(gathered({ data, rows: 1, cols: width }, groups));
        fit.items++;
      }
    }
    const scalers = new Map<string, FittedScaler>();
    for (const [id, { accumulator, items }] of fits) {
      if (items < params.min_items) throw tooFew(id, items, params.min_items, features.where);
      const scaler = expanded(accumulator.finish(), groups, columns);
      scalers.set(id, params.kind === 'center' ? { ...scaler, scale: scaler.scale.map(() => 1) } : scaler);
    }
    outputs.features.begin(features.layout, { ...features.metadata, normalized_by: 'speaker' });
    for await (const { items, values, width, padding } of features.blocks()) {
      throwIfCancelled(signal);
      for (const [row, item] of items.entries()) {
        const data = values.subarray(row * width, (row + 1) * width);
        const own = applyScaler(scalers.get(speaker(item.clip_id))!, { data, rows: 1, cols: width });
        await outputs.features.append(item, Float32Array.from(own.data), padding?.[row]);
      }
    }
    metrics({ speakers: fits.size });
  },
});

async function speakers(clips: TableReader<ClipRow>): Promise<Map<string, string>> {
  const speakerOf = new Map<string, string>();
  for await (const { clip_id, speaker } of clips.rows()) speakerOf.set(clip_id, speaker);
  return speakerOf;
}

function tooFew(speaker: string, items: number, fewest: number, where: string): DataError {
  return new DataError({
    problem: `speaker ${speaker} has too few unaltered items to say what is usual for that voice`,
    expected: `at least ${fewest}`,
    got: String(items),
    where,
    fix: 'lower min_items, or leave the speaker out of the corpus',
  });
}
