import { beforeEach, describe, expect, it } from 'vitest';
import { GrowingSource } from '../../support/living/growing-source.js';
import { putFile } from '../../support/repository/chain-record-file.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const OVF = 'mail01-2b6f7c1e-9d34-4a55-8e10-c7f2a9d4b613.ovf';
const ID = 'ovirt-2b6f7c1e-9d34-4a55-8e10-c7f2a9d4b613';
const JOB = testJob({ restorePoints: 'all', retention: { type: 'restorePoints', value: 99 } });
/** A session keeps the heads of long texts. */
const HEAD =
  /^daily and weekly take turns in one chain: both have fulls of their own between 2026-11-04 22:00 UTC and 2026-11-04 22:00 UTC/;
const ADVICE = /two machines with one id: if two, give the clone an id of its own/;

let source: SimulatedRepository;
let target: SimulatedRepository;
let machine: GrowingSource;
beforeEach(() => {
  source = new SimulatedRepository('primary');
  target = new SimulatedRepository('offsite');
  machine = new GrowingSource(source, 'daily', { blockCount: 4 });
});

async function full(folder: string, day: number): Promise<void> {
  machine.folder = folder;
  machine.work(day);
  await machine.backUp(FIRST_AT_MS + day * DAY_MS, 'full');
  await putFile(source, `${folder}/${OVF}`, '<Envelope/>');
}

async function session(day: number, settings = {}) {
  const sessions = new LocalSessions([source, target], { settings });
  const { result, tasks } = await sessions.copy(JOB, FIRST_AT_MS + day * DAY_MS + 3_600_000);
  const task = tasks[0]!;
  return {
    result,
    isWarned: HEAD.test(task.reason ?? '') && ADVICE.test(task.reason ?? ''),
    notes: task.notes.filter((note) => HEAD.test(note)).length,
    copied: task.committed.length + (task.omitted?.committed ?? 0),
  };
}

describe('two folders of fulls that take turns under one id', () => {
  it('are a warning of the session that copies from the second for the first time, and a note of each that copies later', async () => {
    await full('daily', 1);
    await full('daily', 3);
    expect(await session(3)).toEqual({ result: 'success', isWarned: false, notes: 0, copied: 2 });
    await full('weekly', 2);
    expect(await session(4)).toEqual({ result: 'warning', isWarned: true, notes: 1, copied: 1 });
    expect(await session(5)).toEqual({
      ...{ result: 'nothingToCopy', isWarned: false, notes: 0, copied: 0 },
    });
    await full('daily', 6);
    expect(await session(6)).toEqual({ result: 'success', isWarned: false, notes: 1, copied: 1 });
  });

  it('are a warning of a first session, also where one run of its task goes on for another', async () => {
    for (const [folder, day] of [
      ['daily', 1],
      ['weekly', 2],
      ['daily', 3],
    ] as const)
      await full(folder, day);
    expect(await session(3, { maxHistoryEvents: 30 })).toMatchObject({
      ...{ result: 'warning', isWarned: true, copied: 3 },
    });
  });

  it('are named by the list of workloads and by the plan of the job, whatever was copied', async () => {
    await full('daily', 1);
    await full('weekly', 2);
    await full('daily', 3);
    const mover = new InProcessMover(source, target);
    for (const copied of [false, true]) {
      if (copied) await session(3);
      const list = { what: 'workloads', repositoryId: 'primary' } as const;
      expect((await mover.run('listWorkloads', list)).items).toMatchObject([
        { id: ID, problem: null, doubt: expect.stringMatching(HEAD) as unknown },
      ]);
      const nowMs = FIRST_AT_MS + 4 * DAY_MS;
      const look = { job: JOB, immutableForDays: 0, nowMs, settleMs: {}, after: null };
      const [plan] = (await mover.run('planJob', look)).workloads;
      expect(plan!.reasons).toContainEqual(expect.stringMatching(ADVICE));
    }
  });
});
