/** One recording: its bytes in, mono samples at the wanted rate out. */
import { decodeAudio, resample } from '@prosodia/audio';
import type { ShardWorker } from '@prosodia/core';

export interface DecodeSetup {
  /** Hz. */
  rate: number;
}

export interface DecodeItem {
  /** For messages. */
  where: string;
  bytes: Uint8Array;
}

export interface DecodeResult {
  samples: Float32Array;
  notices: string[];
}

const worker: ShardWorker<DecodeSetup, DecodeItem, DecodeResult> =
  ({ rate }) =>
  async ({ where, bytes }) => {
    const { samples, sampleRate, notices } = await decodeAudio(bytes, { where });
    return { samples: resample(samples, sampleRate, rate), notices };
  };

export default worker;
