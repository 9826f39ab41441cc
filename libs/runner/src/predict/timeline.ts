/** What a recording says as a whole, and how that changes over time. */
import type { Predicted } from './pass.ts';

/** A stretch of a recording over which one label is the most probable. */
export interface Span {
  start_s: number;
  end_s: number;
  label: string;
  /** Probability of the label, the mean over the stretch. */
  probability: number;
}

export interface FilePrediction {
  file: string;
  windows: number;
  /** The most probable label. */
  label: string;
  probability: number;
  /** In the order of the labels: the mean over time. */
  probabilities: number[];
  /** Without gaps but for windows that were left out; of a file that is one window, one span. */
  timeline: Span[];
}

/**
 * Sums up the windows of each file, in the order of the files.
 *
 * A moment that several windows cover has the mean of their probabilities; a file has the mean over its moments.
 */
export function summarizeFiles(labels: readonly string[], predictions: readonly Predicted[]): FilePrediction[] {
  return byFile(predictions).map((windows) => {
    const steps = stepsOf(windows);
    const length = steps.reduce((sum, { start_s, end_s }) => sum + end_s - start_s, 0);
    const probabilities = labels.map((_, c) =>
      windows.length === 1
        ? windows[0]!.probabilities[c]!
        : steps.reduce((sum, step) => sum + step.probabilities[c]! * (step.end_s - step.start_s), 0) / length,
    );
    const best = mostProbable(probabilities);
    return {
      file: windows[0]!.file,
      windows: windows.length,
      label: labels[best]!,
      probability: probabilities[best]!,
      probabilities,
      timeline: merged(labels, steps),
    };
  });
}

/** Windows that follow each other in one file; a file that was given twice is two. */
function byFile(predictions: readonly Predicted[]): Predicted[][] {
  const files: Predicted[][] = [];
  for (const own of predictions) {
    const last = files.at(-1)?.at(-1);
    if (last && last.file === own.file && last.start_s < own.start_s) files.at(-1)!.push(own);
    else files.push([own]);
  }
  return files;
}

/** Place of the largest number, the first of equal ones. */
export function mostProbable(probabilities: readonly number[]): number {
  return probabilities.reduce((best, p, i) => (p > probabilities[best]! ? i : best), 0);
}

interface Step {
  start_s: number;
  end_s: number;
  probabilities: number[];
}

/** Stretches between any two neighbouring edges of windows, with the mean of the windows that cover them. */
function stepsOf(windows: readonly Predicted[]): Step[] {
  const edges = [...new Set(windows.flatMap(({ start_s, end_s }) => [start_s, end_s]))].sort((a, b) => a - b);
  const steps: Step[] = [];
  let first = 0;
  for (const [i, start_s] of edges.slice(0, -1).entries()) {
    const end_s = edges[i + 1]!;
    // Windows are in order of time and equally long, so those that have ended are the first ones.
    while (first < windows.length && windows[first]!.end_s <= start_s) first++;
    const covering: Predicted[] = [];
    for (let w = first; w < windows.length && windows[w]!.start_s <= start_s; w++) covering.push(windows[w]!);
    if (covering.length === 0) continue;
    const probabilities = covering[0]!.probabilities.map(
      (_, c) => covering.reduce((sum, window) => sum + window.probabilities[c]!, 0) / covering.length,
    );
    steps.push({ start_s, end_s, probabilities });
  }
  return steps;
}

/** Neighbouring steps of one label become one span. */
function merged(labels: readonly string[], steps: readonly Step[]): Span[] {
  const spans: Span[] = [];
  for (const { start_s, end_s, probabilities } of steps) {
    const best = mostProbable(probabilities);
    const label = labels[best]!;
    const probability = probabilities[best]!;
    const last = spans.at(-1);
    if (last && last.label === label && last.end_s === start_s) {
      const before = last.end_s - last.start_s;
      last.probability = (last.probability * before + probability * (end_s - start_s)) / (end_s - last.start_s);
      last.end_s = end_s;
    } else spans.push({ start_s, end_s, label, probability });
  }
  return spans;
}
