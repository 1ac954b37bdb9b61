import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import {
  CONTROL_TASK_QUEUE,
  operationQuery,
  pauseUpdate,
  resumeUpdate,
  taskHoldSignal,
  taskQuery,
} from '../../../workflows/messages.js';
import { OVIRT_FIXTURE, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const WAITS =
  'it waits for its turn in repository offsite, where as many workloads as workloadLimit says have theirs at once';

/** What the mover is asked to do, and by which chain; the first copy is held up until `letGo`. */
function holdUpFirstCopy() {
  const { run, runWindows } = DataMover.prototype;
  const steps: string[] = [];
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let isFirst = true;
  DataMover.prototype.run = function (this: DataMover, name, input, control) {
    steps.push(`${name} ${chainOf(input)}`);
    return run.call(this, name, input, control) as never;
  };
  DataMover.prototype.runWindows = async function (this: DataMover, name, input, windows, control) {
    steps.push(`${name} ${chainOf(input)}`);
    if (isFirst) {
      isFirst = false;
      while (!control.isStopped && !(await Promise.race([held.then(() => true), tick()])));
    }
    return runWindows.call(this, name, input, windows, control);
  };
  return { steps, letGo, undo: () => Object.assign(DataMover.prototype, { run, runWindows }) };
}

const tick = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 20));

function chainOf(input: object): string {
  return /ovirt-\w+/.exec(JSON.stringify(input))?.[0] ?? '';
}

describeTemporal('workloads at a target that takes one at a time', () => {
  let site: TestSite;
  let workers: TestWorkers;
  let copies: ReturnType<typeof holdUpFirstCopy>;
  beforeAll(async () => {
    site = await TestSite.create(OVIRT_FIXTURE);
    site.workloadLimit = 1;
    workers = await TestWorkers.start(site);
  });
  afterEach(() => {
    copies.letGo();
    copies.undo();
  });
  afterAll(async () => {
    await workers.stop();
    await site.remove();
  });

  const task = (jobId: string, machine: string) =>
    workers.client.workflow.getHandle(`chain/offsite/${jobId}/ovirt-${machine}`).query(taskQuery);

  /** A session in which one machine is being copied and the other waits. */
  async function oneCopiesOneWaits(id: string) {
    copies = holdUpFirstCopy();
    const session = await workers.startSession(testJob({ id }));
    await vi.waitFor(
      async () => {
        const states = [await task(id, 'mail01'), await task(id, 'dns01')];
        expect(states.map(({ state }) => state).sort()).toEqual(['copying', 'waiting']);
      },
      { timeout: 60_000 },
    );
    const first = (await task(id, 'mail01')).state === 'copying' ? 'mail01' : 'dns01';
    return { session, first, second: first === 'mail01' ? 'dns01' : 'mail01' };
  }

  it('are copied in turns, and the one that waits says for what', async () => {
    const { session, second } = await oneCopiesOneWaits('turns');
    expect(await task('turns', second)).toMatchObject({ state: 'waiting', reason: WAITS });
    expect(copies.steps.filter((step) => step === `planCopy ovirt-${second}`)).toEqual([]);
    copies.letGo();

    const { result, tasks } = await session.result();
    expect(result).toBe('success');
    expect(tasks.map(({ reason }) => reason)).toEqual([null, null]);
    // All points of one machine, then all of the other.
    const plans = copies.steps.filter((step) => step.startsWith('planCopy'));
    expect(plans.map((step) => step.endsWith(second))).toEqual(
      plans.map((_, n) => n >= plans.indexOf(`planCopy ovirt-${second}`)),
    );
  });

  it('are copied point by point when no turn lasts longer than that', async () => {
    const others = await TestWorkers.start(site, { turnMs: 0 });
    copies = holdUpFirstCopy();
    copies.letGo();
    try {
      expect((await others.runSession(testJob({ id: 'short-turns' }))).result).toBe('success');
    } finally {
      await others.stop();
    }
    const plans = copies.steps.filter((step) => step.startsWith('planCopy'));
    const changes = plans.filter((step, n) => n > 0 && step !== plans[n - 1]);
    expect(changes.length).toBeGreaterThan(1);
  });

  it('let another one go on when they are paused', async () => {
    const { session, first, second } = await oneCopiesOneWaits('paused-turn');
    const { client } = workers;
    await client.workflow
      .getHandle(`chain/offsite/paused-turn/ovirt-${first}`)
      .signal(taskHoldSignal, { type: 'paused' });
    await vi.waitFor(
      async () => expect((await task('paused-turn', second)).state).toBe('ended'),
      20_000,
    );
    expect((await task('paused-turn', first)).state).toBe('paused');
    await session.executeUpdate(pauseUpdate);
    await session.executeUpdate(resumeUpdate);
    expect((await session.result()).result).toBe('success');
  });

  it('give their turn back when they are stopped or terminated', async () => {
    const { session } = await oneCopiesOneWaits('stopped-turn');
    await session.cancel();
    expect((await session.result()).result).toBe('stopped');
    copies.undo();
    const again = await oneCopiesOneWaits('terminated-turn');
    await again.session.terminate();
    copies.letGo();
    expect((await workers.runSession(testJob({ id: 'after' }))).result).toBe('success');
  });

  it('do not hold up a restore, and hold up a health check', async () => {
    copies = holdUpFirstCopy();
    copies.letGo();
    await workers.runSession(testJob({ id: 'there' }));
    copies.undo();
    const { session } = await oneCopiesOneWaits('busy');
    const verification = await workers.client.workflow.start('verifyBackups', {
      workflowId: 'verify/offsite/there',
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ repositoryId: 'offsite', restorePointId: null, jobId: 'there' }],
    });
    const waits = async () => (await verification.query(operationQuery)).reason;
    await vi.waitFor(async () => expect(await waits()).toBe(WAITS), 20_000);
    const point = (await site.chain('there', 'dns01'))!.points[0]!;
    const restored = await workers.client.workflow.execute('restorePoint', {
      workflowId: 'restore/offsite/there',
      taskQueue: CONTROL_TASK_QUEUE,
      args: [
        {
          repositoryId: 'offsite',
          restorePointId: restorePointKey(['there', 'ovirt-dns01', point.id]),
          destinationPath: site.path('restored'),
          format: 'raw',
        },
      ],
    });
    expect(restored).toMatchObject({ result: 'success' });
    expect(await waits()).toBe(WAITS);
    copies.letGo();
    expect(await session.result()).toMatchObject({ result: 'success' });
    expect(await verification.result()).toMatchObject({
      result: 'success',
      reason: /restore points are as they were written/,
    });
    await rm(site.path('restored'), { recursive: true });
  });
});
