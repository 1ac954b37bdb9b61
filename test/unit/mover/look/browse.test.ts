import { beforeAll, describe, expect, it } from 'vitest';
import { writeJobDefinition } from '../../../../src/chain/sessions/session-record.js';
import { writeChainRecord } from '../../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import {
  restorePointKey,
  type BrowseRepositoryInput,
  type RestorePointView,
} from '../../../../src/domain/targets/repository-view.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../../support/living/copied-machine.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { putFile } from '../../../support/repository/chain-record-file.js';
import { testJob } from '../../../support/session/test-site.js';
import { setWorld, storeWorld } from '../../../support/tree/copied-trees.js';

const NOTHING = { settleMs: 0, immutableForDays: 0, nowMs: NOW_MS };

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

function points(
  copy: Pick<MachineCopy, 'mover'>,
  repositoryId: string,
  more: Partial<BrowseRepositoryInput & typeof NOTHING> = {},
) {
  return copy.mover.run('listRestorePoints', {
    what: 'restorePoints',
    repositoryId,
    ...NOTHING,
    ...more,
  });
}

async function define(copy: MachineCopy, changes: Partial<CopyJob>): Promise<void> {
  await writeJobDefinition(copy.target, testJob(changes));
}

const newestOf = ({ items }: { readonly items: readonly RestorePointView[] }) => items.at(-1)!;

describe('what is shown of a source', () => {
  it('is each point as its files tell, with what it builds on', async () => {
    const { items, nextCursor, unreadable } = await points(await machine.copy(), 'primary');
    expect([items.length, nextCursor, unreadable]).toEqual([6, undefined, undefined]);
    const [full, increment] = items;
    const [first, second] = [0, 1].map((n) => ['ovirt-mail01', machine.sourceId(n)]);
    expect(full).toMatchObject({
      ...{ id: restorePointKey(first!), workload: 'mail01', workloadType: 'olvm-rhv', jobId: null },
      ...{ createdAt: '2026-11-02T22:00:00.000Z', copiedAt: null, kind: 'full', parentId: null },
      ...{ chainId: null, complete: true, state: 'complete', reason: null, lookAgainAt: null },
      ...{ health: 'unknown', verifiedAt: null, retention: [], keptUntil: null, keptBecause: [] },
      source: null,
    });
    expect(increment).toMatchObject({
      ...{ id: restorePointKey(second!), parentId: restorePointKey(first!), kind: 'increment' },
      files: [{ format: 'qcow2', path: expect.stringMatching(/^mail01\/.*incremental\.qcow2$/) }],
    });
  });

  it('is in progress as long as it may still be written, with the time of the next look', async () => {
    const copy = await machine.copy();
    const [{ files } = { files: [] }] = (await points(copy, 'primary')).items;
    const { stamp } = (await copy.source.stat(files[0]!.path))!;
    const nowMs = Number(BigInt(stamp.modifiedAtNs) / 1_000_000n) + 1_000;
    const { items } = await points(copy, 'primary', { nowMs, settleMs: 3_600_000 });
    const newest = items.at(-1)!;
    expect(newest).toMatchObject({ complete: false, state: 'inProgress' });
    expect(Date.parse(newest.lookAgainAt!)).toBeGreaterThan(nowMs);
  });

  it('names a broken point and why', async () => {
    const copy = await machine.copy();
    const files = await copy.source.list('mail01');
    await copy.source.remove(files.find(({ name }) => name.includes(machine.sourceId(1)))!.path);
    const { items } = await points(copy, 'primary');
    const broken = items.filter(({ complete }) => !complete);
    expect(broken.map(({ reason }) => typeof reason)).toContain('string');
    expect(items.find(({ kind }) => kind === 'full')).toMatchObject({ complete: true });
  });

  it('is one row for the workload, with its newest whole point', async () => {
    const copy = await machine.copy();
    const list = async () =>
      (await copy.mover.run('listWorkloads', { what: 'workloads', repositoryId: 'primary' })).items;
    expect(await list()).toEqual([
      {
        ...{
          id: 'ovirt-mail01',
          name: 'mail01',
          type: 'olvm-rhv',
          jobId: null,
          problem: null,
          doubt: null,
        },
        ...{ restorePointCount: 6, newestAt: '2026-11-07T04:00:00.000Z' },
      },
    ]);
    await putFile(copy.source, 'odd/readme.bin', 'nobody knows');
    expect(await list()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'odd',
          type: 'unknown',
          newestAt: null,
          restorePointCount: 0,
        }),
      ]),
    );
  });
});

describe('what is shown of a chain of copies', () => {
  it('is each point with its place in the chain and its files', async () => {
    const copy = await machine.copy();
    const { items } = await points(copy, 'offsite');
    const key = (n: number) => restorePointKey(['nightly', 'ovirt-mail01', machine.idOf(n)]);
    expect(items.map(({ id }) => id)).toEqual([0, 1, 2, 3].map(key));
    expect(items.map(({ parentId }) => parentId)).toEqual([null, key(0), key(1), key(2)]);
    expect(items[2]).toMatchObject({
      ...{ workload: 'mail01', workloadType: 'olvm-rhv', jobId: 'nightly', chainId: key(0) },
      ...{ kind: 'increment', complete: true, state: 'complete', reason: null, health: 'good' },
      source: { repositoryId: 'primary', restorePointId: machine.sourceId(2) },
      files: [{ path: copy.pathOf(2, 'image'), format: 'qcow2' }],
    });
  });

  it('tells why each point stays, by the definition that lies beside the data', async () => {
    const copy = await machine.copy();
    await define(copy, { retention: { type: 'restorePoints', value: 9 } });
    const byNumber = await points(copy, 'offsite');
    expect(newestOf(byNumber)).toMatchObject({ keptUntil: null });
    expect(newestOf(byNumber).keptBecause.join()).toMatch(/\S/);
    await define(copy, { retention: { type: 'days', value: 30 } });
    // The newest is dated 5 November, and 30 days old until 5 December is over.
    const byDays = newestOf(await points(copy, 'offsite')).keptUntil;
    expect(byDays).toBe('2026-12-06T00:00:00.000Z');
  });

  it('of one that was copied once has one end, and nothing but that as its reason', async () => {
    const copy = await machine.copy();
    const once = { restorePointId: machine.sourceId(3), expiresAt: '2026-12-24T00:00:00.000Z' };
    await define(copy, { once });
    const { items } = await points(copy, 'offsite');
    expect(new Set(items.map(({ keptUntil }) => keptUntil))).toEqual(new Set([once.expiresAt]));
    for (const { keptBecause } of items) expect(keptBecause).toHaveLength(1);
  });

  it('of one that was detached has no end', async () => {
    const copy = await machine.copy();
    const detached = { fromJobId: 'nightly', at: '2026-11-06T00:00:00.000Z' };
    await define(copy, { retention: { type: 'days', value: 30 }, detached });
    const { items } = await points(copy, 'offsite');
    expect(items.map(({ keptUntil }) => keptUntil)).toEqual([null, null, null, null]);
    for (const { keptBecause } of items) expect(keptBecause).toHaveLength(1);
  });

  it('says which point a check has found corrupt', async () => {
    const copy = await machine.copy();
    const [first, second, ...rest] = machine.before.points;
    const corrupt = { ...second!, health: 'corrupt' } as const;
    await writeChainRecord(copy.target, machine.chain, {
      ...{ ...machine.before, points: [first!, corrupt, ...rest] },
    });
    const { items } = await points(copy, 'offsite');
    expect(items.map(({ reason }) => reason !== null)).toEqual([false, true, false, false]);
  });

  it('is shown, and what cannot be read is named once, where the definition or a lease is damaged', async () => {
    const copy = await machine.copy();
    const definition = 'nightly/job.json';
    await putFile(copy.target, definition, '{');
    const { items, unreadable } = await points(copy, 'offsite');
    expect(items.map(({ keptBecause }) => keptBecause)).toEqual([[], [], [], []]);
    expect(unreadable?.map(({ path }) => path)).toEqual([definition]);
    const jobs = await copy.mover.run('listStoredJobs', { what: 'jobs', repositoryId: 'offsite' });
    expect(jobs.items).toMatchObject([{ id: 'nightly', name: 'nightly', restorePointCount: 4 }]);
    expect(jobs.unreadable?.map(({ path }) => path)).toEqual([definition]);

    await define(copy, {});
    await putFile(copy.target, `${machine.chain}/.leases/one.json`, '{');
    const { stamp } = (await copy.target.stat(`${machine.chain}/.leases/one.json`))!;
    const nowMs = Number(BigInt(stamp.modifiedAtNs) / 1_000_000n);
    const leased = await points(copy, 'offsite', { nowMs });
    expect(leased.unreadable?.map(({ path }) => path)).toEqual([
      `${machine.chain}/.leases/one.json`,
    ]);
    expect(newestOf(leased).keptBecause).not.toEqual([]);
  });

  it('is of the workload that is asked for, by its name or id', async () => {
    const copy = await machine.copy();
    for (const repositoryId of ['primary', 'offsite']) {
      const count = async (workload: string) =>
        (await points(copy, repositoryId, { workload })).items.length;
      const all = (await points(copy, repositoryId)).items.length;
      expect([await count('mail01'), await count('ovirt-mail01')]).toEqual([all, all]);
      expect(await count('web01')).toBe(0);
    }
  });

  it('is a row of its job, with its last session and what it stores', async () => {
    const copy = await machine.copy();
    const { items } = await copy.mover.run('listStoredJobs', {
      what: 'jobs',
      repositoryId: 'offsite',
    });
    const disks = machine.before.points.flatMap((point) => point.disks);
    const storedBytes = disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(items).toMatchObject([
      {
        ...{ id: 'nightly', name: 'Nightly off-site', workloadCount: 1, restorePointCount: 4 },
        ...{ newestAt: '2026-11-05T22:00:00.000Z', sessionCount: 4, storedBytes },
        ...{ once: null, detached: null, lastSession: { result: 'success' } },
      },
    ]);
    const workloads = await copy.mover.run('listWorkloads', {
      what: 'workloads',
      repositoryId: 'offsite',
    });
    expect(workloads.items).toEqual([
      {
        ...{
          id: 'ovirt-mail01',
          name: 'mail01',
          type: 'olvm-rhv',
          jobId: 'nightly',
          problem: null,
          doubt: null,
        },
        ...{ restorePointCount: 4, newestAt: '2026-11-05T22:00:00.000Z' },
      },
    ]);
  });
});

describe('what is shown of a tree', () => {
  it('of a store is what its source shows, and its copy', async () => {
    const world = await storeWorld();
    const mover = new InProcessMover(world.source, world.target);
    const source = await points({ mover }, 'primary');
    expect(source.items.map(({ kind, parentId }) => [kind, parentId])).toEqual([
      ['snapshot', null],
      ['snapshot', null],
    ]);
    const copies = await points({ mover }, 'offsite');
    expect(copies.items.map(({ keptBecause }) => keptBecause)).toEqual([
      ['the source shows it'],
      ['the source shows it'],
    ]);
    expect((await points({ mover }, 'offsite', { workload: 'other' })).items).toEqual([]);
    const rows = await mover.run('listWorkloads', { what: 'workloads', repositoryId: 'offsite' });
    expect(rows.items).toMatchObject([
      { jobId: 'nightly', restorePointCount: 2, newestAt: '2026-11-24T22:00:00.000Z' },
    ]);
    const jobs = await mover.run('listStoredJobs', { what: 'jobs', repositoryId: 'offsite' });
    const storedBytes = [...world.files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(jobs.items).toMatchObject([{ id: 'nightly', restorePointCount: 2, storedBytes }]);
  });

  it('of sets tells what the retention of the job keeps', async () => {
    const world = await setWorld();
    const mover = new InProcessMover(world.source, world.target);
    const { items } = await points({ mover }, 'offsite', { nowMs: world.nowMs });
    expect(items.length).toBeGreaterThan(1);
    for (const { keptBecause } of items)
      expect(keptBecause).toEqual([
        'the retention of the job keeps it, or a point that it keeps needs it',
      ]);
  });
});
