export { autocorrelationPitch, type AutocorrelationOptions, type AutocorrelationTrack } from './boersma.ts';
export { chroma, chromaStft, type ChromaBankOptions, type ChromaOptions } from './chroma.ts';
export { spectralContrast, type ContrastOptions } from './contrast.ts';
export { amplitudeToDb, powerToDb, type DecibelOptions } from './decibel.ts';
export { delta, type DeltaMode, type DeltaOptions } from './delta.ts';
export { egemaps, type EgemapsOptions } from './egemaps.ts';
export { rms, zeroCrossingRate, type CrossingOptions, type FrameOptions, type RmsOptions } from './energy.ts';
export { complexFft, type ComplexFft } from './fft.ts';
export { formants, type FormantOptions, type FormantTrack } from './formants.ts';
export { FUNCTIONAL_NAMES, functionals, functionals13, type FunctionalName } from './functionals.ts';
export {
  erb,
  erbToHz,
  gammatone,
  gammatoneCepstra,
  hzToErb,
  type GammatoneBankOptions,
  type GammatoneCepstraOptions,
} from './gammatone.ts';
export {
  gaussian,
  gaussianCepstra,
  gaussianSpectrogram,
  type GaussianBankOptions,
  type GaussianCepstraOptions,
  type GaussianOptions,
} from './gaussian.ts';
export { harmonicity, type HarmonicityOptions } from './harmonicity.ts';
export { intensity, type IntensityContour, type IntensityOptions } from './intensity.ts';
export { stackBands, transpose, zeros, type ComplexMatrix, type Matrix } from './matrix.ts';
export {
  emptyMelBands,
  hzToMel,
  mel,
  melFrequencies,
  melspectrogram,
  melToHz,
  type MelOptions,
  type MelSpectrogramOptions,
} from './mel.ts';
export { cepstrum, mfcc, type CepstrumOptions, type DctType, type MfccOptions } from './mfcc.ts';
export { normalize } from './normalize.ts';
export * as onnx from './onnx/index.ts';
export { type PadMode } from './pad.ts';
export { perturbation, type Perturbation, type PerturbationOptions } from './perturbation.ts';
export { glottalPulses, type Pulses } from './pulses.ts';
export { pyin, voicedShare, type PitchTrack, type PyinOptions } from './pyin.ts';
export { realFft, type RealFft } from './rfft.ts';
export { fftFrequencies, type PitchedSource, type SpectralSource } from './source.ts';
export { SPEAKING_RATE_NAMES, speakingRate, type SpeakingRate, type SpeakingRateOptions } from './speaking-rate.ts';
export {
  spectralBandwidth,
  spectralCentroid,
  spectralFlatness,
  spectralRolloff,
  type BandwidthOptions,
  type FlatnessOptions,
  type FrequencySource,
  type RolloffOptions,
} from './spectral.ts';
export {
  istft,
  magnitude,
  magphase,
  powerSpectrogram,
  spectrogram,
  stft,
  type IstftOptions,
  type StftOptions,
} from './stft.ts';
export { dismiss } from './simd/resident.ts';
export { estimateTuning, piptrack, pitchTuning, type PiptrackOptions, type TuningOptions } from './tuning.ts';
export {
  phaseVocoder,
  pitchShift,
  timeStretch,
  type PitchShiftOptions,
  type Resampler,
  type StretchOptions,
} from './vocoder.ts';
export { tonnetz } from './tonnetz.ts';
export { trimBounds, type Bounds, type TrimOptions } from './trim.ts';
export { VOICE_QUALITY_NAMES, voiceQuality, type VoiceQuality, type VoiceQualityOptions } from './voice-quality.ts';
export { WINDOW_NAMES, getWindow, type WindowName, type WindowSpec } from './window.ts';
export { yin, type PeriodOptions, type YinOptions } from './yin.ts';
