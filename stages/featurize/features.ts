/**
 * The features a pipeline may ask for, and their numbers for one item.
 *
 * One spectrogram per item serves all of them. Names are librosa's; a column is called
 * feature, band, functional: `mfcc_03_mean`, `contrast_6_std`, `rms_mean`.
 */
import { type Static, Type } from '@prosodia/core';
import {
  FUNCTIONAL_NAMES,
  type FunctionalName,
  type Matrix,
  cepstrum,
  chromaStft,
  delta,
  functionals,
  magnitude,
  melspectrogram,
  powerSpectrogram,
  powerToDb,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  zeroCrossingRate,
} from '@prosodia/dsp';

const Functional = Type.Unsafe<FunctionalName>(
  Type.Union([
    ...FUNCTIONAL_NAMES.map((name) => Type.Literal(name)),
    Type.String({ pattern: '^p(\\d|[1-9]\\d|100)$' }),
  ]),
);

const FunctionalsSchema = (fallback: FunctionalName[]) =>
  Type.Array(Functional, {
    default: fallback,
    minItems: 1,
    description: 'Functionals over the frames of an item; pNN is a percentile.',
  });

const closed = { additionalProperties: false } as const;

/** A feature with nothing to choose but its functionals. */
const plain = Type.Object({ functionals: FunctionalsSchema(['mean']) }, closed);

const choices = {
  mfcc: Type.Object(
    {
      n_mfcc: Type.Integer({ default: 40, minimum: 1, description: 'Coefficients to keep.' }),
      functionals: FunctionalsSchema(['mean', 'std']),
      delta_functionals: Type.Array(Functional, {
        default: ['mean'],
        description: 'Functionals of the first and second derivatives; empty for no derivatives.',
      }),
    },
    closed,
  ),
  mel_db: plain,
  chroma: plain,
  contrast: plain,
  centroid: plain,
  bandwidth: plain,
  rolloff: plain,
  flatness: plain,
  zcr: plain,
  rms: plain,
};

type Choices = { [Name in keyof typeof choices]: Static<(typeof choices)[Name]> };

/** One feature group by name; exactly one key. */
export type FeatureSpec = { [Name in keyof Choices]: Pick<Choices, Name> }[keyof Choices];

/** A map with exactly one key. A union would say the same, but validation fills in no defaults inside one. */
export const FeatureSchema = Type.Unsafe<FeatureSpec>(
  Type.Partial(Type.Object(choices), {
    ...closed,
    minProperties: 1,
    maxProperties: 1,
    description: 'One feature group, by name, with its settings.',
  }),
);

/** Settings shared by all features of a table. */
export interface Framing {
  /** Hz. */
  sr: number;
  n_fft: number;
  hop_length: number;
  n_mels: number;
}

/** A feature over time, and the functionals to take of it. */
interface Course {
  name: string;
  /** Frames x bands. */
  matrix: Matrix;
  functionals: readonly FunctionalName[];
}

export interface Vector {
  names: string[];
  values: Float32Array;
}

/**
 * All features of one item as one vector.
 * @param y mono samples, at least one
 * @throws DataError if `y` is empty or not finite
 */
export function featureVector(y: Float32Array, framing: Framing, specs: readonly FeatureSpec[]): Vector {
  const courses = new Spectra(y, framing).courses(specs);
  const names: string[] = [];
  const values: number[] = [];
  for (const { name, matrix, functionals: wanted } of courses) {
    const table = functionals(matrix, wanted); // bands x functionals
    for (const [f, functional] of wanted.entries()) {
      for (let band = 0; band < table.rows; band++) {
        names.push([name, ...(table.rows > 1 ? [bandName(band, table.rows)] : []), functional].join('_'));
        values.push(table.data[band * table.cols + f]!);
      }
    }
  }
  return { names, values: Float32Array.from(values) };
}

function bandName(band: number, bands: number): string {
  return String(band).padStart(String(bands - 1).length, '0');
}

/** The spectrograms of one item, each computed when first asked for. */
class Spectra {
  readonly #y: Float32Array;
  readonly #framing: Framing;
  readonly #kept = new Map<string, Matrix>();

  constructor(y: Float32Array, framing: Framing) {
    this.#y = y;
    this.#framing = framing;
  }

  courses(specs: readonly FeatureSpec[]): Course[] {
    return specs.flatMap((spec) => this.#courses(spec));
  }

  #courses(spec: FeatureSpec): Course[] {
    const { sr, n_fft, hop_length } = this.#framing;
    const frames = { frame_length: n_fft, hop_length };
    if ('mfcc' in spec) {
      const { n_mfcc, functionals: own, delta_functionals: derived } = spec.mfcc;
      const matrix = cepstrum(this.#melDb, { n_mfcc });
      const courses: Course[] = [{ name: 'mfcc', matrix, functionals: own }];
      if (derived.length > 0) {
        // librosa refuses the default edge mode for fewer frames than the window is wide.
        const mode = matrix.rows < 9 ? 'nearest' : 'interp';
        courses.push({ name: 'mfcc_delta', matrix: delta(matrix, { mode }), functionals: derived });
        courses.push({ name: 'mfcc_delta2', matrix: delta(matrix, { mode, order: 2 }), functionals: derived });
      }
      return courses;
    }
    const one = (
      name: string,
      matrix: Matrix,
      { functionals: wanted }: { functionals: FunctionalName[] },
    ): Course[] => [{ name, matrix, functionals: wanted }];
    if ('mel_db' in spec) return one('mel_db', this.#melDb, spec.mel_db);
    if ('chroma' in spec) return one('chroma', chromaStft({ S: this.#power, sr, n_fft }), spec.chroma);
    if ('contrast' in spec) return one('contrast', spectralContrast({ S: this.#magnitude, sr, n_fft }), spec.contrast);
    if ('centroid' in spec) return one('centroid', spectralCentroid({ S: this.#magnitude, sr, n_fft }), spec.centroid);
    if ('bandwidth' in spec)
      return one('bandwidth', spectralBandwidth({ S: this.#magnitude, sr, n_fft }), spec.bandwidth);
    if ('rolloff' in spec) return one('rolloff', spectralRolloff({ S: this.#magnitude, sr, n_fft }), spec.rolloff);
    if ('flatness' in spec) return one('flatness', spectralFlatness({ S: this.#magnitude }), spec.flatness);
    if ('zcr' in spec) return one('zcr', zeroCrossingRate(this.#y, frames), spec.zcr);
    return one('rms', rms({ y: this.#y, ...frames }), spec.rms);
  }

  get #power(): Matrix {
    const { n_fft, hop_length } = this.#framing;
    return this.#once('power', () => powerSpectrogram(this.#y, { n_fft, hop_length }));
  }

  get #magnitude(): Matrix {
    return this.#once('magnitude', () => magnitude(this.#power));
  }

  get #melDb(): Matrix {
    const { sr, n_fft, n_mels } = this.#framing;
    return this.#once('mel_db', () => powerToDb(melspectrogram({ S: this.#power, sr, n_fft, n_mels })));
  }

  #once(name: string, make: () => Matrix): Matrix {
    let matrix = this.#kept.get(name);
    if (!matrix) this.#kept.set(name, (matrix = make()));
    return matrix;
  }
}
