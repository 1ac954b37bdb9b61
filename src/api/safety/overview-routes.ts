/** Are we safe, and which workload is not? */

import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { ProtectedWorkload } from '../../domain/safety/protection.js';
import { worstFirst } from '../../domain/safety/worst-first.js';
import {
  overviewSchema,
  workloadQuerySchema,
  workloadsPageSchema,
  type WorkloadView,
} from './overview-schemas.js';
import { asOf, keyOf, overviewOf, unseenParts, workloadView } from './overview-view.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';
import type { SafetyReader } from './safety-reader.js';
import type { SessionStore } from '../sessions/session-store.js';

const PAGE_WORKLOADS = 200;

export function overviewRoutes({
  reader,
  sessions,
}: {
  readonly reader: SafetyReader;
  readonly sessions: SessionStore;
}): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/overview',
      operationId: 'getOverview',
      needs: 'view',
      subject: 'site',
      summary: 'Whether the copies are safe, in one sentence, and what is wrong.',
      status: 200,
      headers: {
        'Cache-Control':
          '`no-cache`: all repositories are looked at first, for as long as that takes, at most 15 s.',
      },
      answer: overviewSchema,
      errors: [],
      run: async ({ header }) => {
        const isPatient = header('Cache-Control') === 'no-cache';
        const [known, running] = await Promise.all([reader.safety(isPatient), sessions.running()]);
        return { content: overviewOf(known, running) };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/workloads',
      operationId: 'listAllWorkloads',
      needs: 'view',
      subject: 'site',
      summary: 'Every workload with its copies, across repositories and jobs.',
      query: workloadQuerySchema,
      status: 200,
      answer: workloadsPageSchema,
      errors: [],
      run: async ({ query }) => {
        const known = await reader.safety();
        const wanted = known.safety.workloads.filter((workload) => isWanted(workload, query));
        const ordered = query.order === 'worstFirst' ? worstFirst(wanted) : wanted;
        const { part, nextCursor } = pageOf(ordered, query);
        const items = part.map((workload): WorkloadView => workloadView(workload, known));
        const unreadable = unseenParts(known.facts);
        return {
          content: {
            items,
            ...(nextCursor === null ? {} : { nextCursor }),
            asOf: asOf(known.facts),
            ...(unreadable.length === 0 ? {} : { unreadable }),
          },
        };
      },
    }),
  ];
}

function isWanted(
  { state, id, name, repositoryId, copies }: ProtectedWorkload,
  query: z.infer<typeof workloadQuerySchema>,
): boolean {
  const { search = '', jobId } = query;
  const text = search.toLowerCase();
  return (
    (query.state === undefined || state === query.state) &&
    (jobId === undefined || copies.some(({ job }) => job.id === jobId)) &&
    (query.repositoryId === undefined ||
      [repositoryId, ...copies.map((each) => each.repositoryId)].includes(query.repositoryId)) &&
    (name.toLowerCase().includes(text) || id.toLowerCase().includes(text))
  );
}

/** The cursor marks the last workload of the page before. @throws REQUEST_INVALID when that is gone */
function pageOf(
  workloads: readonly ProtectedWorkload[],
  { cursor, limit }: Pick<z.infer<typeof workloadQuerySchema>, 'cursor' | 'limit'>,
): { part: readonly ProtectedWorkload[]; nextCursor: string | null } {
  const last =
    cursor === undefined ? -1 : workloads.findIndex((workload) => markOf(workload) === cursor);
  if (cursor !== undefined && last < 0) {
    throw invalidRequest([
      { path: 'query.cursor', message: 'not a cursor of this list, or what it marks is gone' },
    ]);
  }
  const part = workloads.slice(last + 1, last + 1 + Number(limit ?? PAGE_WORKLOADS));
  const end = part.at(-1);
  const isLast = last + 1 + part.length >= workloads.length;
  return { part, nextCursor: end === undefined || isLast ? null : markOf(end) };
}

function markOf(workload: ProtectedWorkload): string {
  return createHash('sha256').update(keyOf(workload)).digest('base64url').slice(0, 22);
}
