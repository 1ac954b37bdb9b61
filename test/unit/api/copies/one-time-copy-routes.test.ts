import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import { oneTimeCopyRoutes } from '../../../../src/api/copies/one-time-copy-routes.js';

/** The removal of `once-web01`, in a target of which a look answers with these pages; nothing is ordered. */
function remove(pages: readonly object[]): Promise<void> {
  const services = {
    repositories: [{ id: 'offsite', role: 'target' }],
    browser: { storedJobs: (_: string, cursor = '0') => Promise.resolve(pages[Number(cursor)]) },
    ...{ copies: {}, timeZone: 'UTC', now: () => 0 },
  } as unknown as Parameters<typeof oneTimeCopyRoutes>[0];
  const route = oneTimeCopyRoutes(services)[1]!;
  const params = { id: 'offsite', copyId: 'once-web01' };
  const request = { params, query: {}, body: {} } as unknown as Request;
  return route.handle(request, { locals: { caller: {} } } as unknown as Response);
}

const UNREAD = {
  path: 'once-web01/job.json',
  code: 'REPOSITORY_IO_ERROR',
  reason: 'bad sector',
};

it.each([
  [
    'is a job for all that is known',
    [{ items: [], nextCursor: '1' }, { items: [{ id: 'once-web01', once: null }] }],
    'JOB_KIND_WRONG',
    'once-web01 is a job, and no one-time copy',
  ],
  [
    'has a definition that cannot be read',
    [
      { items: [], nextCursor: '1', unreadable: [UNREAD] },
      { items: [{ id: 'once-web01', once: null }] },
    ],
    'JOB_KIND_WRONG',
    'nothing that can be read says that once-web01 is a one-time copy: once-web01/job.json: bad sector',
  ],
  [
    'lies there, and nothing of it can be read',
    [{ items: [], unreadable: [{ ...UNREAD, path: 'once-web01/web01/chain.json' }] }],
    'JOB_MISSING',
    'what lies in offsite of once-web01 cannot be read: once-web01/web01/chain.json: bad sector',
  ],
  ['is not there', [{ items: [] }], 'JOB_MISSING', 'no one-time copy once-web01 lies in offsite'],
])('a one-time copy is not removed that %s, and why is said', async (_, pages, code, message) => {
  await expect(remove(pages)).rejects.toMatchObject({ code, message });
});
