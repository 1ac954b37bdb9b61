import { describe, expect, it, onTestFinished } from 'vitest';
import type { CopyJob, StartOverrides, JobKind } from '../../../src/domain/jobs/copy-job.js';
import {
  sessionWorkflowId,
  type CopySession,
  type CopyTask,
} from '../../../src/domain/sessions/copy-session.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';
import { ovirtLayout } from '../../../src/layout/ovirt/ovirt.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { chainWorkflowId } from '../../../workflows/messages.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { pointsOf, wrongPoints } from '../../support/living/read-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { WEEKDAYS_FROM_MONDAY } from '../../../src/domain/schedules/day-names.js';

const HOUR_MS = 3_600_000;
const BATCH_MS = 1.25 * HOUR_MS;
/** A Monday. */
const BACKED_UP_MS = Date.parse('2026-11-23T12:00:00Z');
/** Every day from 20:00 to 22:00. */
const allowedHours: CopyJob['allowedHours'] = {
  timeZone: 'UTC',
  spans: [{ days: WEEKDAYS_FROM_MONDAY, from: '20:00', to: '22:00' }],
};

interface Run {
  readonly result: string;
  /** Hour (UTC, since midnight before the start) at which each batch began. */
  readonly batches: readonly number[];
  readonly seenWaiting: readonly {
    readonly session: CopySession;
    readonly task: CopyTask | null;
  }[];
  readonly wrong: unknown;
  readonly points: number;
}

/** One machine, whose full has three batches. */
async function run(
  startedAt: string,
  overrides: StartOverrides = {},
  kind: JobKind = 'copy',
): Promise<Run> {
  const primary = new SimulatedRepository('primary');
  const target = new SimulatedRepository('offsite');
  const machine = new GrowingSource(primary, 'db01', { blockCount: 6 * 128 });
  await machine.backUp(BACKED_UP_MS, 'full');
  const [workload] = await listSourceWorkloads(primary);
  const job = testJob({ allowedHours, kind });
  const nowMs = Date.parse(startedAt);
  const batches: number[] = [];
  const seenWaiting: { session: CopySession; task: CopyTask | null }[] = [];
  const sessions: LocalSessions = new LocalSessions([primary, target], {
    settings: { batchWindows: 1 },
    beforeActivity: async (name) => {
      if (name !== 'copyBlocks') return;
      const midnightMs = nowMs - (nowMs % (24 * HOUR_MS));
      batches.push((sessions.nowMs - midnightMs) / HOUR_MS);
      sessions.takeMs(BATCH_MS);
      return Promise.resolve();
    },
    whileWaiting: async (ask) => {
      const session = (await ask(sessionWorkflowId(job.id, nowMs), 'session')) as CopySession;
      const chain = chainWorkflowId('offsite', job.id, workload!.id);
      const task = session.taskCounts.running > 0 ? ((await ask(chain, 'task')) as CopyTask) : null;
      seenWaiting.push({ session, task });
    },
  });
  const { result } = await sessions.tryToCopy(job, nowMs, overrides);
  const chain = { repository: target, jobId: job.id, workloadId: workload!.id };
  return {
    result,
    batches,
    seenWaiting,
    wrong: await wrongPoints(chain, ({ createdAt }) => machine.diskAt(createdAt)),
    points: (await pointsOf(chain)).length,
  };
}

/** Until the test ends. */
function makeFileShares({ name, type }: BackupLayout): void {
  const rows = BACKUP_LAYOUTS as BackupLayout[];
  const index = rows.findIndex((row) => row.name === name);
  const rules = { ...type.rules, job: 'fileBackup' as const };
  const [row] = rows.splice(index, 1, { ...rows[index]!, type: { ...type, rules } });
  onTestFinished(() => void rows.splice(index, 1, row!));
}

describe('the allowed hours of a job', () => {
  it('hold a copy at its durable block when they end, and let it go on there when they begin', async () => {
    const { result, batches, seenWaiting, wrong, points } = await run('2026-11-23T20:00:00Z');
    expect([result, wrong, points]).toEqual(['success', [], 1]);
    // Each batch once, and none begins outside 20 to 22, today or tomorrow.
    expect(batches).toEqual([20, 21.25, 44]);
    const reason = 'outside the allowed hours of the job';
    const waitsUntil = '2026-11-24T20:00:00.000Z';
    expect(seenWaiting[0]).toMatchObject({
      session: { state: 'waiting', reason, waitsUntil },
      task: { state: 'waiting', reason, waitsUntil },
    });
  });

  it('keep a session from looking for anything before they begin', async () => {
    const { result, batches, seenWaiting } = await run('2026-11-23T08:00:00Z');
    expect([result, batches[0]]).toEqual(['success', 20]);
    expect(seenWaiting[0]).toMatchObject({
      session: { state: 'waiting', waitsUntil: '2026-11-23T20:00:00.000Z', tasks: [] },
    });
  });

  it('do not hold a session that was started for any hour', async () => {
    const { result, batches, seenWaiting } = await run('2026-11-23T08:00:00Z', { anyHour: true });
    expect([result, seenWaiting]).toEqual(['success', []]);
    expect(batches).toEqual([8, 9.25, 10.5]);
  });

  it('gate the start alone of a copy of a file share', async () => {
    makeFileShares(ovirtLayout);
    const { result, batches, wrong, seenWaiting } = await run(
      ...(['2026-11-23T08:00:00Z', {}, 'fileBackup'] as const),
    );
    expect([result, wrong]).toEqual(['success', []]);
    // The last one begins after 22:00.
    expect(batches).toEqual([20, 21.25, 22.5]);
    expect(seenWaiting[0]).toMatchObject({
      session: { state: 'waiting', waitsUntil: '2026-11-23T20:00:00.000Z' },
    });
  });
});
