/** Where sound begins and ends: silence at both ends, by librosa's rule. */
import { RequestError } from '@prosodia/core';
import { amplitudeToDb } from './decibel.ts';
import { rms } from './energy.ts';

export interface TrimOptions {
  /** Decibels below the loudest frame that count as silence, above 0. Default 60. */
  top_db?: number;
  /** Samples in a frame. Default 2048. */
  frame_length?: number;
  /** Samples between frames. Default 512. */
  hop_length?: number;
}

/** Samples from `start` to `end`, `end` not included. */
export interface Bounds {
  start: number;
  end: number;
}

/**
 * The part of a signal between its first and last frame that are not silent, as librosa.effects.trim has it.
 *
 * Loudness is the root mean square of centred frames, relative to the loudest. So a signal of constant loudness, and
 * one that is all zeros, is kept whole.
 *
 * @param y samples
 * @throws DataError for an empty or non-finite input; RequestError for top_db of 0 or less
 */
export function trimBounds(y: Float32Array, options: TrimOptions = {}): Bounds {
  const { top_db = 60, frame_length = 2048, hop_length = 512 } = options;
  if (!(top_db > 0)) {
    throw new RequestError({
      where: 'trim',
      problem: 'top_db is out of range',
      expected: 'a number above 0',
      got: String(top_db),
    });
  }
  const loudness = rms({ y, frame_length, hop_length });
  const loudest = loudness.data.reduce((max, value) => Math.max(max, value), 0);
  const { data } = amplitudeToDb(loudness, { ref: Math.max(loudest, 1e-5), top_db: null });
  const sounds = (db: number) => db > -top_db;
  return {
    start: data.findIndex(sounds) * hop_length,
    end: Math.min(y.length, (data.findLastIndex(sounds) + 1) * hop_length),
  };
}
