/** A recording in the page: the bytes that are sent or kept, and the samples that are drawn. */
import { wavOf } from './wav.ts';

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
  const known = headerRate(bytes);
  const rate = known ?? RATE;
  let samples: Float32Array<ArrayBuffer>;
  try {
    samples = await decode(bytes, rate);
  } catch {
    throw new Error(`${file.name}: the browser cannot decode it; WAV and FLAC files of speech are read`);
  }
  if (samples.length === 0) throw new Error(`${file.name}: there is no sound in it`);
  if (known !== undefined) return { name: file.name, bytes, samples, rate };
  return { ...clipOfSamples(`${file.name.replace(/\.[^.]*$/, '')}.wav`, samples, rate) };
}

export function clipOfSamples(name: string, samples: Float32Array<ArrayBuffer>, rate: number): Clip {
  return { name, bytes: new Uint8Array(wavOf(samples, rate)), samples, rate };
}

/** Hz, as the header of a WAV or FLAC file tells; undefined for other files, and for rates no browser decodes at. */
export function headerRate(bytes: Uint8Array<ArrayBuffer>): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const is = (at: number, letters: string) => [...letters].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  let rate: number | undefined;
  if (is(0, 'RIFF') && is(8, 'WAVE')) {
    let at = 12;
    while (at + 16 <= bytes.length && !is(at, 'fmt ')) at += 8 + view.getUint32(at + 4, true) + (bytes[at + 4]! & 1);
    if (at + 16 <= bytes.length) rate = view.getUint32(at + 12, true);
  }
  // STREAMINFO comes first: after its header of four bytes, ten bytes of sizes, then twenty bits of rate.
  if (is(0, 'fLaC') && bytes.length >= 22) rate = view.getUint32(18) >>> 12;
  return rate !== undefined && rate >= 8000 && rate <= 96_000 ? rate : undefined;
}

/** @throws Error for what the browser cannot decode */
async function decode(bytes: Uint8Array<ArrayBuffer>, rate: number): Promise<Float32Array<ArrayBuffer>> {
  // A copy: decoding takes the buffer away.
  const decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice().buffer);
  const mean = new Float32Array(decoded.length);
  for (let c = 0; c < decoded.numberOfChannels; c++) {
    const channel = decoded.getChannelData(c);
    for (let i = 0; i < mean.length; i++) mean[i]! += channel[i]! / decoded.numberOfChannels;
  }
  return mean;
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
