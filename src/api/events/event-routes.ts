/** What happens at the site, as one stream for everybody who follows it. */

import type { Request, Response } from 'express';
import { isEventFor } from '../../domain/events/site-events.js';
import type { Logger } from '../api-dependencies.js';
import { eventRoute, type Route, type RouteInput } from '../route.js';
import type { EventFeed, ToldEvent } from './event-feed.js';
import { sinceQuerySchema, siteEventSchema } from './event-schemas.js';

/** Proxies close connections that are silent for a minute or less. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;
/** A token that was revoked since is found out when its holder comes back. */
const LONGEST_MS = 900_000;
/** Of what was sent and not taken: whoever is further behind is cut off, and takes it up again where he was. */
export const MAX_BEHIND_BYTES = 1024 * 1024;

export function eventRoutes({
  feed,
  now,
  logger,
}: {
  readonly feed: EventFeed;
  readonly now: () => number;
  readonly logger: Logger;
}): Route[] {
  return [
    eventRoute(
      {
        method: 'get',
        path: '/events',
        operationId: 'followEvents',
        needs: 'view',
        subject: 'own',
        summary:
          'Server-sent events of all that the caller may see: sessions, jobs, problems. `reset` means: look at everything again. The connection is closed after 15 minutes; `Last-Event-ID` takes it up again.',
        status: 200,
        headers: { 'Last-Event-ID': 'What came after this event is sent first.' },
        query: sinceQuerySchema,
        event: siteEventSchema,
        errors: ['EVENTS_CROWDED'],
      },
      (request, response, input) => stream(request, response, input, { feed, now, logger }),
    ),
  ];
}

type Since = RouteInput<{ readonly since?: string | undefined }, unknown>;

/** The first look happens before the answer starts, so that a Temporal that is away is still a plain 503. */
async function stream(
  request: Request,
  response: Response,
  { header, query, caller }: Since,
  { feed, now, logger }: { feed: EventFeed; now: () => number; logger: Logger },
): Promise<void> {
  const send = (text: string): void => {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_BEHIND_BYTES) {
      logger.warn({ path: request.path, who: caller.name }, 'cut off: it takes no events');
      response.destroy();
    } else response.write(text);
  };
  const tell = ({ event, block }: ToldEvent): void => {
    if (isEventFor(caller.scope, event)) send(block);
  };
  const gone = new Promise<void>((resolve) => void response.on('close', resolve));
  const { first, lastId, leave } = await feed.listen(
    header('Last-Event-ID') ?? query.since ?? null,
    tell,
  );
  const leftMs = caller.expiresAt === null ? Infinity : Date.parse(caller.expiresAt) - now();
  const lastsMs = Math.max(0, Math.min(LONGEST_MS, leftMs));
  const end = setTimeout(() => response.end(), lastsMs);
  // Whoever takes nothing does not take the end.
  const cut = setTimeout(() => response.destroy(), lastsMs + HEARTBEAT_MS);
  // An id without data is no event, and is remembered all the same: what he may not see keeps nobody from taking it up again.
  const heartbeat = setInterval(() => send(`: alive\nid: ${lastId()}\n\n`), HEARTBEAT_MS);
  try {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Proxies that buffer would hold the events back (nginx, X-Accel-Buffering).
      'X-Accel-Buffering': 'no',
    });
    send(`retry: ${RETRY_MS}\n\n`);
    first.forEach(tell);
    await gone;
  } finally {
    leave();
    clearTimeout(end);
    clearTimeout(cut);
    clearInterval(heartbeat);
  }
}
