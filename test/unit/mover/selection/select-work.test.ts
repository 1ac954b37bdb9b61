import { beforeEach, describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { modifiedAtMs } from '../../../../src/domain/file-stamp.js';
import type { SettleRule } from '../../../../src/domain/sources/settle.js';
import { GrowingSource } from '../../../support/living/growing-source.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const ID = 'ovirt-web01';
const ALL = testJob({ retention: { type: 'restorePoints', value: 999 } });

let source: SimulatedRepository;
let target: SimulatedRepository;
let web: GrowingSource;
let mover: InProcessMover;
beforeEach(async () => {
  source = new SimulatedRepository('primary');
  target = new SimulatedRepository('offsite');
  mover = new InProcessMover(source, target);
  web = new GrowingSource(source, 'web01', { blockCount: 4 });
  await web.backUp(FIRST_AT_MS, 'full');
});

async function backUp(...days: number[]): Promise<void> {
  for (const day of days) {
    web.rewrite(day % 4);
    await web.backUp(FIRST_AT_MS + day * DAY_MS, 'incremental');
  }
}

const place = {
  targetRepositoryId: 'offsite',
  chain: `nightly/${ID}`,
  sourceRepositoryId: 'primary',
};

function look(changes: Partial<CopyJob> = {}, epoch: number | null = null, settle?: SettleRule) {
  const job = { ...ALL, ...changes };
  return mover.run('selectWork', {
    ...{ ...place, workloadId: ID, epoch, job, scope: job.restorePoints, activeFull: false },
    ...(settle === undefined ? {} : { settle }),
  });
}

async function take(): Promise<number> {
  const { record } = await mover.run('inspectTargetChain', {
    ...{ ...place, workloadId: ID, jobId: 'nightly', owner: 'session-1', nowMs: FIRST_AT_MS },
    workload: { id: ID, name: 'web01', type: 'olvm-rhv' as const },
  });
  return record.epoch;
}

describe('the choice of what to copy', () => {
  it('says whether it passes over points for good', async () => {
    await backUp(1, 2);
    expect((await look({ restorePoints: 'latest' })).passesOver).toBe(true);
    expect((await look()).passesOver).toBe(false);
    // What is copied is passed over by nobody.
    await new LocalSessions([source, target]).copy(ALL, FIRST_AT_MS + 3 * DAY_MS);
    await backUp(4);
    expect((await look({ restorePoints: 'latest' })).passesOver).toBe(false);
    await backUp(5);
    expect((await look({ restorePoints: 'latest' })).passesOver).toBe(true);
  });

  it('is remembered for who copies it, where somebody does', async () => {
    expect((await look()).lookId).toBeNull();
    const epoch = await take();
    expect(typeof (await look({}, epoch)).lookId).toBe('string');
    await expect(look({}, epoch + 1)).rejects.toMatchObject({ code: 'STALE_EPOCH' });
    await new LocalSessions([source, target]).copy(ALL, FIRST_AT_MS + DAY_MS);
    expect((await look({}, await take())).lookId).toBeNull();
  });

  it('warns of a newest point that was cut, once a day has brought nothing more of it', async () => {
    await backUp(1);
    const path = `web01/${web.days[1]!.fileName}`;
    const file = await source.openWrite(path, 'existing');
    await file.truncate(70_000);
    await file.close();
    const { stamp } = (await source.stat(path))!;
    const warningsAfter = async (days: number) => {
      const settle = { nowMs: modifiedAtMs(stamp) + days * DAY_MS, settleMs: 0 };
      return (await look({}, null, settle)).detection.warnings.join();
    };
    expect(await warningsAfter(0.9)).toBe('');
    expect(await warningsAfter(1.1)).toContain('has been incomplete for more than a day (');
  });

  it('of a one-time copy is the named point as if it were the newest, and tells of no late file', async () => {
    await backUp(1, 2, 3);
    const once = { restorePointId: web.days[2]!.id, expiresAt: null };
    const named = await look({ once, restorePoints: 'latest' });
    expect(named.selection.points.map(({ restorePointId }) => restorePointId)).toEqual([
      web.days[2]!.id,
    ]);
    expect(named.told).toEqual([]);
    const newest = await look({ once: { ...once, restorePointId: null }, restorePoints: 'latest' });
    expect(newest.selection.points[0]!.restorePointId).toBe(web.days[3]!.id);
    await expect(
      look({ once: { ...once, restorePointId: 'gone' }, restorePoints: 'latest' }),
    ).rejects.toMatchObject({ code: 'RESTORE_POINT_MISSING' });
  });
});
