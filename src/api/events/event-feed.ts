/** The events of the site: one look for all who listen, and the last events kept, so that a connection that broke is taken up again. */

import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  nextSite,
  type KnownSite,
  type ResetReason,
  type SiteEvent,
  type SiteSight,
} from '../../domain/events/site-events.js';
import { BackupError } from '../../domain/errors.js';
import type { Logger } from '../api-dependencies.js';
import { toBackupError } from '../executions/temporal-errors.js';
import { toProblem } from '../problem.js';
import { eventBlock } from './event-block.js';

const INTERVAL_MS = 5_000;
/** Looks without anybody who listens: whoever comes back within a minute is told what he missed. */
const LOOKS_ALONE = 12;
const KEPT_EVENTS = 1_000;
/** Less than a listener may be behind (`MAX_BEHIND_BYTES`): whoever takes it up again gets them all at once. */
const KEPT_BYTES = 512 * 1024;
const MAX_LISTENERS = 100;

/** Keeps no process alive. */
const waited = (ms: number) => setTimeout(ms, undefined, { ref: false });

/** An event with its id, as it is sent. */
export interface ToldEvent {
  readonly event: SiteEvent;
  readonly block: string;
}

interface Following {
  /** What was missed, or the order to look at everything. */
  readonly first: readonly ToldEvent[];
  /** Of the newest event. */
  readonly lastId: () => string;
  readonly leave: () => void;
}

interface EventFeedParts {
  /** @param sinceMs when the last one began that succeeded; null: there was none */
  readonly look: (sinceMs: number | null) => Promise<SiteSight>;
  readonly now: () => number;
  readonly logger: Logger;
  /** Until the next look. Default 5,000. */
  readonly intervalMs?: number | undefined;
  readonly pause?: (ms: number) => Promise<unknown>;
  /** How many may listen. Default 100. */
  readonly maxListeners?: number;
}

interface Listener {
  readonly tell: (told: ToldEvent) => void;
  /** False: he waits for the first look. */
  isTold: boolean;
}

/** From the first who listens until a minute after the last: what it knows is of one piece, and so are its ids. */
interface Watch {
  readonly name: string;
  lastNumber: number;
  known: KnownSite;
  hasFailed: boolean;
  readonly kept: (ToldEvent & { readonly number: number })[];
  keptBytes: number;
}

export class EventFeed {
  readonly #parts: EventFeedParts;
  readonly #listeners = new Set<Listener>();
  #watch: Watch | null = null;
  #starting: Promise<Watch> | null = null;

  constructor(parts: EventFeedParts) {
    this.#parts = parts;
  }

  /** @param lastId of the last event that he got; null: none @throws EVENTS_CROWDED, and what the first look throws */
  async listen(lastId: string | null, tell: Listener['tell']): Promise<Following> {
    if (this.#listeners.size >= (this.#parts.maxListeners ?? MAX_LISTENERS))
      throw new BackupError('EVENTS_CROWDED', `${this.#listeners.size} follow the events already`);
    const listener: Listener = { tell, isTold: false };
    this.#listeners.add(listener);
    const leave = (): void => void this.#listeners.delete(listener);
    try {
      const watch = this.#watch ?? (await this.#started());
      listener.isTold = true;
      const first = this.#missed(watch, lastId);
      return { first, leave, lastId: () => idOf(watch, watch.lastNumber) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  #started(): Promise<Watch> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  async #start(): Promise<Watch> {
    const { known } = nextSite(null, await this.#parts.look(null));
    const name = randomBytes(6).toString('hex');
    const watch = { name, lastNumber: 0, known, hasFailed: false, kept: [], keptBytes: 0 };
    this.#watch = watch;
    void this.#goOn(watch);
    return watch;
  }

  async #goOn(watch: Watch): Promise<void> {
    const { pause = waited, intervalMs = INTERVAL_MS } = this.#parts;
    for (let alone = 0; alone < LOOKS_ALONE;) {
      await pause(intervalMs);
      const isSeen = await this.#lookAgain(watch);
      if (this.#listeners.size > 0) alone = 0;
      // Nobody asks for a site that does not answer: the service may have ended.
      else alone = isSeen ? alone + 1 : LOOKS_ALONE;
    }
    this.#watch = null;
  }

  async #lookAgain(watch: Watch): Promise<boolean> {
    try {
      const step = nextSite(watch.known, await this.#parts.look(watch.known.lastLookMs));
      watch.known = step.known;
      if (watch.hasFailed) this.#tell(watch, { type: 'lookSucceeded' });
      watch.hasFailed = false;
      for (const event of step.events) this.#tell(watch, event);
      return true;
    } catch (error) {
      const { code, detail } = toProblem(error);
      if (this.#listeners.size === 0) return false;
      this.#parts.logger.warn({ code }, `no look for the events: ${detail}`);
      const known = toBackupError(error)?.code ?? null;
      if (!watch.hasFailed) this.#tell(watch, { type: 'lookFailed', code: known, detail });
      watch.hasFailed = true;
      return false;
    }
  }

  #tell(watch: Watch, event: SiteEvent): void {
    watch.lastNumber += 1;
    const told = { ...this.#told(watch, event), number: watch.lastNumber };
    watch.kept.push(told);
    watch.keptBytes += told.block.length;
    while (watch.kept.length > KEPT_EVENTS || watch.keptBytes > KEPT_BYTES)
      watch.keptBytes -= watch.kept.shift()?.block.length ?? 0;
    for (const { tell, isTold } of this.#listeners) if (isTold) tell(told);
  }

  #told(watch: Watch, event: SiteEvent): ToldEvent {
    const id = idOf(watch, watch.lastNumber);
    return { event, block: eventBlock(id, event, this.#parts.now()) };
  }

  #missed(watch: Watch, lastId: string | null): readonly ToldEvent[] {
    const reset = (reason: ResetReason) => [this.#told(watch, { type: 'reset', reason })];
    if (lastId === null) return reset('begun');
    const number = numberOf(watch, lastId);
    if (number === null || number > watch.lastNumber) return reset('unknownId');
    const missed = watch.kept.filter((told) => told.number > number);
    return missed.length < watch.lastNumber - number ? reset('forgotten') : missed;
  }
}

function idOf({ name }: Watch, number: number): string {
  return `${name}-${number}`;
}

/** null: an id of another run, or none. */
function numberOf({ name }: Watch, id: string): number | null {
  const [, run, number] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? [];
  return run === name ? Number(number) : null;
}
