/**
 * Reads FLAC: the frames are found and checked here, their contents decoded by libFLAC (compiled to
 * WebAssembly in `@wasm-audio-decoders/flac`).
 *
 * The package can parse whole files too, but then passes over damage, and its `reset()` between files builds
 * the WebAssembly instance anew, which takes as long as decoding a clip. Frames stand alone, so one
 * instance, given nothing but frames that passed their CRCs, needs no reset; after an error it is dropped.
 */
import { createHash } from 'node:crypto';
import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { flacError, parseStreamInfo, splitFrames, type StreamInfo } from './flac-stream.ts';
import type { AudioInfo, DecodeOptions, DecodedChannels } from './types.ts';

/** A float32 has a mantissa of 24 bits. */
const MOST_BITS = 24;

/** The one decoder of this thread. `decodeFrames` runs to its end without yielding, so callers cannot mix. */
let shared: Promise<FLACDecoder> | undefined;

async function sharedDecoder(): Promise<FLACDecoder> {
  shared ??= (async () => {
    const decoder = new FLACDecoder();
    await decoder.ready;
    return decoder;
  })();
  return shared;
}

/** What the headers of a FLAC file say. Scans the frames only if STREAMINFO leaves the length open. */
export function probeFlac(bytes: Uint8Array, { where }: DecodeOptions = {}): AudioInfo {
  const info = parseStreamInfo(bytes, where);
  refuseWide(info, where);
  return {
    container: 'flac',
    encoding: `PCM_${info.bitsPerSample}`,
    sampleRate: info.sampleRate,
    channels: info.channels,
    frames: info.totalSamples || splitFrames(bytes, info, where).samples,
    notices: [],
  };
}

/**
 * Decodes a FLAC file of any channel count and up to 24 bits; a sample is its integer value / 2^(bits - 1).
 * Verified on the way: the CRC of each frame, their order and number, the total of samples, and the MD5 of all
 * samples.
 *
 * @throws DataError if the file is truncated, damaged, not what its header says, or of more than 24 bits (which
 *   the package's float32 output could not carry)
 */
export async function decodeFlac(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedChannels> {
  const { where } = options;
  const stream = parseStreamInfo(bytes, where);
  refuseWide(stream, where);
  const { frames, samples } = splitFrames(bytes, stream, where);
  // A stray byte after the last frame of one file would spoil the next: that one deserves a fresh decoder.
  const channelData = (await decodeFrames(frames, samples, stream)) ?? (await decodeFrames(frames, samples, stream));
  if (!channelData) {
    throw flacError('the FLAC file could not be decoded', where, {
      expected: `${samples} samples in ${stream.channels} channels`,
      got: 'an error in the coded samples',
    });
  }
  const md5 = restoreIntegers(channelData, stream.bitsPerSample);
  if (stream.md5 !== undefined && md5 !== stream.md5) {
    throw flacError('the samples of the FLAC file do not have the MD5 it states', where, {
      expected: stream.md5,
      got: md5,
    });
  }
  return {
    container: 'flac',
    encoding: `PCM_${stream.bitsPerSample}`,
    sampleRate: stream.sampleRate,
    channels: stream.channels,
    frames: samples,
    notices: [],
    channelData,
  };
}

/** The channels of `frames`, or undefined (and the shared decoder dropped) if they are not what they should be. */
async function decodeFrames(
  frames: Uint8Array[],
  samples: number,
  { channels }: StreamInfo,
): Promise<Float32Array[] | undefined> {
  const decoder = await sharedDecoder();
  const { channelData, samplesDecoded, errors } = await decoder.decodeFrames(frames);
  if (errors.length === 0 && samplesDecoded === samples && channelData.length === channels) return channelData;
  shared = undefined;
  return undefined;
}

/**
 * Rescales samples in place from the package's scale, integer / (2^(bits - 1) - 1), to the usual one, integer /
 * 2^(bits - 1). Up to 24 bits a float32 tells neighbouring integers apart, so rounding restores them exactly.
 *
 * @returns the MD5 of the interleaved integers, little-endian in whole bytes, as STREAMINFO wants it
 */
function restoreIntegers(channelData: readonly Float32Array[], bitsPerSample: number): string {
  const channels = channelData.length;
  const frames = channelData[0]!.length;
  const width = Math.ceil(bitsPerSample / 8);
  const scale = 2 ** (bitsPerSample - 1);
  const bytes = new Uint8Array(frames * channels * width);
  for (let c = 0; c < channels; c++) {
    const samples = channelData[c]!;
    let at = c * width;
    for (let i = 0; i < frames; i++) {
      // `| 0` also turns the -0 that rounding gives into 0.
      const value = Math.round(samples[i]! * (scale - 1)) | 0;
      samples[i] = value / scale;
      for (let b = 0; b < width; b++) bytes[at + b] = value >> (8 * b);
      at += channels * width;
    }
  }
  return createHash('md5').update(bytes).digest('hex');
}

function refuseWide({ bitsPerSample }: StreamInfo, where: string | undefined): void {
  if (bitsPerSample > MOST_BITS) {
    throw flacError('the FLAC file has more bits per sample than are read', where, {
      expected: `at most ${MOST_BITS} bits`,
      got: `${bitsPerSample} bits`,
    });
  }
}
