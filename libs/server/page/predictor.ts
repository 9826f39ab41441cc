/** What predicts, wherever it does. */
import type { Prediction } from './api.ts';
import type { Clip } from './clip.ts';

export interface Settings {
  /** Undefined: as long as the model hears in one piece. */
  window_s: number | undefined;
  threshold: number;
}

/** A prediction, and what was unusual about it. */
export interface Told {
  result: Prediction;
  notices: readonly string[];
}

export interface Predictor {
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly calibrated: boolean;
  /** Seconds that it hears in one piece. */
  readonly window_s: number;
  /** What the prediction of a recording says. Throws if there is none. */
  predict(clip: Clip, settings: Settings, signal: AbortSignal): Promise<Told>;
  /**
   * Probabilities of sounds of one length, each heard in one piece.
   * @param onDone called with how many are done
   */
  predictMany(
    sounds: readonly Float32Array[],
    rate: number,
    signal: AbortSignal,
    onDone: (count: number) => void,
  ): Promise<number[][]>;
}
