import { cp, rm, utimes, truncate, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { type CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { CopySettings } from '../../../src/domain/jobs/copy-settings.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import type { TaskControl } from '../../../src/mover/task/task-control.js';
import {
  chainWorkflowId,
  CONTROL_TASK_QUEUE,
  pauseUpdate,
  resumeUpdate,
  taskQuery,
} from '../../../workflows/messages.js';
import { makeBaseBackup } from '../tree/base-backup.js';
import { makeDatastore } from '../tree/datastore.js';
import { until } from './until.js';
import { OPERATION_SHAPES } from './operation-shapes.js';
import { OVIRT_FIXTURE, testJob, type TestSite } from './test-site.js';
import type { TestWorkers } from './test-workers.js';
import { WEEKDAYS_FROM_MONDAY } from '../../../src/domain/schedules/day-names.js';

/** An execution to be recorded. */
export interface Execution {
  readonly workflowId: string;
  /** Default: the only run. */
  readonly runId?: string;
}

/** Way of a workflow through its code, by the name of its history file without the release. */
export interface HistoryShape {
  readonly name: string;
  readonly settings?: Partial<CopySettings>;
  /** Of the source; default: 0. */
  readonly settleSeconds?: number;
  record(lab: RecordingLab): Promise<Execution>;
}

/** What a shape is made with: a site with one workload of its own, and workers. */
export class RecordingLab {
  constructor(
    readonly site: TestSite,
    readonly workers: TestWorkers,
  ) {}

  /** Puts the machines of the oVirt fixture into the source: mail01 is a full and two increments, dns01 two fulls. */
  async add(...machines: ('mail01' | 'dns01')[]): Promise<void> {
    for (const machine of machines)
      await cp(join(OVIRT_FIXTURE, machine), this.site.path('primary', machine), {
        recursive: true,
      });
  }

  async files(machine: string): Promise<string[]> {
    const names = (await readdir(this.site.path('primary', machine))).sort();
    return names.map((name) => this.site.path('primary', machine, name));
  }

  task(machine: string, job: CopyJob = testJob()): WorkflowHandle {
    return this.workers.client.workflow.getHandle(`chain/offsite/${job.id}/ovirt-${machine}`);
  }

  /** The task of one machine, once a session of `job` has ended. */
  async recordTask(machine: string, job: CopyJob = testJob()): Promise<Execution> {
    await this.workers.runSession(job);
    return { workflowId: this.task(machine, job).workflowId };
  }
}

/** Calls `hook` once, when the first blocks are about to be copied. */
function atFirstBlocks(hook: (control: TaskControl) => Promise<void>): void {
  const { runWindows } = DataMover.prototype;
  DataMover.prototype.runWindows = async function (this: DataMover, name, input, windows, control) {
    DataMover.prototype.runWindows = runWindows;
    await hook(control);
    return runWindows.call(this, name, input, windows, control);
  };
}

async function recreate({ site, workers }: RecordingLab, job: CopyJob): Promise<void> {
  await workers.runSession(job);
  const mail = site.path('primary', 'dns01');
  await rm(mail, { recursive: true });
  await cp(join(OVIRT_FIXTURE, 'mail01'), mail, { recursive: true });
}

/** The data of the fixture's images begin here, so that only the copy notices a file that ends here. */
const BEHIND_THE_TABLES = 5 * 65_536;

async function recordTree({ site, workers }: RecordingLab): Promise<Execution> {
  await makeDatastore(site.path('primary'), 20);
  const job = testJob({ retention: { type: 'days', value: 14 } });
  await workers.runSession(job);
  return { workflowId: chainWorkflowId('offsite', job.id, 'pbs-.') };
}

async function recordAwaitedTree({ site, workers }: RecordingLab): Promise<Execution> {
  await makeBaseBackup(site.path('primary', 'pg', '2026-11-28'));
  const job = testJob();
  await workers.runSession(job);
  return { workflowId: chainWorkflowId('offsite', job.id, 'pg-base-pg') };
}

const TWO_THAT_WAIT = { settleSeconds: 20, settings: { parallelTasks: 1 } } as const;

const startNewChain = testJob({ onSourceChainRecreated: 'startNewChain' });

export const HISTORY_SHAPES: readonly HistoryShape[] = [
  {
    name: 'copyTree-store',
    record: recordTree,
  },
  {
    name: 'copyTree-nothing-to-copy',
    async record(lab) {
      await recordTree(lab);
      return recordTree(lab);
    },
  },
  {
    name: 'copyTree-awaited',
    settleSeconds: 30,
    record: recordAwaitedTree,
  },
  {
    name: 'copyWorkload-full-and-increments',
    async record(lab) {
      await lab.add('mail01');
      return lab.recordTask('mail01');
    },
  },
  {
    name: 'copyWorkload-nothing-to-copy',
    async record(lab) {
      await lab.add('dns01');
      await lab.workers.runSession(testJob());
      return lab.recordTask('dns01');
    },
  },
  {
    name: 'copyWorkload-awaited',
    settleSeconds: 1,
    async record(lab) {
      await lab.add('dns01');
      return lab.recordTask('dns01');
    },
  },
  {
    // The first of two waits, so that the other begins; then both want the one place.
    name: 'copySession-places-given-back',
    ...TWO_THAT_WAIT,
    async record(lab) {
      await lab.add('mail01', 'dns01');
      return recordSession(lab, testJob());
    },
  },
  {
    name: 'copyWorkload-place-given-back',
    ...TWO_THAT_WAIT,
    async record(lab) {
      await lab.add('mail01', 'dns01');
      return lab.recordTask('mail01');
    },
  },
  {
    name: 'copyTree-place-given-back',
    settleSeconds: 30,
    record: recordAwaitedTree,
  },
  {
    name: 'copyWorkload-scan',
    async record(lab) {
      await lab.add('dns01');
      return lab.recordTask('dns01');
    },
  },
  {
    name: 'copyWorkload-failure',
    async record(lab) {
      await lab.add('dns01');
      await truncate((await lab.files('dns01')).at(-1)!, BEHIND_THE_TABLES);
      return lab.recordTask('dns01', testJob({ restorePoints: 'latest' }));
    },
  },
  {
    name: 'copyWorkload-planned-again',
    async record(lab) {
      await lab.add('dns01');
      const [first] = await lab.files('dns01');
      atFirstBlocks(() => utimes(first!, new Date(0), new Date(0)));
      return lab.recordTask('dns01');
    },
  },
  {
    name: 'copyWorkload-stopped',
    async record(lab) {
      await lab.add('dns01');
      const session = await lab.workers.startSession(testJob());
      atFirstBlocks(async (control) => {
        await session.cancel();
        await until(() => control.isStopped);
      });
      await session.result();
      return { workflowId: lab.task('dns01').workflowId };
    },
  },
  {
    name: 'copyWorkload-turns',
    settings: { turnMs: 0 },
    async record(lab) {
      await lab.add('mail01');
      return lab.recordTask('mail01');
    },
  },
  {
    name: 'copyWorkload-paused-and-resumed',
    async record(lab) {
      await lab.add('dns01');
      const session = await lab.workers.startSession(testJob());
      atFirstBlocks(async (control) => {
        await session.executeUpdate(pauseUpdate);
        await until(() => control.isStopped);
      });
      await until(async () => {
        const task = await lab
          .task('dns01')
          .query(taskQuery)
          .catch(() => null);
        return task?.state === 'paused';
      });
      await session.executeUpdate(resumeUpdate);
      await session.result();
      return { workflowId: lab.task('dns01').workflowId };
    },
  },
  {
    name: 'copyWorkload-continued-as-new',
    settings: { maxHistoryEvents: 40 },
    async record(lab) {
      await lab.add('dns01');
      const { workflowId } = await lab.recordTask('dns01');
      const { raw } = await lab.task('dns01').describe();
      return { workflowId, runId: raw.workflowExecutionInfo!.firstRunId! };
    },
  },
  {
    name: 'copyWorkload-carried-on',
    settings: { maxHistoryEvents: 40 },
    async record(lab) {
      await lab.add('dns01');
      return lab.recordTask('dns01');
    },
  },
  {
    name: 'copyWorkload-action-required',
    async record(lab) {
      await lab.add('dns01');
      await recreate(lab, testJob());
      return lab.recordTask('dns01');
    },
  },
  {
    name: 'copyWorkload-new-chain',
    async record(lab) {
      await lab.add('dns01');
      await recreate(lab, startNewChain);
      return lab.recordTask('dns01', startNewChain);
    },
  },
  {
    name: 'copyWorkload-merge',
    async record(lab) {
      await lab.add('mail01');
      return lab.recordTask('mail01', testJob({ retention: { type: 'restorePoints', value: 2 } }));
    },
  },
  {
    name: 'copySession-two-workloads',
    async record(lab) {
      await lab.add('mail01', 'dns01');
      return recordSession(lab, testJob());
    },
  },
  {
    name: 'copySession-source-unreachable',
    settings: { unavailableLimitMs: 5_000 },
    async record(lab) {
      await lab.add('dns01');
      const include = [{ repositoryId: 'share' }, { repositoryId: 'primary' }];
      return recordSession(lab, testJob({ sources: { include, exclude: [] } }));
    },
  },
  {
    name: 'copySession-stopped',
    async record(lab) {
      await lab.add('dns01');
      const session = await lab.workers.startSession(testJob());
      atFirstBlocks(async () => {
        await session.cancel();
      });
      await session.result();
      return session;
    },
  },
  {
    name: 'copySession-paused-and-resumed',
    async record(lab) {
      await lab.add('dns01');
      const session = await lab.workers.startSession(testJob());
      atFirstBlocks(async () => {
        await session.executeUpdate(pauseUpdate);
        await session.executeUpdate(resumeUpdate);
      });
      await session.result();
      return session;
    },
  },
  {
    name: 'copySession-waited-for-hours',
    async record(lab) {
      await lab.add('dns01');
      const timeIn = (minutes: number) =>
        new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
      const spans = [{ days: WEEKDAYS_FROM_MONDAY, from: timeIn(1), to: timeIn(3) }];
      return recordSession(lab, testJob({ allowedHours: { timeZone: 'UTC', spans } }));
    },
  },
  {
    name: 'copySession-chain-locked',
    async record(lab) {
      await lab.add('dns01');
      const first = await lab.workers.startSession(testJob());
      const second = new Promise<Execution>((resolve, reject) => {
        atFirstBlocks(async () => {
          await recordSession(lab, testJob()).then(resolve, reject);
        });
      });
      await first.result();
      return second;
    },
  },
  {
    name: 'browseRepository-restore-points',
    async record(lab) {
      await lab.add('dns01');
      const workflowId = 'browse/primary/restorePoints';
      await lab.workers.client.workflow.execute('browseRepository', {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [{ repositoryId: 'primary', what: 'restorePoints' }],
      });
      return { workflowId };
    },
  },
  ...OPERATION_SHAPES,
];

async function recordSession({ workers }: RecordingLab, job: CopyJob): Promise<Execution> {
  const session = await workers.startSession(job);
  await session.result();
  return session;
}
