/** Calls of the HTTP API. The page uses nothing else of the server. */

import type { Problem } from '../../api/problem.js';
import { answered, unanswered } from './connection.js';
import { currentToken, tokenRefused } from './token.js';

export const BASE_PATH = '/api/v1';

/** An answer that is no success, or none at all (`SERVER_UNREACHABLE`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number | null;

  constructor(
    message: string,
    { code, status }: Pick<ApiError, 'code' | 'status'>,
    readonly hint: string,
    /** Of each field that was refused. */
    readonly fields: readonly { readonly path: string; readonly message: string }[] = [],
  ) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export type Changing = 'POST' | 'PUT' | 'DELETE';

interface Call {
  readonly method?: 'GET' | Changing;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Statuses besides those of success that carry an answer. */
  readonly accepts?: readonly number[];
}

/** What is there. @throws ApiError */
export function readApi<Content>(path: string, signal?: AbortSignal): Promise<Content> {
  return callApi(path, { signal });
}

/** A question that is too long for an address; it changes nothing. @throws ApiError */
export function askApi<Content>(path: string, body: object): Promise<Content> {
  return callApi(path, { method: 'POST', body });
}

/** A change: pages make one through `useAction` alone, which asks before whether it would be refused. @throws ApiError */
export function commandApi<Content>(
  path: string,
  command: Pick<Call, 'body' | 'headers'> & { readonly method: Changing },
): Promise<Content> {
  return callApi(path, command);
}

async function callApi<Content>(path: string, call: Call): Promise<Content> {
  const response = await send(`${BASE_PATH}${path}`, call);
  if (response.status === 204) return undefined as Content;
  return (await jsonOf(response)) as Content;
}

/** The response of a success, not read yet. @param path whole, from `/` @throws ApiError */
export async function send(
  path: string,
  { body, accepts = [], ...call }: Call = {},
): Promise<Response> {
  const token = currentToken();
  let response: Response;
  try {
    response = await fetch(path, {
      method: call.method ?? 'GET',
      signal: call.signal ?? null,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    if (call.signal?.aborted !== true) unanswered();
    throw unreachable(cause);
  }
  answered();
  if (response.ok || accepts.includes(response.status)) return response;
  throw await problemOf(response);
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    unanswered();
    throw unreachable(cause);
  }
}

function unreachable(cause: unknown): ApiError {
  const error = new ApiError(
    'The Longhaul server does not answer.',
    { code: 'SERVER_UNREACHABLE', status: null },
    'It is asked again every few seconds. If it stays away, look at its log and start it again; running copies go on by themselves.',
  );
  error.cause = cause;
  return error;
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  // The first refusal takes away what was on the screen, and with it the calls of which the rest is still to come.
  if (response.status === 401)
    tokenRefused(problem === null ? undefined : (problem.signIn ?? null));
  return new ApiError(
    problem?.detail ?? `The server answered with status ${response.status}.`,
    { code: problem?.code ?? 'SERVER_ANSWER_UNKNOWN', status: response.status },
    problem?.hint ?? 'Look at what stands between this browser and the server.',
    (problem?.errors ?? []) as ApiError['fields'],
  );
}

/** A key with which a repeat of a command is recognised. Works without TLS, where `crypto.randomUUID` is missing. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
