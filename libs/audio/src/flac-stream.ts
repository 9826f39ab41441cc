/**
 * Takes a FLAC file apart, without decoding: STREAMINFO and the bytes of each frame.
 *
 * A frame's length is stored nowhere. It ends where the next frame's header begins and where its own CRC-16
 * comes out; requiring both, and consecutive frame numbers, checks every byte on the way. That is what lets
 * truncated and damaged files be refused instead of decoded short. Source: RFC 9639, sections 8 and 9.
 */
import { DataError } from '@prosodia/core';

export interface StreamInfo {
  sampleRate: number;
  channels: number;
  bitsPerSample: number;
  /** Samples per channel, or 0 if the encoder did not know. */
  totalSamples: number;
  /** MD5 of the samples as little-endian integers, in hex, or undefined if the encoder left it out. */
  md5: string | undefined;
  /** Where the first frame begins. */
  audioStart: number;
}

interface FrameHeader {
  /** Number of the frame (fixed block size) or of its first sample (variable block size). */
  position: number;
  isVariable: boolean;
  blockSize: number;
  sampleRate: number;
  channels: number;
  bitsPerSample: number;
  length: number;
}

const STREAMINFO_LENGTH = 34;
/** Sync code, block size and rate, channels and bits, a number of up to 7 bytes, 4 more, CRC-8. */
const LONGEST_HEADER = 16;
/** A tag that some programs append to any audio file. */
const ID3V1_LENGTH = 128;

/** True if `bytes` begin as a native FLAC stream. */
export function isFlac(bytes: Uint8Array): boolean {
  return bytes[0] === 0x66 && bytes[1] === 0x4c && bytes[2] === 0x61 && bytes[3] === 0x43;
}

/** Reads STREAMINFO and steps over the other metadata blocks. Throws a DataError if they are not whole. */
export function parseStreamInfo(bytes: Uint8Array, where: string | undefined): StreamInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 4;
  let info: Omit<StreamInfo, 'audioStart'> | undefined;
  for (let isLast = false; !isLast;) {
    if (offset + 4 > bytes.length) throw flacError('the FLAC file ends inside its metadata', where);
    isLast = (bytes[offset]! & 0x80) !== 0;
    const type = bytes[offset]! & 0x7f;
    const length = view.getUint32(offset) & 0xffffff;
    offset += 4;
    if (offset + length > bytes.length) throw flacError('the FLAC file ends inside its metadata', where);
    if (info === undefined) {
      if (type !== 0 || length < STREAMINFO_LENGTH) {
        throw flacError('the FLAC file does not begin with STREAMINFO', where, {
          expected: `block type 0 of ${STREAMINFO_LENGTH} bytes`,
          got: `block type ${type} of ${length} bytes`,
        });
      }
      info = readStreamInfo(bytes, view, offset);
    }
    offset += length;
  }
  if (info!.sampleRate === 0) {
    throw flacError('the FLAC header gives no sample rate', where, { expected: 'a rate above 0 Hz', got: '0' });
  }
  return { ...info!, audioStart: offset };
}

function readStreamInfo(bytes: Uint8Array, view: DataView, at: number): Omit<StreamInfo, 'audioStart'> {
  const packed = view.getUint32(at + 10);
  const md5 = Buffer.from(bytes.subarray(at + 18, at + 34)).toString('hex');
  return {
    sampleRate: packed >>> 12,
    channels: ((packed >>> 9) & 7) + 1,
    bitsPerSample: ((packed >>> 4) & 31) + 1,
    totalSamples: (packed & 15) * 2 ** 32 + view.getUint32(at + 14),
    md5: /^0+$/.test(md5) ? undefined : md5,
  };
}

/**
 * The frames of a stream, in order, each a view of its bytes, and the samples per channel that they hold.
 *
 * @throws DataError if the frames do not follow one another without a gap to the end of the file, if one
 *   differs from STREAMINFO in channels, rate or bits, or if they hold another number of samples than it says
 */
export function splitFrames(
  bytes: Uint8Array,
  info: StreamInfo,
  where: string | undefined,
): { frames: Uint8Array[]; samples: number } {
  const frames: Uint8Array[] = [];
  let samples = 0;
  let start = info.audioStart;
  let header = readHeader(bytes, start);
  while (header) {
    refuseOther(header, info, frames.length, where);
    if (header.position !== (header.isVariable ? samples : frames.length)) {
      throw flacError('a FLAC frame is missing', where, {
        expected: `${header.isVariable ? 'sample' : 'frame'} ${header.isVariable ? samples : frames.length}`,
        got: `${header.position}`,
      });
    }
    const next = findEnd(bytes, start, header);
    if (next === undefined) {
      throw flacError(`FLAC frame ${frames.length} is damaged, cut off or followed by other bytes`, where, {
        expected: `${info.totalSamples || 'all'} samples per channel`,
        got: `${samples} before that frame, which begins at byte ${start} of ${bytes.length}`,
      });
    }
    frames.push(bytes.subarray(start, next.end));
    samples += header.blockSize;
    start = next.end;
    header = next.header;
  }
  if (frames.length === 0 || (info.totalSamples > 0 && samples !== info.totalSamples)) {
    throw flacError('the FLAC file does not hold the samples it says', where, {
      expected: `${info.totalSamples || 'some'} samples per channel`,
      got: `${samples}`,
    });
  }
  return { frames, samples };
}

/** The end of the frame at `start`: the next header where the CRC-16 agrees, or the end of the file. */
function findEnd(
  bytes: Uint8Array,
  start: number,
  { length, isVariable, position, blockSize }: FrameHeader,
): { end: number; header: FrameHeader | undefined } | undefined {
  const expected = isVariable ? position + blockSize : position + 1;
  const tagStart = bytes.length - ID3V1_LENGTH;
  const tagged = tagStart > start && String.fromCharCode(...bytes.subarray(tagStart, tagStart + 3)) === 'TAG';
  const fileEnd = tagged ? tagStart : bytes.length;
  let crc = 0;
  let lastNonZero = start;
  for (let i = start; i < fileEnd; i++) {
    // The CRC over a whole frame, its own CRC included, is 0.
    if (crc === 0 && bytes[i] === 0xff && (bytes[i + 1]! & 0xfe) === 0xf8 && i - start > length) {
      const header = readHeader(bytes, i);
      if (header?.position === expected && header.isVariable === isVariable) return { end: i, header };
    }
    crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ bytes[i]!]!;
    if (crc !== 0) lastNonZero = i;
  }
  // Zeros leave a CRC of 0 as it is. One may belong to the frame (the CRC's low byte), more are padding.
  const whole = crc === 0 && fileEnd - lastNonZero <= 3 && fileEnd - start > length;
  return whole ? { end: fileEnd, header: undefined } : undefined;
}

/** The frame header at `offset`, or undefined if there is none whose CRC-8 agrees. */
function readHeader(bytes: Uint8Array, offset: number): FrameHeader | undefined {
  if (offset + 6 > bytes.length) return undefined;
  if (bytes[offset] !== 0xff || (bytes[offset + 1]! & 0xfe) !== 0xf8) return undefined;
  const sizeCode = bytes[offset + 2]! >> 4;
  const rateCode = bytes[offset + 2]! & 15;
  const channelCode = bytes[offset + 3]! >> 4;
  const bitsCode = (bytes[offset + 3]! >> 1) & 7;
  if (sizeCode === 0 || rateCode === 15 || channelCode > 10 || bitsCode === 3) return undefined;
  const cursor = { at: offset + 4 };
  const position = readCodedNumber(bytes, cursor);
  if (position === undefined) return undefined;
  const byte = () => bytes[cursor.at++] ?? 0;
  const word = () => byte() * 256 + byte();

  let blockSize: number;
  if (sizeCode === 1) blockSize = 192;
  else if (sizeCode <= 5) blockSize = 144 << sizeCode;
  else if (sizeCode === 6) blockSize = byte() + 1;
  else if (sizeCode === 7) blockSize = word() + 1;
  else blockSize = 1 << sizeCode;

  let sampleRate = RATES[rateCode] ?? 0;
  if (rateCode === 12) sampleRate = byte() * 1000;
  else if (rateCode === 13) sampleRate = word();
  else if (rateCode === 14) sampleRate = word() * 10;

  let crc = 0;
  for (let i = offset; i < cursor.at; i++) crc = CRC8[crc ^ (bytes[i] ?? 0)]!;
  if (cursor.at >= bytes.length || crc !== bytes[cursor.at] || cursor.at - offset >= LONGEST_HEADER) return undefined;
  return {
    position,
    isVariable: (bytes[offset + 1]! & 1) === 1,
    blockSize,
    sampleRate,
    channels: channelCode < 8 ? channelCode + 1 : 2,
    bitsPerSample: BITS[bitsCode]!,
    length: cursor.at + 1 - offset,
  };
}

/** Block sizes, rates and bits that a code of 0 leaves to STREAMINFO are 0 here. */
const RATES = [0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000];
const BITS = [0, 8, 12, -1, 16, 20, 24, 32];

/** A number of up to 36 bits, coded as UTF-8 codes characters. */
function readCodedNumber(bytes: Uint8Array, cursor: { at: number }): number | undefined {
  const first = bytes[cursor.at++]!;
  if (first < 0x80) return first;
  const more = Math.clz32(~(first << 24)) - 1;
  if (more < 1 || more > 6) return undefined;
  let value = more === 6 ? 0 : first & (0x3f >> more);
  for (let i = 0; i < more; i++) {
    const next = bytes[cursor.at++] ?? 0;
    if ((next & 0xc0) !== 0x80) return undefined;
    value = value * 64 + (next & 0x3f);
  }
  return value;
}

function refuseOther(header: FrameHeader, info: StreamInfo, index: number, where: string | undefined): void {
  const { sampleRate, channels, bitsPerSample } = header;
  const same =
    channels === info.channels &&
    (sampleRate === 0 || sampleRate === info.sampleRate) &&
    (bitsPerSample === 0 || bitsPerSample === info.bitsPerSample);
  if (!same) {
    throw flacError(`FLAC frame ${index} differs from the file's header`, where, {
      expected: `${info.channels} channels, ${info.sampleRate} Hz, ${info.bitsPerSample} bits`,
      got: `${channels} channels, ${sampleRate || 'the same'} Hz, ${bitsPerSample || 'the same'} bits`,
    });
  }
}

/** An error about a FLAC file, with the way out that holds for all of them. */
export function flacError(
  problem: string,
  where: string | undefined,
  found: { expected?: string; got?: string } = {},
): DataError {
  return new DataError({
    problem,
    ...found,
    ...(where !== undefined && { where }),
    fix: 'fetch the file again, or check it with: flac -t FILE',
  });
}

const CRC8 = crcTable(8, 0x07);
const CRC16 = crcTable(16, 0x8005);

function crcTable(bits: number, polynomial: number): Uint16Array {
  const top = 1 << (bits - 1);
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << (bits - 8);
    for (let i = 0; i < 8; i++) crc = crc & top ? (crc << 1) ^ polynomial : crc << 1;
    return crc & (2 * top - 1);
  });
}
