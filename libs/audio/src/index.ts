/** Decode, resample, synthesize and encode audio. */
export { decodeAudio, decodeChannels, probeAudio } from './decode.ts';
export { resample } from './resample.ts';
export type { AudioInfo, Container, DecodeOptions, DecodedAudio, DecodedChannels, Encoding } from './types.ts';
export { encodeWav, type EncodeWavOptions, type WavFormat } from './wav-write.ts';
export {
  DEMO_SPEAKERS,
  SONG_EMOTIONS,
  SPEECH_EMOTIONS,
  demoClips,
  type DemoClip,
  type Emotion,
  type Intensity,
  type Repetition,
  type Sex,
  type Statement,
  type VocalChannel,
} from './synth/corpus.ts';
export { synthesizeClip } from './synth/synthesize.ts';
export { DEMO_SAMPLE_RATE } from './synth/voice.ts';
