/** Server-sent events, read with a token, which `EventSource` cannot send. */

import { send } from './call-api.js';

/** The server writes at least every 15 s; a connection that is silent for longer is dead. */
const SILENCE_MS = 40_000;

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

interface EventReader {
  readonly gone: AbortSignal;
  readonly take: (event: ServerEvent) => void;
  /** With the id of each block that has one, also of one without an event. */
  readonly remember?: (id: string) => void;
  /** Called once the server has let the page in. */
  readonly opened?: () => void;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Until the server closes the connection. Comments count as signs of life. @param path whole, from `/` @throws ApiError */
export async function readEvents(
  path: string,
  { gone, take, remember, opened, headers }: EventReader,
): Promise<void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([gone, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const { body } = await send(path, {
      signal,
      headers: { Accept: 'text/event-stream', ...headers },
    });
    if (body === null) return;
    opened?.();
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const blocks = `${rest}${part.value}`.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const { event, id } = readBlock(block);
        if (event !== null) take(event);
        if (id !== null) remember?.(id);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** event: null of a comment. */
function readBlock(block: string): { event: ServerEvent | null; id: string | null } {
  const lines = block.split(/\r?\n/);
  const valuesOf = (field: string): string[] =>
    lines.flatMap((line) =>
      line.startsWith(`${field}:`) ? [line.slice(field.length + 1).trimStart()] : [],
    );
  const data = valuesOf('data');
  const name = valuesOf('event').at(-1) ?? 'message';
  return {
    event: data.length === 0 ? null : { event: name, data: JSON.parse(data.join('\n')) as unknown },
    id: valuesOf('id').at(-1) ?? null,
  };
}
