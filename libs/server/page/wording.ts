/** What the page says of probabilities: what they mean, and what they do not. */

export function percent(probability: number): string {
  const points = 100 * probability;
  if (points > 0 && points < 1) return '< 1 %';
  if (points < 100 && points > 99) return '> 99 %';
  return `${Math.round(points)} %`;
}

export function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

/** Shorter is no sentence; what models have heard are sentences. */
const SHORT_S = 0.3;
/** Of full scale, 60 dB below: no voice that is meant to be heard. */
const SILENT = 1e-3;

/** What makes an answer worth little whatever its probability is; empty if nothing does. */
export function reservation(samples: Float32Array, rate: number): string {
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (loudest < SILENT) return 'There is hardly any sound in this recording: what a model says of it means nothing.';
  if (samples.length < SHORT_S * rate)
    return 'This recording is shorter than a word: what a model says of it means little.';
  return '';
}

/** The answer in one line. */
export function headline(label: string, probability: number): string {
  return `The model says ${label}, ${percent(probability)}`;
}

/** What the number may be read as. */
export function meaning(probability: number, calibrated: boolean): string {
  return calibrated
    ? `Calibrated: of answers given with ${percent(probability)}, about that share is right on recordings like those it was calibrated on.`
    : 'Not calibrated: a score to rank by, not the share of answers that are right.';
}

/** The state of doubt, with the threshold that makes it. */
export function doubt(probability: number, threshold: number): string {
  return `Uncertain: ${percent(probability)} is below the threshold of ${percent(threshold)}. Do not rely on the label.`;
}
