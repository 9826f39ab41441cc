/** What the stage does to items as part of an ONNX graph: the forms and features of the other files, on tensors. */
import { type ComposedAudio, type ComposedFeatures, type GraphTensor, RequestError } from '@prosodia/core';
import { type FunctionalName, onnx } from '@prosodia/dsp';
import { type CourseSpec, type FeatureSpec, type FunctionalChoice, chosenFunctionals, isCourse } from './features.ts';
import { type FormOptions, cepstral, checkForm, derivativesOf } from './forms.ts';
import type { Framing } from './spectra.ts';

/** A feature over time, `[items, frames, bands]`. */
interface Course {
  readonly tensor: GraphTensor;
  readonly bands: number;
  readonly functionals: readonly FunctionalName[];
}

/** @throws RequestError for a feature that has no graph, with the reason */
export function composed(audio: ComposedAudio, framing: Omit<Framing, 'sr'>, options: FormOptions): ComposedFeatures {
  checkForm(options);
  const { form, length, align, normalize, pad_value, channels } = options;
  const { rate: sr, parts } = audio;
  const samples =
    length && 'seconds' in length
      ? onnx.fitLength(audio.samples, 2, Math.round(length.seconds * sr), align, 0)
      : audio.samples;
  const spectra = new GraphSpectra(samples, { ...framing, sr });
  if (form === 'scalars') {
    const columns = channels[0]!.flatMap((spec) =>
      spectra
        .courses(spec, cepstralOf(spec)?.delta_functionals.length ? [1, 2] : [])
        .flatMap(({ tensor, bands, functionals }) =>
          onnx.functionals(tensor, functionals).map((values) => ({ values, bands })),
        ),
    );
    const width = columns.reduce((sum, { bands }) => sum + bands, 0);
    return features(
      onnx.beside(
        columns.map(({ values }) => values),
        1,
      ),
      [width],
      parts,
    );
  }
  const groups = channels.map((specs) =>
    specs.flatMap((spec) => spectra.courses(spec, derivativesOf(cepstralOf(spec)?.deltas ?? 0))),
  );
  const frames =
    length && 'frames' in length
      ? length.frames
      : 1 + Math.floor(Math.round(length!.seconds * sr) / framing.hop_length);
  const fit = (tensor: GraphTensor) => onnx.fitLength(tensor, 3, frames, align, pad_value);
  const settled = groups.map((courses) => normalized(courses, normalize));
  if (form === 'vector') {
    const flat = settled[0]!.map((tensor) => onnx.flattened(fit(tensor)));
    const width = frames * bandsOf(groups[0]!);
    const vector = onnx.beside(flat, 1);
    return options.channel_axis
      ? features(onnx.withAxis(vector, 2), [width, 1], parts)
      : features(vector, [width], parts);
  }
  const stacks = settled.map((tensors) => fit(onnx.beside(tensors, 2)));
  const bands = bandsOf(groups[0]!);
  if (form === 'matrix') return features(stacks[0]!, [frames, bands], parts);
  const planes = stacks.map((stack) => onnx.withAxis(onnx.bandsFirst(stack), 3));
  return features(onnx.beside(planes, 3), [bands, frames, stacks.length], parts);
}

function features(values: GraphTensor, shape: number[], parts: GraphTensor | undefined): ComposedFeatures {
  return { kind: 'features', values, shape, parts };
}

function bandsOf(courses: readonly Course[]): number {
  return courses.reduce((sum, { bands }) => sum + bands, 0);
}

function cepstralOf(spec: FeatureSpec) {
  return isCourse(spec) ? cepstral(spec) : undefined;
}

function normalized(courses: readonly Course[], normalize: FormOptions['normalize']): GraphTensor[] {
  const tensors = courses.map(({ tensor }) => tensor);
  if (normalize === 'none') return tensors;
  if (normalize === 'item') return [onnx.standardize(onnx.beside(tensors, 2), [1, 2])];
  return tensors.map((tensor) => onnx.standardize(tensor, normalize === 'band' ? [1] : [1, 2]));
}

/** As the class of the same task for samples: one spectrogram serves all features. */
class GraphSpectra {
  readonly #y: GraphTensor;
  readonly #framing: Framing;
  readonly #power: GraphTensor;

  constructor(y: GraphTensor, framing: Framing) {
    this.#y = y;
    this.#framing = framing;
    this.#power = onnx.powerSpectrogram(y, framing.n_fft, framing.hop_length);
  }

  /** @throws RequestError if there is no graph of the feature */
  courses(spec: FeatureSpec, orders: readonly number[]): Course[] {
    if (!isCourse(spec)) throw prevented(spec, 'it follows the periods of the voice one after the other');
    if ('yin' in spec || 'pyin' in spec) {
      throw prevented(spec, 'it searches each frame for a period, and pyin the best path through all frames');
    }
    const { bands, tensor, functionals, cepstra } = this.#course(spec);
    const own = { tensor, bands, functionals: chosenFunctionals(functionals) };
    const derived = orders.map((order) => {
      const wanted = cepstra ? chosenFunctionals(cepstra.delta_functionals) : [];
      return { tensor: onnx.delta(tensor, order), bands, functionals: wanted };
    });
    return [own, ...derived];
  }

  #course(spec: Exclude<CourseSpec, { yin: unknown } | { pyin: unknown }>): {
    tensor: GraphTensor;
    bands: number;
    functionals: readonly FunctionalChoice[];
    cepstra?: { delta_functionals: readonly FunctionalChoice[] };
  } {
    const { sr, n_fft, n_mels: usual, hop_length } = this.#framing;
    const power = this.#power;
    const framing = { frame_length: n_fft, hop_length };
    if ('mfcc' in spec) {
      const { n_mfcc, lifter, fmin, fmax = sr / 2, n_mels = usual, functionals } = spec.mfcc;
      const mel = onnx.melspectrogram(power, sr, n_fft, { n_mels, fmin, fmax });
      const tensor = onnx.cepstrum(onnx.powerToDb(mel), n_mels, { n_mfcc, lifter });
      return { tensor, bands: n_mfcc, functionals, cepstra: spec.mfcc };
    }
    if ('mel_db' in spec) {
      const { fmin, fmax = sr / 2, n_mels = usual, ref, top_db, functionals } = spec.mel_db;
      const mel = onnx.melspectrogram(power, sr, n_fft, { n_mels, fmin, fmax });
      return { tensor: onnx.powerToDb(mel, { ref, top_db }), bands: n_mels, functionals };
    }
    if ('gaussian_db' in spec) {
      return { tensor: this.#gaussianDb(spec.gaussian_db), bands: spec.gaussian_db.n_filters, ...spec.gaussian_db };
    }
    if ('gaussian_cepstra' in spec) {
      const { n_filters, n_coefficients: n_mfcc, lifter, functionals } = spec.gaussian_cepstra;
      const tensor = onnx.cepstrum(this.#gaussianDb(spec.gaussian_cepstra), n_filters, { n_mfcc, lifter });
      return { tensor, bands: n_mfcc, functionals, cepstra: spec.gaussian_cepstra };
    }
    if ('gammatone_cepstra' in spec) {
      const { n_filters, n_coefficients: n_mfcc, fmin, fmax = sr / 2, lifter, functionals } = spec.gammatone_cepstra;
      const energies = onnx.gammatoneSpectrogram(power, sr, n_fft, { n_filters, fmin, fmax });
      const log = spec.gammatone_cepstra.compression === 'log';
      const compressed = log ? onnx.powerToDb(energies) : onnx.cubicRoot(energies);
      const tensor = onnx.cepstrum(compressed, n_filters, { n_mfcc, lifter });
      return { tensor, bands: n_mfcc, functionals, cepstra: spec.gammatone_cepstra };
    }
    const magnitude = onnx.magnitude(power);
    if ('chroma' in spec) return { tensor: onnx.chromaStft(power, sr, n_fft), bands: 12, ...spec.chroma };
    if ('tonnetz' in spec) {
      return { tensor: onnx.tonnetz(onnx.chromaStft(power, sr, n_fft)), bands: 6, ...spec.tonnetz };
    }
    if ('contrast' in spec) return { tensor: onnx.spectralContrast(magnitude, sr, n_fft), bands: 7, ...spec.contrast };
    if ('centroid' in spec) return { tensor: onnx.spectralCentroid(magnitude, sr, n_fft), bands: 1, ...spec.centroid };
    if ('bandwidth' in spec) {
      return { tensor: onnx.spectralBandwidth(magnitude, sr, n_fft), bands: 1, ...spec.bandwidth };
    }
    if ('rolloff' in spec) return { tensor: onnx.spectralRolloff(magnitude, sr, n_fft), bands: 1, ...spec.rolloff };
    if ('flatness' in spec) return { tensor: onnx.spectralFlatness(magnitude), bands: 1, ...spec.flatness };
    if ('zcr' in spec) return { tensor: onnx.zeroCrossingRate(this.#y, framing), bands: 1, ...spec.zcr };
    return { tensor: onnx.rms(this.#y, framing), bands: 1, ...spec.rms };
  }

  #gaussianDb({ n_filters, fmin, fmax, alpha }: { n_filters: number; fmin: number; fmax?: number; alpha: number }) {
    const { sr, n_fft } = this.#framing;
    const bank = { n_filters, fmin, fmax: fmax ?? sr / 2, alpha };
    return onnx.powerToDb(onnx.gaussianSpectrogram(this.#power, sr, n_fft, bank));
  }
}

function prevented(spec: FeatureSpec, why: string): RequestError {
  const [name] = Object.keys(spec);
  return new RequestError({
    problem: `${name} has no ONNX graph: ${why}`,
    expected: 'features of the spectrum, zcr and rms',
    where: `parameters of featurize, features, ${name}`,
  });
}
