/** An event of the site as it is sent: HTML Living Standard, 9.2. */

import type { SiteEvent } from '../../domain/events/site-events.js';
import { problemView } from '../safety/overview-view.js';
import type { SiteEventView } from './event-schemas.js';

export function eventBlock(id: string, event: SiteEvent, nowMs: number): string {
  const view = viewOf(event, new Date(nowMs).toISOString());
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(view)}\n\n`;
}

function viewOf(event: SiteEvent, at: string): SiteEventView {
  if (!('problem' in event)) return { ...event, at };
  return { type: event.type, at, problem: problemView(event.problem) };
}
