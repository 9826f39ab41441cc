/** What a thread found, in the form in which it is answered. */
import { mostProbable } from '@prosodia/runner';
import type { Predicted } from './messages.ts';
import type { Prediction } from './schemas.ts';

export function byLabel(labels: readonly string[], probabilities: readonly number[]): Record<string, number> {
  return Object.fromEntries(labels.map((label, c) => [label, probabilities[c]!]));
}

export function predictionReply(
  labels: readonly string[],
  { probabilities, predictions, ...found }: Predicted,
  { threshold, top_k }: { threshold: number; top_k: number },
): Prediction {
  const top = labels
    .map((label, c) => ({ label, probability: probabilities[c]! }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, top_k);
  return {
    ...found,
    uncertain: found.probability < threshold,
    probabilities: byLabel(labels, probabilities),
    top,
    predictions: predictions.map(({ start_s, end_s, probabilities: own }) => {
      const best = mostProbable(own);
      return {
        start_s,
        end_s,
        label: labels[best]!,
        uncertain: own[best]! < threshold,
        probabilities: byLabel(labels, own),
      };
    }),
  };
}
