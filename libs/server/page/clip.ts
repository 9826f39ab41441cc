/** A recording in the page: the bytes that are sent or kept, and the samples that are drawn. */
import { encodeWav } from '@prosodia/audio';

export interface Clip {
  /** Unique in the page; also the path in a corrected row. */
  name: string;
  /** A WAV or FLAC file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** One channel, the mean of all. */
  samples: Float32Array<ArrayBuffer>;
  /** Hz. */
  rate: number;
}

/** Rate at which a file is decoded whose header does not tell. */
const RATE = 48_000;

/**
 * Reads a file as it was chosen. WAV and FLAC are kept as they are; what else the browser can decode becomes WAV.
 * @throws Error for what is no recording
 */
export async function clipOfFile(file: File): Promise<Clip> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new Error(`${file.name}: the file is empty`);
  const known = headerOf(bytes);
  const rate = known?.rate ?? RATE;
  let samples: Float32Array<ArrayBuffer>;
  try {
    samples = await decode(bytes, known ?? { rate, bits: undefined });
  } catch {
    throw new Error(`${file.name}: the browser cannot decode it; WAV and FLAC files of speech are read`);
  }
  if (samples.length === 0) throw new Error(`${file.name}: there is no sound in it`);
  if (known !== undefined) return { name: file.name, bytes, samples, rate };
  return { ...clipOfSamples(`${file.name.replace(/\.[^.]*$/, '')}.wav`, samples, rate) };
}

export function clipOfSamples(name: string, samples: Float32Array<ArrayBuffer>, rate: number): Clip {
  return { name, bytes: new Uint8Array(encodeWav(samples, rate, { format: 'float32' })), samples, rate };
}

interface Header {
  /** Hz. */
  rate: number;
  /** Of a sample, if it is a whole number; undefined for other encodings. */
  bits: number | undefined;
}

/** What the header of a WAV or FLAC file tells; undefined for other files, and for rates no browser decodes at. */
export function headerOf(bytes: Uint8Array<ArrayBuffer>): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const is = (at: number, letters: string) => [...letters].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  let header: Header | undefined;
  if (is(0, 'RIFF') && is(8, 'WAVE')) {
    let at = 12;
    while (at + 24 <= bytes.length && !is(at, 'fmt ')) at += 8 + view.getUint32(at + 4, true) + (bytes[at + 4]! & 1);
    if (at + 24 <= bytes.length) {
      // Of the longer format chunk, the first bytes of an identifier tell the encoding.
      const extensible = view.getUint16(at + 8, true) === 0xfffe && at + 34 <= bytes.length;
      const encoding = view.getUint16(at + (extensible ? 32 : 8), true);
      header = {
        rate: view.getUint32(at + 12, true),
        bits: encoding === 1 ? view.getUint16(at + 22, true) : undefined,
      };
    }
  }
  // STREAMINFO comes first: after its header of four bytes, ten bytes of sizes, then twenty bits of rate, three of
  // channels and five of depth.
  if (is(0, 'fLaC') && bytes.length >= 22) {
    const packed = view.getUint32(18);
    header = { rate: packed >>> 12, bits: ((packed >>> 4) & 31) + 1 };
  }
  return header !== undefined && header.rate >= 8000 && header.rate <= 96_000 ? header : undefined;
}

/** @throws Error for what the browser cannot decode */
async function decode(bytes: Uint8Array<ArrayBuffer>, { rate, bits }: Header): Promise<Float32Array<ArrayBuffer>> {
  // A copy: decoding takes the buffer away.
  const decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice().buffer);
  const mean = new Float32Array(decoded.length);
  for (let c = 0; c < decoded.numberOfChannels; c++) {
    const channel = decoded.getChannelData(c);
    if (bits !== undefined && bits <= 16) wholes(channel, 2 ** (bits - 1));
    for (let i = 0; i < mean.length; i++) mean[i]! += channel[i]! / decoded.numberOfChannels;
  }
  return mean;
}

/**
 * Makes whole numbers what models were trained on: k / 32768 for 16 bits. Chromium has k / 32767 for positive ones,
 * which moved the probabilities of cnn2d by 0.001.
 */
function wholes(samples: Float32Array, half: number): void {
  if (samples.every((sample) => Number.isInteger(sample * half) && sample < 1)) return;
  for (let i = 0; i < samples.length; i++) {
    if (samples[i]! > 0) samples[i] = Math.round(samples[i]! * (half - 1)) / half;
  }
}

/** A name that none of the others has: `a.wav`, `a-2.wav`. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const [, stem, ending] = /^(.*?)(\.[^.]*)?$/s.exec(name)!;
  for (let n = 2; ; n++) {
    const own = `${stem}-${n}${ending ?? ''}`;
    if (!taken.has(own)) return own;
  }
}
