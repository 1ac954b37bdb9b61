import type { Client, WorkflowHandle } from '@temporalio/client';
import { startWorkers, type RunningWorkers } from '../../../src/bin/workers.js';
import {
  DEFAULT_COPY_SETTINGS,
  type CopySettings,
} from '../../../src/domain/jobs/copy-settings.js';
import type { StartOverrides, CopyJob } from '../../../src/domain/jobs/copy-job.js';
import {
  connectNative,
  connectTemporal,
  type TemporalSettings,
} from '../../../src/temporal/connect.js';
import { CONTROL_TASK_QUEUE } from '../../../workflows/messages.js';
import type { copySession } from '../../../workflows/session/copy-session.js';
import type { TestSite } from './test-site.js';
import { quietRuntime } from '../temporal/quiet-runtime.js';
import { workflowBundle } from '../workflows/workflow-sandbox.js';
import { NO_NOTIFICATIONS } from '../notify/no-notifications.js';

/** Small enough that a test needs no waiting. */
export const TEST_SETTINGS: CopySettings = {
  ...DEFAULT_COPY_SETTINGS,
  heartbeatTimeoutMs: 2_000,
  retryIntervalMs: 100,
  // Also the time that one batch may take with all its attempts, on a machine with much else to do.
  unavailableLimitMs: 120_000,
};

/** Workers in this process and a client, in a namespace of their own. */
export class TestWorkers {
  private constructor(
    readonly client: Client,
    /** Leads other processes to the same namespace. */
    readonly temporal: TemporalSettings['temporal'],
    private readonly workers: RunningWorkers,
    private readonly close: () => Promise<void>,
  ) {}

  /** @param served repositories whose data work is done in this process; default: all */
  static async start(
    site: TestSite,
    settings: Partial<CopySettings> = {},
    served?: readonly string[],
  ): Promise<TestWorkers> {
    // Only here: the module belongs to vitest, and histories are recorded without it.
    const { ownNamespace } = await import('../temporal/own-namespace.js');
    return TestWorkers.on(await ownNamespace(), site, settings, served);
  }

  /** The same in a namespace that is there. */
  static async on(
    own: TemporalSettings,
    site: TestSite,
    settings: Partial<CopySettings> = {},
    served: readonly string[] = site.repositories.map(({ id }) => id),
  ): Promise<TestWorkers> {
    quietRuntime();
    const { client, connection } = await connectTemporal(own);
    const native = await connectNative(own);
    const workers = await startWorkers({
      ...native,
      repositories: site.repositories,
      served,
      servesControl: true,
      stateDirectory: site.path('state'),
      settings: { ...TEST_SETTINGS, ...settings },
      notifications: NO_NOTIFICATIONS,
      primaryBackups: site.primaryBackups,
      client,
      logger: { warn: () => undefined, error: () => undefined },
      workflowBundle: await workflowBundle(),
    });
    return new TestWorkers(client, own.temporal, workers, async () => {
      await connection.close();
    });
  }

  /** Starts a session of `job`; each call at another second, as the API does. */
  async startSession(
    job: CopyJob,
    overrides: StartOverrides = {},
  ): Promise<WorkflowHandle<typeof copySession>> {
    const start = new Date(Date.UTC(2026, 10, 24, 22, 0, this.sessions++));
    return this.client.workflow.start<typeof copySession>('copySession', {
      workflowId: `session/${job.id}-${start.toISOString().slice(0, 19)}Z`,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ job, overrides }],
    });
  }
  private sessions = 0;

  async runSession(job: CopyJob, overrides: StartOverrides = {}) {
    return (await this.startSession(job, overrides)).result();
  }

  async stop(): Promise<void> {
    await this.workers.stop();
    await this.close();
  }
}
