/** Features as parts of an ONNX graph, under the names of the functions that compute the same from samples. */
export { chromaStft, tonnetz } from './chroma.ts';
export { cepstrum, cubicRoot, delta, gammatoneSpectrogram, gaussianSpectrogram, melspectrogram } from './filters.ts';
export { functionals } from './functionals.ts';
export { bandsFirst, beside, flattened, withAxis } from './layout.ts';
export { fitLength, segments, standardize, type Align } from './length.ts';
export {
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralContrast,
  spectralFlatness,
  spectralRolloff,
  zeroCrossingRate,
} from './shape.ts';
export { magnitude, powerSpectrogram, powerToDb } from './spectrum.ts';
export { waveform } from './waveform.ts';
