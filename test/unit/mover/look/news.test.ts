import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createWatchActivities } from '../../../../activities/watch/watch-activities.js';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { readChainRecord, writeChainRecord } from '../../../../src/chain/chain-store.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { defaultRetry } from '../../../../src/domain/schedules/retry.js';
import type { DataMover } from '../../../../src/mover/data-mover.js';
import { lookForNews } from '../../../../src/mover/look/news.js';
import { inActivity } from '../../../support/activities/in-activity.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { storeWorld } from '../../../support/tree/copied-trees.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const NOW_MS = FIRST_AT_MS + 3_600_000;
const ALL = testJob({
  mode: 'immediate',
  sources: { include: [{ repositoryId: 'primary' }, { repositoryId: 'second' }], exclude: [] },
});

/** Two sources with a machine each, both of which are copied. */
describe('the look of a watch', () => {
  let primary: SimulatedRepository;
  let second: SimulatedRepository;
  let target: SimulatedRepository;
  let web: GrowingSource;
  beforeEach(async () => {
    primary = new SimulatedRepository('primary');
    second = new SimulatedRepository('second');
    target = new SimulatedRepository('offsite');
    web = new GrowingSource(second, 'web01', { blockCount: 4 });
    await web.backUp(FIRST_AT_MS, 'full');
    await new GrowingSource(primary, 'mail01', { blockCount: 4 }).backUp(FIRST_AT_MS, 'full');
    await new LocalSessions([primary, second, target]).copy(ALL, NOW_MS);
  });

  async function look() {
    const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs: NOW_MS };
    const context = new InProcessMover(primary, second, target).lookContext();
    const { seen, workloads, unread } = await lookForNews(context, { job: ALL, ...rest });
    return { seen, ids: workloads.map(({ id }) => id), unread };
  }

  function takeAway(repository: SimulatedRepository): void {
    repository.list = () =>
      Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'permission is denied'));
  }

  async function growWeb(): Promise<void> {
    web.work(1);
    await web.backUp(FIRST_AT_MS + 60_000, 'incremental');
  }

  it('shows what is new in one source when another cannot be read, and names that', async () => {
    takeAway(primary);
    await growWeb();
    expect(await look()).toMatchObject({
      ids: ['ovirt-web01'],
      unread: [{ repositoryId: 'primary', code: 'REPOSITORY_ACCESS_DENIED' }],
    });
  });

  it('takes a workload whose record cannot be believed for one that has work, once', async () => {
    const before = await look();
    expect(before.ids).toEqual([]);
    const chain = chainFolder(ALL.id, 'ovirt-mail01');
    for (const name of ['chain.json', 'chain.json.copy'])
      await target.put(`${chain}/${name}`, Buffer.from('{"x":'));
    await growWeb();
    const broken = await look();
    expect(broken.ids).toEqual(['ovirt-mail01', 'ovirt-web01']);
    expect(broken.seen).not.toBe(before.seen);
    expect((await look()).seen).toBe(broken.seen);
  });

  it('fails as a whole when its target is away: no session could tell more', async () => {
    target.openRead = () =>
      Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'the share is not connected'));
    await expect(look()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  it('looks again when it has found folders that nothing watched yet, and watches them', async () => {
    const watched: string[][] = [];
    let looks = 0;
    const mover = new InProcessMover(primary, second, target);
    const { run } = mover;
    mover.run = async (name, ...rest) => {
      if (++looks === 2) await growWeb();
      return run.call(mover, name, ...rest) as never;
    };
    mover.watch = ((id: string, onChange: () => void) => ({
      add: (folders: string[]) => {
        if (id === 'second' && watched.push(folders) === 1) onChange();
      },
      close: () => watched.push(['closed']),
    })) as never;
    const { waitForRestorePoints } = createWatchActivities({
      mover: mover as Pick<DataMover, keyof DataMover> as DataMover,
      settleMs: () => 0,
      targetIds: ['offsite'],
    });
    const { seen } = await look();
    const order = { job: ALL, seen, intervalMs: 3_600_000 };
    const { workloads } = await inActivity(waitForRestorePoints, order);
    expect(workloads?.map(({ id }) => id)).toEqual(['ovirt-web01']);
    expect(watched[0]).toEqual(expect.arrayContaining(['', 'web01']));
    expect(watched.slice(1)).toEqual([['closed'], ['closed']]);
  });

  describe('at a machine whose session is over', () => {
    const DAY_MS = 86_400_000;

    /** What a wait returns whose looks are these, one after the other.
     *  @param looks what happens before each; behind the last the wait is stopped */
    async function waitFor(
      looks: readonly (() => Promise<void>)[],
      { seen, sinceMs }: { readonly seen: string; readonly sinceMs: number },
    ) {
      let count = 0;
      const mover = new InProcessMover(primary, second, target);
      const { run } = mover;
      mover.run = async (name, ...rest) => {
        const look = looks[count++];
        if (look === undefined) throw new BackupError('REPOSITORY_UNREACHABLE', 'seen enough');
        await look();
        return run.call(mover, name, ...rest) as never;
      };
      mover.watch = () => null;
      const { waitForRestorePoints } = createWatchActivities({
        mover: mover as Pick<DataMover, keyof DataMover> as DataMover,
        settleMs: () => 0,
        targetIds: ['offsite'],
      });
      const job = { ...ALL, retry: defaultRetry('immediate') };
      const order = { job, seen, intervalMs: 1, sinceMs };
      const found = await inActivity(waitForRestorePoints, order).catch(() => null);
      return found === null ? null : found.workloads?.map(({ id }) => id);
    }

    const nothing = () => Promise.resolve();
    const now = () => ({ sinceMs: Date.now() });

    /** As a health check leaves the chain that sets its only copy aside. */
    async function setAside(): Promise<void> {
      const chain = chainFolder(ALL.id, 'ovirt-web01');
      const record = (await readChainRecord(target, chain))!;
      await writeChainRecord(target, chain, { ...record, points: [], knownSourcePoints: [] });
    }

    it('has news when its copy is set aside, although its source shows the same', async () => {
      const { seen } = await look();
      expect(await waitFor([nothing, setAside], { seen, ...now() })).toEqual(['ovirt-web01']);
    });

    it('has none in what its session has left, for a day', async () => {
      await setAside();
      const { seen, ids } = await look();
      expect(ids).toEqual(['ovirt-web01']);
      expect(await waitFor([nothing, nothing, nothing], { seen, ...now() })).toBeNull();
      const sinceMs = Date.now() - DAY_MS;
      expect(await waitFor([nothing], { seen, sinceMs })).toEqual(['ovirt-web01']);
    });
  });

  it('looks for each job at a time of its own, however many watches begin in one moment', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-29T12:00:00Z') });
    try {
      const ids = ['nightly', 'hourly', 'weekly'];
      const looks = new Map<string, number[]>(ids.map((id) => [id, []]));
      const mover = new InProcessMover(primary, second, target);
      mover.run = (async (_: string, { job }: { job: { id: string } }) => {
        looks.get(job.id)!.push(Date.now() % 60_000);
        if (looks.get(job.id)!.length > 3) throw new BackupError('REPOSITORY_UNREACHABLE', 'done');
        const nothing = { workloads: [], onlyToCompare: [], awaited: [], unread: [], folders: {} };
        return { seen: 'the same', ...nothing };
      }) as never;
      mover.watch = () => null;
      const { waitForRestorePoints } = createWatchActivities({
        mover: mover as Pick<DataMover, keyof DataMover> as DataMover,
        settleMs: () => 0,
        targetIds: ['offsite'],
      });
      const waits = ids.map((id) =>
        inActivity(waitForRestorePoints, {
          ...{ job: { ...ALL, id }, seen: 'the same', intervalMs: 60_000 },
        }).catch(() => null),
      );
      await vi.advanceTimersByTimeAsync(5 * 60_000);
      await Promise.all(waits);
      const later = [...looks.values()].map(([, ...rest]) => new Set(rest));
      for (const places of later) expect(places.size).toBe(1);
      expect(new Set(later.flatMap((places) => [...places])).size).toBe(ids.length);
    } finally {
      vi.useRealTimers();
    }
  });

  it('starts a session over all when a source cannot be read twice on end, and only one', async () => {
    takeAway(primary);
    let looks = 0;
    const mover = new InProcessMover(primary, second, target);
    const { run } = mover;
    mover.run = (name, ...rest) => {
      looks++;
      return run.call(mover, name, ...rest) as never;
    };
    mover.watch = () => null;
    const { waitForRestorePoints } = createWatchActivities({
      mover: mover as Pick<DataMover, keyof DataMover> as DataMover,
      settleMs: () => 0,
      targetIds: ['offsite'],
    });
    const wait = (seen: string | null) =>
      inActivity(waitForRestorePoints, { job: ALL, seen, intervalMs: 1 });
    const { seen, workloads } = await wait(null);
    expect([workloads, looks]).toEqual([null, 2]);
    expect((await look()).seen).toBe(seen);
  });
});

describe('the look of a watch at a tree', () => {
  it('has work when a point is new alone, and is another look then', async () => {
    const world = await storeWorld();
    const look = async () => {
      const context = new InProcessMover(world.source, world.target).lookContext();
      const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs: world.nowMs };
      const { seen, workloads } = await lookForNews(context, { job: world.job, ...rest });
      return { seen, ids: workloads.map(({ id }) => id) };
    };
    const before = await look();
    expect(before.ids).toEqual([]);
    expect(await look()).toEqual(before);
    await world.write('snapshots/s25.json', JSON.stringify({ at: world.nowMs, needs: [] }));
    const after = await look();
    expect(after.ids).toEqual(['toy:store']);
    expect(after.seen).not.toBe(before.seen);
  });
});
