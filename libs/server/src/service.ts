/** What the routes share: the models, the pool, how much is going on, and whether the server is stopping. */
import type { ServerResponse } from 'node:http';
import type { Limits } from './limits.ts';
import type { Job, JobResult } from './messages.ts';
import type { ServedModel } from './models.ts';
import type { OneFiles } from './one-files.ts';
import { JobFailure, type Pool } from './pool.ts';
import { Problem } from './problem.ts';
import type { Stream } from './stream.ts';

/** How fast the mean time of a job follows the last ones. */
const FOLLOW = 0.1;

export class Service {
  readonly pool: Pool;
  readonly models: readonly ServedModel[];
  readonly oneFiles: OneFiles;
  readonly limits: Limits;
  readonly streams = new Set<Stream>();
  onPrediction: (model: ServedModel, seconds: number, audio_s: number) => void = () => undefined;
  #stopping = false;
  /** Requests that predict or will, from their headers on. */
  #admitted = 0;
  #whenIdle: (() => void) | undefined;
  /** Mean time of a job, the last ones counting most. */
  #mean_s = 0.5;

  constructor(pool: Pool, models: readonly ServedModel[], oneFiles: OneFiles, limits: Limits) {
    this.pool = pool;
    this.models = models;
    this.oneFiles = oneFiles;
    this.limits = limits;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * Takes a request on until its answer is sent, or its sender gone.
   * @throws Problem if there are too many, or the server is stopping
   */
  admit(response: ServerResponse): void {
    if (this.#stopping) throw stopping();
    if (this.#admitted >= this.limits.threads + this.limits.queue) throw this.busy('requests wait');
    this.#admitted++;
    response.once('close', () => {
      this.#admitted--;
      if (this.#admitted === 0) this.#whenIdle?.();
    });
  }

  /** Too much is going on; come again when that is done. */
  busy(what: string): Problem {
    const wait = (this.#admitted * this.#mean_s) / this.limits.threads;
    return new Problem('too-busy', `as many ${what} as the server takes on`, {
      fix: 'send it again after Retry-After seconds, or start the server with more threads',
      headers: { 'retry-after': String(Math.max(1, Math.ceil(wait))) },
    });
  }

  /** @throws Problem if there is no result */
  async predict(model: ServedModel, job: Omit<Job, 'model'>, signal: AbortSignal): Promise<JobResult> {
    const timeout_ms = this.limits.answer_s * 1000;
    try {
      const result = await this.pool.submit({ ...job, model: model.index }, { timeout_ms, signal });
      this.#mean_s += FOLLOW * (result.seconds - this.#mean_s);
      const audio_s = result.outcomes.reduce((sum, own) => sum + ('refused' in own ? 0 : own.duration_s), 0);
      this.onPrediction(model, result.seconds, audio_s);
      return result;
    } catch (error) {
      throw error instanceof JobFailure ? failed(error) : error;
    }
  }

  /** The same on several threads at a time, if every recording has a speaker of its own. Throws as {@link predict}. */
  async predictApart(model: ServedModel, job: Omit<Job, 'model'>, signal: AbortSignal): Promise<JobResult> {
    const { recordings } = job;
    const apart = new Set(recordings.map(({ speaker }) => speaker)).size === recordings.length;
    const length = apart ? Math.ceil(recordings.length / this.limits.threads) : recordings.length;
    const jobs: Omit<Job, 'model'>[] = [];
    for (let from = 0; from < recordings.length; from += length) {
      jobs.push({ ...job, recordings: recordings.slice(from, from + length) });
    }
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      const results = await Promise.all(jobs.map((own) => this.predict(model, own, either)));
      return {
        outcomes: results.flatMap(({ outcomes }) => outcomes),
        notices: [...new Set(results.flatMap(({ notices }) => notices))],
        heard_s: results[0]?.heard_s,
        seconds: Math.max(...results.map(({ seconds }) => seconds)),
      };
    } finally {
      // What is left when one part has failed.
      stop.abort();
    }
  }

  /** Takes no more, ends the streams, and waits for the requests in flight as long as the limit says. */
  async drain(problem: Problem, code: number): Promise<void> {
    this.#stopping = true;
    for (const stream of this.streams) stream.close(problem, code);
    if (this.#admitted === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.limits.shutdown_s * 1000);
      this.#whenIdle = () => (clearTimeout(timer), resolve());
    });
  }
}

function stopping(): Problem {
  return new Problem('stopping', 'the server is stopping', { fix: 'ask again when it is back' });
}

function failed(failure: JobFailure): Problem {
  const { reason, message, cause } = failure;
  switch (reason) {
    case 'timed-out':
      return new Problem('timed-out', message, { fix: 'send shorter recordings, or fewer at a time' });
    case 'died':
      return new Problem('thread-died', 'the thread that predicted the request has died', {
        fix: 'others are not affected; if the same recording does it again, it is a bug worth reporting',
        cause: failure,
      });
    case 'closed':
      return stopping();
    case 'cancelled':
    case 'failed':
      return new Problem('internal', 'the prediction failed', {
        fix: 'the log of the server says why',
        cause: cause ?? failure,
      });
  }
}
