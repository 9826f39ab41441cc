/**
 * Reads RIFF/WAVE files as they are in the wild: chunks nobody knows, lengths that streaming writers
 * never filled in, missing pad bytes.
 *
 * What leaves no doubt about the samples is read and reported as a notice; what would need a guess is
 * refused. Sources: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"
 * (1991), for RIFF and `fmt `; EBU Tech 3306 for RF64 and `ds64`; ITU-T G.711 for A-law and mu-law.
 */
import { DataError } from '@prosodia/core';
import { aLawToPcm16, muLawToPcm16 } from './g711.ts';
import type { AudioInfo, DecodeOptions, DecodedChannels, Encoding } from './types.ts';

const FORMAT_PCM = 0x0001;
const FORMAT_FLOAT = 0x0003;
const FORMAT_ALAW = 0x0006;
const FORMAT_MULAW = 0x0007;
const FORMAT_EXTENSIBLE = 0xfffe;
/** Bytes 2 to 15 of a subformat GUID that stands for a plain format tag (KSDATAFORMAT_SUBTYPE_WAVEFORMATEX). */
const SUBFORMAT_TAIL = '000000001000800000aa00389b71';
/** A length that a streaming writer left open, and RF64's "look in ds64". */
const LENGTH_UNKNOWN = 0xffffffff;

interface Chunk {
  id: string;
  start: number;
  /** The length the header declares; `end` is clipped to the file. */
  declared: number;
  end: number;
}

interface Format {
  encoding: Encoding;
  channels: number;
  sampleRate: number;
  bytesPerSample: number;
}

interface Wav {
  info: AudioInfo;
  format: Format;
  dataStart: number;
  view: DataView;
  littleEndian: boolean;
}

/** True if `bytes` begin as a RIFF, RIFX or RF64 file of type WAVE. */
export function isWav(bytes: Uint8Array): boolean {
  return ['RIFF', 'RIFX', 'RF64'].includes(ascii(bytes, 0)) && ascii(bytes, 8) === 'WAVE';
}

/** What the headers of a WAV file say. Throws a DataError as {@link decodeWav}, but looks at no sample. */
export function probeWav(bytes: Uint8Array, options: DecodeOptions = {}): AudioInfo {
  return parseWav(bytes, options.where).info;
}

/**
 * Decodes a WAV file: PCM of 8 (unsigned), 16, 24 and 32 bits, float of 32 and 64 bits, A-law and mu-law,
 * plain or WAVE_FORMAT_EXTENSIBLE, RIFF, RIFX and RF64. Integers scale by 1 / 2^(bits - 1), as soundfile does.
 *
 * @throws DataError if the file is no readable WAV, holds no sample, or holds NaN or infinity
 */
export function decodeWav(bytes: Uint8Array, options: DecodeOptions = {}): DecodedChannels {
  const wav = parseWav(bytes, options.where);
  const { channels, frames } = wav.info;
  const channelData = Array.from({ length: channels }, () => new Float32Array(frames));
  const numbers = numbersIn(wav);
  if (numbers) {
    const { values, scale } = numbers;
    for (const [c, samples] of channelData.entries()) {
      for (let i = 0, at = c; i < frames; i++, at += channels) samples[i] = values[at]! * scale;
    }
  } else {
    const read = sampleReader(wav);
    for (const [c, samples] of channelData.entries()) {
      for (let i = 0; i < frames; i++) samples[i] = read(i * channels + c);
    }
  }
  if (wav.format.encoding === 'FLOAT' || wav.format.encoding === 'DOUBLE') refuseNonFinite(channelData, options.where);
  return { ...wav.info, channelData };
}

function parseWav(bytes: Uint8Array, where: string | undefined): Wav {
  const form = ascii(bytes, 0);
  const littleEndian = form !== 'RIFX';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const notices: string[] = [];
  if (bytes.length < 12) throw truncated('the RIFF header', `${bytes.length} bytes`, where);

  const chunks = listChunks(bytes, view, littleEndian, form === 'RF64', notices);
  const riffSize = view.getUint32(4, littleEndian);
  // A writer may or may not count the last chunk's pad byte.
  if (Math.abs(riffSize + 8 - bytes.length) > 1 && !(form === 'RF64' && riffSize === LENGTH_UNKNOWN)) {
    notices.push(`the RIFF header says ${riffSize + 8} bytes, the file has ${bytes.length}; read to the file's end`);
  }

  const formatChunk = chunks.find(({ id }) => id === 'fmt ');
  if (!formatChunk) {
    throw wavError('the WAV file has no fmt chunk', "a 'fmt ' chunk", foundChunks(chunks), where);
  }
  const format = parseFormat(formatChunk, bytes, view, littleEndian, where);

  const dataChunks = chunks.filter(({ id }) => id === 'data');
  const data = dataChunks[0];
  if (!data) throw wavError('the WAV file has no data chunk', "a 'data' chunk", foundChunks(chunks), where);
  if (dataChunks.length > 1) notices.push(`${dataChunks.length} data chunks; only the first was read`);
  const frameBytes = format.bytesPerSample * format.channels;
  const length = data.end - data.start;
  const frames = Math.floor(length / frameBytes);
  if (frames === 0) {
    throw wavError('the WAV file holds no samples', `at least ${frameBytes} bytes of data`, `${length} bytes`, where);
  }
  if (length % frameBytes !== 0) notices.push(`the last ${length % frameBytes} bytes are no whole frame; ignored`);

  const info: AudioInfo = {
    container: 'wav',
    encoding: format.encoding,
    sampleRate: format.sampleRate,
    channels: format.channels,
    frames,
    notices,
  };
  return { info, format, dataStart: data.start, view, littleEndian };
}

/** Walks the chunks up to the file's end, mending lengths that cannot be right. */
function listChunks(
  bytes: Uint8Array,
  view: DataView,
  littleEndian: boolean,
  is64: boolean,
  notices: string[],
): Chunk[] {
  const chunks: Chunk[] = [];
  let dataLength64: number | undefined;
  let offset = 12;
  while (offset + 8 <= bytes.length) {
    const id = ascii(bytes, offset);
    if (!isChunkId(id)) {
      notices.push(`${bytes.length - offset} bytes after the last chunk are no chunk; ignored`);
      break;
    }
    const start = offset + 8;
    const rest = bytes.length - start;
    let declared = view.getUint32(offset + 4, littleEndian);
    if (is64 && id === 'ds64' && declared >= 16 && rest >= 16) {
      dataLength64 = Number(view.getBigUint64(start + 8, littleEndian));
    }
    if (id === 'data') {
      if (is64 && declared === LENGTH_UNKNOWN && dataLength64 !== undefined) declared = dataLength64;
      const unset = declared === 0 && rest > 0 && !chunksFillRest(bytes, view, littleEndian, start);
      if (declared > rest || unset) {
        notices.push(`the data chunk says ${declared} bytes, ${rest} are left; read to the file's end`);
        chunks.push({ id, start, declared, end: bytes.length });
        break;
      }
    }
    const end = Math.min(start + declared, bytes.length);
    chunks.push({ id, start, declared, end });
    offset = nextChunk(bytes, end, declared, notices);
  }
  return chunks;
}

/** Chunks start at even offsets; a writer that forgot the pad byte is known by a chunk name right at `end`. */
function nextChunk(bytes: Uint8Array, end: number, declared: number, notices: string[]): number {
  if (declared % 2 === 0) return end;
  if (!isChunkId(ascii(bytes, end + 1)) && isChunkId(ascii(bytes, end))) {
    notices.push(`a chunk of odd length before offset ${end} lacks its pad byte`);
    return end;
  }
  return end + 1;
}

/** True if well-formed chunks, and nothing else, lie from `offset` to the file's end. */
function chunksFillRest(bytes: Uint8Array, view: DataView, littleEndian: boolean, offset: number): boolean {
  while (offset + 8 <= bytes.length && isChunkId(ascii(bytes, offset))) {
    const declared = view.getUint32(offset + 4, littleEndian);
    offset += 8 + declared + (declared % 2);
  }
  return offset === bytes.length || offset === bytes.length + 1;
}

function parseFormat(
  chunk: Chunk,
  bytes: Uint8Array,
  view: DataView,
  littleEndian: boolean,
  where: string | undefined,
): Format {
  const length = chunk.end - chunk.start;
  if (length < 16) throw truncated('the fmt chunk', `${length} of at least 16 bytes`, where);
  let tag = view.getUint16(chunk.start, littleEndian);
  const channels = view.getUint16(chunk.start + 2, littleEndian);
  const sampleRate = view.getUint32(chunk.start + 4, littleEndian);
  const blockAlign = view.getUint16(chunk.start + 12, littleEndian);
  const bits = view.getUint16(chunk.start + 14, littleEndian);
  if (tag === FORMAT_EXTENSIBLE) {
    if (length < 40) throw truncated('the extensible fmt chunk', `${length} of 40 bytes`, where);
    const tail = Buffer.from(bytes.subarray(chunk.start + 26, chunk.start + 40)).toString('hex');
    if (tail !== SUBFORMAT_TAIL) {
      throw wavError(
        'the WAV file has a subformat nobody knows',
        'a subformat GUID of PCM, float, A-law or mu-law',
        `a GUID that ends in ${tail}`,
        where,
      );
    }
    tag = view.getUint16(chunk.start + 24, littleEndian);
    const validBits = view.getUint16(chunk.start + 18, littleEndian);
    // Valid bits are the upper ones of the container, so the container's scale holds whatever their number.
    if (validBits > bits) {
      throw wavError('the WAV header contradicts itself', `at most ${bits} valid bits`, `${validBits}`, where);
    }
  }
  if (channels === 0) throw wavError('the WAV header names no channel', 'at least 1 channel', '0', where);
  if (sampleRate === 0) throw wavError('the WAV header gives no sample rate', 'a rate above 0 Hz', '0', where);

  const bytesPerSample = Math.ceil(bits / 8);
  const encoding = encodingOf(tag, bits);
  if (encoding === undefined) {
    throw wavError(
      'the WAV file is stored in a way that is not read',
      'PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, A-law or mu-law',
      `format 0x${tag.toString(16).padStart(4, '0')} with ${bits} bits`,
      where,
    );
  }
  if (blockAlign !== channels * bytesPerSample) {
    throw wavError(
      'the WAV header contradicts itself',
      `a block align of ${channels * bytesPerSample} (${channels} channels of ${bits} bits)`,
      `${blockAlign}`,
      where,
    );
  }
  return { encoding, channels, sampleRate, bytesPerSample };
}

function encodingOf(tag: number, bits: number): Encoding | undefined {
  if (tag === FORMAT_PCM && bits >= 1 && bits <= 32) {
    return ['PCM_U8', 'PCM_16', 'PCM_24', 'PCM_32'][Math.ceil(bits / 8) - 1];
  }
  if (tag === FORMAT_FLOAT && bits === 32) return 'FLOAT';
  if (tag === FORMAT_FLOAT && bits === 64) return 'DOUBLE';
  if (tag === FORMAT_ALAW && bits === 8) return 'ALAW';
  if (tag === FORMAT_MULAW && bits === 8) return 'ULAW';
  return undefined;
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The samples as an array of this machine, where they lie as its numbers do: several times as fast as one by one. */
function numbersIn({ info, format, dataStart, view, littleEndian }: Wav) {
  if (littleEndian !== HOST_IS_LITTLE_ENDIAN) return undefined;
  const { bytesPerSample, encoding } = format;
  const count = info.frames * info.channels;
  let start = view.byteOffset + dataStart;
  let { buffer } = view;
  if (start % bytesPerSample !== 0) [buffer, start] = [buffer.slice(start, start + count * bytesPerSample), 0];
  if (encoding === 'PCM_16') return { values: new Int16Array(buffer, start, count), scale: 1 / 32768 };
  if (encoding === 'FLOAT') return { values: new Float32Array(buffer, start, count), scale: 1 };
  return undefined;
}

/** A function from the index of an interleaved sample to its value. */
function sampleReader({ format, dataStart, view, littleEndian }: Wav): (index: number) => number {
  switch (format.encoding) {
    case 'PCM_U8':
      return (i) => (view.getUint8(dataStart + i) - 128) / 128;
    case 'PCM_16':
      return (i) => view.getInt16(dataStart + 2 * i, littleEndian) / 32768;
    case 'PCM_24': {
      const high = littleEndian ? 2 : 0;
      return (i) => {
        const at = dataStart + 3 * i;
        const low = view.getUint8(at + 2 - high) | (view.getUint8(at + 1) << 8);
        return (low | (view.getInt8(at + high) << 16)) / 8388608;
      };
    }
    case 'PCM_32':
      return (i) => view.getInt32(dataStart + 4 * i, littleEndian) / 2147483648;
    case 'FLOAT':
      return (i) => view.getFloat32(dataStart + 4 * i, littleEndian);
    case 'DOUBLE':
      return (i) => view.getFloat64(dataStart + 8 * i, littleEndian);
    case 'ALAW':
      return (i) => aLawToPcm16(view.getUint8(dataStart + i)) / 32768;
    default:
      return (i) => muLawToPcm16(view.getUint8(dataStart + i)) / 32768;
  }
}

function refuseNonFinite(channelData: readonly Float32Array[], where: string | undefined): void {
  for (const [c, samples] of channelData.entries()) {
    const i = samples.findIndex((value) => !Number.isFinite(value));
    if (i >= 0) {
      throw new DataError({
        problem: 'the WAV file holds samples that are no numbers',
        expected: 'finite 32-bit values',
        got: `${samples[i]} at frame ${i} of channel ${c}`,
        ...(where !== undefined && { where }),
        fix: 'export the recording again, or leave it out',
      });
    }
  }
}

function ascii(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

function isChunkId(id: string): boolean {
  return /^[\x20-\x7e]{4}$/.test(id);
}

function foundChunks(chunks: readonly Chunk[]): string {
  return chunks.length > 0 ? `chunks ${chunks.map(({ id }) => `'${id}'`).join(', ')}` : 'no chunk';
}

function truncated(part: string, got: string, where: string | undefined): DataError {
  return wavError(`the WAV file ends inside ${part}`, 'a whole header', got, where);
}

function wavError(problem: string, expected: string, got: string, where: string | undefined): DataError {
  return new DataError({
    problem,
    expected,
    got,
    ...(where !== undefined && { where }),
    fix: 'fetch the file again, or convert it (for example: ffmpeg -i in.wav -c:a pcm_s16le out.wav)',
  });
}
