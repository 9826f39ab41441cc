/** A recording cut into windows, and what they say together, as the server cuts and sums up. */
import type { Prediction } from './api.ts';

export interface Span {
  start_s: number;
  end_s: number;
}

export interface Heard extends Span {
  probabilities: readonly number[];
}

/** One window if the recording is no longer; else one every half window, the last one ending with the recording. */
export function windowsOf(duration_s: number, window_s: number): Span[] {
  if (duration_s <= window_s) return [{ start_s: 0, end_s: duration_s }];
  const count = Math.ceil((duration_s - window_s) / (window_s / 2)) + 1;
  return Array.from({ length: count }, (_, i) => {
    const start_s = Math.min((i * window_s) / 2, duration_s - window_s);
    return { start_s, end_s: start_s + window_s };
  });
}

/** A moment that several windows cover has the mean of their probabilities; a recording the mean over its moments. */
export function summary(
  labels: readonly string[],
  windows: readonly Heard[],
  duration_s: number,
  threshold: number,
): Prediction {
  const edges = [...new Set(windows.flatMap(({ start_s, end_s }) => [start_s, end_s]))].sort((a, b) => a - b);
  const steps = edges.slice(0, -1).flatMap((start_s, i): Heard[] => {
    const end_s = edges[i + 1]!;
    const over = windows.filter((own) => own.start_s <= start_s && own.end_s >= end_s);
    return over.length === 0
      ? []
      : [
          {
            start_s,
            end_s,
            probabilities: mean(
              labels,
              over.map(({ probabilities }) => [probabilities, 1]),
            ),
          },
        ];
  });
  const probabilities = mean(
    labels,
    steps.map((step) => [step.probabilities, step.end_s - step.start_s]),
  );
  const best = mostProbable(probabilities);
  return {
    duration_s,
    windows: windows.length,
    label: labels[best]!,
    probability: probabilities[best]!,
    uncertain: probabilities[best]! < threshold,
    probabilities: byLabel(labels, probabilities),
    top: labels
      .map((label, c) => ({ label, probability: probabilities[c]! }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 3),
    timeline: timeline(labels, steps),
    predictions: windows.map(({ start_s, end_s, probabilities: own }) => ({
      start_s,
      end_s,
      label: labels[mostProbable(own)]!,
      uncertain: own[mostProbable(own)]! < threshold,
      probabilities: byLabel(labels, own),
    })),
    left_out: [],
  };
}

/** Place of the largest number, the first of equal ones. */
export function mostProbable(probabilities: readonly number[]): number {
  return probabilities.reduce((best, p, i) => (p > probabilities[best]! ? i : best), 0);
}

export function byLabel(labels: readonly string[], probabilities: readonly number[]): Record<string, number> {
  return Object.fromEntries(labels.map((label, c) => [label, probabilities[c]!]));
}

function mean(labels: readonly string[], weighted: readonly (readonly [readonly number[], number])[]): number[] {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  return labels.map((_, c) => weighted.reduce((sum, [own, weight]) => sum + own[c]! * weight, 0) / total);
}

/** Steps in a row with the same most probable label become one stretch. */
function timeline(labels: readonly string[], steps: readonly Heard[]): Prediction['timeline'] {
  const groups: Heard[][] = [];
  for (const step of steps) {
    const before = groups.at(-1)?.at(-1);
    const same = before && mostProbable(before.probabilities) === mostProbable(step.probabilities);
    if (same && before.end_s === step.start_s) groups.at(-1)!.push(step);
    else groups.push([step]);
  }
  return groups.map((group) => {
    const probabilities = mean(
      labels,
      group.map((step) => [step.probabilities, step.end_s - step.start_s]),
    );
    const best = mostProbable(group[0]!.probabilities);
    const { start_s } = group[0]!;
    return { start_s, end_s: group.at(-1)!.end_s, label: labels[best]!, probability: probabilities[best]! };
  });
}
