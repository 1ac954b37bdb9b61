import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createNotifyActivities } from '../../../activities/watch/notify-activities.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { NotificationChannel } from '../../../src/domain/notices/notification-channel.js';
import type { SafetyProblem } from '../../../src/domain/safety/problem-groups.js';
import type { Safety } from '../../../src/domain/safety/safety-facts.js';
import { connectNative, connectTemporal } from '../../../src/temporal/connect.js';
import {
  CONTROL_TASK_QUEUE,
  endSilenceUpdate,
  openAlertsQuery,
  silencesQuery,
  silenceUpdate,
  WATCH_SAFETY_ID,
  WORKFLOW_WATCH_SAFETY,
} from '../../../workflows/messages.js';
import { Receiver } from '../../support/notify/receiver.js';
import { ownNamespace } from '../../support/temporal/own-namespace.js';
import { quietRuntime } from '../../support/temporal/quiet-runtime.js';
import { describeTemporal } from '../../support/temporal/server.js';
import { workflowBundle } from '../../support/workflows/workflow-sandbox.js';

const SECRET = 'T0p-s3cret';

const LATE: SafetyProblem = {
  ...{ key: 'late', code: 'COPY_LATE', severity: 'error', sinceMs: null, errorCode: null },
  ...{ text: 'db07 is 9 h late', nextStep: 'Start the job.', workloads: [] },
  ...{ jobId: 'nightly', jobIds: ['nightly'], onlyOf: [], repositoryId: null, sessionId: null },
};
const MINOR: SafetyProblem = { ...LATE, key: 'off', code: 'JOB_DISABLED', severity: 'warning' };

describeTemporal('the watch over all copies', () => {
  let folder: string;
  let receiver: Receiver;
  let client: Client;
  let native: { connection: NativeConnection; namespace: string };
  let problems: SafetyProblem[] | null = [];
  let looksInVain = 0;
  let channels: NotificationChannel[];
  let worker: { stop(): Promise<void> } | null = null;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-watch-'));
    receiver = await Receiver.start();
    const settings = await ownNamespace();
    ({ client } = await connectTemporal(settings));
    quietRuntime();
    native = await connectNative(settings);
    const urlFile = join(folder, 'url');
    await writeFile(urlFile, receiver.url(`/${SECRET}`));
    const pingFile = join(folder, 'ping');
    await writeFile(pingFile, receiver.url('/alive'));
    channels = [
      {
        ...{ id: 'phone', kind: 'gotify', urlFile },
        ...{ severity: 'error', jobs: null, digestAt: null, quietHours: null },
      },
      { id: 'alive', kind: 'ping', urlFile: pingFile, job: null },
    ];
  });
  afterEach(() => worker?.stop());
  afterAll(async () => {
    await receiver.close();
    await native.connection.close();
    await rm(folder, { recursive: true });
  });

  async function startWorker(): Promise<void> {
    const readSafety = (): Promise<Safety> => {
      if (problems === null) {
        looksInVain++;
        // Of a kind that no retry mends, so that the look ends at once.
        return Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'nothing may be read'));
      }
      const verdict = {
        state: 'unsafe',
        sentence: 'a sentence',
        clauses: [],
        sinceMs: null,
      } as const;
      const uncopied = { places: [], omittedCount: 0 };
      return Promise.resolve({ verdict, problems, workloads: [], uncopied });
    };
    const notifications = { watchSeconds: 0.2, holdSeconds: 0, channels };
    const running = await Worker.create({
      ...native,
      taskQueue: CONTROL_TASK_QUEUE,
      workflowBundle: { codePath: await workflowBundle() },
      activities: createNotifyActivities({ notifications, timeZone: 'UTC', readSafety }),
    });
    const run = running.run();
    worker = {
      async stop() {
        running.shutdown();
        await run;
        worker = null;
      },
    };
  }

  const notices = () =>
    receiver.received
      .filter(({ path }) => path === `/${SECRET}`)
      .map(({ body }) => (JSON.parse(body) as { title: string }).title);
  const pings = () => receiver.received.filter(({ path }) => path === '/alive').length;
  const open = async () =>
    (await client.workflow.getHandle(WATCH_SAFETY_ID).query(openAlertsQuery)).map(
      ({ problem }) => problem.key,
    );

  it('tells once what begins and once what ends, over a dead worker and a channel that is away', async () => {
    await client.workflow.start(WORKFLOW_WATCH_SAFETY, {
      workflowId: WATCH_SAFETY_ID,
      taskQueue: CONTROL_TASK_QUEUE,
    });
    await startWorker();
    await expect.poll(pings).toBeGreaterThan(2);
    expect(notices()).toEqual([]);

    const watch = client.workflow.getHandle(WATCH_SAFETY_ID);
    const silence = {
      ...{ id: 'a1', jobId: 'nightly', code: null, reason: 'known', createdBy: 'anna' },
      createdAt: new Date().toISOString(),
      until: new Date(Date.now() + 3_600_000).toISOString(),
    };
    await watch.executeUpdate(silenceUpdate, { args: [silence] });
    problems = [LATE, MINOR];
    await expect.poll(open).toEqual(['late', 'off']);
    const looked = pings();
    await expect.poll(pings).toBeGreaterThan(looked + 1);
    expect(notices()).toEqual([]);
    expect(await watch.query(silencesQuery)).toEqual([silence]);
    await watch.executeUpdate(endSilenceUpdate, { args: ['a1'] });
    await expect.poll(notices).toEqual(['Not well: db07 is 9 h late (#1)']);
    expect(await open()).toEqual(['late', 'off']);

    await worker?.stop();
    await startWorker();
    const before = pings();
    await expect.poll(pings).toBeGreaterThan(before + 2);

    // What cannot be looked at is no end of it, and whoever waits for a call is to notice.
    problems = null;
    await expect.poll(() => looksInVain).toBeGreaterThan(0);
    const called = pings();
    await expect.poll(() => looksInVain).toBeGreaterThan(3);
    expect(pings()).toBe(called);
    expect(notices()).toHaveLength(1);

    problems = [MINOR];
    await expect
      .poll(notices)
      .toEqual(['Not well: db07 is 9 h late (#1)', 'Well again: db07 is 9 h late (#2)']);
    const listed = [];
    for await (const { workflowId, status } of client.workflow.list({
      query: "WorkflowType = 'notify'",
    }))
      listed.push([workflowId.split('/').at(-1), status.name]);
    expect(listed.length).toBeGreaterThan(0);
    const { events } = await client.workflow.getHandle(WATCH_SAFETY_ID).fetchHistory();
    expect(JSON.stringify(events)).not.toContain(SECRET);
  });

  it('ends when no channel is left', async () => {
    channels = [];
    await startWorker();
    const handle = client.workflow.getHandle(WATCH_SAFETY_ID);
    await expect.poll(async () => (await handle.describe()).status.name).toBe('COMPLETED');
  });
});
