/** Refusals and failures as RFC 9457 problem details: what is wrong, and what to do about it. */
import { STATUS_CODES } from 'node:http';

/** Media type of every body that tells a problem. */
export const PROBLEM_TYPE = 'application/problem+json';

/** Every problem the server tells, with its status. `type` in a body is `urn:prosodia:problem:<name>`. */
export const PROBLEMS = {
  'bad-request': [400, 'The request cannot be understood'],
  'invalid-parameter': [400, 'A parameter is wrong'],
  'bad-multipart': [400, 'The multipart body is malformed'],
  'no-recording': [400, 'There is no recording in the request'],
  unauthorized: [401, 'The token is missing or wrong'],
  'other-origin': [403, 'Pages of other origins may not use this server'],
  'not-found': [404, 'There is nothing at this path'],
  'no-such-model': [404, 'No such model is served'],
  'method-not-allowed': [405, 'This path knows other methods'],
  'too-slow': [408, 'The request took too long to arrive'],
  'too-large': [413, 'The request is too large'],
  'too-many-files': [413, 'The request has too many parts'],
  'unsupported-media-type': [415, 'The body is of a type that is not taken'],
  'not-predicted': [422, 'Nothing can be predicted from the recording'],
  'too-long': [422, 'The recording is too long'],
  'upgrade-required': [426, 'This path speaks WebSocket'],
  'bad-message': [400, 'The message of a stream cannot be understood'],
  idle: [408, 'The stream was idle for too long'],
  'too-fast': [429, 'The stream is faster than real time'],
  'too-busy': [429, 'The server has as much to do as it takes on'],
  'headers-too-large': [431, 'The headers are too large'],
  internal: [500, 'The server failed'],
  'thread-died': [500, 'The thread that predicted this request has died'],
  stopping: [503, 'The server is stopping'],
  'timed-out': [504, 'The prediction took too long'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemName = keyof typeof PROBLEMS;

/** The body of a problem. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** What to do about it. */
  fix?: string;
  /** Id of the request, as in the log. */
  instance?: string;
}

/** Thrown anywhere in a request; the server answers with it. */
export class Problem extends Error {
  readonly problem: ProblemName;
  readonly fix: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    problem: ProblemName,
    detail: string,
    { fix, headers = {}, cause }: { fix?: string; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause });
    this.name = 'Problem';
    this.problem = problem;
    this.fix = fix;
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.problem][0];
  }

  details(instance?: string): ProblemDetails {
    const [status, title] = PROBLEMS[this.problem];
    return {
      type: `urn:prosodia:problem:${this.problem}`,
      title,
      status,
      detail: this.message,
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      ...(instance === undefined ? {} : { instance: `urn:prosodia:request:${instance}` }),
    };
  }
}

/** The whole HTTP answer, for a connection on which no request could be read. */
export function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem.details());
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]!}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
