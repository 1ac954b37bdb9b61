/** A connection over which events are sent (HTML Living Standard, 9.2), as all of them are kept: alive, not for longer than its caller may listen, and not for
 *  somebody who takes nothing. */

import type { Request, Response } from 'express';
import type { Caller } from '../../domain/access/access.js';
import type { Logger } from '../api-dependencies.js';

/** Proxies close connections that are silent for a minute or less. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;
/** A token that was revoked since is found out when its holder comes back. */
const LONGEST_MS = 900_000;
/** Of what was sent and not taken: whoever is further behind is cut off, and takes it up again. */
const MAX_BEHIND_BYTES = 1024 * 1024;

export class EventStream {
  readonly #response: Response;
  readonly #cutOff: () => void;
  readonly #lastsMs: number;
  readonly #gone = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(
    request: Request,
    response: Response,
    {
      caller,
      now,
      logger,
    }: { readonly caller: Caller; readonly now: () => number; readonly logger: Logger },
  ) {
    const { expiresAt, name: who } = caller;
    const leftMs = expiresAt === null ? Infinity : Date.parse(expiresAt) - now();
    this.#lastsMs = Math.max(0, Math.min(LONGEST_MS, leftMs));
    this.#response = response;
    this.#cutOff = () => {
      logger.warn({ path: request.path, who }, 'cut off: it takes no events');
      response.destroy();
    };
    response.on('close', () => this.#gone.abort());
  }

  /** Of the listener; he may also have been cut off. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Begins the answer. @param sign of life: a block without an event */
  begin(sign: () => string): void {
    const response = this.#response;
    this.#timers.push(
      setTimeout(() => response.end(), this.#lastsMs),
      // Whoever takes nothing does not take the end.
      setTimeout(() => response.destroy(), this.#lastsMs + HEARTBEAT_MS),
      setInterval(() => this.send(sign()), HEARTBEAT_MS),
    );
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Proxies that buffer would hold the events back (nginx, X-Accel-Buffering).
      'X-Accel-Buffering': 'no',
    });
    this.send(`retry: ${RETRY_MS}\n\n`);
  }

  send(text: string): void {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_BEHIND_BYTES) this.#cutOff();
    else response.write(text);
  }

  /** Whoever takes nothing is cut off a moment later. */
  end(): void {
    const response = this.#response;
    for (const timer of this.#timers) clearTimeout(timer);
    response.end();
    const cut = setTimeout(() => response.destroy(), HEARTBEAT_MS);
    response.on('close', () => clearTimeout(cut));
    if (this.#gone.signal.aborted) clearTimeout(cut);
  }
}
