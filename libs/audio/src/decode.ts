/** Decodes a recording by its content: the first bytes decide, never a file name. */
import { DataError } from '@prosodia/core';
import { decodeFlac, probeFlac } from './flac.ts';
import { isFlac } from './flac-stream.ts';
import { decodeWav, isWav, probeWav } from './wav-read.ts';
import type { AudioInfo, Container, DecodeOptions, DecodedAudio, DecodedChannels } from './types.ts';

/**
 * Decodes a WAV or FLAC file and mixes it down to one channel.
 *
 * @param bytes the whole file
 * @throws DataError if the file is neither, is damaged, or holds no sample; `where` names it in the message
 */
export async function decodeAudio(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedAudio> {
  const { channelData, ...info } = await decodeChannels(bytes, options);
  if (channelData.length === 1) return { ...info, samples: channelData[0]! };
  const identical = channelData.every((channel) => sameSamples(channel, channelData[0]!));
  const mixed = `${channelData.length} channels mixed down to one by their mean`;
  const notices = [...info.notices, identical ? `${mixed}; they were identical` : mixed];
  return { ...info, notices, samples: identical ? channelData[0]! : toMono(channelData) };
}

/** Decodes a WAV or FLAC file, channels apart. Throws as {@link decodeAudio}. */
export async function decodeChannels(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedChannels> {
  return containerOf(bytes, options) === 'wav' ? decodeWav(bytes, options) : decodeFlac(bytes, options);
}

/**
 * What the headers of a WAV or FLAC file say, without decoding.
 *
 * @param bytes the whole file; lengths are checked against it
 * @throws DataError if the headers are not those of a readable file
 */
export function probeAudio(bytes: Uint8Array, options: DecodeOptions = {}): AudioInfo {
  return containerOf(bytes, options) === 'wav' ? probeWav(bytes, options) : probeFlac(bytes, options);
}

function containerOf(bytes: Uint8Array, { where }: DecodeOptions): Container {
  if (isWav(bytes)) return 'wav';
  if (isFlac(bytes)) return 'flac';
  throw new DataError({
    problem: 'the file is no recording that can be read',
    expected: 'a WAV or FLAC file',
    got: describe(bytes),
    ...(where !== undefined && { where }),
    fix: 'check what was downloaded, or convert it (for example: ffmpeg -i INPUT OUTPUT.wav)',
  });
}

/** What else a file might be, from the signatures that turn up in audio folders. */
const SIGNATURES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^OggS/, 'an Ogg file'],
  [/^ID3|^\xff[\xe2-\xff]/, 'an MP3 file'],
  [/^FORM....AIF/s, 'an AIFF file'],
  [/^....ftyp/s, 'an MP4 or M4A file'],
  [/^RIFF....(?!WAVE)/s, 'a RIFF file that is no WAVE'],
  [/^(RIFF|RIFX|RF64)/, 'a WAV file cut off inside its first header'],
  [/^PK/, 'a ZIP archive'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer in place of the file'],
  [/^\s*<(!doctype|html|\?xml)/i, 'a web page or XML text'],
];

function describe(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  const known = SIGNATURES.find(([pattern]) => pattern.test(head));
  if (known) return known[1];
  const isText = /^[\t\n\r\x20-\x7e]*$/.test(head);
  if (isText) return `text: ${JSON.stringify(head.slice(0, 24))}`;
  return `a file that begins with bytes ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`;
}

/** The mean over channels, each step rounded to float32 as NumPy's mean of a float32 array does. */
function toMono(channelData: readonly Float32Array[]): Float32Array {
  const mono = channelData[0]!.slice();
  for (const channel of channelData.slice(1)) {
    for (let i = 0; i < mono.length; i++) mono[i]! += channel[i]!;
  }
  for (let i = 0; i < mono.length; i++) mono[i]! /= channelData.length;
  return mono;
}

function sameSamples(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => value === b[i]);
}
