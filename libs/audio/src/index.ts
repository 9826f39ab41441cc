/** Decode, resample, synthesize and encode audio. */
export { decodeAudio, decodeChannels, probeAudio } from './decode.ts';
export { bandLimit, type Band } from './effects/band-limit.ts';
export { addNoise, type NoiseColor, type NoiseLevel } from './effects/noise.ts';
export { quantize, type QuantizeOptions } from './effects/quantize.ts';
export { reverb, roomResponse, type RoomOptions } from './effects/reverb.ts';
export { shift } from './effects/shift.ts';
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
