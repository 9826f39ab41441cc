/**
 * A training between two epochs, as bytes, to go on from later.
 *
 * Everything random is a function of seed, epoch and step, so weights, moments and counters are all
 * there is to keep, and a resumed training gives the same bytes as one that was never interrupted.
 * Bytes that are damaged, or of another version or training, are refused: going on from them would give
 * a result that nobody asked for.
 *
 * Format: magic, version (uint32), SHA-256 of all that follows, length of the header (uint32), header
 * (JSON), then the vectors (float32). Numbers are little-endian.
 */
import { RequestError } from '@prosodia/core';
import { createHash } from 'node:crypto';
import type { CallbackState, HistoryRow } from './callbacks.ts';
import type { TrainingState } from './training-step.ts';

export interface Checkpoint {
  /** Describes the request; only the same one can go on. */
  readonly request: string;
  readonly history: readonly HistoryRow[];
  readonly callbacks: CallbackState;
  readonly state: TrainingState;
  /** Weights and statistics of the best epoch, where they are to be restored. */
  readonly best: Pick<TrainingState, 'parameters' | 'statistics'> | undefined;
}

/** A training cannot go on from these bytes; it can start from the beginning. */
export class CheckpointError extends RequestError {}

interface Header extends Pick<Checkpoint, 'request' | 'history' | 'callbacks'> {
  readonly step: number;
  readonly parameters: number;
  readonly statistics: number;
  readonly slots: number;
  readonly best: boolean;
}

const MAGIC = new TextEncoder().encode('prosodia checkpoint\n');
const VERSION = 1;
const DIGEST_AT = MAGIC.length + 4;
const DIGEST_BYTES = 32;
const CONTENT_AT = DIGEST_AT + DIGEST_BYTES;

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
  const size = vectors.reduce((total, { byteLength }) => total + byteLength, CONTENT_AT + 4 + text.length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(CONTENT_AT, text.length, true);
  bytes.set(text, CONTENT_AT + 4);
  let at = CONTENT_AT + 4 + text.length;
  for (const { buffer, byteOffset, byteLength } of vectors) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  bytes.set(digestOf(bytes), DIGEST_AT);
  return bytes;
}

/** Throws a CheckpointError if the bytes are no whole checkpoint, or one of another training than `request`. */
export function decodeCheckpoint(bytes: Uint8Array, request: string): Checkpoint {
  const { header, body } = readHeader(bytes);
  if (header.request !== request) {
    throw new CheckpointError({
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

/** Nothing is read before the digest is found right, so what is read can be trusted. */
function readHeader(bytes: Uint8Array): { header: Header; body: Uint8Array } {
  if (bytes.length < CONTENT_AT + 4 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw broken('a checkpoint', `${bytes.length} bytes of something else`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) throw broken(`version ${VERSION}`, `version ${version}`);
  const digest = digestOf(bytes);
  if (digest.some((byte, i) => bytes[DIGEST_AT + i] !== byte)) {
    throw broken('content that fits its SHA-256', `${bytes.length} bytes that do not: it is cut off or damaged`);
  }
  const length = view.getUint32(CONTENT_AT, true);
  const start = CONTENT_AT + 4;
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(start, start + length))) as Header;
  return { header, body: bytes.subarray(start + length) };
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes.subarray(CONTENT_AT)).digest();
}

function broken(expected: string, got: string): CheckpointError {
  return new CheckpointError({
    problem: 'the bytes are no whole checkpoint',
    expected,
    got,
    fix: 'start without it',
  });
}
