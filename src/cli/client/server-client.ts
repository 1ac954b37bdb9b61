/** The HTTP API as the command uses it. Every failure becomes a BackupError, so that the exit code follows from its kind. */

import { readFile } from 'node:fs/promises';
import { BackupError, isErrorCode } from '../../domain/errors.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { BrowsePage } from '../../domain/targets/repository-view.js';

const BASE_PATH = '/api/v1';

export interface ServerOptions {
  /** `http://host:port`. */
  readonly server: string;
  readonly tokenFile?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

interface ServerEvent {
  /** null: it has none. */
  readonly id: string | null;
  /** null: an id alone, which is where to take it up again. */
  readonly event: string | null;
  readonly data: unknown;
}

export class ServerClient {
  readonly #server: string;
  readonly #tokenFile: string | undefined;

  constructor({ server, tokenFile }: ServerOptions) {
    this.#server = server;
    this.#tokenFile = tokenFile;
  }

  /** The answer's body. @throws the server's error code, SERVER_UNREACHABLE, UNAUTHORIZED */
  async request<Content>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Content> {
    const response = await this.#fetch(path, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 204) return undefined as Content;
    try {
      return (await response.json()) as Content;
    } catch (cause) {
      throw this.#notUnderstood('the answer is no whole JSON', cause);
    }
  }

  /** Every item of a list, page after page. */
  async all<Item>(path: string): Promise<Item[]> {
    return (await this.browse<Item>(path)).items;
  }

  /** The same of what lies in a repository, with what could not be read there, named once whatever pages name it. */
  async browse<Item>(path: string): Promise<{ items: Item[]; unreadable: UnreadablePart[] }> {
    const items: Item[] = [];
    const unreadable = new Map<string, UnreadablePart>();
    let cursor: string | undefined;
    do {
      const separator = path.includes('?') ? '&' : '?';
      const next = cursor === undefined ? '' : `${separator}cursor=${encodeURIComponent(cursor)}`;
      const page: BrowsePage<Item> | null = await this.request('GET', `${path}${next}`);
      if (page === null || !Array.isArray(page.items))
        throw this.#notUnderstood('the answer is no list');
      items.push(...(page.items as readonly Item[]));
      for (const part of page.unreadable ?? []) unreadable.set(part.path, part);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return { items, unreadable: [...unreadable.values()] };
  }

  /** Server-sent events until the server closes the connection. */
  async *events(path: string): AsyncGenerator<ServerEvent, void> {
    const response = await this.#fetch(path, { headers: { Accept: 'text/event-stream' } });
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        yield* blocks.flatMap(parseEvent);
      }
    } catch (cause) {
      if (cause instanceof SyntaxError)
        throw this.#notUnderstood('an event is no whole JSON', cause);
      throw this.#unreachable(cause);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const token = await this.#token();
    if (token !== null) headers.set('Authorization', authorizationOf(token));
    const address = addressOf(this.#server, path);
    let response: Response;
    try {
      response = await fetch(address, { ...init, headers });
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    if (response.ok) return response;
    throw (
      (await errorOf(response)) ??
      this.#notUnderstood(`it answers ${response.status} ${response.statusText}`)
    );
  }

  #notUnderstood(what: string, cause?: unknown): BackupError {
    const message = `${this.#server} does not answer as a Longhaul server: ${what}`;
    return new BackupError('SERVER_ANSWER_UNKNOWN', message, { cause });
  }

  async #token(): Promise<string | null> {
    if (this.#tokenFile === undefined) return null;
    try {
      return (await readFile(this.#tokenFile, 'utf8')).trim();
    } catch (cause) {
      throw new BackupError('UNAUTHORIZED', `the token file ${this.#tokenFile} cannot be read`, {
        cause,
      });
    }
  }

  #unreachable(cause: unknown): BackupError {
    return new BackupError('SERVER_UNREACHABLE', `no answer from ${this.#server}`, { cause });
  }
}

/** An error of the server that this command has no code for: a bug there, or a newer server. Its words are shown, and no stack. */
export class ServerError extends Error {
  override readonly name = 'ServerError';

  constructor(
    readonly code: string,
    readonly detail: string,
    hint: string,
  ) {
    super([`${code}: ${detail}`, hint].join('\n').trim());
  }
}

/** @throws REQUEST_INVALID */
function addressOf(server: string, path: string): URL {
  const address = URL.canParse(server) ? new URL(server) : null;
  if (address !== null && /^https?:$/.test(address.protocol))
    return new URL(`${BASE_PATH}${path}`, address);
  throw new BackupError('REQUEST_INVALID', `the server address "${server}" is none`, {
    hint: 'Give --server or LONGHAUL_SERVER as http://host:port or https://host:port, such as http://127.0.0.1:8420.',
  });
}

/** What may not stand in a header would be reported as a fault of the program.
 *  @throws UNAUTHORIZED */
function authorizationOf(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  const fault = token === '' ? 'is empty' : 'holds more than one word of ASCII characters';
  throw new BackupError('UNAUTHORIZED', `the token file ${fault}`);
}

/** null: not an answer of Longhaul. */
async function errorOf(response: Response): Promise<Error | null> {
  const problem: unknown = await response.json().catch(() => null);
  if (typeof problem === 'object' && problem !== null && 'code' in problem) {
    const { code } = problem;
    // Others number their errors: Temporal's interface, at the next port, answers `5`.
    if (typeof code !== 'string' || !/^[A-Z][A-Z_]+$/.test(code)) return null;
    const detail = 'detail' in problem ? String(problem.detail) : response.statusText;
    const hint: { hint?: string } = 'hint' in problem ? { hint: String(problem.hint) } : {};
    if (isErrorCode(code)) return new BackupError(code, detail, hint);
    return new ServerError(code, detail, hint.hint ?? '');
  }
  return null;
}

function parseEvent(block: string): ServerEvent[] {
  const fields = new Map(
    block.split('\n').map((line) => {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      return [name, value];
    }),
  );
  const event = fields.get('event');
  const data = fields.get('data');
  const id = fields.get('id') ?? null;
  if (event !== undefined && data !== undefined)
    return [{ id, event, data: JSON.parse(data) as unknown }];
  return id === null ? [] : [{ id, event: null, data: null }];
}
