/** Writes WAV files that every reader opens: one `fmt ` and one `data` chunk, plus `fact` for float as the standard asks. */
import { DataError } from '@prosodia/core';

export type WavFormat = 'pcm16' | 'pcm24' | 'float32';

export interface EncodeWavOptions {
  /** How samples are stored; `pcm16` by default. */
  format?: WavFormat;
}

const BYTES = { pcm16: 2, pcm24: 3, float32: 4 } as const;

/**
 * A WAV file of one channel, or of several that are equally long.
 *
 * PCM rounds to the nearest step (ties to even, as `numpy.rint`) and clips to the format's range, so that 1.0
 * becomes the largest code; decoding what was decoded from PCM of the same width gives the same file. Float is
 * stored as it is.
 *
 * @param samples `[frames]`, or channels of `[frames]`, full scale -1 to 1
 * @throws DataError on a NaN or infinite sample, on channels of different lengths, on no channel, on a sample
 *   rate that is no positive whole number, and beyond the 4 GiB of a WAV file
 */
export function encodeWav(
  samples: Float32Array | readonly Float32Array[],
  sampleRate: number,
  { format = 'pcm16' }: EncodeWavOptions = {},
): Uint8Array {
  const channels = samples instanceof Float32Array ? [samples] : samples;
  const frames = channels[0]?.length ?? 0;
  check(channels, frames, sampleRate);
  const width = BYTES[format];
  const frameBytes = width * channels.length;
  const dataLength = frames * frameBytes;
  const isFloat = format === 'float32';
  const headerLength = isFloat ? 58 : 44;
  const padded = dataLength + (dataLength % 2);
  if (headerLength + padded > 0xffffffff) {
    throw new DataError({
      problem: 'the recording is too long for WAV',
      expected: 'under 4 GiB',
      got: `${dataLength}`,
    });
  }

  const bytes = new Uint8Array(headerLength + padded);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  const text = (value: string) => {
    for (const character of value) bytes[offset++] = character.charCodeAt(0);
  };
  const u16 = (value: number) => (view.setUint16(offset, value, true), (offset += 2));
  const u32 = (value: number) => (view.setUint32(offset, value, true), (offset += 4));
  text('RIFF');
  u32(bytes.length - 8);
  text('WAVEfmt ');
  u32(isFloat ? 18 : 16);
  u16(isFloat ? 3 : 1);
  u16(channels.length);
  u32(sampleRate);
  u32(sampleRate * frameBytes);
  u16(frameBytes);
  u16(8 * width);
  if (isFloat) {
    u16(0);
    text('fact');
    u32(4);
    u32(frames);
  }
  text('data');
  u32(dataLength);

  const write = sampleWriter(view, format);
  for (let i = 0; i < frames; i++) {
    for (const channel of channels) {
      write(offset, channel[i]!);
      offset += width;
    }
  }
  return bytes;
}

function sampleWriter(view: DataView, format: WavFormat): (offset: number, value: number) => void {
  switch (format) {
    case 'pcm16':
      return (offset, value) => view.setInt16(offset, quantize(value, 32768), true);
    case 'pcm24':
      return (offset, value) => {
        const code = quantize(value, 8388608);
        view.setUint16(offset, code & 0xffff, true);
        view.setInt8(offset + 2, code >> 16);
      };
    case 'float32':
      return (offset, value) => view.setFloat32(offset, value, true);
  }
}

/** The nearest code (ties to even) of `value` in `[-scale, scale - 1]`. */
function quantize(value: number, scale: number): number {
  const scaled = value * scale;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return Math.max(-scale, Math.min(scale - 1, rounded));
}

function check(channels: readonly Float32Array[], frames: number, sampleRate: number): void {
  if (channels.length === 0) {
    throw new DataError({
      problem: 'a WAV file needs samples to write',
      expected: 'at least one channel',
      got: 'none',
    });
  }
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 0xffffffff) {
    throw new DataError({
      problem: 'the sample rate does not fit WAV',
      expected: 'a whole number of Hz',
      got: `${sampleRate}`,
    });
  }
  for (const [c, channel] of channels.entries()) {
    if (channel.length !== frames) {
      throw new DataError({
        problem: 'the channels differ in length',
        expected: `${frames} frames, as channel 0`,
        got: `${channel.length} frames in channel ${c}`,
      });
    }
    const i = channel.findIndex((value) => !Number.isFinite(value));
    if (i >= 0) {
      throw new DataError({
        problem: 'a sample is no number',
        expected: 'finite values',
        got: `${channel[i]} at frame ${i} of channel ${c}`,
      });
    }
  }
}
