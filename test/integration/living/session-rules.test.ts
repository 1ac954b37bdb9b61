import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob, GfsPolicy } from '../../../src/domain/jobs/copy-job.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { chainWorkflowId } from '../../../workflows/messages.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { LivingChain, newest, type LivingPolicy } from '../../support/living/living-chain.js';
import { pointsOf, wrongPoints, type ChainUnderTest } from '../../support/living/read-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** docs/FORMAT.md, Backup file: the blocks lie behind the header's cluster. */
const FIRST_DATA_OFFSET = 65_536;
/** A Sunday evening, and the first Sunday of its month. */
const FIRST_AT_MS = Date.parse('2026-11-01T22:00:00Z');

describe('a session that goes on in new runs while it is asked for active fulls', () => {
  /** One task at a time; the session and the tasks go on in a new run at nearly every step where they may. */
  const SHORT_RUNS = { parallelTasks: 1, maxHistoryEvents: 40, batchWindows: 1 };
  const NAMES = ['db01', 'mail01', 'web01'];

  it('makes exactly one for each workload, and increments of it', async () => {
    const primary = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const machines = NAMES.map(
      (name, seed) => new GrowingSource(primary, name, { blockCount: 12, seed }),
    );
    const backUpAll = async (day: number) => {
      for (const machine of machines) {
        if (day > 0) machine.work(day);
        await machine.backUp(FIRST_AT_MS + day * DAY_MS, day === 0 ? 'full' : 'incremental');
      }
    };
    const sessions = new LocalSessions([primary, target], { settings: SHORT_RUNS });
    const job: CopyJob = testJob({ retention: { type: 'restorePoints', value: 20 } });
    await backUpAll(0);
    await backUpAll(1);
    await sessions.copy(job, FIRST_AT_MS + 1.5 * DAY_MS);
    for (const day of [2, 3, 4]) await backUpAll(day);

    const nowMs = FIRST_AT_MS + 4.5 * DAY_MS;
    const { result, tasks } = await sessions.copy(job, nowMs, { activeFull: true });

    expect(result).toBe('success');
    expect(tasks.map((task) => [task.workload, task.result, task.committed.length])).toEqual(
      NAMES.map((name) => [name, 'success', 3]),
    );
    const workloads = await listSourceWorkloads(primary);
    expect(sessions.runsOf(sessionWorkflowId(job.id, nowMs))).toBeGreaterThan(1);
    for (const [index, { id }] of workloads.entries()) {
      expect(sessions.runsOf(chainWorkflowId('offsite', job.id, id)), id).toBeGreaterThan(1);
      const chain: ChainUnderTest = { repository: target, jobId: job.id, workloadId: id };
      const points = await pointsOf(chain);
      expect(
        points.map(({ kind }) => kind),
        id,
      ).toEqual(['full', 'increment', 'full', 'increment', 'increment']);
      expect(
        await wrongPoints(chain, ({ createdAt }) => machines[index]!.diskAt(createdAt)),
        id,
      ).toEqual([]);
    }
  });
});

describe('a task that goes on in new runs', () => {
  it('stops at whatever moment it is asked to, also when a new run is to go on', async () => {
    const primary = new SimulatedRepository('primary');
    const machine = new GrowingSource(primary, 'db01', { blockCount: 12 });
    for (const day of [0, 1, 2, 3, 4]) {
      if (day > 0) machine.work(day);
      await machine.backUp(FIRST_AT_MS + day * DAY_MS, day === 0 ? 'full' : 'incremental');
    }
    const [{ id } = { id: '' }] = await listSourceWorkloads(primary);
    const job = testJob({ retention: { type: 'restorePoints', value: 20 } });
    const settings = { maxHistoryEvents: 40, batchWindows: 1 };
    for (let last = 3; last <= 12; last++) {
      let activities = 0;
      const sessions: LocalSessions = new LocalSessions(
        [primary, new SimulatedRepository('offsite')],
        {
          settings,
          beforeActivity: async () => {
            if (++activities === last) sessions.stop(chainWorkflowId('offsite', job.id, id));
            return Promise.resolve();
          },
        },
      );
      const { tasks } = await sessions.tryToCopy(job, FIRST_AT_MS + 5 * DAY_MS);
      expect([last, tasks.map(({ result }) => result)]).toEqual([last, ['stopped']]);
    }
  });
});

describe('a machine that three sources show', () => {
  it('is named for each source from which it is not copied, once however many runs there are', async () => {
    const ids = ['first', 'second', 'third'];
    const sources = ids.map((id) => new SimulatedRepository(id));
    for (const source of sources)
      for (const name of ['db01', 'mail01', 'web01'])
        await new GrowingSource(source, name, { blockCount: 4 }).backUp(FIRST_AT_MS, 'full');
    const include = ids.map((repositoryId) => ({ repositoryId }));
    const job = testJob({ sources: { include, exclude: [] } });
    const settings = { parallelTasks: 1, maxHistoryEvents: 36, batchWindows: 1 };
    const sessions = new LocalSessions([...sources, new SimulatedRepository('offsite')], {
      settings,
    });
    const nowMs = FIRST_AT_MS + DAY_MS;

    const { tasks } = await sessions.tryToCopy(job, nowMs);

    expect(sessions.runsOf(sessionWorkflowId(job.id, nowMs))).toBeGreaterThan(1);
    const told = tasks.filter(({ code }) => code === 'WORKLOAD_CLAIMED_TWICE');
    expect(told.map(({ workload }) => workload).sort()).toEqual(
      ['db01', 'mail01', 'web01'].flatMap((name) => [name, name]),
    );
    expect(new Set(told.map(({ reason }) => reason)).size).toBe(6);
  });
});

describe('a source that changes for ever under its copy', () => {
  it('fails its task with SOURCE_CHANGED after it was planned again as often as is set, and leaves the copies as they were', async () => {
    const tries = [];
    for (const maxReplans of [0, 1, 2, 3]) tries.push(await copyOfChanging(maxReplans));

    for (const { result, task, kinds, wrong } of tries) {
      expect([result, task.result, task.code]).toEqual(['failed', 'failed', 'SOURCE_CHANGED']);
      expect(task.reason).toMatch(/mail01\/\d{14}\..*\.incremental\.qcow2/);
      expect(task.committed).toEqual([]);
      expect([kinds, wrong]).toEqual([['full'], []]);
    }
    expect(
      tries.map(({ task }) => task.notes.some((note) => /^planned again: /.test(note))),
    ).toEqual([false, true, true, true]);
    // Each plan opens the file as often as the one before.
    const [once = 0, ...more] = tries.map(({ openings }) => openings);
    expect(once).toBeGreaterThan(0);
    const byEachPlan = (more[0] ?? 0) - once;
    expect(byEachPlan).toBeGreaterThan(0);
    expect(more).toEqual([1, 2, 3].map((plans) => once + plans * byEachPlan));
  });

  /** A full is copied; the increment after it is written again each time somebody has opened it. */
  async function copyOfChanging(maxReplans: number) {
    const primary = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const machine = new GrowingSource(primary, 'mail01', { blockCount: 12 });
    await machine.backUp(FIRST_AT_MS, 'full');
    await new LocalSessions([primary, target]).copy(testJob(), FIRST_AT_MS + HOUR_MS);
    machine.work(1);
    await machine.backUp(FIRST_AT_MS + DAY_MS, 'incremental');
    const newest = `mail01/${machine.days[1]!.fileName}`;
    let openings = 0;
    const changing = whenOpened(primary, newest, async () => {
      openings++;
      await writeAgain(primary, newest);
    });
    const sessions = new LocalSessions([changing, target], { settings: { maxReplans } });
    const { result, tasks } = await sessions.tryToCopy(testJob(), FIRST_AT_MS + 25 * HOUR_MS);
    const [workload] = await listSourceWorkloads(primary);
    const chain = { repository: target, jobId: 'nightly', workloadId: workload!.id };
    const kinds = (await pointsOf(chain)).map(({ kind }) => kind);
    const wrong = await wrongPoints(chain, ({ createdAt }) => machine.diskAt(createdAt));
    return { result, task: tasks[0]!, openings, kinds, wrong };
  }

  /** The repository in which something happens each time a file has been opened for reading. */
  function whenOpened(
    repository: SimulatedRepository,
    path: string,
    happens: () => Promise<void>,
  ): BackupRepository {
    return new Proxy(repository, {
      get(subject, name) {
        const value = Reflect.get(subject, name, subject) as unknown;
        if (typeof value !== 'function' || name === 'fenced') return value;
        const call = (value as (...args: unknown[]) => unknown).bind(subject);
        if (name !== 'openRead') return call;
        return async (opened: string) => {
          const file = await call(opened);
          if (opened === path) await happens();
          return file;
        };
      },
    });
  }

  /** The same bytes at a later time: a change is known by its stamp. */
  async function writeAgain(repository: SimulatedRepository, path: string): Promise<void> {
    const file = await repository.openWrite(path, 'existing');
    const first = Buffer.alloc(1);
    await file.read(first, 0);
    await file.write(first, 0);
    await file.close();
  }
});

describe('retention by days in a chain with a corrupt point', () => {
  const FOUR_DAYS: LivingPolicy = {
    mode: 'periodic',
    gfs: null,
    retention: { type: 'days', value: 4 },
    timeZone: 'UTC',
  };

  it('merges nothing into it or out of it, says so in every session, and every good point reads bit for bit', async () => {
    const target = new SimulatedRepository('offsite');
    const source = new SimulatedRepository('primary');
    const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, FOUR_DAYS);
    await living.session();
    const nextDay = async (kind: 'full' | 'incremental' = 'incremental') => {
      const day = living.source.days.length;
      living.source.work(day);
      await living.source.backUp(FIRST_AT_MS + day * DAY_MS, kind);
      return living.session();
    };
    for (let day = 1; day <= 3; day++) await nextDay();
    // Both blocks of the second day are written again on the third, so only the second day's point shows them.
    const [, before, damaged] = await living.points();
    await spoil(target, living.chain, damaged!.id);
    // The source holds them no more.
    await nextDay('full');
    await living.source.keepChains(1);
    const checks = new LocalSessions([source, target]);
    expect(await checks.verify('offsite', living.afterNewestBackupMs + HOUR_MS)).toMatchObject({
      result: 'failed',
    });
    const corrupt = async () =>
      (await living.points()).filter(({ health }) => health === 'corrupt').map(({ id }) => id);
    expect(await corrupt()).toEqual([damaged!.id]);

    for (let day = 5; day <= 14; day++) {
      const warning = await nextDay();
      expect(await corrupt(), `after day ${day}`).toEqual([damaged!.id]);
      expect(await living.wrongPoints(), `after day ${day}`).toEqual([damaged!.id]);
      if (day > 6) expect(warning, `on day ${day}`).toContain(`${damaged!.id} is corrupt`);
    }
    // What lay before them was merged; they stay.
    const [oldest, second] = await living.points();
    expect([oldest!.id, oldest!.kind]).toEqual([before!.id, 'full']);
    expect([second!.id, second!.kind]).toEqual([damaged!.id, 'increment']);
  });

  /** Turns bytes of the point's own data over. */
  async function spoil(
    target: SimulatedRepository,
    { jobId, workloadId }: ChainUnderTest,
    id: string,
  ): Promise<void> {
    const chain = chainFolder(jobId, workloadId);
    const { points } = (await readChainRecord(target, chain))!;
    const path = `${chain}/${points.find((point) => point.id === id)!.disks[0]!.path}`;
    const file = await target.openWrite(path, 'existing');
    await file.write(Buffer.alloc(512, 0xa5), FIRST_DATA_OFFSET);
    await file.close();
  }
});

describe('a weekly full that becomes a monthly one on the same day', () => {
  const SUNDAYS = { keep: 1, day: 'sunday' } as const;
  const gfs = (monthly: GfsPolicy['monthly']): GfsPolicy => ({
    weekly: SUNDAYS,
    monthly,
    yearly: null,
    fullMethod: 'synthetic',
  });
  const policy = (monthly: GfsPolicy['monthly']) => ({ ...newest(2), gfs: gfs(monthly) });

  it('gets the second flag and stays one full with the files that it has, and is kept for the month', async () => {
    const target = new SimulatedRepository('offsite');
    const source = new SimulatedRepository('primary');
    const living = await LivingChain.begin({ source, target }, FIRST_AT_MS, policy(null));
    const chain = chainFolder('nightly', living.chain.workloadId);
    await living.session();
    const flags = async () => (await living.points()).map((point) => [point.kind, point.flags]);
    const stamps = async (id: string) =>
      (await target.list(`${chain}/${id}`)).map(({ path, stamp }) => [path, stamp]);
    expect(await flags()).toEqual([['full', ['weekly']]]);
    const [full] = await living.points();
    const before = await stamps(full!.id);

    const monthly = policy({ keep: 2, week: 'first' });
    await living.session({ nowMs: FIRST_AT_MS + 1.5 * HOUR_MS, policy: monthly });

    expect(await flags()).toEqual([['full', ['weekly', 'monthly']]]);
    expect(await stamps(full!.id)).toEqual(before);
    for (let day = 1; day <= 21; day++) {
      living.source.work(day);
      await living.source.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
      await living.session({ policy: monthly });
    }
    const [first] = await living.points();
    expect([first!.id, first!.flags.includes('monthly')]).toEqual([full!.id, true]);
    expect(await living.wrongPoints()).toEqual([]);
  });
});

describe('a source whose stamps prove nothing', () => {
  it('has every restore point copied, also behind those that were compared', async () => {
    const primary = Object.assign(new SimulatedRepository('primary'), {
      capabilities: { stampsProve: false },
    });
    const target = new SimulatedRepository('offsite');
    const machine = new GrowingSource(primary, 'db01', { blockCount: 12 });
    const sessions = new LocalSessions([primary, target]);
    const job: CopyJob = testJob({ retention: { type: 'restorePoints', value: 20 } });
    const committed: number[] = [];
    await machine.backUp(FIRST_AT_MS - DAY_MS, 'full');
    for (const day of [0, 1, 2]) {
      machine.work(day + 1);
      await machine.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
      const { tasks } = await sessions.copy(job, FIRST_AT_MS + (day + 0.5) * DAY_MS);
      committed.push(tasks[0]!.committed.length);
    }
    const [{ id } = { id: '' }] = await listSourceWorkloads(primary);
    const chain: ChainUnderTest = { repository: target, jobId: job.id, workloadId: id };
    expect(committed).toEqual([2, 1, 1]);
    expect(await wrongPoints(chain, ({ createdAt }) => machine.diskAt(createdAt))).toEqual([]);
  });
});
