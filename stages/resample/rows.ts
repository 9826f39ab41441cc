/** One recording: its bytes in, mono samples at the wanted rate out; or why there are none. */
import { decodeAudio, resample } from '@prosodia/audio';
import { DataError, type ShardWorker, reasonOf } from '@prosodia/core';
import type { OnError } from '@prosodia/tables';

export interface DecodeSetup {
  /** Hz. */
  rate: number;
  on_error: OnError;
}

/** A recording to decode, or one that could not even be read. */
export type DecodeItem = {
  /** For messages. */
  where: string;
} & ({ bytes: Uint8Array } | { unread: string });

export type DecodeResult = { samples: Float32Array; notices: string[] } | { skipped: string };

const worker: ShardWorker<DecodeSetup, DecodeItem, DecodeResult> =
  ({ rate, on_error }) =>
  async (item) => {
    if ('unread' in item) return { skipped: item.unread };
    const { where, bytes } = item;
    try {
      const { samples, sampleRate, notices } = await decodeAudio(bytes, { where });
      return { samples: resample(samples, sampleRate, rate), notices };
    } catch (error) {
      if (on_error === 'skip' && error instanceof DataError) return { skipped: reasonOf(error) };
      throw error;
    }
  };

export default worker;
