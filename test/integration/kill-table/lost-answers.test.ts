import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { BackupError } from '../../../src/domain/errors.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import type { OperationStatus } from '../../../src/domain/sessions/operation.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { chainAsText } from '../../support/kill-table/chain-end.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { filesBelow } from '../../support/tree/tree-world.js';
import {
  expectSameWithLostAnswers,
  givenUpAt,
  stoppedAt,
  stoppedIn,
} from '../../support/workflows/lost-answers.js';
import { LocalServer } from '../../support/workflows/local-server.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { InProcessWorker, type WorkerOptions } from '../../support/workflows/local-worker.js';
import type { CopySessionInput } from '../../../workflows/messages.js';

/** The others were tried by hand: they differ in nothing that the activities do. */
const SCENARIOS: readonly ScenarioName[] = [
  'copy by digests',
  'copy with machine description files',
  'merge in a chain of 2',
  'GFS full in the middle, then delete',
  'quarantine of what cannot be healed',
];

/** Beside other tests on two processors. */
async function changed(name: ScenarioName, options: WorkerOptions) {
  const { source, target, change, chain } = await prepareScenario(name);
  const server = new LocalServer(new InProcessWorker([source, target], options), NOW_MS);
  const id = sessionWorkflowId(change.workflowType, NOW_MS);
  server.begin(change.workflowType, id, change.input);
  return { outcome: await server.end(id), chain: await chainAsText(target, chain) };
}

async function machine() {
  const { source, target, chain } = await prepareScenario('merge in a chain of 2');
  const record = (await readChainRecord(target, chain))!;
  const keyOf = (at: number) =>
    restorePointKey([record.jobId, record.workload.id, record.points.at(at)!.id]);
  return { source, target, chain, record, keyOf };
}

/** The folder of a point that was never listed. @returns its name */
async function leaveOrphan(
  target: SimulatedRepository,
  chain: string,
  record: ChainRecord,
  year = '2025',
): Promise<string> {
  const orphan = record.points.at(-1)!.id.replace(/^\d{4}/, year);
  await target.put(`${chain}/${orphan}/disk`, Buffer.from('named by a commit that was stopped'));
  await target.makePlace(`${chain}/.staging/${orphan}`);
  return orphan;
}

const BEFORE = 'by a run before, which may not have told it';

const idsOf = (record: ChainRecord | null) => record?.points.map(({ id }) => id);

describe('with every activity of it done twice, because its first answer was lost,', () => {
  it.each(SCENARIOS)('the %s ends the same and says the same', async (name) => {
    await expectSameWithLostAnswers((options) => changed(name, options));
  });

  it('the delete of a removed workload is told, although what is gone cannot be counted any more', async () => {
    const { outcome, chain } = await changed('delete of a removed workload', {
      losesAnswer: (_, attempt) => attempt === 1,
    });
    expect(outcome).toMatchObject({ result: 'success' });
    expect((outcome as { text: string }).text).toMatch(
      /; all restore points go: they were deleted$/,
    );
    expect(JSON.parse(chain)).toEqual({ points: [], pending: null });
  });

  it('a check of which nobody heard what it healed tells how much is as it was written', async () => {
    const { outcome } = await changed('heal of damaged blocks', {
      losesAnswer: (_, attempt) => attempt === 1,
    });
    const { result, reason, notes } = outcome as OperationStatus;
    expect([result, reason]).toEqual(['warning', '2 damaged places were found and healed']);
    expect(notes).toEqual([
      expect.stringMatching(/: 2 units that were read as damaged are as they were written: /),
      expect.stringMatching(/the digest table was damaged and was made anew/),
    ]);
  });

  it.each(['delete', 'setAside'] as const)('the removal of a point (%s) is one', async (mode) => {
    await expectSameWithLostAnswers(async (options) => {
      const { source, target, chain, keyOf } = await machine();
      const order = { repositoryId: 'offsite', restorePointId: keyOf(0), mode };
      const sessions = new LocalSessions([source, target], options);
      const outcome = await sessions.remove({ ...order, withDependents: true }, NOW_MS);
      return [outcome, idsOf(await readChainRecord(target, chain))];
    });
  });

  it('what is found when a chain is taken over is told', async () => {
    const { source, target, chain, record } = await machine();
    const orphan = await leaveOrphan(target, chain, record);
    const { jobId, workload } = record;
    const order = { targetRepositoryId: 'offsite', chain, jobId, workload };
    const take = (owner: string) =>
      new InProcessMover(source, target).run('inspectTargetChain', {
        ...{ ...order, owner, nowMs: NOW_MS },
      });
    const first = await take('session');
    expect(first.notes).toEqual([expect.stringMatching(`^folder ${orphan} .* was set aside`)]);
    expect(await take('session')).toEqual(first);
    const later = await take('another');
    expect(later.notes).toEqual([`${BEFORE}: ${first.notes[0]}`]);
    expect((await take('a third')).notes).toEqual(later.notes);
    const told = (owner: string) =>
      new InProcessMover(source, target).run('dropTakenNotes', { ...order, owner });
    await told('another');
    expect((await take('a third')).notes).toEqual(later.notes);
    await told('a third');
    expect((await take('a fourth')).notes).toEqual([]);
    expect(await target.stat(`${chain}/.staging/take`)).toBeNull();
  });

  it('which fulls were discarded for want of room is told', async () => {
    const { source, target, chain, record } = await machine();
    const { epoch, points } = record;
    const staged = `${points[0]!.id}-full`;
    await target.put(`${chain}/.staging/${staged}/work/sda.blocks`, Buffer.from('blocks'));
    const discard = (call: string) =>
      new InProcessMover(source, target).run('discardStagedFulls', {
        ...{ targetRepositoryId: 'offsite', chain, epoch, wanted: [], call },
      });
    expect(await discard('1')).toEqual({ discarded: [staged] });
    expect(await target.stat(`${chain}/.staging/${staged}`)).toBeNull();
    expect(await discard('1')).toEqual({ discarded: [staged] });
    expect(await discard('2')).toEqual({ discarded: [] });
  });

  it('copies that go to another job arrive there', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const { source, target, record } = await machine();
      const { jobId, workload } = record;
      const chain = { jobId, workloadId: workload.id, workload };
      const order = { repositoryId: 'offsite', chain, job: testJob({ id: 'weekly' }) };
      const outcome = await new LocalSessions([source, target], options).rehome(order, NOW_MS);
      return [outcome, idsOf(await readChainRecord(target, chainFolder('weekly', workload.id)))];
    });
  });

  it('a restore of disks is one', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const { target, keyOf } = await machine();
      const folder = new SimulatedRepository('folder:/tmp/restored');
      const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
      const outcome = await new LocalSessions([target, folder], options).restore(
        { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where },
        NOW_MS,
      );
      return [outcome, [...(await filesBelow(folder, '')).keys()]];
    });
  });
});

describe('what was found when a chain was taken over', () => {
  async function withOrphan() {
    const { source, target, change, chain } = await prepareScenario('copy by digests');
    const record = (await readChainRecord(target, chain))!;
    const orphan = await leaveOrphan(target, chain, record);
    const { job } = change.input as CopySessionInput;
    const copy = async (nowMs: number, options: WorkerOptions = {}) => {
      const { tasks } = await new LocalSessions([source, target], options).tryToCopy(job, nowMs);
      return tasks.flatMap(({ notes }) => notes).filter((note) => note.includes(orphan));
    };
    return { target, chain, orphan, copy };
  }

  it('is told by a later session when the look failed behind it', async () => {
    const { target, chain, orphan, copy } = await withOrphan();
    expect(await copy(NOW_MS, givenUpAt('lookForWork'))).toEqual([]);
    expect(await copy(NOW_MS + 60_000)).toEqual([
      expect.stringMatching(`^${BEFORE}: folder ${orphan} .* was set aside`),
    ]);
    expect(await target.stat(`${chain}/.staging/take`)).toBeNull();
    expect(await copy(NOW_MS + 120_000)).toEqual([]);
  });

  it('is told by the session that found it, and no more once that is recorded', async () => {
    const { orphan, copy } = await withOrphan();
    const beforeActivity = (name: string) =>
      name === 'recordSession'
        ? Promise.reject(new Error('the target is away'))
        : Promise.resolve();
    expect(await copy(NOW_MS, { beforeActivity })).toEqual([
      expect.stringMatching(`^folder ${orphan}`),
    ]);
    expect(await copy(NOW_MS + 60_000)).toEqual([
      expect.stringMatching(`^${BEFORE}: folder ${orphan}`),
    ]);
    expect(await copy(NOW_MS + 120_000)).toEqual([]);
  });

  it('stays where its task is too long for the session, and could not be recorded by itself', async () => {
    const { target, chain, copy } = await withOrphan();
    const record = (await readChainRecord(target, chain))!;
    for (let year = 2005; year < 2025; year++)
      await leaveOrphan(target, chain, record, String(year));
    const beforeActivity = (name: string) =>
      name === 'recordTask' ? Promise.reject(new Error('the target is away')) : Promise.resolve();
    await copy(NOW_MS, { beforeActivity });
    expect(await target.stat(`${chain}/.staging/take`)).not.toBeNull();
    await copy(NOW_MS + 60_000);
    expect(await target.stat(`${chain}/.staging/take`)).toBeNull();
  });
});

describe('a restore of disks that is stopped in its last batch, which ends', () => {
  it('gives nothing its name, and says so', async () => {
    const { target, chain, keyOf } = await machine();
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
    const order = { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where };
    const sessions: LocalSessions = new LocalSessions(
      [target, folder],
      stoppedIn('restoreBlocks', () => sessions.stop('restore')),
    );
    expect(await sessions.restore(order, NOW_MS)).toMatchObject({ result: 'stopped', notes: [] });
    expect(await target.list(`${chain}/.leases`)).toEqual([]);
    const names = (await folder.list('')).map(({ name }) => name);
    expect(names).toEqual([expect.stringMatching(/^\.longhaul-restore-/)]);
    expect(await new LocalSessions([target, folder]).restore(order, NOW_MS)).toMatchObject({
      result: 'success',
    });
  });
});

describe('a restore of disks that is stopped in place of a second try of', () => {
  const NOT_YET = ['prepareRestore', 'restoreBlocks'];

  it.each([...NOT_YET, 'finishRestore', 'endRestore'])(
    '%s says so, and leaves nothing that a second order cannot end',
    async (step) => {
      const { target, chain, keyOf } = await machine();
      const folder = new SimulatedRepository('folder:/tmp/restored');
      const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
      const order = { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where };
      const sessions: LocalSessions = new LocalSessions(
        [target, folder],
        stoppedAt(step, () => sessions.stop('restore')),
      );
      const { result, notes } = await sessions.restore(order, NOW_MS);
      const leases = await target.list(`${chain}/.leases`).catch(() => []);
      expect(leases).toEqual([]);
      const isEarly = NOT_YET.includes(step);
      expect(result).toBe(isEarly ? 'stopped' : 'success');
      expect(notes.filter((note) => note.includes('too late'))).toHaveLength(isEarly ? 0 : 1);
      if (isEarly)
        expect(await new LocalSessions([target, folder]).restore(order, NOW_MS)).toMatchObject({
          result: 'success',
        });
      const names = [...(await filesBelow(folder, '')).keys()];
      expect(names.filter((name) => name.startsWith('.longhaul'))).toEqual([]);
      expect(names).toHaveLength(1);
    },
  );
});

describe('what a check has set aside', () => {
  const ASIDE = 'set aside in quarantine';

  async function notesAfter(options: WorkerOptions) {
    const { source, target, change, chain } = await prepareScenario(
      'quarantine of what cannot be healed',
    );
    const server = new LocalServer(new InProcessWorker([source, target], options), NOW_MS);
    const id = sessionWorkflowId(change.workflowType, NOW_MS);
    server.begin(change.workflowType, id, change.input);
    await server.end(id).catch(() => undefined);
    const record = (await readChainRecord(target, chain))!;
    const { jobId, workload } = record;
    const order = { targetRepositoryId: 'offsite', chain, jobId, workload, nowMs: NOW_MS };
    const take = (owner: string) =>
      new InProcessMover(source, target).run('inspectTargetChain', { ...order, owner });
    return (await take('next')).notes.filter((note) => note.includes(ASIDE));
  }

  it('is told by whoever takes the chain over when its answer was lost for good', async () => {
    expect(await notesAfter(givenUpAt('markDamage'))).toEqual([
      expect.stringMatching(`^${BEFORE}: ${ASIDE}: `),
    ]);
  });

  it('is told by nobody else when the check has told it', async () => {
    expect(await notesAfter({})).toEqual([]);
  });
});

describe('a restore of disks whose storage goes away in its last steps', () => {
  async function stoppedWhileAway(step: string, stopsAt: number) {
    const { target, keyOf } = await machine();
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
    let tries = 0;
    const sessions: LocalSessions = new LocalSessions([target, folder], {
      beforeActivity: (name) => {
        if (name !== step) return Promise.resolve();
        if (++tries === stopsAt) sessions.stop('restore');
        return Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'the share is away'));
      },
    });
    const order = { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where };
    const outcome = await sessions.restore(order, NOW_MS);
    return { outcome, tries, names: (await folder.list('')).map(({ name }) => name) };
  }

  it('ends as stopped when it is to stop before they have their names, and says so', async () => {
    const { outcome, tries } = await stoppedWhileAway('finishRestore', 7);
    expect(outcome).toMatchObject({
      result: 'stopped',
      notes: [expect.stringMatching(/^it was stopped while .* names: .*: the share is away/)],
    });
    expect(tries).toBeLessThanOrEqual(10);
  });

  it('ends well when it is to stop and all have their names, and says what it leaves', async () => {
    const { outcome, tries, names } = await stoppedWhileAway('endRestore', 7);
    expect(outcome).toMatchObject({
      result: 'success',
      notes: [
        expect.stringMatching(/^what the restore needed .* could not be taken away: the share/),
        expect.stringContaining('that came too late, and all of them have theirs'),
        expect.stringMatching(/^restored .*raw$/),
      ],
    });
    expect(tries).toBeLessThanOrEqual(10);
    expect(names.filter((name) => name.endsWith('.raw'))).toHaveLength(1);
  });
});

describe('a restore of disks whose worker goes away before its last steps', () => {
  async function stoppedWhileUntaken(step: string) {
    const { target, keyOf } = await machine();
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
    let isStopped = false;
    const sessions: LocalSessions = new LocalSessions([target, folder], {
      isAway: (name) => {
        if (name !== step) return false;
        if (!isStopped) sessions.stop('restore');
        isStopped = true;
        return true;
      },
    });
    const order = { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where };
    const outcome = await sessions.restore(order, NOW_MS);
    return { outcome, minutes: (sessions.nowMs - NOW_MS) / 60_000 };
  }

  it('ends as stopped when it is to stop before they have their names, and says why', async () => {
    const { outcome, minutes } = await stoppedWhileUntaken('finishRestore');
    expect(outcome).toMatchObject({
      result: 'stopped',
      notes: [expect.stringMatching(/^it was stopped while .* names: .*: no worker that reaches/)],
    });
    expect(minutes).toBeLessThan(5);
  });

  it('ends well when it is to stop and all have their names, and says what it leaves', async () => {
    const { outcome, minutes } = await stoppedWhileUntaken('endRestore');
    expect(outcome).toMatchObject({ result: 'success' });
    expect(outcome.notes[0]).toMatch(/^what the restore needed .* taken away: no worker that/);
    expect(minutes).toBeLessThan(5);
  });

  it('goes on when a worker is there again, however long it was away', async () => {
    const { target, keyOf } = await machine();
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const where = { destinationPath: folder.id.slice('folder:'.length), format: 'raw' } as const;
    const sessions: LocalSessions = new LocalSessions([target, folder], {
      isAway: (name) => name === 'finishRestore' && sessions.nowMs < NOW_MS + 3_600_000,
    });
    const order = { repositoryId: 'offsite', restorePointId: keyOf(-1), ...where };
    expect(await sessions.restore(order, NOW_MS)).toMatchObject({ result: 'success' });
    expect(sessions.nowMs - NOW_MS).toBeLessThan(3_600_000 + 2 * 60_000);
  });
});
