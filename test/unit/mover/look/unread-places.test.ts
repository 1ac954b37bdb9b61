import { beforeEach, describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { lookForNews } from '../../../../src/mover/look/news.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const NOW_MS = FIRST_AT_MS + 3_600_000;

/** A source with two machines, of which the folder of one may not be read. */
describe('a place of a source that cannot be read', () => {
  let primary: SimulatedRepository;
  let target: SimulatedRepository;
  let unread: string;
  beforeEach(async () => {
    unread = 'web01';
    primary = new SimulatedRepository('primary');
    target = new SimulatedRepository('offsite');
    for (const name of ['web01', 'web02', 'mail01'])
      await new GrowingSource(primary, name, { blockCount: 4 }).backUp(FIRST_AT_MS, 'full');
    const { list } = primary;
    primary.list = (folder) =>
      folder === unread ? Promise.reject(denied(folder)) : list.call(primary, folder);
  });

  const jobWith = (sources: Partial<CopyJob['sources']['include'][0]>, exclude: string[] = []) =>
    testJob({
      mode: 'immediate',
      sources: {
        include: [{ repositoryId: 'primary', ...sources }],
        exclude: exclude.map((pattern) => ({ pattern })),
      },
    });

  async function toldBy(job: CopyJob): Promise<unknown[]> {
    const { tasks } = await new LocalSessions([primary, target]).tryToCopy(job, NOW_MS);
    return tasks.map(({ workload, code, reason }) => [
      workload,
      code,
      /may lie in .*/.exec(reason ?? '')?.[0],
    ]);
  }

  const TOLD = ['web01', 'SOURCE_PART_UNREADABLE', undefined];
  const COPIED = ['mail01', null, undefined];
  const MAY = 'may lie in web01, which cannot be looked into';

  it('is told by jobs that name what lies beside it, or a pattern, unless they exclude it', async () => {
    expect(await toldBy(jobWith({ workloads: ['mail01', 'db01'] }))).toEqual(
      expect.arrayContaining([TOLD, COPIED, ['db01', 'WORKLOAD_MISSING', MAY]]),
    );
    expect(await toldBy(jobWith({ patterns: ['mail*', 'db*'] }))).toEqual(
      expect.arrayContaining([TOLD, COPIED, ['repository primary', null, MAY]]),
    );
    expect(await toldBy(jobWith({ patterns: ['mail*'] }, ['web*']))).toEqual([COPIED]);
  });

  it('stops no immediate job beside it, and is another look when it is another place', async () => {
    const rest = { awaited: [], settleMs: {}, targetIds: ['offsite'], nowMs: NOW_MS };
    const look = async () => {
      const context = new InProcessMover(primary, target).context();
      const found = await lookForNews(context, { job: jobWith({ patterns: ['mail*'] }), ...rest });
      expect(found.workloads.map(({ id }) => id)).toEqual(['ovirt-mail01']);
      return [found.seen, ...found.unread.map(({ code }) => code)];
    };
    const [seen, ...codes] = await look();
    expect(codes).toEqual(['SOURCE_PART_UNREADABLE']);
    expect(await look()).toEqual([seen, ...codes]);
    unread = 'web02';
    expect((await look())[0]).not.toBe(seen);
    unread = 'none';
    expect(await look()).toHaveLength(1);
  });

  it('stands in the plan of a job beside what is copied', async () => {
    const order = { immutableForDays: 0, nowMs: NOW_MS, settleMs: {}, after: null };
    const plan = await new InProcessMover(primary, target).run('planJob', {
      ...{ job: jobWith({ patterns: ['mail*'] }), ...order },
    });
    expect(
      plan.workloads.map(({ workload, reasons }) => [workload, reasons[0]?.slice(0, 20)]),
    ).toEqual([
      ['mail01', expect.anything()],
      ['web01', 'web01 cannot be read'],
    ]);
  });
});
