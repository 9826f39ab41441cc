/**
 * Recordings that a user wants predicted, listed as clips.
 *
 * A recording that fits in one window is taken as it is, byte for byte, so that a clip of the corpus gives the
 * numbers it had in the run. A longer one is cut into windows, the last of them moved back to end where the
 * recording ends, so that every window is whole and every sample is heard.
 */
import { readFile } from 'node:fs/promises';
import { type AudioInfo, decodeChannels, encodeWav, probeAudio } from '@prosodia/audio';
import {
  DataError,
  GIVEN_CORPUS,
  type GivenFile,
  type GivenRecordings,
  messageOf,
  throwIfCancelled,
  reasonOf,
} from '@prosodia/core';
import { type ClipRow } from '@prosodia/tables';

/** Clips in the order of the files; a file that cannot be read is refused and the next one taken. */
export async function* listGiven(
  given: GivenRecordings,
  signal: AbortSignal,
  progress: (done: number, total: number, unit: string) => void,
): AsyncGenerator<ClipRow> {
  const digits = String(given.files.length).length;
  for (const [index, file] of given.files.entries()) {
    throwIfCancelled(signal, 'listing the recordings');
    try {
      const bytes = 'bytes' in file.source ? file.source.bytes : await readFile(file.source.path);
      yield* clipsOf(given, { index, number: String(index).padStart(digits, '0'), file }, bytes);
    } catch (error) {
      given.refused(index, error instanceof DataError ? reasonOf(error) : unread(error));
    }
    progress(index + 1, given.files.length, 'recordings');
  }
}

/** A file that cannot be read, without the path, which the user has given. */
function unread(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'this is a folder';
  if (code === 'EACCES') return 'it may not be read';
  return messageOf(error);
}

/** A file of the user by its place among them; `number` sorts as the place does. */
interface Numbered {
  index: number;
  number: string;
  file: GivenFile;
}

async function* clipsOf(given: GivenRecordings, own: Numbered, bytes: Uint8Array): AsyncGenerator<ClipRow> {
  const where = own.file.name;
  const info = probeAudio(bytes, { where });
  const duration = info.frames / info.sampleRate;
  if (duration <= given.window_s) {
    // Headers promise; only decoding shows. A file that breaks off must not take the others with it.
    if (!isPlain(info)) await decodeChannels(bytes, { where });
    yield await put(given, own, { number: own.number, start_s: 0, bytes, file: own.file, info });
    return;
  }
  const { channelData, sampleRate, channels } = await decodeChannels(bytes, { where });
  const frames = channelData[0]!.length;
  const length = Math.round(given.window_s * sampleRate);
  for (const [index, start] of windowStarts(frames, length, Math.round(given.hop_s * sampleRate)).entries()) {
    const part = channelData.map((samples) => samples.subarray(start, start + length));
    const bytes = encodeWav(part, sampleRate, { format: 'float32' });
    yield await put(given, own, {
      number: `${own.number}.${String(index).padStart(5, '0')}`,
      start_s: start / sampleRate,
      bytes,
      info: { sampleRate, channels, frames: part[0]!.length },
    });
  }
}

/** Every sequence of whole numbers is a recording, and their count is in the headers, which were held to the file. */
function isPlain({ container, encoding }: AudioInfo): boolean {
  return container === 'wav' && encoding !== 'FLOAT' && encoding !== 'DOUBLE';
}

/**
 * First frame of each window: every `hop` frames, and a last one that ends with the recording.
 * @param hop at least 1
 */
export function windowStarts(frames: number, length: number, hop: number): number[] {
  if (frames <= length) return [0];
  const starts: number[] = [];
  for (let start = 0; start + length <= frames; start += hop) starts.push(start);
  if (starts.at(-1)! + length < frames) starts.push(frames - length);
  return starts;
}

interface Part {
  number: string;
  start_s: number;
  bytes: Uint8Array;
  /** If the bytes are all of it. */
  file?: GivenFile;
  info: Pick<AudioInfo, 'sampleRate' | 'channels' | 'frames'>;
}

async function put(
  given: GivenRecordings,
  { index, file: source }: Numbered,
  { number, start_s, bytes, file, info }: Part,
): Promise<ClipRow> {
  const clip_id = `${GIVEN_CORPUS}/${number}`;
  const sha256 = await given.keep(number, bytes, file);
  const duration_s = info.frames / info.sampleRate;
  given.placed({ clip_id, file: index, start_s, end_s: start_s + duration_s });
  return {
    clip_id,
    corpus: GIVEN_CORPUS,
    path: number,
    sha256,
    sample_rate: info.sampleRate,
    channels: info.channels,
    frames: info.frames,
    duration_s,
    speaker: source.speaker ?? GIVEN_CORPUS,
    sex: null,
    emotion: '',
    intensity: null,
    statement: null,
    repetition: null,
    vocal_channel: null,
  };
}
