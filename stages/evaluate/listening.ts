/** Recordings of the confident mistakes, small enough to lie inside the page. */
import { throwIfCancelled } from '@prosodia/core';
import { encodeWav, resample } from '@prosodia/audio';
import type { AudioRow, TableReader } from '@prosodia/tables';
import type { Judged } from './rows.ts';

/** Speech is clear at this rate, and a clip of four seconds takes 130 kB. */
const HIGHEST_RATE = 16_000;
/** Of a longer recording, the begin: what is beyond would make pages of tens of megabytes. */
const LONGEST_SECONDS = 10;

/**
 * WAV files by row of `judged`: the item that was judged if the table has it, else the whole recording.
 * @param wanted rows to be heard
 */
export async function recordingsOf(
  audio: TableReader<AudioRow> | undefined,
  judged: Judged,
  wanted: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  if (!audio || wanted.length === 0) return found;
  for (let part = 0; part < audio.partCount; part++) {
    throwIfCancelled(signal);
    // Ids first: most parts hold none of the few items that are wanted, and samples are what is large.
    const ids = (await audio.part(part, ['item_id'])).column<string>('item_id');
    const places = new Map<string, number>();
    for (let i = 0; i < ids.length; i++) places.set(ids.at(i), i);
    const here = wanted.flatMap((r): [row: number, place: number][] => {
      const { item_id, clip_id } = judged.rows[r]!;
      const place = places.get(item_id) ?? (found.has(r) ? undefined : places.get(clip_id));
      return place === undefined ? [] : [[r, place]];
    });
    if (here.length === 0) continue;
    const batch = await audio.part(part, ['sample_rate', 'samples']);
    for (const [r, place] of here) {
      const rate = batch.column<number>('sample_rate').at(place);
      found.set(r, wav(batch.column<Float32Array>('samples').at(place), rate));
    }
  }
  return found;
}

function wav(samples: Float32Array, rate: number): Uint8Array {
  const begin = samples.subarray(0, LONGEST_SECONDS * rate);
  return rate > HIGHEST_RATE ? encodeWav(resample(begin, rate, HIGHEST_RATE), HIGHEST_RATE) : encodeWav(begin, rate);
}
