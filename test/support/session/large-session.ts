import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { workloadPage } from '../../../src/mover/look/found-workloads.js';
import { createSessionActivities } from '../../../activities/session/session-activities.js';
import { locationOf } from '../../../src/bin/workers.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { CopySession, CopyTask } from '../../../src/domain/sessions/copy-session.js';
import {
  DEFAULT_COPY_SETTINGS,
  type CopySettings,
} from '../../../src/domain/jobs/copy-settings.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import {
  connectNative,
  connectTemporal,
  type TemporalSettings,
} from '../../../src/temporal/connect.js';
import type { copySession } from '../../../workflows/session/copy-session.js';
import {
  CONTROL_TASK_QUEUE,
  lookTaskQueue,
  repositoryTaskQueue,
} from '../../../workflows/messages.js';
import { runLengths } from './run-lengths.js';
import { quietRuntime } from '../temporal/quiet-runtime.js';
import { workflowBundle } from '../workflows/workflow-sandbox.js';
import type { TestSite } from './test-site.js';

const LARGE_SESSION_ID = 'nightly-20261124T220000Z';

/** A session over workloads that only their names make: what the product does around the copying is all real. */
export async function runLargeSession(
  temporal: TemporalSettings,
  site: TestSite,
  options: {
    readonly job: CopyJob;
    readonly workloads: readonly string[];
    readonly settings?: Partial<CopySettings>;
  },
) {
  quietRuntime();
  const { client, connection } = await connectTemporal(temporal);
  const native = await connectNative(temporal);
  const mover = new DataMover(site.repositories.map(locationOf));
  const settings = { ...DEFAULT_COPY_SETTINGS, ...options.settings };
  const found = options.workloads.map((name) => ({
    id: `ovirt-${name}`,
    name,
    type: 'olvm-rhv' as const,
    folders: [name],
    restorePoints: [],
  }));
  const activities = {
    ...createSessionActivities({
      mover,
      settings,
      immutableForDays: () => 0,
      settleMs: () => 0,
      targetIds: [],
      starter: {
        startJobsAfter: () => Promise.resolve([]),
        tellSessionEnd: () => Promise.resolve(),
        startRetry: () => Promise.resolve(null),
        enabledJob: () => Promise.resolve(null),
        watchSessions: () => Promise.resolve([]),
        waitingSession: () => Promise.resolve(null),
      },
    }),
    enumerateWorkloads: ({ after }: { after: string | null }) =>
      Promise.resolve(workloadPage(found, after)),
  };
  const entry = fileURLToPath(new URL('./stub-children.ts', import.meta.url));
  const stubs = { workflowBundle: { codePath: await workflowBundle(entry) } };
  const workers = await Promise.all(
    [CONTROL_TASK_QUEUE, lookTaskQueue('offsite'), repositoryTaskQueue('offsite')].map(
      (taskQueue) =>
        Worker.create({
          ...native,
          taskQueue,
          activities,
          ...(taskQueue === CONTROL_TASK_QUEUE ? stubs : {}),
        }),
    ),
  );
  const runs = workers.map((worker) => worker.run());
  try {
    const handle = await client.workflow.start<typeof copySession>('copySession', {
      workflowId: 'session/nightly-2026-11-24T22:00:00Z',
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ job: options.job, trigger: 'api' }],
    });
    const outcome = await handle.result();
    const { memo } = await handle.describe();
    return { outcome, memo, runs: await runLengths(client, handle.workflowId) };
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(runs);
    await mover.close();
    await native.connection.close();
    await connection.close();
  }
}

/** What the session left beside the data. */
export async function readSessionRecord(site: TestSite): Promise<{
  readonly sizeBytes: number;
  readonly session: CopySession;
  readonly files: readonly CopyTask[];
}> {
  const path = site.path('offsite', 'nightly', 'sessions', '2026', LARGE_SESSION_ID);
  const text = await readFile(`${path}.json`, 'utf8');
  const { session } = JSON.parse(text) as { session: CopySession };
  const files: CopyTask[] = [];
  for (const name of await readdir(path).catch(() => [])) {
    const file = JSON.parse(await readFile(`${path}/${name}`, 'utf8')) as { task: CopyTask };
    files.push(file.task);
  }
  return { sizeBytes: Buffer.byteLength(text), session, files };
}
