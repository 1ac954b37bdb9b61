/** Copy sessions. */

import type { AllSessions } from './all-sessions.js';
import type { ApiDependencies } from '../api-dependencies.js';
import { stopRequestSchema } from '../field-schemas.js';
import { eventRoute, jsonRoute, type Route } from '../route.js';
import { SessionStreams } from './session-events.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { browsedPageSchema, cursorQuerySchema } from '../repositories/repository-schemas.js';
import {
  sessionQuerySchema,
  sessionSummarySchema,
  sessionViewSchema,
  taskSchema,
} from './session-schemas.js';
import { pageOfTasks } from './session-tasks.js';
import type { SessionStore } from './session-store.js';

export function sessionRoutes(
  sessions: SessionStore,
  all: AllSessions,
  browser: RepositoryBrowser,
  { now, followIntervalMs, logger }: Pick<ApiDependencies, 'now' | 'followIntervalMs' | 'logger'>,
): Route[] {
  const streams = new SessionStreams({ now, logger, intervalMs: followIntervalMs });
  return [
    ...readRoutes(all, browser),
    eventRoute(
      {
        method: 'get',
        path: '/sessions/:id/events',
        operationId: 'followSession',
        needs: 'view',
        subject: 'session',
        summary:
          'Server-sent events until the session ends: `progress` (the session without its tasks), `task` (one task), `end` (the whole session). The connection is closed after 15 minutes; whoever takes it up again is told all of it.',
        status: 200,
        errors: ['SESSION_MISSING', 'EVENTS_CROWDED'],
      },
      (request, response, { caller }) =>
        streams.follow(request, response, caller, () => sessions.get(String(request.params.id))),
    ),
    stopRoute(sessions),
    controlRoute(sessions, 'pause', 'Halt the session at its next durable position.'),
    controlRoute(sessions, 'resume', 'Let a paused session go on.'),
  ];
}

function readRoutes(all: AllSessions, browser: RepositoryBrowser): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/sessions',
      operationId: 'listSessions',
      needs: 'view',
      subject: 'site',
      summary:
        'Sessions of all times: running ones, then the ended ones, newest end first, then those of which only the records beside the data tell, target by target, newest start first.',
      status: 200,
      query: sessionQuerySchema,
      answer: browsedPageSchema(sessionSummarySchema),
      errors: [],
      run: async ({ query }) => ({ content: await all.list(query) }),
    }),
    jsonRoute({
      method: 'get',
      path: '/sessions/:id',
      operationId: 'getSession',
      needs: 'view',
      subject: 'session',
      summary:
        'One session with its tasks and their progress; of a large one those that fit, the bad ones first.',
      status: 200,
      answer: sessionViewSchema,
      errors: ['SESSION_MISSING'],
      run: async ({ params }) => ({ content: await all.get(params.id ?? '') }),
    }),
    jsonRoute({
      method: 'get',
      path: '/sessions/:id/tasks',
      operationId: 'listSessionTasks',
      needs: 'view',
      subject: 'session',
      summary:
        'All tasks of one session, whole: those that it shows itself, then those that have files in its target repository.',
      status: 200,
      query: cursorQuerySchema,
      answer: browsedPageSchema(taskSchema),
      errors: ['SESSION_MISSING', 'REPOSITORY_UNREACHABLE'],
      run: async ({ params, query }) => ({
        content: await pageOfTasks({ sessions: all, browser }, params.id ?? '', query.cursor),
      }),
    }),
  ];
}

function controlRoute(sessions: SessionStore, verb: 'pause' | 'resume', summary: string): Route {
  return jsonRoute({
    ...CONTROL,
    path: `/sessions/:id/${verb}`,
    operationId: `${verb}Session`,
    summary,
    run: async ({ params }) => {
      const id = params.id ?? '';
      await sessions.setPaused(id, verb === 'pause');
      return { content: await sessions.get(id) };
    },
  });
}

function stopRoute(sessions: SessionStore): Route {
  return jsonRoute({
    ...CONTROL,
    path: '/sessions/:id/stop',
    operationId: 'stopSession',
    summary: 'End the session; what it has copied stays for the next one.',
    body: stopRequestSchema,
    run: async ({ params, body: { reason }, caller }) => {
      const id = params.id ?? '';
      await sessions.stop(id, { by: caller.name, reason });
      return { content: await sessions.get(id) };
    },
  });
}

const CONTROL = {
  method: 'post',
  needs: 'operate',
  subject: 'session',
  status: 202,
  answer: sessionViewSchema,
  errors: ['SESSION_MISSING', 'SESSION_ENDED', 'TEMPORAL_UNREACHABLE'],
} as const;
