/**
 * A training between two epochs, as bytes, to go on from later.
 *
 * Everything random is a function of seed, epoch and step, so weights, moments and counters are all
 * there is to keep, and a resumed training gives the same bytes as one that was never interrupted.
 *
 * Format: length of the header (uint32, little-endian), header (JSON), then the vectors (float32).
 */
import { RequestError } from '@prosodia/core';
import type { CallbackState, HistoryRow } from './callbacks.ts';
import type { TrainingState } from './execution.ts';

export interface Checkpoint {
  /** Describes the request; only the same one can go on. */
  readonly request: string;
  readonly history: readonly HistoryRow[];
  readonly callbacks: CallbackState;
  readonly state: TrainingState;
  /** Weights and statistics of the best epoch, where they are to be restored. */
  readonly best: Pick<TrainingState, 'parameters' | 'statistics'> | undefined;
}

interface Header extends Pick<Checkpoint, 'request' | 'history' | 'callbacks'> {
  readonly step: number;
  readonly parameters: number;
  readonly statistics: number;
  readonly slots: number;
  readonly best: boolean;
}

export function encodeCheckpoint({ request, history, callbacks, state, best }: Checkpoint): Uint8Array {
  const header: Header = {
    request,
    history,
    callbacks,
    step: state.step,
    parameters: state.parameters.length,
    statistics: state.statistics.length,
    slots: state.slots.length,
    best: best !== undefined,
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const vectors = [state.parameters, state.statistics, ...state.slots];
  if (best) vectors.push(best.parameters, best.statistics);
  const bytes = new Uint8Array(4 + text.length + vectors.reduce((total, { byteLength }) => total + byteLength, 0));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const { buffer, byteOffset, byteLength } of vectors) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

/** Throws a RequestError if the bytes are no checkpoint, or one of another training than `request`. */
export function decodeCheckpoint(bytes: Uint8Array, request: string): Checkpoint {
  const { header, body } = readHeader(bytes);
  if (header.request !== request) {
    throw new RequestError({
      problem: 'the checkpoint is of another training',
      expected: request,
      got: header.request,
      fix: 'start without it, or with the options it was made with',
    });
  }
  let at = 0;
  const take = (length: number): Float32Array => {
    const vector = new Float32Array(length);
    new Uint8Array(vector.buffer).set(body.subarray(at, at + vector.byteLength));
    at += vector.byteLength;
    return vector;
  };
  const { parameters, statistics } = header;
  const best = header.best ? parameters + statistics : 0;
  const expected = 4 * ((1 + header.slots) * parameters + statistics + best);
  if (body.length !== expected) throw notACheckpoint(`${expected} bytes after the header`, `${body.length}`);
  return {
    request,
    history: header.history,
    callbacks: header.callbacks,
    state: {
      step: header.step,
      parameters: take(parameters),
      statistics: take(statistics),
      slots: Array.from({ length: header.slots }, () => take(parameters)),
    },
    best: header.best ? { parameters: take(parameters), statistics: take(statistics) } : undefined,
  };
}

function readHeader(bytes: Uint8Array): { header: Header; body: Uint8Array } {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
    return { header, body: bytes.subarray(4 + length) };
  } catch {
    throw notACheckpoint('a header in JSON', `${bytes.length} bytes without one`);
  }
}

function notACheckpoint(expected: string, got: string): RequestError {
  return new RequestError({ problem: 'the bytes are no whole checkpoint', expected, got, fix: 'start without it' });
}
