/** What happens at the site, so that pages read again what has changed when it has: polling is for what no event tells, and for when there is no stream. */

import { useEffect } from 'react';
import { ApiError, BASE_PATH } from './call-api.js';
import { readEvents } from './event-stream.js';
import { observable } from './observable.js';
import { queryClient } from './queries.js';
import { isTouched, touchedBy } from './touched-by.js';

/** Whether the events of the site come. */
export const isSiteFollowed = observable(false);

const RECONNECT_MS = 2_000;
/** Where the server will not have it: as many follow already, or it is an older one. */
const REFUSED_MS = 60_000;
/** Events of one look come together: what they change is read once. */
const TOGETHER_MS = 300;

/** As long as the page is open and looked at: a browser has few connections to one server, and one that is hidden reads nothing. */
export function useSiteStream(): void {
  useEffect(() => {
    let hidden = new AbortController();
    const turn = (): void => {
      hidden.abort();
      isSiteFollowed.set(false);
      if (document.visibilityState !== 'visible') return;
      hidden = new AbortController();
      void followSite(hidden.signal);
    };
    turn();
    document.addEventListener('visibilitychange', turn);
    return () => {
      document.removeEventListener('visibilitychange', turn);
      hidden.abort();
    };
  }, []);
}

/** Of the last event that came, also before the page was hidden. */
let lastId: string | null = null;

async function followSite(gone: AbortSignal): Promise<void> {
  const changes = changesTogether();
  while (!gone.aborted) {
    let pauseMs = RECONNECT_MS;
    try {
      await readEvents(`${BASE_PATH}/events`, {
        gone,
        opened: () => isSiteFollowed.set(true),
        take: ({ event, data }) => changes(touchedBy(event, data)),
        remember: (id) => (lastId = id),
        ...(lastId === null ? {} : { headers: { 'Last-Event-ID': lastId } }),
      });
    } catch (error) {
      // Nobody misses it: what cannot be asked is told by the reads of the page.
      if (error instanceof ApiError && error.status !== null) pauseMs = REFUSED_MS;
    }
    // Another loop may follow by now.
    if (gone.aborted) return;
    isSiteFollowed.set(false);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Also when the page is hidden meanwhile: their ids are remembered, so that they do not come again. */
function changesTogether(): (paths: readonly string[]) => void {
  const touched = new Set<string>();
  return (paths) => {
    if (touched.size === 0 && paths.length > 0)
      setTimeout(() => {
        const all = [...touched];
        touched.clear();
        void queryClient.invalidateQueries({
          predicate: ({ queryKey: [path], meta }) =>
            meta?.isReadOnce !== true && typeof path === 'string' && isTouched(path, all),
        });
      }, TOGETHER_MS);
    for (const path of paths) touched.add(path);
  };
}
