/** One line per request: what was asked and how it went, never what was said or how a file is called. */

export interface RequestLine {
  id: string;
  method: string;
  /** The pattern of the route, not the path. */
  route: string;
  status: number;
  ms: number;
  /** What was refused or failed. */
  problem?: string;
}

export interface Log {
  request(line: RequestLine): void;
  /** Something that is not about one request. */
  say(message: string): void;
  /** A bug: with the stack. */
  failure(message: string, error: unknown): void;
}

/** @param json one JSON object a line rather than short text */
export function logTo(stream: { write(text: string): unknown }, json: boolean): Log {
  const line = (fields: Record<string, unknown>) =>
    void stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields })}\n`);
  if (json) {
    return {
      request: (fields) => line({ event: 'request', ...fields }),
      say: (message) => line({ event: 'notice', message }),
      failure: (message, error) => line({ event: 'failure', message, error: stackOf(error) }),
    };
  }
  return {
    request({ method, route, status, ms, problem }) {
      stream.write(`${method} ${route} ${status} ${ms.toFixed(0)} ms${problem === undefined ? '' : ` ${problem}`}\n`);
    },
    say: (message) => void stream.write(`${message}\n`),
    failure: (message, error) => void stream.write(`${message}: ${stackOf(error)}\n`),
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
