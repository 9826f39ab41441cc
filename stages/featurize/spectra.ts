/**
 * Features of one item over time.
 *
 * One spectrogram serves all of them; it and what several features share are computed when first asked for.
 */
import { DataError, ProsodiaError } from '@prosodia/core';
import {
  type FunctionalName,
  type Matrix,
  cepstrum,
  chromaStft,
  delta,
  dismiss,
  gammatoneCepstra,
  gaussianCepstra,
  gaussianSpectrogram,
  magnitude,
  melspectrogram,
  powerSpectrogram,
  powerToDb,
  pyin,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  tonnetz,
  yin,
  zeroCrossingRate,
} from '@prosodia/dsp';
import { type CourseSpec, type FunctionalChoice, type SettingsOf, chosenFunctionals } from './features.ts';

/** Settings shared by all features of a table. */
export interface Framing {
  /** Hz. */
  sr: number;
  n_fft: number;
  hop_length: number;
  n_mels: number;
}

/** A feature over time, and the functionals to take of it. */
export interface Course {
  name: string;
  /** Frames x bands. */
  matrix: Matrix;
  functionals: readonly FunctionalName[];
  /** For functionals: the frames that have a value at all, such as the voiced ones of a pitch. */
  heard?: Matrix;
}

type MelSettings = Pick<SettingsOf<'mel_db'>, 'n_mels' | 'fmin' | 'fmax'>;

/** Features that are computed from mel bands or from samples, and so need no spectrogram of their own. */
const WITHOUT_SPECTROGRAM = new Set(['mfcc', 'mel_db', 'zcr', 'rms', 'yin', 'pyin']);

/** How far below the loudest band single precision reaches; the default floor of powerToDb. */
const SINGLE_PRECISION_DB = 80;

/** The spectrograms of one item. */
export class Spectra {
  readonly #y: Float32Array;
  readonly #framing: Framing;
  /** Whether a feature needs the spectrogram, so that mel bands are taken of it too; alone they are quicker. */
  readonly #shared: boolean;
  readonly #kept = new Map<string, Matrix>();

  /**
   * @param y mono samples, at least one
   * @param specs all features that will be asked for
   */
  constructor(y: Float32Array, framing: Framing, specs: readonly CourseSpec[]) {
    this.#y = y;
    this.#framing = framing;
    this.#shared = specs.some((spec) => !WITHOUT_SPECTROGRAM.has(Object.keys(spec)[0]!));
  }

  /**
   * A feature and its derivatives, each as frames x bands.
   * @param orders derivatives to take: `[1, 2]` for both
   * @throws DataError if the samples are none or not finite, or a feature is not; RequestError for settings that
   *   do not go together. Both name the feature.
   */
  courses(spec: CourseSpec, orders: readonly number[]): Course[] {
    const [name] = Object.keys(spec) as [string];
    try {
      const courses = this.#courses(spec, orders);
      for (const course of courses) requireFinite(course);
      return courses;
    } catch (error) {
      throw error instanceof ProsodiaError ? error.at(`feature ${name}`) : error;
    }
  }

  /** Makes room for the next item's: nothing is asked for any more. */
  dismiss(): void {
    const power = this.#kept.get('power');
    if (power) dismiss(power);
  }

  #courses(spec: CourseSpec, orders: readonly number[]): Course[] {
    const { sr, n_fft, hop_length } = this.#framing;
    const frames = { frame_length: n_fft, hop_length };
    const one = (
      name: string,
      matrix: Matrix,
      { functionals }: { functionals: readonly FunctionalChoice[] },
    ): Course[] => [{ name, matrix, functionals: chosenFunctionals(functionals) }];
    if ('mfcc' in spec) {
      const { n_mfcc, lifter } = spec.mfcc;
      return withDerivatives('mfcc', cepstrum(this.#melDb(spec.mfcc), { n_mfcc, lifter }), spec.mfcc, orders);
    }
    if ('gaussian_cepstra' in spec) {
      const { n_coefficients, lifter } = spec.gaussian_cepstra;
      const matrix = gaussianCepstra({ db: this.#gaussianDb(spec.gaussian_cepstra), n_coefficients, lifter });
      return withDerivatives('gaussian_cepstra', matrix, spec.gaussian_cepstra, orders);
    }
    if ('gaussian_db' in spec) return one('gaussian_db', this.#gaussianDb(spec.gaussian_db), spec.gaussian_db);
    if ('gammatone_cepstra' in spec) {
      const { fmax = sr / 2, ...settings } = spec.gammatone_cepstra;
      const matrix = gammatoneCepstra({ S: this.#power, sr, n_fft, ...settings, fmax });
      return withDerivatives('gammatone_cepstra', matrix, settings, orders);
    }
    if ('mel_db' in spec) {
      const { ref, top_db } = spec.mel_db;
      return one('mel_db', powerToDb(this.#mel(spec.mel_db, top_db), { ref, top_db }), spec.mel_db);
    }
    if ('chroma' in spec) return one('chroma', this.#chroma, spec.chroma);
    if ('tonnetz' in spec) return one('tonnetz', tonnetz(this.#chroma), spec.tonnetz);
    if ('contrast' in spec) {
      return one('contrast', spectralContrast({ S: this.#power, power: 2, sr, n_fft }), spec.contrast);
    }
    if ('centroid' in spec) return one('centroid', spectralCentroid({ S: this.#magnitude, sr, n_fft }), spec.centroid);
    if ('bandwidth' in spec) {
      return one('bandwidth', spectralBandwidth({ S: this.#magnitude, sr, n_fft }), spec.bandwidth);
    }
    if ('rolloff' in spec) return one('rolloff', spectralRolloff({ S: this.#magnitude, sr, n_fft }), spec.rolloff);
    if ('flatness' in spec) return one('flatness', spectralFlatness({ S: this.#magnitude }), spec.flatness);
    if ('zcr' in spec) return one('zcr', zeroCrossingRate(this.#y, frames), spec.zcr);
    if ('yin' in spec) return one('yin', yin(this.#y, { sr, ...frames, ...range(spec.yin) }), spec.yin);
    if ('pyin' in spec) return this.#pitch(spec.pyin);
    return one('rms', rms({ y: this.#y, ...frames }), spec.rms);
  }

  /** Pitch, 0 where there is none, and whether there is one. */
  #pitch({ functionals, ...settings }: SettingsOf<'pyin'>): Course[] {
    const { sr, n_fft, hop_length } = this.#framing;
    const found = pyin(this.#y, { sr, frame_length: n_fft, hop_length, ...range(settings), fill_na: 0 });
    return [
      { name: 'pyin', matrix: found.f0, functionals: chosenFunctionals(functionals), heard: found.voiced_flag },
      { name: 'voiced', matrix: found.voiced_flag, functionals: ['mean'] },
    ];
  }

  get #power(): Matrix {
    const { n_fft, hop_length } = this.#framing;
    return this.#once('power', () => powerSpectrogram(this.#y, { n_fft, hop_length }));
  }

  get #magnitude(): Matrix {
    return this.#once('magnitude', () => magnitude(this.#power));
  }

  get #chroma(): Matrix {
    const { sr, n_fft } = this.#framing;
    return this.#once('chroma', () => chromaStft({ S: this.#power, sr, n_fft }));
  }

  #gaussianDb({ n_filters, fmin, fmax, alpha }: Omit<SettingsOf<'gaussian_db'>, 'functionals'>): Matrix {
    const { sr, n_fft } = this.#framing;
    const filters = { n_filters, fmin, fmax: fmax ?? sr / 2, alpha };
    return this.#once(`gaussian ${Object.values(filters).join()}`, () =>
      powerToDb(gaussianSpectrogram({ S: this.#power, sr, n_fft, ...filters })),
    );
  }

  /** Mel bands of which nothing is heard more than `top_db` below the loudest. */
  #mel({ n_mels, fmin, fmax }: MelSettings, top_db: number | null): Matrix {
    const { sr, n_fft, hop_length, n_mels: usual } = this.#framing;
    const bands = { n_mels: n_mels ?? usual, fmin, fmax: fmax ?? sr / 2 };
    const quick = !this.#shared && top_db !== null && top_db <= SINGLE_PRECISION_DB;
    return this.#once(`mel ${quick} ${Object.values(bands).join()}`, () =>
      quick
        ? melspectrogram({ y: this.#y, sr, n_fft, hop_length, ...bands, precision: 'single' })
        : melspectrogram({ S: this.#power, sr, n_fft, ...bands }),
    );
  }

  #melDb(settings: MelSettings): Matrix {
    const { n_mels, fmin, fmax } = settings;
    return this.#once(`db ${n_mels} ${fmin} ${fmax}`, () => powerToDb(this.#mel(settings, SINGLE_PRECISION_DB)));
  }

  #once(name: string, make: () => Matrix): Matrix {
    let matrix = this.#kept.get(name);
    if (!matrix) this.#kept.set(name, (matrix = make()));
    return matrix;
  }
}

/** Cepstra, and their derivatives of the orders that are asked for. */
function withDerivatives(
  name: string,
  matrix: Matrix,
  { functionals, delta_functionals }: Record<'functionals' | 'delta_functionals', readonly FunctionalChoice[]>,
  orders: readonly number[],
): Course[] {
  // librosa refuses the default edge mode for fewer frames than the window is wide.
  const mode = matrix.rows < 9 ? 'nearest' : 'interp';
  return [
    { name, matrix, functionals: chosenFunctionals(functionals) },
    ...orders.map((order) => ({
      name: order === 1 ? `${name}_delta` : `${name}_delta${order}`,
      matrix: delta(matrix, { mode, order }),
      functionals: chosenFunctionals(delta_functionals),
    })),
  ];
}

function range({ fmin, fmax }: { fmin: number; fmax: number }) {
  return { fmin, fmax };
}

function requireFinite({ name, matrix: { data, cols } }: Course): void {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! - data[i]!;
  if (sum === 0) return;
  const bad = data.findIndex((value) => !Number.isFinite(value));
  throw new DataError({
    problem: 'a feature is not a finite number',
    got: `${data[bad]} in frame ${Math.floor(bad / cols)}, ${name} ${bandName(bad % cols, cols)}`,
  });
}

/** The number of a band, with as many digits as the last one has. */
export function bandName(band: number, bands: number): string {
  return String(band).padStart(String(bands - 1).length, '0');
}
