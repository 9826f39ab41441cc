/** The server's API, as this page uses it. */
import type { BatchReply, Model, ModelsReply, PredictReply } from '../src/schemas.ts';
import type { ProblemDetails } from '../src/problem.ts';

export type { BatchReply, Model, ModelsReply, PredictReply };

/** Prediction of one recording; that of a model in the page has the same form. */
export type Prediction = PredictReply['result'];

/** A refusal, in the words of the server. */
export class ApiError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

let token: string | undefined;

/** Kept in memory only. */
export function useToken(given: string): void {
  token = given;
}

/** Subprotocols of a WebSocket; a browser can send a token in no other way. */
export function protocols(): string[] {
  return ['prosodia.v1', ...(token === undefined ? [] : [`bearer.${token}`])];
}

/** @throws ApiError for every answer but success; DOMException on `signal` */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('the server does not answer', 0);
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  const { detail = `the server answered ${response.status}`, fix } = problem;
  throw new ApiError(fix === undefined ? detail : `${detail} (${fix})`, response.status);
}

export async function fetchModels(): Promise<ModelsReply> {
  return (await (await request('/v1/models')).json()) as ModelsReply;
}
