/** What happens at the site, as one stream for everybody who follows it. */

import type { Request, Response } from 'express';
import { isEventFor } from '../../domain/events/site-events.js';
import type { Logger } from '../api-dependencies.js';
import { eventRoute, type Route, type RouteInput } from '../route.js';
import type { EventFeed, ToldEvent } from './event-feed.js';
import { sinceQuerySchema, siteEventSchema } from './event-schemas.js';
import { EventStream } from './event-stream.js';

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
  const events = new EventStream(request, response, { caller, now, logger });
  const tell = ({ event, block }: ToldEvent): void => {
    if (isEventFor(caller.scope, event)) events.send(block);
  };
  const gone = new Promise<void>((resolve) => {
    events.gone.addEventListener('abort', () => resolve());
  });
  const { first, lastId, leave } = await feed.listen(
    header('Last-Event-ID') ?? query.since ?? null,
    tell,
  );
  try {
    // An id without data is no event, and is remembered all the same: what he may not see keeps nobody from taking it up again.
    events.begin(() => `: alive\nid: ${lastId()}\n\n`);
    first.forEach(tell);
    await gone;
  } finally {
    leave();
    events.end();
  }
}
