/**
 * One WebSocket stream: samples in, a smoothed estimate every half second out.
 *
 * An estimate hears the last seconds. If predicting is slower than speaking, estimates are skipped, never queued: at
 * most one prediction of a stream is under way. A client may be ahead of real time by a few seconds and no more.
 */
import { encodeWav } from '@prosodia/audio';
import { mostProbable } from '@prosodia/runner';
import type { WebSocket } from 'ws';
import { byLabel } from './replies.ts';
import type { Job, JobResult } from './messages.ts';
import type { Limits } from './limits.ts';
import type { ServedModel } from './models.ts';
import { Problem } from './problem.ts';
import type { StreamReply, StreamStart } from './schemas.ts';

/** From one estimate to the next, in seconds of audio. */
const EVERY_S = 0.5;

/** What a stream needs of the server. */
export interface StreamMeans {
  limits: Limits;
  /** Throws a Problem for a message that is no valid start; defaults are filled in. */
  start(message: unknown): StreamStart & Required<Omit<StreamStart, 'model'>>;
  /** Throws a Problem if there is no such model. */
  model(id: string | undefined): ServedModel;
  /** Throws a Problem if there is no result. */
  predict(model: ServedModel, job: Omit<Job, 'model'>, signal: AbortSignal): Promise<JobResult>;
}

/** Codes that a stream is closed with, RFC 6455 section 7.4.1. */
export const CLOSE = { goingAway: 1001, invalid: 1007, refused: 1008, failed: 1011, later: 1013 } as const;

export class Stream {
  readonly #socket: WebSocket;
  readonly #means: StreamMeans;
  readonly #stop = new AbortController();
  #idle: NodeJS.Timeout | undefined;
  #started: { settings: ReturnType<StreamMeans['start']>; model: ServedModel; at: number } | undefined;
  /** The last samples, at most a window of them. */
  #tail = new Float32Array(0);
  /** Samples received so far. */
  #received = 0;
  /** Samples at which the next estimate is due. */
  #due = 0;
  #busy = false;
  #smoothed: { probabilities: number[]; at: number } | undefined;

  constructor(socket: WebSocket, means: StreamMeans) {
    this.#socket = socket;
    this.#means = means;
    this.#wait();
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      try {
        this.#onMessage(data, isBinary);
      } catch (error) {
        this.#fail(error);
      }
    });
    // A frame that breaks the protocol: ws closes the connection with the right code.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(this.#idle);
      this.#stop.abort();
    });
  }

  /** Tells a problem, and ends the stream. */
  close(problem: Problem, code: number): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    clearTimeout(this.#idle);
    this.#say({ type: 'problem', problem: problem.details() });
    this.#socket.close(code, problem.problem);
    // A peer that does not answer the closing handshake is cut off.
    setTimeout(() => this.#socket.terminate(), 2000).unref();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#stop.signal.aborted) return;
    this.#wait();
    if (this.#started) {
      if (!isBinary) throw invalid('every message after the first one is binary');
      return this.#take(data);
    }
    if (isBinary) throw invalid('the first message is JSON: {"sample_rate": 16000, "format": "s16le"}');
    let message: unknown;
    try {
      message = JSON.parse(data.toString('utf8'));
    } catch {
      throw invalid('the first message is not JSON');
    }
    const asked = this.#means.start(message);
    const model = this.#means.model(asked.model);
    const settings = { ...asked, window_s: Math.min(asked.window_s, model.stream_s) };
    this.#started = { settings, model, at: performance.now() };
    this.#due = Math.round(EVERY_S * settings.sample_rate);
    this.#say({
      type: 'ready',
      model: model.id,
      labels: model.labels,
      calibrated: model.calibrated,
      window_s: settings.window_s,
      every_s: EVERY_S,
      threshold: settings.threshold,
    });
  }

  #take(data: Buffer): void {
    const { settings, at } = this.#started!;
    const samples = samplesOf(data, settings.format);
    const { sample_rate, window_s } = settings;
    this.#received += samples.length;
    const { ahead_s } = this.#means.limits;
    if (this.#received / sample_rate > (performance.now() - at) / 1000 + ahead_s) {
      throw new Problem('too-fast', `the audio is more than ${ahead_s} s ahead of real time`, {
        fix: 'send audio as fast as it is spoken; POST /v1/predict takes whole recordings',
      });
    }
    this.#tail = last(this.#tail, samples, Math.round(window_s * sample_rate));
    if (this.#received >= this.#due && !this.#busy) void this.#estimate();
  }

  /** Estimates until no estimate is due, each on the newest samples. */
  async #estimate(): Promise<void> {
    this.#busy = true;
    try {
      const { settings, model } = this.#started!;
      const { sample_rate, window_s } = settings;
      const step = Math.round(EVERY_S * sample_rate);
      while (this.#received >= this.#due && !this.#stop.signal.aborted) {
        this.#due = (Math.floor(this.#received / step) + 1) * step;
        const end_s = this.#received / sample_rate;
        const start_s = (this.#received - this.#tail.length) / sample_rate;
        const wav = encodeWav([this.#tail], sample_rate, { format: 'float32' });
        // One piece: a window that no rounding can make shorter than what is heard.
        const recording = { name: 'the recording', bytes: new Uint8Array(wav) };
        const job = { recordings: [recording], window_s: 2 * window_s, hop_s: window_s };
        const { outcomes } = await this.#means.predict(model, job, this.#stop.signal);
        const [outcome] = outcomes;
        if (this.#stop.signal.aborted) return;
        if ('refused' in outcome!) this.#say({ type: 'silent', start_s, end_s, reason: outcome.reason });
        else this.#tell(start_s, end_s, outcome!.probabilities);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy = false;
    }
  }

  #tell(start_s: number, end_s: number, window: number[]): void {
    const { settings, model } = this.#started!;
    const { smoothing_s, threshold } = settings;
    const before = this.#smoothed;
    // Exponential smoothing for steps of any length: what is older than the time constant counts for 1 / e.
    const weight = before && smoothing_s > 0 ? 1 - Math.exp(-(end_s - before.at) / smoothing_s) : 1;
    const probabilities = window.map((p, c) =>
      before ? before.probabilities[c]! + weight * (p - before.probabilities[c]!) : p,
    );
    this.#smoothed = { probabilities, at: end_s };
    const best = mostProbable(probabilities);
    const probability = probabilities[best]!;
    this.#say({
      type: 'estimate',
      start_s,
      end_s,
      label: model.labels[best]!,
      probability,
      uncertain: probability < threshold,
      probabilities: byLabel(model.labels, probabilities),
      window: byLabel(model.labels, window),
    });
  }

  #fail(error: unknown): void {
    if (error instanceof Problem) {
      const { status, problem } = error;
      const code = problem === 'bad-message' ? CLOSE.invalid : status < 500 ? CLOSE.refused : CLOSE.failed;
      this.close(error, problem === 'stopping' ? CLOSE.goingAway : code);
    } else this.close(new Problem('internal', 'the stream has failed', { cause: error }), CLOSE.failed);
  }

  /** Ends the stream if nothing comes for a while. */
  #wait(): void {
    clearTimeout(this.#idle);
    const { idle_s } = this.#means.limits;
    this.#idle = setTimeout(() => {
      this.close(new Problem('idle', `nothing came for ${idle_s} s`, { fix: 'open the stream again' }), CLOSE.refused);
    }, idle_s * 1000);
    this.#idle.unref();
  }

  #say(message: StreamReply): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

function invalid(detail: string): Problem {
  return new Problem('bad-message', detail);
}

/** @throws Problem for bytes that are no samples */
function samplesOf(data: Buffer, format: StreamStart['format']): Float32Array {
  const size = format === 's16le' ? 2 : 4;
  if (data.length % size !== 0) throw invalid(`a binary message holds whole samples of ${size} bytes`);
  const samples = new Float32Array(data.length / size);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = format === 's16le' ? data.readInt16LE(i * 2) / 32768 : data.readFloatLE(i * 4);
  }
  if (!samples.every(Number.isFinite)) throw invalid('a sample is not a finite number');
  return samples;
}

/** The last `length` of what was and what is new. */
function last(before: Float32Array, samples: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const kept = Math.max(0, Math.min(before.length, length - samples.length));
  const all = new Float32Array(kept + Math.min(samples.length, length));
  all.set(before.subarray(before.length - kept));
  all.set(samples.subarray(Math.max(0, samples.length - length)), kept);
  return all;
}
