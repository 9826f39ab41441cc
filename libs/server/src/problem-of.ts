/** Errors of the framework and of HTTP itself, told as problems. */
import { nearest } from '@prosodia/core';
import type { FastifyError, FastifyRequest } from 'fastify';
import type { Limits } from './limits.ts';
import { AUDIO_TYPES, OPERATIONS, type Operation } from './operations.ts';
import { Problem } from './problem.ts';
import { tooLarge } from './recordings.ts';

export interface Violation {
  instancePath: string;
  message?: string;
  keyword: string;
  params: Record<string, unknown>;
}

/** Whatever was thrown while a request was answered. */
export function problemOf(error: unknown, limits: Limits): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation } = error as Partial<FastifyError> & { validation?: Violation[] };
  if (validation?.[0]) return violation(validation[0]);
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
      return tooLarge(limits);
    case 'FST_FILES_LIMIT':
    case 'FST_PARTS_LIMIT':
    case 'FST_FIELDS_LIMIT':
      return new Problem('too-many-files', `a form may have ${limits.files} recordings and 20 fields`, {
        fix: 'send several requests',
        headers: { connection: 'close' },
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_INVALID_MULTIPART_CONTENT_TYPE':
      return new Problem('unsupported-media-type', 'the body is of a type that is not taken', {
        fix: `send one of: ${AUDIO_TYPES.join(', ')}, multipart/form-data`,
      });
    case 'FST_MP_PREMATURE_CLOSE':
    case 'FST_PROTO_VIOLATION':
      return new Problem('bad-multipart', messageOf(error), { headers: { connection: 'close' } });
    case 'FST_ERR_BAD_URL':
      return new Problem('bad-request', 'the path is not a valid URL path');
    default:
      break;
  }
  if (isMultipartError(error))
    return new Problem('bad-multipart', messageOf(error), { headers: { connection: 'close' } });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('bad-request', messageOf(error), { headers: { connection: 'close' } });
  }
  return new Problem('internal', 'the request failed', { fix: 'the log of the server says why', cause: error });
}

/** The multipart parser throws plain errors for what it cannot parse. */
function isMultipartError(error: unknown): boolean {
  return /^(Multipart: |Unexpected end of multipart|Unexpected end of file|Malformed part header|Part terminated early)/.test(
    messageOf(error),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the first violated rule of a schema says. */
export function violation({ instancePath, message = 'it is not valid', keyword, params }: Violation): Problem {
  const name = instancePath.slice(1);
  if (keyword === 'additionalProperties') {
    const unknown = String(params['additionalProperty']);
    return new Problem('invalid-parameter', `there is no parameter ${JSON.stringify(unknown)}`, {
      fix: 'see /openapi.json for those that there are',
    });
  }
  return new Problem('invalid-parameter', name === '' ? message : `${name} ${message}`, {
    fix: 'see /openapi.json for its type, range and default',
  });
}

/** No route is at this path, or none for this method. */
export function pathProblem(request: FastifyRequest): Problem {
  const path = request.url.split('?', 1)[0]!;
  const routes = Object.values<Operation>(OPERATIONS);
  const here = routes.filter((own) => new RegExp(`^${own.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(path));
  if (here.length > 0) {
    const allow = [...new Set(here.map(({ method }) => method))].join(', ');
    return new Problem('method-not-allowed', `this path takes ${allow}`, { headers: { allow } });
  }
  const near = nearest(
    path.slice(0, 100),
    routes.map((own) => own.path),
  );
  return new Problem('not-found', 'nothing is served at this path', {
    fix: near ? `did you mean ${near}?` : 'see /openapi.json for the paths that there are',
  });
}

/** What came over a connection is no request. */
export function connectionProblem(error: NodeJS.ErrnoException, limits: Limits): Problem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', `the headers may have ${limits.header_bytes} bytes`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('too-slow', `a request has to arrive within ${limits.arrival_s} s`);
    default:
      return new Problem('bad-request', 'this is no HTTP request');
  }
}
