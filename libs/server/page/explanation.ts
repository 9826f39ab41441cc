/** Explains an answer: the probability of its label when a part of the sound is missing, against all of it. */
import { bandsOf, gridOf, without } from './occlusion.ts';
import type { Predictor } from './predictor.ts';

export interface Cell {
  start_s: number;
  end_s: number;
  low_hz: number;
  high_hz: number;
  /** Probability of the label that is lost without this part; below 0 if the part spoke against it. */
  drop: number;
}

export interface Explanation {
  label: string;
  /** Of the label, from all of the piece that was explained. */
  probability: number;
  start_s: number;
  end_s: number;
  cells: Cell[];
}

/**
 * Explains one piece of a recording.
 * @param start_s where the piece starts in the recording, for the times of the cells
 * @throws DOMException on `signal`
 */
export async function explain(
  predictor: Predictor,
  samples: Float32Array,
  rate: number,
  start_s: number,
  label: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<Explanation> {
  const duration_s = samples.length / rate;
  const grid = gridOf(duration_s, rate);
  const bands = bandsOf(samples, rate, grid);
  const parts = grid.times.slice(0, -1).flatMap((from, t) =>
    bands.map((band, f) => ({
      from,
      to: grid.times[t + 1]!,
      low_hz: grid.frequencies[f]!,
      high_hz: grid.frequencies[f + 1]!,
      band,
    })),
  );
  const sounds = [samples, ...parts.map(({ band, from, to }) => without(samples, band, rate, from, to))];
  const found = await predictor.predictMany(sounds, rate, signal, (done) => onProgress(done, sounds.length));
  const place = predictor.labels.indexOf(label);
  const probability = found[0]![place]!;
  return {
    label,
    probability,
    start_s,
    end_s: start_s + duration_s,
    cells: parts.map(({ from, to, low_hz, high_hz }, i) => ({
      start_s: start_s + from,
      end_s: start_s + to,
      low_hz,
      high_hz,
      drop: probability - found[i + 1]![place]!,
    })),
  };
}
