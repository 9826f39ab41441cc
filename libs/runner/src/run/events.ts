/** What happens during a run, for whoever shows it. Each event is plain JSON. */

export type Status = 'computed' | 'cached' | 'failed' | 'cancelled' | 'skipped';

export type RunEvent =
  /** `pending`: instances, or whole stages, that are planned when more is known. */
  | { event: 'plan'; pipeline: string; title: string; stages: string[]; pending: string[] }
  /** More is known: instances that are new, and what is still pending. */
  | { event: 'grown'; stages: string[]; pending: string[] }
  /** A search has its winner; `value` is that of the metric. */
  | { event: 'choice'; choice: string; winner: string; metric: string; value: number; trials: number }
  | { event: 'prepare'; stage: string; message: string }
  | { event: 'start'; stage: string; uses: string; reason: string; threads: number }
  | { event: 'wait'; stage: string; owner: string }
  | { event: 'progress'; stage: string; done: number; total: number | null; unit: string }
  | { event: 'notice'; stage: string; message: string }
  /** The shared cache is not, or no longer, what it should be; the run goes on. */
  | { event: 'remote'; message: string }
  /** A line that the stage's process printed. */
  | { event: 'output'; stage: string; text: string }
  | { event: 'stage'; stage: string; status: Status; seconds: number; reason: string; bytes: number; message?: string }
  | { event: 'summary'; stage: string; text: string }
  | {
      event: 'run';
      ok: boolean;
      computed: number;
      cached: number;
      seconds: number;
      /** Folder of the run. */
      run: string;
      /** Set if the run did not finish: the stage that failed, `interrupted`, or `record` if it could not be written. */
      stopped?: string;
    };

export type OnEvent = (event: RunEvent) => void;
