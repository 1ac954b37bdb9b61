/** Workflows with the names and messages of the real ones, whose behaviour the tests choose by the job's description. */

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  newTask,
  NO_PROGRESS,
  NO_TASKS,
  sessionIdOfWorkflow,
  type CopySession,
  type CopyTask,
  type SessionState,
} from '../../../../src/domain/sessions/copy-session.js';
import {
  operationQuery,
  pauseUpdate,
  resumeUpdate,
  sessionQuery,
  taskQuery,
  type CopySessionInput,
  type CopySessionOutcome,
  type PlanJobInput,
  type ReadJobDefinitionInput,
  type RestoreInput,
  type VerifyInput,
} from '../../../../workflows/messages.js';
import type {
  BrowsePage,
  BrowseRepositoryInput,
} from '../../../../src/domain/targets/repository-view.js';
import type { FactsPage } from '../../../../src/domain/safety/workload-facts.js';
import type { JobPlan, OperationStatus } from '../../../../src/domain/sessions/operation.js';

/** The job's description is how the session behaves: `wait` runs until it is stopped, `slow stop` takes its time then, `fail` fails, `child` copies one
 *  workload, `retrying` one whose storage is away, `refused` one whose id the server does not take, `unanswerable` waits and has more to tell than an answer holds; anything else is the result. */
export async function copySession(input: CopySessionInput): Promise<CopySessionOutcome> {
  const { workflowId, startTime } = workflowInfo();
  let state: SessionState = 'running';
  let tooMuch: string | null = null;
  setHandler(sessionQuery, (): CopySession => ({
    id: sessionIdOfWorkflow(workflowId),
    jobId: input.job.id,
    trigger: input.trigger ?? 'schedule',
    startedBy: null,
    tryNumber: 1,
    state,
    result: null,
    startedAt: startTime.toISOString(),
    endedAt: null,
    ...shownOf(input, null),
    progress: NO_PROGRESS,
    reason: tooMuch,
    waitsUntil: null,
    nextTryAt: null,
  }));
  setHandler(pauseUpdate, () => {
    state = 'paused';
    upsertMemo({ state });
  });
  setHandler(resumeUpdate, () => {
    state = 'running';
    upsertMemo({ state });
  });
  const { description } = input.job;
  if (description === 'unanswerable') tooMuch = 'x'.repeat(3 * 1024 * 1024);
  if (description === 'wait' || description === 'unanswerable') await untilCancelled();
  if (description === 'slow stop') {
    await untilCancelled().catch(() => CancellationScope.nonCancellable(() => sleep(3_000)));
    throw new CancelledFailure('stopped');
  }
  if (description === 'child' || description === 'retrying') {
    await executeChild(copyWorkload, {
      workflowId: `chain/offsite/${input.job.id}/web01`,
      args: [input],
    });
  }
  if (description === 'refused')
    await executeChild(copyWorkload, { workflowId: 'x'.repeat(1_100), args: [input] });
  if (description === 'fail')
    throw ApplicationFailure.nonRetryable('disk is gone', 'REPOSITORY_FULL');
  if (description === 'one failed, one recreated') {
    upsertMemo({ taskCounts: { ...NO_TASKS, failed: 1, actionRequired: 1 } });
    upsertSearchAttributes({ LonghaulResult: ['failed'] });
    return { result: 'failed', reason: null, ...shownOf(input, 'failed') };
  }
  const result = description === 'actionRequired' ? 'actionRequired' : 'success';
  upsertSearchAttributes({ LonghaulResult: [result] });
  return { result, reason: null, ...shownOf(input, result) };
}

function shownOf(input: CopySessionInput, result: CopyTask['result']) {
  const task = taskOf(input, result);
  return {
    targetRepositoryId: 'offsite',
    taskCounts: { ...NO_TASKS, [result ?? 'running']: 1 },
    progress: { ...task.progress, percent: 50 },
    tasks: [task],
    omittedTasks: 0,
  };
}

function taskOf(input: CopySessionInput, result: CopyTask['result']): CopyTask {
  const workload = input.overrides?.workloads?.[0] ?? 'web01';
  return {
    ...newTask(workload, workload),
    state: result === null ? 'copying' : 'ended',
    result,
    algorithm: 'full',
    progress: { ...NO_PROGRESS, totalBytes: 200, processedBytes: 100, transferredBytes: 60 },
  };
}

async function untilCancelled(): Promise<void> {
  try {
    await condition(() => false);
  } catch (error) {
    if (isCancellation(error)) throw new CancelledFailure('stopped');
    throw error;
  }
}

/** A workload in the middle of a batch that heartbeats its counters, or of a look that storage does not answer. */
export async function copyWorkload(input: CopySessionInput): Promise<void> {
  setHandler(taskQuery, () => ({ ...taskOf(input, null), attempt: 2 }));
  if (input.job.description === 'retrying') {
    const { lookAway } = proxyActivities<{ lookAway(): Promise<void> }>({
      startToCloseTimeout: '1m',
      retry: { initialInterval: '100ms', backoffCoefficient: 1_000, maximumInterval: '1h' },
    });
    await lookAway();
  }
  const { copyBlocks } = proxyActivities<{ copyBlocks(): Promise<void> }>({
    startToCloseTimeout: '1m',
    heartbeatTimeout: '2s',
  });
  await copyBlocks();
}

export async function watchSources(_input: CopySessionInput): Promise<void> {
  await condition(() => false);
}

export async function browseRepository(
  input: BrowseRepositoryInput,
): Promise<BrowsePage<object> | FactsPage> {
  if (input.workload === 'missing') {
    throw ApplicationFailure.nonRetryable('no workload missing', 'WORKLOAD_MISSING');
  }
  if (input.what === 'describe') {
    const storage = null;
    return {
      items: [{ reachable: true, reason: null, totalBytes: 1_000, freeBytes: 400, storage }],
    };
  }
  if (input.what === 'sessions' || input.what === 'session') return { items: [] };
  if (input.what === 'facts') {
    const capacity = { totalBytes: 1_000, freeBytes: 400, storage: null, growth: null };
    const description = { reachable: true, reason: null, markerId: null, ...capacity } as const;
    return { items: [], description };
  }
  // The run id shows whether an answer was read again or taken from the cache.
  const { runId } = workflowInfo();
  const item = { id: 'web01', name: runId, type: 'olvm-rhv', jobId: null };
  return {
    items: [
      {
        ...item,
        restorePointCount: 3,
        newestAt: '2026-11-24T22:00:00Z',
        problem: null,
        doubt: null,
      },
    ],
    ...(input.cursor === undefined ? { nextCursor: 'page-2' } : {}),
  };
}

export async function planJob({ job }: PlanJobInput): Promise<JobPlan> {
  const workload = job.sources.include[0]?.workloads?.[0] ?? 'web01';
  const entry = { workload, algorithm: 'full' as const, restorePoints: ['p1'] };
  return {
    workloads: [
      {
        ...entry,
        retention: { keep: [], actions: [], warnings: [] },
        omitted: 0,
        estimatedBytes: 10,
        reasons: ['first copy'],
        lookAgainAt: null,
      },
    ],
  };
}

export async function readJobDefinition({ jobId }: ReadJobDefinitionInput): Promise<unknown> {
  if (jobId === 'broken') return { id: 'broken', name: 5 };
  return {
    id: jobId,
    name: 'From the other server',
    description: '',
    revision: 9,
    mode: 'periodic',
    sources: { include: [{ repositoryId: 'primary' }], exclude: [] },
    target: { repositoryId: 'offsite' },
    restorePoints: 'latest',
    retention: { type: 'days', value: 30 },
    gfs: null,
    timeZone: 'UTC',
    schedule: { type: 'manual' },
    missedStarts: 'run',
    allowedHours: null,
    retry: { attempts: 3, pausesMinutes: [10] },
    onSourceChainRecreated: 'requireNewJob',
    storage: { digest: 'blake3' },
    healthCheck: null,
    compact: null,
    rpo: null,
    removedWorkloadsAfterDays: null,
    replaces: null,
  };
}

export async function verifyBackups(input: VerifyInput): Promise<OperationStatus> {
  setHandler(operationQuery, () => operation('running', null));
  const note = input.restorePointId ?? 'all';
  return { ...operation('ended', 'success'), notes: [note] };
}

export async function restorePoint(input: RestoreInput): Promise<OperationStatus> {
  setHandler(operationQuery, () => operation('running', null));
  if (input.restorePointId === 'gone') {
    throw ApplicationFailure.nonRetryable('no point gone', 'RESTORE_POINT_MISSING');
  }
  if (input.restorePointId === 'slow') await condition(() => false);
  return { ...operation('ended', 'success'), notes: [input.destinationPath] };
}

function operation(
  state: OperationStatus['state'],
  result: OperationStatus['result'],
): OperationStatus {
  const nothing = { code: null, reason: null, notes: [], omittedNotes: 0 };
  return { state, result, processedBytes: 5, totalBytes: 10, ...nothing };
}

/** Audit lines are no matter of these tests. */
export async function keepAudit(): Promise<void> {}
