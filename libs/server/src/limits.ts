/**
 * What the server takes at most, so that no client can take it from the others.
 *
 * Each limit has a refusal of its own, tells the limit in it, and is shown by `GET /v1/models`.
 */
import { availableParallelism } from 'node:os';

export interface Limits {
  /** Bytes of a request's body; more is answered 413. */
  body_bytes: number;
  /** Seconds of audio in one recording; a longer one is answered 422. */
  duration_s: number;
  /** Windows that one recording is cut into; more is answered 422. */
  windows: number;
  /** Recordings in one batch; more is answered 413. */
  files: number;
  /** Bytes of a request's line and headers together; more is answered 431. */
  header_bytes: number;
  /** Seconds within which a request has to have arrived; a slower one is answered 408. */
  arrival_s: number;
  /** Threads that predict. */
  threads: number;
  /** Requests that may wait for a thread; one more is answered 429. */
  queue: number;
  /** Seconds from when a request has arrived whole to its answer; what takes longer is answered 504. */
  answer_s: number;
  /** WebSocket streams at a time; one more is closed with 1013. */
  streams: number;
  /** Bytes of one WebSocket message; a larger one is closed with 1009. */
  message_bytes: number;
  /** Seconds of audio that a stream may be ahead of real time; more is closed with 1008. */
  ahead_s: number;
  /** Seconds without a message, after which a stream is closed with 1008. */
  idle_s: number;
  /** Seconds that a stopping server waits for requests in flight. */
  shutdown_s: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  body_bytes: 32 * 2 ** 20,
  duration_s: 300,
  windows: 1000,
  files: 32,
  header_bytes: 16 * 2 ** 10,
  arrival_s: 30,
  threads: availableParallelism(),
  queue: 16,
  answer_s: 30,
  streams: 8,
  message_bytes: 2 ** 20,
  ahead_s: 10,
  idle_s: 30,
  shutdown_s: 10,
};
