/** The newest sessions of a job, also those of which only the records on the targets tell. Pure. */

import type { SessionSummary } from '../../../api/sessions/session-schemas.js';
import type { UnreadablePart } from '../../../domain/targets/unreadable-part.js';

interface SessionPage {
  readonly items: readonly SessionSummary[];
  readonly nextCursor?: string;
  readonly unreadable?: readonly UnreadablePart[];
}

export interface NewestSessions {
  readonly items: readonly SessionSummary[];
  readonly unreadable: readonly UnreadablePart[];
}

/** The first page with something on it: one that is empty does not mean that the job has not run. */
export async function newestSessions(
  read: (cursor: string | undefined) => Promise<SessionPage>,
): Promise<NewestSessions> {
  const unreadable: UnreadablePart[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await read(cursor);
    unreadable.push(...(page.unreadable ?? []));
    cursor = page.nextCursor;
    if (page.items.length > 0 || cursor === undefined) return { items: page.items, unreadable };
  }
}
