/** All tasks of a session, page by page: first those that the session shows itself, then those that have files beside the data. */

import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { invalidRequest } from '../route.js';
import type { TaskView } from './session-schemas.js';
import { taskViews } from './task-view.js';
import type { SessionStore } from './session-store.js';

/** Before the names of the files. */
const FILES = 'files';

/** @param cursor `nextCursor` of the page before. @throws SESSION_MISSING, REPOSITORY_UNREACHABLE when the files cannot be read */
export async function pageOfTasks(
  {
    sessions,
    browser,
  }: { readonly sessions: Pick<SessionStore, 'get'>; readonly browser: RepositoryBrowser },
  sessionId: string,
  cursor: string | undefined,
): Promise<{ items: TaskView[]; unreadable: UnreadablePart[]; nextCursor?: string }> {
  if (cursor !== undefined && cursor !== FILES && !cursor.startsWith(`${FILES}/`))
    throw invalidRequest([{ path: 'query.cursor', message: 'not a cursor of this list' }]);
  const session = await sessions.get(sessionId);
  const { jobId, targetRepositoryId, tasks, omittedTasks } = session;
  if (cursor === undefined) {
    const hasFiles = omittedTasks > 0 || tasks.some(({ recorded }) => recorded);
    return {
      items: tasks.filter(({ recorded }) => !recorded),
      unreadable: [],
      ...(hasFiles && targetRepositoryId !== null ? { nextCursor: FILES } : {}),
    };
  }
  if (targetRepositoryId === null) return { items: [], unreadable: [] };
  const after = cursor === FILES ? undefined : cursor.slice(FILES.length + 1);
  const place = { jobId, sessionId };
  const {
    items,
    unreadable = [],
    nextCursor,
  } = await browser.tasks(targetRepositoryId, place, after);
  return {
    items: taskViews(items),
    unreadable: [...unreadable],
    ...(nextCursor === undefined ? {} : { nextCursor: `${FILES}/${nextCursor}` }),
  };
}
