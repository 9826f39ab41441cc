/** Decode, resample, synthesize and encode audio. */
export { decodeAudio, decodeChannels, probeAudio } from './decode.ts';
export { resample } from './resample.ts';
export type { AudioInfo, Container, DecodeOptions, DecodedAudio, DecodedChannels, Encoding } from './types.ts';
export { encodeWav, type EncodeWavOptions, type WavFormat } from './wav-write.ts';
