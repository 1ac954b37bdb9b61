import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CopyJob, GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import type { WorkloadPlan } from '../../../../src/domain/sessions/operation.js';
import type { JobLook } from '../../../../src/mover/selection/plan-job.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { storeWorld } from '../../../support/tree/copied-trees.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
/** A Monday. */
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const NOW_MS = FIRST_AT_MS + 10 * DAY_MS;

let primary: SimulatedRepository;
let second: SimulatedRepository;
let target: SimulatedRepository;
let web: GrowingSource;
/** `primary` has mail01 and web01, whose chain has three points; `second` has db01 and another web01. */
beforeEach(async () => {
  primary = new SimulatedRepository('primary');
  second = new SimulatedRepository('second');
  target = new SimulatedRepository('offsite');
  web = new GrowingSource(primary, 'web01', { blockCount: 12 });
  await web.backUp(FIRST_AT_MS, 'full');
  for (const day of [1, 2]) {
    web.rewrite(day);
    await web.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
  }
  for (const [repository, name] of [
    [primary, 'mail01'],
    [second, 'web01'],
    [second, 'db01'],
  ] as const)
    await new GrowingSource(repository, name, { blockCount: 4 }).backUp(FIRST_AT_MS, 'full');
});
afterEach(() => {
  vi.restoreAllMocks();
});

const BOTH = [{ repositoryId: 'primary' }, { repositoryId: 'second' }];
const of = (include: CopyJob['sources']['include'], exclude: CopyJob['sources']['exclude'] = []) =>
  testJob({ sources: { include, exclude } });
const WEB = of([{ repositoryId: 'primary', workloads: ['web01'] }]);

function planOf(job: CopyJob, changes: Partial<JobLook> = {}) {
  const mover = new InProcessMover(primary, second, target);
  const look = { immutableForDays: 0, nowMs: NOW_MS, settleMs: {}, after: null };
  return mover.run('planJob', { ...look, job, ...changes });
}

async function planOfWeb(changes: Partial<CopyJob> = {}): Promise<WorkloadPlan> {
  const { workloads } = await planOf({ ...WEB, ...changes });
  return workloads.find(({ workload }) => workload === 'web01')!;
}

function copy(job: CopyJob, nowMs: number) {
  return new LocalSessions([primary, second, target]).copy(job, nowMs);
}

const namesOf = ({ workloads }: { readonly workloads: readonly WorkloadPlan[] }) =>
  workloads.map(({ workload }) => workload);

async function fileBytes(...points: number[]): Promise<number> {
  let bytes = 0;
  for (const { name, path } of await primary.list('web01'))
    if (points.some((point) => name === web.days[point]!.fileName))
      bytes += (await primary.stat(path))!.stamp.sizeBytes;
  return bytes;
}

describe('the plan of a job', () => {
  it('lists the workloads by their ids, source after source, and says of one that two hold from where it is copied', async () => {
    const { workloads, nextCursor } = await planOf(of(BOTH));
    expect(namesOf({ workloads })).toEqual(['mail01', 'web01', 'db01', 'web01']);
    expect(nextCursor).toBeUndefined();
    expect(workloads.map(({ restorePoints }) => restorePoints.length)).toEqual([1, 3, 1, 0]);
    expect(workloads[3]!.reasons).toMatchObject([expect.stringContaining('primary')]);
    expect(workloads[3]).toMatchObject({
      ...{ algorithm: 'none', restorePoints: [], estimatedBytes: 0, lookAgainAt: null },
      retention: { keep: [], actions: [], warnings: [] },
    });
  });

  it('goes on behind the workload that its cursor names', async () => {
    const after = async (cursor: string) => namesOf(await planOf(of(BOTH), { after: cursor }));
    expect(await after('primary/ovirt-mail01')).toEqual(['web01', 'db01', 'web01']);
    expect(await after('primary/ovirt-web01')).toEqual(['db01', 'web01']);
    expect(await after('second/ovirt-db01')).toEqual(['web01']);
    const fromThere = await planOf(of(BOTH), { after: 'second/ovirt-db01' });
    expect(fromThere.workloads[0]!.restorePoints).toEqual([]);
    await expect(after('third/ovirt-db01')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('ends a page after 45 seconds, with one workload at least', async () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 15_001));
    const seen: string[] = [];
    for (let after: string | null | undefined = null; after !== undefined;) {
      const page = await planOf(of(BOTH), { after });
      seen.push(namesOf(page).join(' '));
      after = page.nextCursor;
    }
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.join(' ')).toBe('mail01 web01 db01 web01');
  });

  it('names what the definition names and no source shows, on its first page alone', async () => {
    const job = of(
      [{ repositoryId: 'primary', workloads: ['web01', 'misspelt'] }],
      [{ workload: 'unknown' }],
    );
    const { workloads } = await planOf(job);
    expect(workloads.slice(0, 2)).toMatchObject([
      { workload: 'definition of the job', algorithm: 'none', restorePoints: [] },
      { workload: 'definition of the job', algorithm: 'none', restorePoints: [] },
    ]);
    expect(workloads.flatMap(({ reasons }) => reasons).slice(0, 2)).toEqual([
      '`workloads` names what repository primary does not hold: misspelt',
      '`exclude` names what no source of the job holds: unknown',
    ]);
    expect(namesOf(await planOf(job, { after: 'primary/ovirt-a' }))).toEqual(['web01']);
    // A source that shows nothing may only be away.
    second.list = () => Promise.resolve([]);
    const sources = { ...job.sources, include: [...job.sources.include, BOTH[1]!] };
    expect(namesOf(await planOf({ ...job, sources }))).toEqual(['web01']);
  });

  it('has the first copy, all of its chain, and then the increments alone', async () => {
    const first = await planOfWeb();
    expect(first).toMatchObject({ algorithm: 'full', lookAgainAt: null });
    expect(first.restorePoints).toEqual(web.days.map(({ id }) => id));
    expect(first.reasons).toHaveLength(3);
    // The full, and what each increment holds.
    expect(first.estimatedBytes).toBe(await fileBytes(0, 1, 2));
    const latest = await planOfWeb({ restorePoints: 'latest' });
    expect(latest.restorePoints).toEqual([web.days[2]!.id]);
    expect(latest.estimatedBytes).toBe(await fileBytes(0, 1, 2));

    await copy(WEB, NOW_MS - DAY_MS);
    expect(await planOfWeb()).toMatchObject({ algorithm: 'none', restorePoints: [] });
    web.rewrite(3);
    await web.backUp(FIRST_AT_MS + 3 * DAY_MS, 'incremental');
    const next = await planOfWeb();
    expect(next).toMatchObject({ algorithm: 'increment', restorePoints: [web.days[3]!.id] });
    expect(next.estimatedBytes).toBe(await fileBytes(3));
    expect(next.reasons).toMatchObject([expect.stringMatching(/^00000000-\S+: \S/)]);
  });

  it('says when a point that is still being written is looked at again', async () => {
    const changedAtMs =
      Number((await primary.stat(`web01/${web.days[2]!.fileName}`))!.stamp.modifiedAtNs) / 1e6;
    const { workloads } = await planOf(WEB, {
      nowMs: changedAtMs + 1_000,
      settleMs: { primary: 60_000, second: 1 },
    });
    expect(workloads[0]!.restorePoints).toEqual([]);
    expect(Date.parse(workloads[0]!.lookAgainAt!)).toBeGreaterThan(changedAtMs);
    expect(workloads[0]!.reasons[0]).toContain('in progress');
  });

  it('says that files which are not proven to be those that were copied are compared first', async () => {
    await copy(WEB, NOW_MS - DAY_MS);
    const path = `web01/${web.days[2]!.fileName}`;
    const file = await primary.openWrite(path, 'existing');
    await file.write(Buffer.from('other bytes'), 65_536);
    await file.close();
    const { reasons, restorePoints } = await planOfWeb();
    expect(restorePoints).toEqual([]);
    expect(reasons[0]).toBe(
      `${web.days[2]!.id}: its files are not those that were copied, so its blocks are compared with the copy first`,
    );
  });

  it.each(['requireNewJob', 'startNewChain'] as const)(
    'of a chain that was made anew says what is asked for (%s)',
    async (onSourceChainRecreated) => {
      await copy(WEB, NOW_MS - DAY_MS);
      await web.removeAll();
      web.rewrite(0);
      const id = await web.backUp(FIRST_AT_MS + 4 * DAY_MS, 'full');
      const { restorePoints, reasons, algorithm } = await planOfWeb({ onSourceChainRecreated });
      const asks = onSourceChainRecreated === 'requireNewJob';
      expect([algorithm, restorePoints]).toEqual(asks ? ['none', []] : ['full', [id]]);
      expect(reasons).toHaveLength(1);
      expect(reasons[0]!.includes('longhaul job detach nightly')).toBe(asks);
    },
  );

  it('tells what retention does by then, in words', async () => {
    await copy(WEB, NOW_MS - DAY_MS);
    web.rewrite(3);
    await web.backUp(FIRST_AT_MS + 7 * DAY_MS, 'incremental');
    const newest = await planOfWeb({ retention: { type: 'restorePoints', value: 2 } });
    expect(newest.retention.keep).toHaveLength(2);
    expect(newest.retention.actions.join('; ')).toMatch(
      /merge \S+ into the full \S+, whose point goes/,
    );
    const gfs: GfsPolicy = {
      weekly: { keep: 4, day: 'monday' },
      monthly: null,
      yearly: null,
      fullMethod: 'synthetic',
    };
    const { retention } = await planOfWeb({ gfs });
    expect(retention.actions).toMatchObject([
      expect.stringMatching(
        /^make a synthetic full of 2026-11-09\S+ \(weekly full of 2026-11-09\)$/,
      ),
    ]);
    const nothing = await planOfWeb({ id: 'another' });
    expect(nothing.retention).toEqual({ keep: [], actions: [], warnings: [] });
  });
});

describe('the plan of a tree', () => {
  it('names the snapshots that a session copies, the first time as a full', async () => {
    const world = await storeWorld();
    const mover = new InProcessMover(world.source, world.target);
    const look = { immutableForDays: 0, nowMs: NOW_MS + 20 * DAY_MS, settleMs: {}, after: null };
    const plan = async (job: CopyJob) => (await mover.run('planJob', { ...look, job })).workloads;
    const job = { ...world.job };
    expect(await plan(job)).toMatchObject([
      {
        ...{ algorithm: 'none', restorePoints: [], estimatedBytes: 0 },
        reasons: ['no restore point is new; files that are different are copied all the same'],
      },
    ]);
    expect(await plan({ ...job, id: 'another' })).toMatchObject([
      {
        algorithm: 'full',
        restorePoints: ['s23', 's24'],
        reasons: ['s23: it is new', 's24: it is new'],
      },
    ]);
    await world.write(
      'snapshots/s25.json',
      JSON.stringify({ at: Date.UTC(2026, 10, 25, 22), needs: [] }),
    );
    expect(await plan(job)).toMatchObject([
      { algorithm: 'increment', restorePoints: ['s25'], reasons: ['s25: it is new'] },
    ]);
  });
});
