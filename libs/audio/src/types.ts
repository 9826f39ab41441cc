/** What decoding gives and what it takes; one vocabulary for every container. */

/** The containers that are read. Found from a file's first bytes, never from its name. */
export type Container = 'wav' | 'flac';

/**
 * How samples are stored, in soundfile's subtype names: `PCM_U8`, `PCM_16`, `PCM_24`, `PCM_32`, `FLOAT`,
 * `DOUBLE`, `ALAW`, `ULAW`; for FLAC `PCM_<bits>`.
 */
export type Encoding = string;

export interface DecodeOptions {
  /** What to call the recording in an error: a clip id or a path. */
  where?: string;
}

/** What a file's headers say. */
export interface AudioInfo {
  container: Container;
  encoding: Encoding;
  /** Samples per second and channel, in Hz. */
  sampleRate: number;
  channels: number;
  /** Samples per channel; at least 1. */
  frames: number;
  /** What was unusual but could be read all the same; empty for a clean file. */
  notices: string[];
}

/** A decoded recording, mixed down to one channel. */
export interface DecodedAudio extends AudioInfo {
  /** `[frames]`, full scale is -1 to 1: the mean of the channels, as `librosa.to_mono`. */
  samples: Float32Array;
}

/** A decoded recording with its channels apart. */
export interface DecodedChannels extends AudioInfo {
  /** `channels` arrays of `[frames]`, full scale is -1 to 1. */
  channelData: Float32Array[];
}
