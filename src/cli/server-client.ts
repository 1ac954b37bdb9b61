/** The HTTP API as the command uses it. Every failure becomes a BackupError, so that the exit code follows from its kind. */

import { readFile } from 'node:fs/promises';
import { BackupError, isErrorCode } from '../domain/errors.js';

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

export interface ServerEvent {
  readonly event: string;
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
    return (response.status === 204 ? undefined : await response.json()) as Content;
  }

  /** Every item of a list, page after page. */
  async all<Item>(path: string): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: string | undefined;
    do {
      const separator = path.includes('?') ? '&' : '?';
      const next = cursor === undefined ? '' : `${separator}cursor=${encodeURIComponent(cursor)}`;
      const page: Page<Item> = await this.request('GET', `${path}${next}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
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
      throw this.#unreachable(cause);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const token = await this.#token();
    if (token !== null) headers.set('Authorization', `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(new URL(`${BASE_PATH}${path}`, this.#server), { ...init, headers });
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    if (!response.ok) throw await errorOf(response);
    return response;
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

async function errorOf(response: Response): Promise<Error> {
  const problem: unknown = await response.json().catch(() => null);
  if (typeof problem === 'object' && problem !== null && 'code' in problem) {
    const { code } = problem;
    const detail = 'detail' in problem ? String(problem.detail) : response.statusText;
    const hint = 'hint' in problem ? { hint: String(problem.hint) } : {};
    if (isErrorCode(code)) return new BackupError(code, detail, hint);
    return new Error(`${String(code)}: ${detail}`);
  }
  return new Error(`the server answered ${response.status} ${response.statusText}`);
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
  return event === undefined || data === undefined
    ? []
    : [{ event, data: JSON.parse(data) as unknown }];
}
