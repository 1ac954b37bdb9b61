/** One session as it goes on: the event stream of the API, taken up again whenever it breaks. */

import { useEffect, useState } from 'react';
import type { SessionView, TaskView } from '../../api/sessions/session-schemas.js';
import { ApiError, BASE_PATH, readApi } from './call-api.js';
import { unanswered } from './connection.js';
import { readEvents, type ServerEvent } from './event-stream.js';

const RECONNECT_MS = 2_000;

interface FollowedSession {
  readonly session: SessionView | null;
  /** Epoch milliseconds of the last sign of the server. */
  readonly seenAtMs: number | null;
  readonly error: ApiError | null;
}

export function useSession(id: string): FollowedSession {
  const [followed, setFollowed] = useState<FollowedSession>(NOTHING);
  useEffect(() => {
    const gone = new AbortController();
    setFollowed(NOTHING);
    void follow(id, gone.signal, (change) => setFollowed((last) => ({ ...last, ...change })));
    return () => gone.abort();
  }, [id]);
  return followed;
}

const NOTHING: FollowedSession = { session: null, seenAtMs: null, error: null };

type Tell = (change: Partial<FollowedSession>) => void;

async function follow(id: string, gone: AbortSignal, tell: Tell): Promise<void> {
  const path = `/sessions/${encodeURIComponent(id)}`;
  while (!gone.aborted) {
    try {
      const latest = { session: await readApi<SessionView>(path, gone) };
      const show = (session: SessionView): void => {
        latest.session = session;
        tell({ session, seenAtMs: Date.now(), error: null });
      };
      show(latest.session);
      if (hasEnded(latest.session)) return;
      await readEvents(`${BASE_PATH}${path}/events`, {
        gone,
        take: (event) => show(withEvent(latest.session, event)),
      });
      if (hasEnded(latest.session)) return;
    } catch (error) {
      if (gone.aborted) return;
      if (!(error instanceof ApiError)) unanswered();
      else tell({ error });
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

function hasEnded({ state }: SessionView): boolean {
  return state === 'ended';
}

function withEvent(session: SessionView, { event, data }: ServerEvent): SessionView {
  if (event === 'end') return data as SessionView;
  if (event === 'progress') return { ...session, ...(data as Omit<SessionView, 'tasks'>) };
  if (event === 'task') return { ...session, tasks: withTask(session.tasks, data as TaskView) };
  return session;
}

function withTask(tasks: readonly TaskView[], task: TaskView): TaskView[] {
  const keyOf = ({ workloadId, workload }: TaskView): string => workloadId ?? `\n${workload}`;
  const rest = tasks.filter((other) => keyOf(other) !== keyOf(task));
  const place = tasks.findIndex((other) => keyOf(other) === keyOf(task));
  return place < 0 ? [...rest, task] : [...rest.slice(0, place), task, ...rest.slice(place)];
}
