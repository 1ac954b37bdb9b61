import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { StartOverrides } from '../../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { chainWorkflowId } from '../../../../workflows/messages.js';
import { makeBaseBackup } from '../../../support/tree/base-backup.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';
import type { WorkerOptions } from '../../../support/workflows/local-worker.js';

const JOB = testJob({ transactionLogs: true, compact: null });
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const AWAITED = 'restore point 2026-11-28 was in progress and was awaited';

let root: string;
let target: SimulatedRepository;
/** When sessions start. The change times of files are of before. */
let nowMs: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longhaul-awaited-'));
  target = new SimulatedRepository('offsite');
  nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS + HOUR_MS;
});
afterEach(() => rm(root, { recursive: true }));

const folderOf = (day: string) => join(root, 'pg', day);

async function writeBase(day: string, atMs: number): Promise<void> {
  await makeBaseBackup(folderOf(day), atMs);
}

async function sessions(options: WorkerOptions = {}): Promise<LocalSessions> {
  const source = await openDirectoryRepository({
    ...{ id: 'primary', rootPath: root, readOnly: true, stampsProve: true },
  });
  return new LocalSessions([source, target], { settleMs: MINUTE_MS, ...options });
}

async function copy(options: WorkerOptions = {}, overrides: StartOverrides = {}, job = JOB) {
  const run = await sessions(options);
  const { tasks } = await run.tryToCopy(job, nowMs, overrides);
  const { result, reason, notes, committed } = tasks[0]!;
  const runs = run.runsOf(chainWorkflowId('offsite', JOB.id, 'pg-base-pg'));
  return { result, reason, notes, committed, tookMs: run.nowMs - nowMs, runs };
}

const record = () => readTreeRecord(target, chainFolder(JOB.id, 'pg-base-pg'));

// The first one bundles the workflows.
describe('a set of files that was written to a moment ago', () => {
  it('is awaited by a session of a periodic job, as its plan says', async () => {
    await writeBase('2026-11-28', nowMs - 10_000);
    const lookAgainAt = new Date(nowMs + 50_000).toISOString();
    const [plan] = await (await sessions()).plan(JOB, nowMs);
    expect(plan!.workloads).toMatchObject([{ algorithm: 'none', lookAgainAt }]);
    let shown: unknown;
    const end = await copy({
      whileWaiting: async (ask) => {
        shown = await ask(chainWorkflowId('offsite', JOB.id, 'pg-base-pg'), 'task');
      },
    });
    expect(end).toEqual({
      ...{ result: 'success', reason: null, tookMs: 50_000, runs: 1 },
      ...{ notes: [AWAITED], committed: ['2026-11-28T000000Z'] },
    });
    expect(shown).toMatchObject({
      ...{ state: 'waiting', waitsFor: 'point', waitsUntil: lookAgainAt },
      reason: expect.stringMatching(/^restore points in progress are awaited: 2026-11-28 \(/),
    });
  });

  it.each([
    ['in one run', {}, 1],
    ['in several runs', { settings: { maxHistoryEvents: 40 } }, 3],
  ])('waits behind what is whole, which is told as what it is (%s)', async (_, options, runs) => {
    await writeBase('2026-11-27', nowMs - HOUR_MS);
    await writeBase('2026-11-28', nowMs - 10_000);
    const job = testJob({ ...JOB, restorePoints: 'all' });
    const end = await copy(options, {}, job);
    expect(end).toMatchObject({
      ...{ result: 'success', reason: null, notes: [AWAITED] },
      committed: ['2026-11-27T000000Z', '2026-11-28T000000Z'],
    });
    expect(end.runs).toBe(runs);
    const kept = await record();
    for (const answer of ['untold', 'untoldWork', 'committed', 'removed'])
      expect(kept).not.toHaveProperty(answer);
  });

  it('is awaited alone: what is begun meanwhile is of the next session', async () => {
    await writeBase('2026-11-27', nowMs - 10_000);
    const end = await copy({
      whileWaiting: async () => writeBase('2026-11-28', nowMs + 45_000),
    });
    expect(end).toMatchObject({ result: 'warning', committed: ['2026-11-27T000000Z'] });
    expect(end.reason).toMatch(
      /^2026-11-28 is in progress: .*; the next session looks at it again$/,
    );
    expect(end.tookMs).toBe(50_000);
  });

  it('is awaited for twelve hours, and is not promised a look that nobody takes', async () => {
    await writeBase('2026-11-28', nowMs - 10_000);
    const run = await sessions({
      beforeActivity: async (name) => {
        if (name !== 'planTree') return;
        const seconds = run.nowMs / 1000;
        await utimes(join(folderOf('2026-11-28'), 'global/pg_control'), seconds, seconds);
      },
    });
    const { tasks } = await run.tryToCopy(JOB, nowMs);
    expect(tasks).toMatchObject([{ result: 'warning', committed: [] }]);
    expect(tasks[0]!.reason).toMatch(
      /^2026-11-28 is in progress: .*; the next session looks at it again$/,
    );
    expect(tasks[0]!.reason).not.toMatch(/looked at again/);
    const hours = (run.nowMs - nowMs) / HOUR_MS;
    expect([hours > 11, hours <= 12]).toEqual([true, true]);
  });

  it('is taken as it is by a start that does not wait', async () => {
    await writeBase('2026-11-28', nowMs - 10_000);
    const end = await copy({}, { now: true });
    expect(end).toMatchObject({ result: 'success', notes: [], tookMs: 0 });
  });

  it('is copied by an immediate job although the clock of its storage is a year ahead', async () => {
    await writeBase('2026-11-28', nowMs + 365 * 24 * HOUR_MS);
    const job = testJob({ ...JOB, mode: 'immediate' });
    const end = await copy({}, {}, job);
    expect(end).toMatchObject({ result: 'success', notes: [AWAITED], tookMs: MINUTE_MS });
  });

  it('is left to the watch of an immediate job, which looks at it again', async () => {
    await writeBase('2026-11-28', nowMs - 10_000);
    const end = await copy({}, {}, testJob({ ...JOB, mode: 'immediate' }));
    expect(end).toMatchObject({ result: 'warning', tookMs: 0 });
    expect(end.reason).toMatch(/it is looked at again at \S+ \S+ UTC$/);
  });
});
