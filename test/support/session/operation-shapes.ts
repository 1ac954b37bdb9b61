import { mkdir, open, rm } from 'node:fs/promises';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { scheduleOf } from '../../../src/api/jobs/job-schedule.js';
import { copyJobsOf, type FileBackupJob } from '../../../src/domain/jobs/file-backup-job.js';
import { WEEKDAYS_FROM_MONDAY } from '../../../src/domain/schedules/day-names.js';
import { oneTimeJob } from '../../../src/domain/jobs/one-time-copy.js';
import {
  auditSignal,
  auditWorkflowId,
  CONTROL_TASK_QUEUE,
  JOB_ID,
  oneTimeWorkflowId,
  WORKFLOW_REHOME,
  type OneTimeCopyInput,
  type RehomeInput,
} from '../../../workflows/messages.js';
import { missForDays } from '../living/missed-looks.js';
import { makeDatastore } from '../tree/datastore.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import type { Execution, HistoryShape, RecordingLab } from './history-shapes.js';
import { testJob } from './test-site.js';
import { until } from './until.js';

/** Health checks, repairs, restores, removals, watches and questions. */

const WORKLOAD = 'ovirt-mail01';
/** A check of three points has some 110 events, a restore of three disks some 35. */
const SHORT_RUNS = { maxHistoryEvents: 40 };
const SHORT_RESTORES = { maxHistoryEvents: 20 };
const DAY_MS = 86_400_000;

async function copied(lab: RecordingLab): Promise<void> {
  await lab.add('mail01');
  await lab.workers.runSession(testJob());
}

const TREE = 'pbs-.';

/** @returns folder of the copied files */
async function copiedTree({ site, workers }: RecordingLab): Promise<string> {
  await makeDatastore(site.path('primary'), 3);
  await workers.runSession(testJob({ retention: { type: 'days', value: 14 }, compact: null }));
  return site.path('offsite', chainFolder('nightly', TREE), 'files');
}

async function execute(
  lab: RecordingLab,
  type: string,
  workflowId: string,
  input: unknown,
): Promise<Execution> {
  await lab.workers.client.workflow.execute(type, {
    workflowId,
    taskQueue: CONTROL_TASK_QUEUE,
    args: [input],
  });
  return { workflowId };
}

function verify(lab: RecordingLab): Promise<Execution> {
  const input = { repositoryId: 'offsite', restorePointId: null };
  return execute(lab, 'verifyBackups', 'verify/offsite/all', input);
}

/** Flips a bit in the first data block of the oldest file. */
async function damage(lab: RecordingLab): Promise<void> {
  const [point] = (await lab.site.chain('nightly', 'mail01'))!.points;
  const path = `${chainFolder('nightly', WORKLOAD)}/${point!.disks[0]!.path}`;
  const file = await open(lab.site.path('offsite', path), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 65_536);
  byte[0]! ^= 1;
  await file.write(byte, 0, 1, 65_536);
  await file.close();
}

/** Copied, and gone when its date has passed. */
async function oneTimeCopy(lab: RecordingLab): Promise<Execution> {
  await lab.add('mail01');
  const expiresAt = new Date(Date.now() + 3_000).toISOString();
  const source = { repositoryId: 'primary', workload: 'mail01', restorePointId: null };
  const order = { source, target: { repositoryId: 'offsite' }, expiresAt };
  const job = oneTimeJob('once-mail01', order, 'UTC');
  const input: OneTimeCopyInput = {
    ...{ repositoryId: 'offsite', copyId: job.id, expiresAt },
    copy: { job, startMs: Date.UTC(2026, 10, 24, 22), startedBy: 'test' },
  };
  return execute(lab, 'oneTimeCopy', oneTimeWorkflowId('offsite', job.id), input);
}

/** The copies of a machine go to a job that has none. */
async function rehomeCopies(lab: RecordingLab): Promise<Execution> {
  await copied(lab);
  const workload = { id: WORKLOAD, name: 'mail01', type: 'ovirt' };
  const chain = { jobId: 'nightly', workloadId: WORKLOAD, workload };
  const input: RehomeInput = { repositoryId: 'offsite', chain, job: testJob({ id: 'weekly' }) };
  const workflowId = `map/offsite/${restorePointKey(['nightly', WORKLOAD])}`;
  return execute(lab, WORKFLOW_REHOME, workflowId, input);
}

/** The run that another one went on for. */
async function firstRun(lab: RecordingLab, { workflowId }: Execution): Promise<Execution> {
  const { raw } = await lab.workers.client.workflow.getHandle(workflowId).describe();
  return { workflowId, runId: raw.workflowExecutionInfo!.firstRunId! };
}

/** By a session of this process, whose runs may be as long as they like. */
async function restore(lab: RecordingLab, format: 'raw' | 'qcow2'): Promise<Execution> {
  await lab.add('mail01');
  const repositories = [await lab.site.openSource(), await lab.site.openTarget()];
  await new LocalSessions(repositories).copy(testJob(), Date.now() - DAY_MS);
  const point = (await lab.site.chain('nightly', 'mail01'))!.points.at(-1)!;
  const destinationPath = lab.site.path('restored');
  await mkdir(destinationPath);
  const restorePointId = restorePointKey(['nightly', WORKLOAD, point.id]);
  const input = { repositoryId: 'offsite', restorePointId, destinationPath, format };
  return execute(lab, 'restorePoint', `restore/offsite/${restorePointId}-${format}`, input);
}

/** Copies a machine as a session two days ago would have done, and takes it away from the source. */
async function copiedAndGone({ site }: RecordingLab, machine: string): Promise<void> {
  const repositories = [await site.openSource(), await site.openTarget()];
  const twoDaysAgoMs = Date.now() - 2 * DAY_MS;
  await new LocalSessions(repositories).copy(testJob(), twoDaysAgoMs, { workloads: [machine] });
  await rm(site.path('primary', machine), { recursive: true });
}

/** Two batches: the second line comes while the first is written. */
async function keepAudit(lab: RecordingLab): Promise<Execution> {
  await copied(lab);
  const workflowId = auditWorkflowId('offsite');
  const line = (id: string) => ({
    ...{ id, at: '2026-11-26T22:00:00.000Z', who: 'anna', role: 'operator', subject: null },
    ...{ operation: 'startJob', path: '/jobs/nightly/start', outcome: 'done' },
    ...{ before: null, after: null, jobId: 'nightly' },
  });
  const { client } = lab.workers;
  const send = (id: string) =>
    client.workflow.signalWithStart('keepAudit', {
      workflowId,
      taskQueue: CONTROL_TASK_QUEUE,
      args: [{ repositoryId: 'offsite' }],
      signal: auditSignal,
      signalArgs: [line(id)],
    });
  await send('a');
  await (await send('b')).result();
  return { workflowId };
}

const WATCH_ID = 'watch/nightly-2026-11-24T22:00:00Z';

/** Stopped while its session copies. */
async function stoppedWatch(lab: RecordingLab): Promise<Execution> {
  const { client } = lab.workers;
  // The watch asks for it; nothing starts by it.
  await client.schedule.create(scheduleOf(testJob(), Date.now(), false));
  const watch = await client.workflow.start('watchSources', {
    workflowId: WATCH_ID,
    taskQueue: CONTROL_TASK_QUEUE,
    args: [{ job: testJob({ mode: 'immediate' }) }],
  });
  await lab.add('mail01');
  const copies = async () => (await lab.site.chain('nightly', 'mail01'))?.points.length ?? 0;
  await until(async () => (await copies()) > 0);
  await watch.cancel();
  await watch.result().catch(() => undefined);
  return { workflowId: WATCH_ID };
}

/** Beside a session of the watch before, which runs for an hour and waits for its hours. */
async function watchBesideSession(lab: RecordingLab): Promise<Execution> {
  const { client } = lab.workers;
  const timeIn = (hours: number) =>
    new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  const spans = [{ days: WEEKDAYS_FROM_MONDAY, from: timeIn(2), to: timeIn(3) }];
  const job = testJob({ mode: 'immediate', allowedHours: { timeZone: 'UTC', spans } });
  const startedAt = new Date(Date.now() - 3_600_000).toISOString();
  const session = await client.workflow.start('copySession', {
    workflowId: 'session/nightly-2026-11-24T21:00:00Z',
    taskQueue: CONTROL_TASK_QUEUE,
    args: [{ job, trigger: 'watch' }],
    memo: { trigger: 'watch', startedAt },
    typedSearchAttributes: [{ key: JOB_ID, value: job.id }],
  });
  const query = `WorkflowType = 'copySession' AND ExecutionStatus = 'Running'`;
  await until(async () => (await client.workflow.count(query)).count === 1);
  const watch = await stoppedWatch(lab);
  await session.cancel();
  await session.result();
  return watch;
}

/** Without a primary backup: only its copies are started. */
async function fileBackupRun(lab: RecordingLab): Promise<Execution> {
  const fileBackup: FileBackupJob = {
    ...{ id: 'shares', name: 'Shares', description: '', revision: 1, timeZone: 'UTC' },
    source: { repositoryId: 'primary', workload: 'restic-share' },
    ...{ primaryBackup: null, schedule: { type: 'manual' }, missedStarts: 'run' },
    ...{ keepRemovedForDays: 14, rpo: null, healthCheck: null },
    secondaryTargets: [
      { repositoryId: 'offsite', keepRemovedForDays: null, schedule: null, allowedHours: null },
    ],
  };
  const [copy] = copyJobsOf(fileBackup);
  const copyJob = { ...copy!, mode: 'periodic', revision: 1, replaces: null } as const;
  await lab.workers.client.schedule.create(scheduleOf(copyJob, Date.now(), false));
  const workflowId = 'file-backup/shares-2026-11-24T22:00:00Z';
  return execute(lab, 'runFileBackup', workflowId, { job: fileBackup });
}

export const OPERATION_SHAPES: readonly HistoryShape[] = [
  { name: 'keepAudit-two-lines', record: keepAudit },
  { name: 'oneTimeCopy-removed', record: oneTimeCopy },
  { name: 'runFileBackup-copies-begun', record: fileBackupRun },
  { name: 'rehomeCopies-mapped', record: rehomeCopies },
  {
    name: 'verifyBackups-good',
    async record(lab) {
      await copied(lab);
      return verify(lab);
    },
  },
  {
    name: 'verifyBackups-healed',
    async record(lab) {
      await copied(lab);
      await damage(lab);
      return verify(lab);
    },
  },
  {
    name: 'verifyBackups-continued-as-new',
    settings: SHORT_RUNS,
    async record(lab) {
      await copied(lab);
      return firstRun(lab, await verify(lab));
    },
  },
  {
    name: 'verifyBackups-carried-on',
    settings: SHORT_RUNS,
    async record(lab) {
      await copied(lab);
      return verify(lab);
    },
  },
  {
    name: 'repairChain-healed',
    async record(lab) {
      await copied(lab);
      await damage(lab);
      await verify(lab);
      return { workflowId: `chain/offsite/nightly/${WORKLOAD}` };
    },
  },
  {
    name: 'verifyBackups-tree',
    async record(lab) {
      await copiedTree(lab);
      return verify(lab);
    },
  },
  {
    name: 'repairTree-healed',
    async record(lab) {
      const files = await copiedTree(lab);
      await rm(`${files}/vm/100/owner`);
      await verify(lab);
      return { workflowId: `chain/offsite/nightly/${TREE}` };
    },
  },
  {
    name: 'restorePoint-tree',
    async record(lab) {
      await copiedTree(lab);
      const destinationPath = lab.site.path('restored');
      await mkdir(destinationPath);
      const restorePointId = restorePointKey(['nightly', TREE, '2026-11-24T220000Z']);
      const input = { repositoryId: 'offsite', restorePointId, destinationPath, format: 'same' };
      return execute(lab, 'restorePoint', `restore/offsite/${restorePointId}-same`, input);
    },
  },
  { name: 'restorePoint-raw', record: (lab) => restore(lab, 'raw') },
  { name: 'restorePoint-qcow2', record: (lab) => restore(lab, 'qcow2') },
  {
    name: 'restorePoint-continued-as-new',
    settings: SHORT_RESTORES,
    record: async (lab) => firstRun(lab, await restore(lab, 'raw')),
  },
  {
    name: 'restorePoint-carried-on',
    settings: SHORT_RESTORES,
    record: (lab) => restore(lab, 'raw'),
  },
  {
    name: 'settleAbsence-deleted',
    async record(lab) {
      await lab.add('mail01', 'dns01');
      await copiedAndGone(lab, 'dns01');
      const chain = chainFolder('nightly', 'ovirt-dns01');
      await missForDays(await lab.site.openTarget(), chain, Date.now());
      return lab.recordTask('dns01', testJob({ removedWorkloadsAfterDays: 1 }));
    },
  },
  {
    name: 'watchSources-stopped',
    settings: { watchIntervalMs: 200 },
    record: stoppedWatch,
  },
  {
    name: 'watchSources-session-goes-on',
    settings: { watchIntervalMs: 200 },
    record: stoppedWatch,
  },
  {
    name: 'watchSources-looks-beside',
    settings: { watchIntervalMs: 200 },
    record: watchBesideSession,
  },
  {
    name: 'watchSources-job-gone',
    async record(lab) {
      const job = testJob({ id: 'gone', mode: 'immediate' });
      return execute(lab, 'watchSources', 'watch/gone-2026-11-24T22:00:00Z', { job });
    },
  },
  {
    name: 'retrySessions-job-gone',
    async record({ workers: { client } }) {
      const workflowId = 'retry/nightly';
      const order = { tryNumber: 2, dueMs: Date.now() + 1_000, workloads: ['mail01'] };
      const retries = await client.workflow.signalWithStart('retrySessions', {
        workflowId,
        taskQueue: CONTROL_TASK_QUEUE,
        args: [{ jobId: 'nightly' }],
        signal: 'sessionEnded',
        signalArgs: [{ covered: null, order }],
      });
      await retries.result();
      return { workflowId };
    },
  },
  {
    name: 'retrySessions-all-beside-named',
    async record({ workers: { client } }) {
      const workflowId = 'retry/nightly';
      const dueMs = Date.now() + 1_000;
      const orders = [['mail01'], null].map((workloads) => ({ tryNumber: 2, dueMs, workloads }));
      const retries = await client.workflow.start('retrySessions', {
        ...{ workflowId, taskQueue: CONTROL_TASK_QUEUE, args: [{ jobId: 'nightly', orders }] },
      });
      await retries.result();
      return { workflowId };
    },
  },
  {
    name: 'planJob-first-session',
    async record(lab) {
      await lab.add('mail01');
      return execute(lab, 'planJob', 'plan/nightly', { job: testJob() });
    },
  },
  {
    name: 'readJobDefinition-found',
    async record(lab) {
      await copied(lab);
      const input = { repositoryId: 'offsite', jobId: 'nightly' };
      return execute(lab, 'readJobDefinition', 'definition/nightly', input);
    },
  },
];
