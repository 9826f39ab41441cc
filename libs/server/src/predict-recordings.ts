/** Predicts the recordings of one job: what is too long is refused before it is decoded, each by itself. */
import { probeAudio } from '@prosodia/audio';
import { DataError, type GivenFile, messageOf } from '@prosodia/core';
import type { PredictResult } from '@prosodia/runner';
import type { Job, JobResult, Outcome, ThreadData } from './messages.ts';
import type { OpenModel } from './open-model.ts';

/** Of a recording of which the predictor says nothing. */
const UNHEARD: Outcome = { refused: 'not-predicted', reason: 'no model gave a prediction for it' };

/** @throws CancelledError on `signal`; what the predictor throws */
export async function predictRecordings(
  { predictor, summarize }: OpenModel,
  { recordings, window_s, hop_s }: Job,
  limits: ThreadData['limits'],
  signal: AbortSignal,
): Promise<Omit<JobResult, 'seconds'>> {
  const outcomes = new Array<Outcome | undefined>(recordings.length).fill(undefined);
  const durations = new Map<string, number>();
  const files: GivenFile[] = [];
  for (const [i, { bytes, name, speaker }] of recordings.entries()) {
    try {
      const { frames, sampleRate } = probeAudio(bytes);
      const duration_s = frames / sampleRate;
      const tooLong = refusal(duration_s, window_s, hop_s, limits);
      if (tooLong !== undefined) outcomes[i] = { refused: 'too-long', reason: tooLong };
      else {
        durations.set(name, duration_s);
        files.push({ name, source: { bytes }, ...(speaker === undefined ? {} : { speaker }) });
      }
    } catch (error) {
      outcomes[i] = { refused: 'not-predicted', reason: reasonOf(error) };
    }
  }
  const heard_s = predictor.hears?.(window_s).seconds;
  if (files.length === 0) return { outcomes: outcomes.map((outcome) => outcome!), notices: [], heard_s };
  const result = await predictor.predict(files, { window_s, hop_s, threads: 1, signal });
  const found = byName(result, summarize, durations);
  return {
    outcomes: outcomes.map((outcome, i) => outcome ?? found.get(recordings[i]!.name) ?? UNHEARD),
    notices: result.notices,
    heard_s,
  };
}

function refusal(
  duration_s: number,
  window_s: number,
  hop_s: number,
  limits: ThreadData['limits'],
): string | undefined {
  if (duration_s > limits.duration_s) {
    return `it is ${duration_s.toFixed(1)} s long; at most ${limits.duration_s} s are taken`;
  }
  const windows = duration_s <= window_s ? 1 : Math.ceil((duration_s - window_s) / hop_s) + 1;
  if (windows <= limits.windows) return undefined;
  return `it would be cut into ${windows} windows, one every ${hop_s} s; at most ${limits.windows} are taken`;
}

/** An error of the data without its place, which is a name that the sender does not know. */
function reasonOf(error: unknown): string {
  if (!(error instanceof DataError)) return messageOf(error);
  const { problem, expected, got } = error.parts;
  const more = [expected === undefined ? [] : `expected ${expected}`, got === undefined ? [] : `got ${got}`].flat();
  return [problem, ...more].join('; ');
}

function byName(
  { labels, predictions, left_out, refused }: PredictResult,
  summarize: OpenModel['summarize'],
  durations: ReadonlyMap<string, number>,
): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const { file, reason } of refused) outcomes.set(file, { refused: 'not-predicted', reason });
  for (const { file, ...summary } of summarize(labels, predictions)) {
    const own = <T extends { file: string }>(rows: readonly T[]) =>
      rows.filter((row) => row.file === file).map(({ file: _, ...row }) => row);
    outcomes.set(file, {
      duration_s: durations.get(file)!,
      ...summary,
      predictions: own(predictions),
      left_out: own(left_out),
    });
  }
  return outcomes;
}
