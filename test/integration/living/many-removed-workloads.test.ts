import { expect, it } from 'vitest';
import { readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { putChainRecord } from '../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-20T02:00:00Z');
const COUNT = 103;
const ORPHAN = '2025-11-01T000000Z';

/** Copies of workloads that no source has shown the day before. @returns their ids */
async function missedOnce(target: SimulatedRepository, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `vm-${String(n).padStart(3, '0')}`);
  const missedAt = new Date(NOW_MS - DAY_MS).toISOString();
  for (const workload of ids) {
    await putChainRecord(target, { jobId: 'nightly', workload, pointIds: ['2026-11-01T000000Z'] });
    const record = (await readChainRecord(target, `nightly/${workload}`))!;
    const absence = {
      ...{ firstMissedAt: missedAt, lastMissedAt: missedAt, missedDays: 1 },
      ...{ provenMs: 0, lastSpanMs: 0, announcedAt: null },
    };
    const presence = { lastSeenAt: null, absence };
    await writeChainRecord(target, `nightly/${workload}`, { ...record, presence });
  }
  return ids;
}

/** The folder of a point that was never listed. */
async function leaveOrphan(target: SimulatedRepository, id: string): Promise<void> {
  await target.put(`nightly/${id}/${ORPHAN}/disk`, Buffer.from('of a commit that was stopped'));
  await target.makePlace(`nightly/${id}/.staging/${ORPHAN}`);
}

it('counts looks for workloads that no source shows in each of them, when they are more than a session gets to', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  await new GrowingSource(source, 'mail01', { blockCount: 1 }).backUp(NOW_MS - DAY_MS, 'full');
  const ids = await missedOnce(target, COUNT);
  const days = async () => {
    const counted: number[] = [];
    for (const id of ids)
      counted.push(
        (await readChainRecord(target, `nightly/${id}`))!.presence.absence?.missedDays ?? 0,
      );
    return counted;
  };

  const sessions = new LocalSessions([source, target]);
  const job = testJob({ removedWorkloadsAfterDays: 300 });
  const first = await sessions.copy(job, NOW_MS);
  expect(JSON.stringify(first.tasks)).toContain(
    `${COUNT - 100} more workloads that no source shows are left for a later session`,
  );
  expect((await days()).filter((count) => count === 2)).toHaveLength(100);
  await sessions.copy(job, NOW_MS + DAY_MS);
  expect(Math.min(...(await days()))).toBe(2);
});

it('tells what was found in the chain of one, once: no other session comes to it', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  await new GrowingSource(source, 'mail01', { blockCount: 1 }).backUp(NOW_MS - DAY_MS, 'full');
  await putChainRecord(target, {
    ...{ jobId: 'nightly', workload: 'vm-000', pointIds: ['2026-11-01T000000Z'] },
  });
  await leaveOrphan(target, 'vm-000');
  const sessions = new LocalSessions([source, target]);
  const job = testJob({ removedWorkloadsAfterDays: 300 });
  const told = async (nowMs: number) =>
    (await sessions.copy(job, nowMs)).tasks
      .filter(({ workload }) => workload === 'vm-000')
      .map(({ reason, notes }) => [...(reason === null ? [] : [reason]), ...notes].join());
  expect(await told(NOW_MS)).toEqual([
    expect.stringMatching(`^no source shows it any more.*,folder ${ORPHAN} .* was set aside`),
  ]);
  expect(await told(NOW_MS + DAY_MS)).toEqual([
    expect.stringMatching(/^no source shows it any more((?!set aside).)*$/),
  ]);
});

it('keeps no job that follows waiting until all has been noted that was told, part by part', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  await new GrowingSource(source, 'mail01', { blockCount: 1 }).backUp(NOW_MS - DAY_MS, 'full');
  for (const id of await missedOnce(target, 51)) await leaveOrphan(target, id);
  const steps: string[] = [];
  const beforeActivity = (name: string) => {
    if (['startJobsAfter', 'noteAnswersTold'].includes(name)) steps.push(name);
    return Promise.resolve();
  };
  const sessions = new LocalSessions([source, target], { beforeActivity });
  await sessions.copy(testJob({ removedWorkloadsAfterDays: 300 }), NOW_MS);
  expect(steps).toEqual(['startJobsAfter', 'noteAnswersTold', 'noteAnswersTold']);
  expect(await target.stat('nightly/vm-050/.staging/take')).toBeNull();
});
