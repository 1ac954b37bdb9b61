import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { pointFolders, readChainRecord, writeChainRecord } from '../../../src/chain/chain-store.js';
import {
  readJobDefinition,
  writeJobDefinition,
} from '../../../src/chain/sessions/session-record.js';
import { detachedJob } from '../../../src/domain/jobs/detached-copy.js';
import { stagedPath, writeStagedJson } from '../../../src/mover/staging/copy-plan.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readTreeRecord, writeTreeRecord } from '../../../src/tree/tree-store.js';
import { chainWorkflowId } from '../../../workflows/messages.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { missForDays } from '../../support/living/missed-looks.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { putFile } from '../../support/repository/chain-record-file.js';
import { SimulatedRepository, type Loss } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { makeTreesKnown } from '../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../support/tree/toy-trees.js';
import { filesBelow, TreeWorld } from '../../support/tree/tree-world.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const RETENTION = { type: 'restorePoints', value: 99 } as const;
const WEEKLY = testJob({ id: 'weekly', restorePoints: 'latest', retention: RETENTION });

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

/** The order as its activity gives it. */
function order(target: SimulatedRepository, owner = 'first', job = WEEKLY, nowMs = NOW_MS) {
  const { chain, before } = machine;
  const { workload } = before;
  const ids = { targetRepositoryId: 'offsite', chain, jobId: 'nightly' };
  return new InProcessMover(target).run('rehomeChain', { ...ids, workload, job, owner, nowMs });
}

function home(job = WEEKLY): string {
  return chainFolder(job.id, machine.before.workload.id);
}

/** The order through its workflow. */
function ordered(copy: MachineCopy, held: string | null = null) {
  const { workload } = machine.before;
  const chain = { jobId: 'nightly', workloadId: workload.id, workload };
  const input = { repositoryId: 'offsite', chain, job: WEEKLY };
  const until = { workflowId: held ?? '', untilMs: NOW_MS + 60_000 };
  return new LocalSessions([copy.source, copy.target]).rehome(
    input,
    NOW_MS,
    held === null ? null : until,
  );
}

async function expectMoved(target: SimulatedRepository): Promise<void> {
  expect(await readChainRecord(target, machine.chain)).toBeNull();
  const record = await readChainRecord(target, home());
  expect(record?.jobId).toBe('weekly');
  expect(record?.points).toEqual(machine.before.points);
  expect(await machine.wrongPoints(target, 'weekly')).toEqual([]);
}

async function expectUntouched(target: SimulatedRepository): Promise<void> {
  const record = await readChainRecord(target, machine.chain);
  expect([record?.jobId, record?.points]).toEqual(['nightly', machine.before.points]);
  expect(await machine.wrongPoints(target)).toEqual([]);
}

describe('copies that another job gets', () => {
  it('are gone on with: its next session is an increment, and every point stays as it was', async () => {
    const copy = await machine.copy();
    expect(await ordered(copy)).toMatchObject({ state: 'ended', result: 'success' });
    await expectMoved(copy.target);
    expect(await readJobDefinition(copy.target, 'weekly')).toMatchObject({ id: 'weekly' });
    const sessions = new LocalSessions([copy.source, copy.target]);
    const { tasks } = await sessions.copy(WEEKLY, NOW_MS + 3_600_000);
    expect(tasks).toMatchObject([{ result: 'success', algorithm: 'increment' }]);
    const { points } = (await readChainRecord(copy.target, home()))!;
    expect(points.map(({ kind }) => kind)).toEqual(['full', ...Array<string>(4).fill('increment')]);
    expect(await machine.wrongPoints(copy.target, 'weekly')).toEqual([]);
  });

  it('bring along what was set aside on the way: the next session of the other job tells it, once', async () => {
    const copy = await machine.copy();
    const [lost, begun] = ['2025', '2024'].map((year) => machine.idOf(3).replace(/^\d{4}/, year));
    for (const id of [lost!, begun!]) {
      await putFile(copy.target, `${machine.chain}/${id}/disk`, 'of a commit that was stopped');
      await copy.target.makePlace(`${machine.chain}/.staging/${id}`);
    }
    // It could be gone on with where it was begun.
    const composed = stagedPath.composed(`${machine.chain}/.staging/${begun!}`);
    await writeStagedJson(copy.target, composed, { token: 'begun' });
    await order(copy.target);
    const staged = await copy.target.list(`${home()}/.staging`);
    expect(staged.map(({ name }) => name)).toEqual(['take']);
    const sessions = new LocalSessions([copy.source, copy.target]);
    const told = async (nowMs: number) =>
      (await sessions.copy(WEEKLY, nowMs)).tasks
        .flatMap(({ notes }) => notes)
        .filter((note) => note.includes('set aside'));
    expect(await told(NOW_MS + 3_600_000)).toEqual(
      [lost, begun].map(
        (id) => expect.stringMatching(`^by a run before, .*: folder ${id} .* was`) as unknown,
      ),
    );
    expect(await told(NOW_MS + 7_200_000)).toEqual([]);
  });

  it('leave a job that begins a new chain beside them when they are detached', async () => {
    const copy = await machine.copy();
    const nightly = testJob({ restorePoints: 'latest', retention: RETENTION });
    const at = '2026-11-07T22:00:00.000Z';
    const job = detachedJob('detached-mail01-0123456789', { name: 'mail01' }, nightly, at);
    expect(await order(copy.target, 'first', job)).toEqual({ pointCount: 4 });
    expect(await readJobDefinition(copy.target, job.id)).toMatchObject({
      detached: { fromJobId: 'nightly', at },
    });
    const sessions = new LocalSessions([copy.source, copy.target]);
    const { tasks } = await sessions.copy(nightly, NOW_MS + 3_600_000);
    expect(tasks).toMatchObject([{ result: 'success', algorithm: 'full' }]);
    expect((await copy.record()).points.map(({ kind }) => kind)).toEqual(['full']);
    expect((await readChainRecord(copy.target, home(job)))!.points).toHaveLength(4);
    expect(await machine.wrongPoints(copy.target, job.id)).toEqual([]);
  });

  it('stay where they are while they are read, and go when the reader is done', async () => {
    const copy = await machine.copy([1, 'restore']);
    expect(await ordered(copy)).toMatchObject({ result: 'failed', code: 'POINT_IN_USE' });
    await expectUntouched(copy.target);
    await copy.target.remove(`${machine.chain}/.leases/lease-0.json`);
    await order(copy.target, 'second');
    await expectMoved(copy.target);
  });

  it.each(['nightly', 'weekly'])(
    'stay where they are while a session of %s works on the chain',
    async (jobId) => {
      const copy = await machine.copy();
      const held = chainWorkflowId('offsite', jobId, machine.before.workload.id);
      const { result, reason } = await ordered(copy, held);
      expect([result, reason]).toEqual(['failed', expect.stringContaining('in use by a session')]);
      await expectUntouched(copy.target);
    },
  );

  it('are refused where the job keeps copies of that workload, and both stay', async () => {
    const copy = await machine.copy();
    const sessions = new LocalSessions([copy.source, copy.target]);
    await sessions.copy(WEEKLY, NOW_MS);
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'CHAIN_EXISTS' });
    expect((await copy.record()).points).toHaveLength(4);
    expect((await readChainRecord(copy.target, home()))!.points).toHaveLength(1);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('are refused where another job of its id has left what its sessions would not touch', async () => {
    const copy = await machine.copy();
    await writeJobDefinition(copy.target, { ...WEEKLY, origin: 'of the deleted one' });
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'COPIES_OF_OTHER_JOB' });
    await expectUntouched(copy.target);
  });

  it('as sets of files are gone on with, too: nothing is sent twice', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    const blob = await world.writeBlob('one');
    await world.write('index/i1', JSON.stringify([blob]));
    const snapshot = { at: Date.UTC(2026, 10, 24, 22), needs: ['index/i1'] };
    await world.write('snapshots/s1.json', JSON.stringify(snapshot));
    await world.copy();
    const { workload, points } = await world.record();
    const job = { ...world.job, id: 'weekly' };
    const order = { targetRepositoryId: 'offsite', chain: world.tree, jobId: world.job.id };
    const more = { workload, job, owner: 'first', nowMs: world.nowMs };
    const mover = new InProcessMover(world.target);
    expect(await mover.run('rehomeChain', { ...order, ...more })).toBeNull();
    expect(await mover.run('rehomeTree', { ...order, ...more })).toEqual({ pointCount: 1 });
    const { tasks } = await world.copy({}, job);
    expect(tasks).toMatchObject([{ result: 'nothingToCopy' }]);
    const tree = chainFolder('weekly', workload.id);
    expect((await readTreeRecord(world.target, tree))!.points).toEqual(points);
    expect(await filesBelow(world.target, `${tree}/files`)).toEqual(world.files);
  });

  it('count as missed only by the looks of the job that they go to', async () => {
    const copy = await machine.copy([1, 'restore']);
    await missForDays(copy.target, machine.chain, NOW_MS);
    const { presence } = await copy.record();
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'POINT_IN_USE' });
    expect((await copy.record()).presence).toEqual(presence);
    await copy.target.remove(`${machine.chain}/.leases/lease-0.json`);
    await order(copy.target, 'second');
    const { lastSeenAt } = presence;
    const moved = (await readChainRecord(copy.target, home()))!;
    expect(moved.presence).toEqual({ lastSeenAt, absence: null });
  });

  it('lose nothing that was begun when they are refused because somebody reads', async () => {
    const copy = await machine.copy([1, 'restore']);
    const begun = `${machine.chain}/.staging/verify-${machine.idOf(1)}/scan.json`;
    await putFile(copy.target, begun, '{}');
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'POINT_IN_USE' });
    expect(await copy.target.stat(begun)).not.toBeNull();
  });

  it('are read by nobody who comes when they are about to go, and no lease is left', async () => {
    const { target, ...copy } = await machine.copy();
    await writeChainRecord(target, machine.chain, {
      ...(await readChainRecord(target, machine.chain))!,
      jobId: 'weekly',
    });
    const pointId = machine.before.points[0]!.id;
    const place = { targetRepositoryId: 'offsite', repositoryId: 'offsite', chain: machine.chain };
    const input = { ...place, pointId, nowMs: NOW_MS };
    const destinationPath = '/restored';
    const destination = new SimulatedRepository(folderRepositoryId(destinationPath));
    const restore = { disks: null, format: 'same', intoExisting: false, leaseId: 'one' } as const;
    const mover = new InProcessMover(copy.source, target, destination);
    const missing = { code: 'RESTORE_POINT_MISSING' };
    await expect(mover.run('prepareVerification', input)).rejects.toMatchObject(missing);
    await expect(
      mover.run('prepareRestore', { ...input, ...restore, destinationPath }),
    ).rejects.toMatchObject(missing);
    expect(await target.list(`${machine.chain}/.leases`)).toEqual([]);
  });

  it('of a tree are restored by nobody who comes then, either', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/1', 'chunk 1');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    const record = await world.record();
    await writeTreeRecord(world.target, world.tree, { ...record, jobId: 'weekly' });
    const destinationPath = '/restored';
    const destination = new SimulatedRepository(folderRepositoryId(destinationPath));
    const place = { repositoryId: 'offsite', chain: world.tree, pointId: record.points[0]!.id };
    const restore = { format: 'same', intoExisting: false, leaseId: 'one' } as const;
    const input = { ...place, ...restore, destinationPath, nowMs: world.nowMs };
    await expect(
      new InProcessMover(world.target, destination).run('prepareTreeRestore', input),
    ).rejects.toMatchObject({ code: 'RESTORE_POINT_MISSING' });
    expect(await world.target.list(`${world.tree}/.leases`)).toEqual([]);
  });

  it('that went meanwhile leave no empty chain where a check or a removal looks for them', async () => {
    const { target } = await machine.copy();
    await order(target);
    const { chain, before } = machine;
    const ids = { targetRepositoryId: 'offsite', chain, jobId: 'nightly', isKept: true };
    const input = { ...ids, workload: before.workload, owner: 'check', nowMs: NOW_MS };
    await expect(new InProcessMover(target).run('inspectTargetChain', input)).rejects.toMatchObject(
      { code: 'RESTORE_POINT_MISSING' },
    );
    expect(await readChainRecord(target, chain)).toBeNull();
  });

  it('go where only empty folders of an earlier check lie', async () => {
    const copy = await machine.copy();
    await copy.target.makePlace(`${home()}/.leases`);
    await order(copy.target);
    await expectMoved(copy.target);
  });

  it('stay where they are when the definition of the other job cannot be read', async () => {
    const copy = await machine.copy();
    await putFile(copy.target, 'weekly/job.json', '{');
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'METADATA_CORRUPT' });
    await expectUntouched(copy.target);
  });

  it('of nobody are no success, unless this very order has moved them', async () => {
    const copy = await machine.copy();
    await order(copy.target);
    expect(await order(copy.target)).toEqual({ pointCount: 4 });
    expect(await order(copy.target, 'later')).toBeNull();
  });

  it('are left where a folder holds another workload than was said', async () => {
    const copy = await machine.copy();
    const record = await copy.record();
    const other = { ...record.workload, id: 'ovirt-mail02' };
    const change = { jobId: 'elsewhere', workload: other };
    await writeChainRecord(copy.target, machine.chain, { ...record, ...change });
    await expect(order(copy.target)).rejects.toMatchObject({ code: 'CHAIN_FOREIGN' });
  });
});

describe('an order that is stopped', () => {
  const LOSSES: Loss[] = [{ kind: 'none' }, { kind: 'power', seed: 1 }];

  it('at any operation loses no point, has one home for them, and is finished by the next order', async () => {
    const copy = await machine.copy();
    copy.target.settleAll();
    const undisturbed = copy.target.clone();
    await order(undisturbed);
    const count = undisturbed.operations.length;
    const names = await pointFolders(copy.target, machine.chain);
    expect(count).toBeGreaterThan(10);
    for (let atOperation = 1; atOperation <= count; atOperation++)
      for (const loss of LOSSES) {
        const crashing = copy.target.clone({ crash: { atOperation, when: 'before' } });
        await expect(order(crashing)).rejects.toThrow();
        const left = crashing.restart(loss);
        const there = await readChainRecord(left, machine.chain);
        const gone = await readChainRecord(left, home());
        expect([there, gone].filter((record) => record !== null)).toHaveLength(1);
        expect((there ?? gone)!.points).toEqual(machine.before.points);
        // Temporal gives it to the next worker; after a workflow that was ended by hand it is a new order.
        for (const owner of loss.kind === 'none' ? ['first', 'later'] : ['first']) {
          const next = left.clone();
          const done = await order(next, owner);
          expect(done).toEqual(there === null && owner === 'later' ? null : { pointCount: 4 });
          if (atOperation % 10 === 1) await expectMoved(next);
          const record = (await readChainRecord(next, home()))!;
          expect([record.jobId, record.points]).toEqual(['weekly', machine.before.points]);
          expect(await pointFolders(next, home())).toEqual(names);
          expect(await next.list(machine.chain)).toEqual([]);
        }
      }
  });

  it('and that another destination is given goes there', async () => {
    const copy = await machine.copy();
    const record = await copy.record();
    await writeChainRecord(copy.target, machine.chain, { ...record, jobId: 'elsewhere' });
    await order(copy.target);
    await expectMoved(copy.target);
    // Whoever was stopped and wakes up owns it no more.
    expect((await readChainRecord(copy.target, home()))!.epoch).toBeGreaterThan(record.epoch);
  });
});
