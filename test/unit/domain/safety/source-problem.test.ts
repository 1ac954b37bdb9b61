import { expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { sourceFacts } from '../../../../src/domain/safety/find-facts.js';
import { safetyOf } from '../../../../src/domain/safety/safety.js';
import type { SourceWorkload } from '../../../../src/domain/sources/source-workload.js';
import type { TreePointKind } from '../../../../src/domain/trees/source-tree.js';
import {
  ago,
  chain,
  facts,
  nightly,
  NOW_MS,
  repository,
  RPO,
} from '../../../support/safety/known-facts.js';
import { testJob } from '../../../support/session/test-site.js';

type State = SourceWorkload['restorePoints'][number]['state'];

/** A workload with a whole full of 60 hours ago and a point of 30 hours ago.
 *  @param kind of that point in its tree; null: it is a machine */
function shown(state: State, kind: TreePointKind | null) {
  const restorePoints = [
    { id: 'a', createdAtMs: ago(60), state: 'complete', reason: null },
    { id: 'b', createdAtMs: ago(30) + 123, state, reason: 'permission is denied (EACCES)' },
  ];
  const points = [
    { id: 'a', kind: 'full' },
    { id: 'b', kind },
  ];
  const tree = kind === null ? {} : { tree: { points } };
  const workload = { id: 'id-sales', name: 'sales', type: 'mssql', restorePoints, ...tree };
  return sourceFacts(workload as unknown as SourceWorkload, NOW_MS);
}

/** What is said of it by jobs that have copied it up to some hours ago. */
function toldOf(
  source: ReturnType<typeof sourceFacts>,
  ...copied: { hoursAgo: number; job?: Partial<CopyJob> }[]
): string[] {
  const jobs = copied.map(({ job }, index) =>
    nightly({ job: testJob({ ...{ id: `j${index}`, name: `j${index}`, rpo: RPO }, ...job }) }),
  );
  const chains = copied.map(({ hoursAgo }, index) =>
    chain('sales', hoursAgo, { jobId: `j${index}`, idAsSource: `j${index}:id-sales` }),
  );
  const { problems } = safetyOf(facts([source], chains, { jobs }), NOW_MS);
  return problems.filter(({ code }) => code === 'WORKLOAD_NOT_COPYABLE').map(({ text }) => text);
}

it.each([
  ['no limit of lag is broken by it where no job copies logs', 'log', {}, 'ok'],
  ['it is late where its job copies logs', 'log', { transactionLogs: true }, 'late'],
  ['it is late when it is a backup', 'increment', {}, 'late'],
] as const)('of a whole log that waits for 30 hours: %s', (_, kind, changes, state) => {
  const rpo = { maxCopyAgeHours: 99, maxLagHours: 4, workloads: [] };
  const jobs = [nightly({ job: testJob({ mode: 'immediate', rpo, ...changes }) })];
  const known = facts([shown('complete', kind)], [chain('sales', 60)], { jobs });
  expect(safetyOf(known, NOW_MS).workloads.map((row) => row.state)).toEqual([state]);
});

const LOGS = { mode: 'immediate', transactionLogs: true } as const;

it.each([
  ['no job copies logs', [{ hoursAgo: 60 }], false],
  ['its job copies logs', [{ hoursAgo: 60, job: LOGS }], true],
  ['one of its jobs copies logs', [{ hoursAgo: 60 }, { hoursAgo: 60, job: LOGS }], true],
] as const)('of a log that cannot be read when %s', (_, copied, isTold) => {
  for (const state of ['unknown', 'broken'] as const)
    expect(toldOf(shown(state, 'log'), ...copied)).toHaveLength(isTold ? 1 : 0);
});

it('tells a job without logs of a backup that is missed, whatever became of the logs after it', () => {
  expect(toldOf(shown('broken', 'full'), { hoursAgo: 60 })).toEqual([
    expect.stringContaining('sales cannot be copied: its newest restore point, '),
  ]);
});

it.each([
  ['was copied when it was whole', [{ hoursAgo: 30 }], false],
  ['was followed by a point that is copied', [{ hoursAgo: 10 }], false],
  ['was not copied', [{ hoursAgo: 60 }], true],
  ['was copied by one of two jobs', [{ hoursAgo: 30 }, { hoursAgo: 60 }], true],
  ['is in no job', [], true],
] as const)('of a newest backup that broke at its source and %s', (_, copied, isTold) => {
  for (const kind of [null, 'full'] as const)
    expect(toldOf(shown('broken', kind), ...copied)).toHaveLength(isTold ? 1 : 0);
});

it.each(['unknown', 'incomplete'] as const)(
  'tells of a copied backup that became %s what its sessions tell: of trees',
  (state) => {
    expect(toldOf(shown(state, null), { hoursAgo: 30 })).toEqual([]);
    expect(toldOf(shown(state, 'full'), { hoursAgo: 30 })).toHaveLength(1);
  },
);

it('asks no job that copies a copy', () => {
  const base = testJob({});
  const include = [{ ...base.sources.include[0]!, repositoryId: 'offsite' }];
  const second = testJob({
    ...{ id: 'second', name: 'second', sources: { ...base.sources, include } },
    target: { ...base.target, repositoryId: 'remote' },
  });
  const copy = chain('sales', 30);
  const ofCopy = chain('sales', 60, {
    ...{ id: copy.idAsSource, jobId: 'second', idAsSource: 'second:nightly:id-sales' },
    sourceRepositoryId: 'offsite',
  });
  const repositories = [
    repository('primary', [shown('broken', null)]),
    ...[repository('offsite', [copy]), repository('remote', [ofCopy])],
  ];
  const known = facts([], [], { repositories, jobs: [nightly(), nightly({ job: second })] });
  const { workloads, problems } = safetyOf(known, NOW_MS);
  expect(workloads.map(({ copies }) => copies.length)).toEqual([2]);
  expect(problems.map(({ code }) => code)).not.toContain('WORKLOAD_NOT_COPYABLE');
});

it('tells of a conflict, whatever was copied', () => {
  const source = { ...shown('complete', null), problem: 'two machines claim its id' };
  expect(toldOf(source, { hoursAgo: 1 })).toEqual([
    'sales cannot be copied: two machines claim its id',
  ]);
});
