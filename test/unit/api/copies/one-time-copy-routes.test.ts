import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import { oneTimeCopyRoutes } from '../../../../src/api/copies/one-time-copy-routes.js';
import { toProblem } from '../../../../src/api/problem.js';
import { oneTimeJob, type OneTimeOrder } from '../../../../src/domain/jobs/one-time-copy.js';
import type { NamedLook } from '../../../../src/domain/sources/found-workload.js';

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

/** An order for web01, where the last look has shown `seen` and one now finds this (null: it cannot). @returns whether it was taken */
async function order(
  seen: readonly object[] | null,
  look: NamedLook | null,
  isRepeat = false,
): Promise<boolean> {
  let isTaken = false;
  const services = {
    repositories: [
      { id: 'primary', role: 'external' },
      { id: 'offsite', role: 'target' },
    ],
    ...{ workloadTypes: [], seenWorkloads: () => seen, timeZone: 'UTC', now: () => 0 },
    browser: { named: () => Promise.resolve(look) },
    copies: {
      jobOf: (of: OneTimeOrder) => oneTimeJob('once-web01', of, 'UTC'),
      isOrdered: () => Promise.resolve(isRepeat),
      start: () => {
        isTaken = true;
        return Promise.resolve({ copyId: 'once-web01', sessionId: 's', hasBegun: true });
      },
    },
  } as unknown as Parameters<typeof oneTimeCopyRoutes>[0];
  const source = { repositoryId: 'primary', workload: 'web01', restorePointId: null };
  const body = { source, target: { repositoryId: 'offsite' }, expiresAt: null };
  const request = { params: {}, query: {}, body, get: () => undefined };
  const response = { locals: { caller: {} }, status: () => response, set: () => response };
  const answer = { ...response, json: () => undefined, status: () => answer, set: () => answer };
  const route = oneTimeCopyRoutes(services)[0]!;
  await route.handle(request as unknown as Request, answer as unknown as Response);
  return isTaken;
}

const WEB01 = { id: 'ovirt-1', name: 'web01', type: 'ovirt-kvm', is: 'source' };

it('a one-time copy of what its source was seen not to hold is refused before it is ordered', async () => {
  await expect(order([], { found: [], isWhole: true })).rejects.toMatchObject({
    code: 'WORKLOAD_MISSING',
    message: 'repository primary holds no workload web01: nothing was ordered',
  });
});

it.each<[string, readonly object[] | null, NamedLook | null]>([
  ['the last look has shown', [WEB01], { found: [], isWhole: true }],
  ['came since the last look', [], { found: [WEB01], isWhole: true }],
  ['may lie where nobody can look', [], { found: [], isWhole: false }],
  ['nobody can look for', null, null],
])('a one-time copy is ordered of what %s', async (_, seen, look) => {
  expect(await order(seen, look)).toBe(true);
});

const DUMP = { id: 'mongodump-web01', name: 'web01', type: 'mongodb', isTree: true } as const;

it.each<[string, readonly object[] | null, NamedLook]>([
  ['the last look has shown', [{ ...DUMP, is: 'source' }], { found: [], isWhole: true }],
  ['a look shows now', null, { found: [DUMP], isWhole: true }],
])(
  'a one-time copy of a set of files that %s is refused, with what copies it',
  async (_, seen, look) => {
    const refusal: unknown = await order(seen, look).catch((error: unknown) => error);
    expect(toProblem(refusal)).toMatchObject({
      ...{ status: 422, code: 'JOB_KIND_WRONG' },
      detail:
        'web01 is a set of files, which a job copies: a one-time copy takes a machine. Nothing was ordered',
      hint: expect.stringContaining('all else a copy job') as string,
    });
  },
);

it('a one-time copy that was ordered before gets its answer again, whatever the source holds now', async () => {
  expect(await order([], { found: [], isWhole: true }, true)).toBe(true);
});

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
