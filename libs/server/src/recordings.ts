/** The recordings of a request, out of a raw or a multipart body. */
import type { FastifyRequest } from 'fastify';
import type { Limits } from './limits.ts';
import { Problem } from './problem.ts';

export interface SentRecording {
  /** As it was sent; only ever sent back. */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface SentBody {
  recordings: SentRecording[];
  /** Fields of a form beside the recordings. */
  fields: Record<string, string>;
}

const NAME_LENGTH = 255;

/** @throws Problem for a body without a recording; errors of the multipart parser, which {@link problemOf} knows */
export async function readBody(request: FastifyRequest, limits: Limits, most: number): Promise<SentBody> {
  const body = request.isMultipart() ? await readForm(request, limits, most) : readRaw(request.body);
  if (body.recordings.length > 0) return body;
  throw new Problem('no-recording', 'the request brings no recording', {
    fix: 'send a WAV or FLAC file as the body, or as the field file of a multipart form',
  });
}

function readRaw(body: unknown): SentBody {
  if (!Buffer.isBuffer(body) || body.length === 0) return { recordings: [], fields: {} };
  return { recordings: [{ name: '', bytes: own([body]) }], fields: {} };
}

async function readForm(request: FastifyRequest, limits: Limits, most: number): Promise<SentBody> {
  const recordings: SentRecording[] = [];
  const fields = new Map<string, string>();
  let size = 0;
  const parts = request.parts({
    limits: {
      files: most,
      fileSize: limits.body_bytes,
      fields: 20,
      fieldNameSize: 100,
      fieldSize: 1000,
      headerPairs: 20,
    },
  });
  for await (const part of parts) {
    if (part.type === 'field') {
      if (part.fieldnameTruncated || part.valueTruncated) {
        throw new Problem('invalid-parameter', 'a field of the form is too long');
      }
      fields.set(part.fieldname, String(part.value));
      continue;
    }
    if (part.fieldname !== 'file') {
      throw new Problem('invalid-parameter', `the form has a file in the field ${JSON.stringify(part.fieldname)}`, {
        fix: 'send recordings in the field file',
      });
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.file as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > limits.body_bytes) throw tooLarge(limits);
      chunks.push(chunk);
    }
    if (part.file.truncated) throw tooLarge(limits);
    recordings.push({ name: part.filename.slice(0, NAME_LENGTH), bytes: own(chunks) });
  }
  return { recordings, fields: Object.fromEntries(fields) };
}

export function tooLarge({ body_bytes }: Limits): Problem {
  return new Problem('too-large', `a request may have ${body_bytes} bytes`, {
    fix: 'send a shorter recording, or FLAC in place of WAV',
    headers: { connection: 'close' },
  });
}

/** The bytes in memory of their own, which can be handed to a thread. */
function own(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
