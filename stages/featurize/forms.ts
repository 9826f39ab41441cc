/**
 * What becomes of the features of one item: named numbers, a matrix, stacked channels or one long vector.
 *
 * Networks take items of one size, so all forms but the first cut or fill every item to a length: the audio to a
 * number of seconds before anything is computed, or the features to a number of frames after.
 */
import { RequestError, type Static, type Stretch, Type, withUnits } from '@prosodia/core';
import { type Matrix, functionals, stackBands, zeros } from '@prosodia/dsp';
import type { FeatureLayout, FeatureMetadata } from '@prosodia/tables';
import { type CourseSpec, type FeatureSpec, isCourse, isMeasure } from './features.ts';
import { measures } from './measures.ts';
import { type Course, type Framing, Spectra, bandName } from './spectra.ts';
import { unitsOf } from './units.ts';

export const FormSchema = Type.Union(
  [Type.Literal('scalars'), Type.Literal('matrix'), Type.Literal('channels'), Type.Literal('vector')],
  {
    default: 'scalars',
    description:
      'scalars: functionals over time, named columns; matrix: [frames, bands], features side by side; channels: ' +
      '[bands, frames, channels]; vector: each feature frame by frame, one after the other, [values].',
  },
);

export const LengthSchema = Type.Unsafe<{ frames: number } | { seconds: number }>(
  Type.Partial(
    Type.Object({
      frames: Type.Integer({
        minimum: 1,
        description: 'Features are cut or filled with pad_value to this many frames.',
      }),
      seconds: Type.Number({
        exclusiveMinimum: 0,
        description:
          'Audio is cut or filled with silence to this length; frames follow: 1 + floor(samples / hop_length).',
      }),
    }),
    {
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      description: 'One length for all items, as frames or as seconds; every form but scalars needs it.',
    },
  ),
);

export const AlignSchema = Type.Union([Type.Literal('start'), Type.Literal('center'), Type.Literal('end')], {
  default: 'start',
  description: 'Which part of a longer item is kept, and where a shorter one lies in its padding.',
});

export const NormalizeSchema = Type.Union(
  [Type.Literal('none'), Type.Literal('item'), Type.Literal('group'), Type.Literal('band')],
  {
    default: 'none',
    description:
      'Zero mean and unit variance within each item, for all forms but scalars: over its whole matrix or each whole ' +
      'channel (item), each feature group (group) or each band (band). Added frames take no part. For statistics ' +
      'fitted on training rows leave it at none and put a scale stage after.',
  },
);

export interface FormOptions {
  form: Static<typeof FormSchema>;
  /** The groups of each channel; one channel for the forms that have one. */
  channels: FeatureSpec[][];
  length: Static<typeof LengthSchema> | undefined;
  pad_value: number;
  align: Static<typeof AlignSchema>;
  normalize: Static<typeof NormalizeSchema>;
  /** For vectors: `[values, 1]` instead of `[values]`. */
  channel_axis: boolean;
}

/** One item's features in their form. */
export interface Formed {
  values: Float32Array;
  /** Share of the frames that is padding. */
  padding: number;
  /** What the numbers are, the same for all items of a table; takes as long as some features do. */
  describe(): Description;
}

export interface Description {
  layout: FeatureLayout;
  /** Names of bands and the like. */
  metadata: FeatureMetadata;
}

/** Throws a RequestError for settings that do not go together. */
export function checkForm({ form, length, normalize, channels, channel_axis }: FormOptions): void {
  const refuse = (problem: string, fix: string) => {
    throw new RequestError({ problem, got: `form: ${form}`, where: 'parameters of featurize', fix });
  };
  if (form !== 'scalars' && !length)
    refuse('items of one size need a length', 'set length: { frames: N } or { seconds: S }');
  if (form === 'scalars') {
    if (length && 'frames' in length)
      refuse('functionals need no number of frames', 'use length: { seconds: S }, or none');
    if (normalize !== 'none') refuse('functionals of normalized features say nothing', 'use normalize: none');
  }
  const whole = form !== 'scalars' && channels.flat().find(isMeasure);
  if (whole) refuse(`${Object.keys(whole)[0]} measures whole items and has no frames`, 'use form: scalars for it');
  if (form === 'channels' && channels.some((groups) => groups.length === 0)) {
    refuse('a channel needs a feature', 'remove the empty channel');
  }
  if (channel_axis && form !== 'vector') refuse('only a vector can do with a channel axis', 'use channel_axis: false');
}

/**
 * The features of one item.
 * @param y mono samples, at least one
 * @throws DataError if `y` is empty or not finite; RequestError for settings that do not go together
 */
export function formed(y: Float32Array, framing: Framing, options: FormOptions): Formed {
  const { form, length, align, normalize, pad_value, channels } = options;
  const { samples, padding: silence } =
    length && 'seconds' in length
      ? fitSamples(y, Math.round(length.seconds * framing.sr), align)
      : { samples: y, padding: 0 };
  if (form === 'scalars') return scalars(samples, framing, channels[0]!);
  const spectra = new Spectra(samples, framing, channels.flat().filter(isCourse));

  const groups = channels.map((specs) =>
    specs.filter(isCourse).flatMap((spec) => spectra.courses(spec, derivativesOf(cepstral(spec)?.deltas ?? 0))),
  );
  spectra.dismiss();
  const frames = groups[0]![0]!.matrix.rows;
  const wanted = length && 'frames' in length ? length.frames : frames;
  const padding = wanted > frames ? (wanted - frames) / wanted : silence;
  const fit = (matrix: Matrix) => fitFrames(matrix, wanted, align, pad_value);
  const settled = groups.map((courses) => normalized(courses, normalize));
  const described = (layout: FeatureLayout, more: FeatureMetadata): Description => {
    const units = normalize === 'none' ? unitsOf(channels.flat()) : { '*': 'standard deviations of the item' };
    return { layout, metadata: { ...withUnits({ normalize, align, pad_value: String(pad_value) }, units), ...more } };
  };

  if (form === 'vector') {
    const values = concatenated(settled[0]!.map((matrix) => fit(matrix).data));
    const describe = () => {
      const layout: FeatureLayout = options.channel_axis
        ? { form: 'matrix', shape: [values.length, 1], axes: ['value', 'channel'] }
        : { form: 'matrix', shape: [values.length], axes: ['value'] };
      const parts = groups[0]!.map(({ name, matrix: { cols } }) => ({ name, frames: wanted, bands: cols }));
      return described(layout, { parts: JSON.stringify(parts) });
    };
    return { values, padding, describe };
  }
  const stacks = settled.map((matrices) => fit(matrices.length === 1 ? matrices[0]! : stackBands(matrices)));
  const { rows, cols, data } = stacks[0]!;
  const bands = () => groups.map((courses) => courses.flatMap(bandNames));
  if (form === 'matrix') {
    const describe = () =>
      described(
        { form: 'matrix', shape: [rows, cols], axes: ['frame', 'band'] },
        { bands: JSON.stringify(bands()[0]) },
      );
    return { values: data, padding, describe };
  }
  requireEqualBands(stacks);
  const describe = () =>
    described(
      { form: 'matrix', shape: [cols, rows, stacks.length], axes: ['band', 'frame', 'channel'] },
      { bands: JSON.stringify(bands()) },
    );
  return { values: interleaved(stacks), padding, describe };
}

const ORDERS = [1, 2];

/** Orders of the derivatives up to one of them. */
export function derivativesOf(highest: number): readonly number[] {
  return ORDERS.slice(0, highest);
}

/** The settings of derivatives, for features that have any. */
export function cepstral(spec: CourseSpec) {
  if ('mfcc' in spec) return spec.mfcc;
  if ('gaussian_cepstra' in spec) return spec.gaussian_cepstra;
  return 'gammatone_cepstra' in spec ? spec.gammatone_cepstra : undefined;
}

/** Functionals of every band, in the order feature, functional, band; and measures of the whole item. */
function scalars(y: Float32Array, framing: Framing, specs: readonly FeatureSpec[]): Formed {
  const spectra = new Spectra(y, framing, specs.filter(isCourse));
  const namers: (() => string[])[] = [];
  const values: number[] = [];
  for (const spec of specs) {
    if (isMeasure(spec)) {
      const found = measures(y, framing.sr, spec);
      namers.push(() => found.map(([name]) => name));
      for (const [, value] of found) values.push(value);
      continue;
    }
    const derivatives = cepstral(spec)?.delta_functionals.length ? ORDERS : [];
    for (const { name, matrix, functionals: wanted, heard } of spectra.courses(spec, derivatives)) {
      const table = functionals(heard ? framesOf(matrix, heard) : matrix, wanted); // bands x functionals
      namers.push(() => columnNames(name, table.rows, wanted));
      for (let f = 0; f < table.cols; f++) {
        for (let band = 0; band < table.rows; band++) values.push(table.data[band * table.cols + f]!);
      }
    }
  }
  spectra.dismiss();
  const describe = (): Description => ({
    layout: { form: 'scalars', names: namers.flatMap((names) => names()) },
    metadata: withUnits({}, unitsOf(specs)),
  });
  return { values: Float32Array.from(values), padding: 0, describe };
}

/** Of the functionals of a feature, band by band. */
function columnNames(feature: string, bands: number, functionals: readonly string[]): string[] {
  return functionals.flatMap((functional) =>
    Array.from({ length: bands }, (_, band) =>
      [feature, ...(bands > 1 ? [bandName(band, bands)] : []), functional].join('_'),
    ),
  );
}

/** The frames that are marked; a single frame of zeros if none is. */
function framesOf({ data, rows, cols }: Matrix, marks: Matrix): Matrix {
  const chosen = Array.from({ length: rows }, (_, row) => row).filter((row) => marks.data[row] === 1);
  const out = zeros(Math.max(1, chosen.length), cols);
  chosen.forEach((row, i) => out.data.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return out;
}

function bandNames({ name, matrix: { cols } }: Course): string[] {
  return cols === 1 ? [name] : Array.from({ length: cols }, (_, band) => `${name}_${bandName(band, cols)}`);
}

/** What a length leaves of a stretch of a recording. Each frame stands for the samples up to the next one. */
export function keptOf(
  whole: Stretch,
  rate: number | undefined,
  {
    length,
    align,
    hop_length,
  }: Partial<Pick<FormOptions, 'length'>> & Pick<FormOptions, 'align'> & { hop_length: number },
): Stretch {
  if (!length || rate === undefined) return whole;
  const most = 'seconds' in length ? length.seconds : (length.frames * hop_length) / rate;
  const { start_s, end_s } = whole;
  const surplus = end_s - start_s - most;
  if (surplus <= 0) return whole;
  const from = start_s + { start: 0, center: surplus / 2, end: surplus }[align];
  return { start_s: from, end_s: from + most };
}

/** `length` samples of `y`, and the share of them that is added silence. */
function fitSamples(y: Float32Array, length: number, align: FormOptions['align']) {
  const samples = new Float32Array(length);
  const from = offset(y.length - length, align);
  if (from >= 0) samples.set(y.subarray(from, from + length));
  else samples.set(y, -from);
  return { samples, padding: Math.max(0, length - y.length) / length };
}

/** `rows` frames of a matrix, with frames of `value` where it has none. */
function fitFrames(matrix: Matrix, rows: number, align: FormOptions['align'], value: number): Matrix {
  if (matrix.rows === rows) return matrix;
  const { data, cols } = matrix;
  const out = zeros(rows, cols);
  const from = offset(matrix.rows - rows, align);
  out.data.fill(value);
  if (from >= 0) out.data.set(data.subarray(from * cols, (from + rows) * cols));
  else out.data.set(data, -from * cols);
  return out;
}

/** How much of `surplus` lies before what is kept; below zero, of what is missing before what there is. */
function offset(surplus: number, align: FormOptions['align']): number {
  if (align === 'start') return 0;
  return align === 'end' ? surplus : Math.trunc(surplus / 2);
}

/** The matrices of the courses, with zero mean and unit variance over what `normalize` names. */
function normalized(courses: readonly Course[], normalize: FormOptions['normalize']): Matrix[] {
  const matrices = courses.map(({ matrix }) => matrix);
  if (normalize === 'none') return matrices;
  if (normalize === 'group') return matrices.map((matrix) => standardized([matrix])[0]!);
  if (normalize === 'item') return standardized(matrices);
  return matrices.map((matrix) => {
    const bands = Array.from({ length: matrix.cols }, (_, band) => standardized([bandOf(matrix, band)])[0]!);
    return stackBands(bands);
  });
}

function bandOf({ data, rows, cols }: Matrix, band: number): Matrix {
  return { data: Float32Array.from({ length: rows }, (_, row) => data[row * cols + band]!), rows, cols: 1 };
}

/** All values of the matrices to a mean of zero and a deviation of one; to zero if all are equal. */
function standardized(matrices: readonly Matrix[]): Matrix[] {
  let count = 0;
  let sum = 0;
  for (const { data } of matrices) {
    count += data.length;
    for (let i = 0; i < data.length; i++) sum += data[i]!;
  }
  const mean = sum / count;
  let squares = 0;
  for (const { data } of matrices) for (let i = 0; i < data.length; i++) squares += (data[i]! - mean) ** 2;
  const deviation = Math.sqrt(squares / count);
  // What rounding leaves of equal values is no variance.
  const scale = deviation > 1e-7 * Math.abs(mean) ? 1 / deviation : 0;
  return matrices.map((matrix) => ({ ...matrix, data: matrix.data.map((value) => (value - mean) * scale) }));
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** Matrices of one size as `[bands, frames, matrices]`. */
function interleaved(matrices: readonly Matrix[]): Float32Array {
  const { rows, cols } = matrices[0]!;
  const depth = matrices.length;
  const values = new Float32Array(rows * cols * depth);
  matrices.forEach(({ data }, channel) => {
    for (let band = 0; band < cols; band++) {
      let to = band * rows * depth + channel;
      for (let from = band; from < data.length; from += cols, to += depth) values[to] = data[from]!;
    }
  });
  return values;
}

function requireEqualBands(stacks: readonly Matrix[]): void {
  const expected = stacks[0]!.cols;
  const other = stacks.findIndex(({ cols }) => cols !== expected);
  if (other < 0) return;
  throw new RequestError({
    problem: 'channels must have the same number of bands to be stacked',
    expected: `${expected} bands, as channel 0 has`,
    got: `${stacks[other]!.cols} in channel ${other}`,
    where: `parameters of featurize, channels.${other}`,
    fix: 'change n_mels, n_mfcc or the features of a channel',
  });
}
