/**
 * Takes out how a voice sounds at all, so that what is left is how it sounds now.
 *
 * Pitch, loudness and timbre differ more between two speakers than between two emotions of one. Each speaker's own
 * recordings say where that speaker's middle is. No label is used, but test speakers are normalized by their own
 * recordings too: whoever predicts this way needs some recordings of each new speaker, and the report must say so.
 */
import { DataError, RequestError, Type, defineStage, throwIfCancelled, withUnits } from '@prosodia/core';
import { type FittedScaler, ScalerAccumulator, applyScaler } from '@prosodia/stats';
import {
  type ClipRow,
  ClipTable,
  type FeatureReader,
  FeatureTable,
  type FeatureWriter,
  type TableReader,
  Transform,
  expanded,
  gathered,
  groupsOf,
} from '@prosodia/tables';

/** What a number counts once it is normalized, of its speaker; a number that is only centred keeps its unit. */
const UNIT = { standard: 'standard deviations', robust: 'interquartile ranges' } as const;

export default defineStage({
  name: 'normalize-speakers',
  summary: "Normalizes each feature by the speaker's own recordings, without their labels.",
  details:
    'Mean and deviation (or median and quartiles) are those of all unaltered items of a speaker, test speakers included; ' +
    'labels are not used. Altered copies are normalized by the numbers of the originals. A feature that is constant for a ' +
    'speaker becomes zero. The numbers of the average speaker are kept, for predicting a voice of which there are too few ' +
    'recordings. A model trained on such features predicts for a new speaker only from several recordings, of ' +
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
  outputs: { features: FeatureTable, average: Transform },
  resources: { memory_gb: 1 },

  async run({ params, inputs, outputs, signal, metrics }) {
    const { features } = inputs;
    const speakerOf = await speakers(inputs.clips, features.where);
    const fits = await fitSpeakers(features, speakerOf, params, signal);
    for (const [id, { items }] of fits) {
      if (items < params.min_items) throw tooFew(id, items, params.min_items, features.where);
    }
    await normalize(features, outputs.features, params.kind, (clip_id) => fits.get(speakerOf(clip_id))!.scaler, signal);
    await outputs.average.json('average.json', average([...fits.values()].map(({ scaler }) => scaler)));
    metrics({ speakers: fits.size });
  },

  serve: {
    inputs: ['features', 'clips'],
    learned: ['average'],
    async run({ params, inputs, outputs, learned, once, signal, notice }) {
      const { features } = inputs;
      const speakerOf = await speakers(inputs.clips, features.where);
      const fits = await fitSpeakers(features, speakerOf, params, signal);
      const usual = await once('average', async () => (await learned('average')).json<FittedScaler>('average.json'));
      const scalerOf = (clip_id: string) => {
        const { scaler, items } = fits.get(speakerOf(clip_id))!;
        return items < params.min_items ? usual : scaler;
      };
      await normalize(features, outputs.features, params.kind, scalerOf, signal);
      for (const message of served([...fits.values()], params.min_items)) notice(message);
    },
  },

  async compose() {
    throw new RequestError({
      problem: 'normalize-speakers needs the other recordings of the same voice, and a graph is given one by one',
      expected: 'a pipeline without it',
    });
  },
});

type Params = Readonly<{
  kind: 'standard' | 'center' | 'robust';
  per: Parameters<typeof groupsOf>[2];
  min_items: number;
}>;

/** A speaker's numbers, and from how many unaltered items they are. */
interface SpeakerFit {
  scaler: FittedScaler;
  items: number;
}

async function fitSpeakers(
  features: FeatureReader,
  speakerOf: (clip_id: string) => string,
  params: Params,
  signal: AbortSignal,
): Promise<Map<string, SpeakerFit>> {
  const columns = features.columnNames();
  const groups = groupsOf(features.layout, columns, params.per);
  const kind = params.kind === 'robust' ? 'robust' : 'standard';
  const fits = new Map<string, { accumulator: ScalerAccumulator; items: number }>();
  for await (const { items, values, width } of features.blocks()) {
    throwIfCancelled(signal);
    for (const [row, item] of items.entries()) {
      const id = speakerOf(item.clip_id);
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
  const fitted = new Map<string, SpeakerFit>();
  for (const [id, { accumulator, items }] of fits) {
    if (items === 0) throw tooFew(id, items, params.min_items, features.where);
    const scaler = expanded(accumulator.finish(), groups, columns);
    const own = params.kind === 'center' ? { ...scaler, scale: scaler.scale.map(() => 1) } : scaler;
    fitted.set(id, { scaler: own, items });
  }
  return fitted;
}

async function normalize(
  features: FeatureReader,
  output: FeatureWriter,
  kind: 'center' | keyof typeof UNIT,
  scalerOf: (clip_id: string) => FittedScaler,
  signal: AbortSignal,
): Promise<void> {
  const metadata = { ...features.metadata, normalized_by: 'speaker' };
  output.begin(features.layout, kind === 'center' ? metadata : withUnits(metadata, { '*': UNIT[kind] }));
  for await (const { items, values, width, padding } of features.blocks()) {
    throwIfCancelled(signal);
    for (const [row, item] of items.entries()) {
      const data = values.subarray(row * width, (row + 1) * width);
      const own = applyScaler(scalerOf(item.clip_id), { data, rows: 1, cols: width });
      await output.append(item, Float32Array.from(own.data), padding?.[row]);
    }
  }
}

/** The middle and the spread of the average speaker, for a voice of which too little is known. */
function average(scalers: readonly FittedScaler[]): FittedScaler | null {
  const [first] = scalers;
  if (!first) return null;
  const constant = scalers.map((own) => new Set(own.constant));
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length);
  const varying = (column: number) => scalers.filter((_, s) => !constant[s]!.has(column));
  return {
    ...first,
    rows: scalers.reduce((sum, { rows }) => sum + rows, 0),
    center: first.center.map((_, column) => mean(scalers.map(({ center }) => center[column]!))),
    scale: first.scale.map((_, column) => mean(varying(column).map(({ scale }) => scale[column]!)) || 1),
    constant: first.constant.filter((column) => varying(column).length === 0),
  };
}

/** What a user should know of how the given recordings were normalized. */
function served(fits: readonly SpeakerFit[], fewest: number): string[] {
  const few = fits.filter(({ items }) => items < fewest);
  const out: string[] = [];
  if (few.length < fits.length) {
    out.push(
      `the recordings of ${fits.length - few.length === 1 ? 'one speaker' : `${fits.length - few.length} speakers`} are ` +
        'normalized by each other: give recordings of one speaker together (--speakers=folder: a speaker for each folder)',
    );
  }
  if (few.length > 0) {
    const most = Math.max(...few.map(({ items }) => items));
    out.push(
      `${few.length === 1 ? 'a speaker' : `${few.length} speakers`} of at most ${most} recordings, fewer than ${fewest}: ` +
        'normalized by the average speaker of the corpus instead of by the own voice, so expect weaker predictions',
    );
  }
  return out;
}

/** Speaker by clip id. The function throws a DataError for a clip that is not listed. */
async function speakers(clips: TableReader<ClipRow>, where: string): Promise<(clip_id: string) => string> {
  const known = new Map<string, string>();
  for await (const { clip_id, speaker } of clips.rows()) known.set(clip_id, speaker);
  return (clip_id) => {
    const found = known.get(clip_id);
    if (found !== undefined) return found;
    throw new DataError({
      problem: 'a feature row has no speaker',
      expected: 'a row of the clips table for every clip',
      got: `clip ${clip_id}`,
      where,
    });
  };
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
