import {
  ActivityCancellationType,
  proxyActivities,
  type ActivityInterfaceFor,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { CopyActivities } from '../activities/task/copy-activities.js';
import type { HealthActivities } from '../activities/operations/health-activities.js';
import type { NotifyActivities } from '../activities/watch/notify-activities.js';
import type { RemovedWorkloadActivities } from '../activities/session/removed-workload-activities.js';
import type { RestoreActivities } from '../activities/operations/restore-activities.js';
import type { RetentionActivities } from '../activities/task/retention-activities.js';
import type { SessionActivities } from '../activities/session/session-activities.js';
import type { TurnActivities } from '../activities/task/turn-activities.js';
import type { TreeActivities } from '../activities/task/tree-activities.js';
import type { TreeHealthActivities } from '../activities/operations/tree-health-activities.js';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import {
  CONTROL_TASK_QUEUE,
  lookTaskQueue,
  repositoryTaskQueue,
  turnTaskQueue,
} from './messages.js';

/** How activities are timed and retried: one named profile per purpose. What may be retried at all is decided from the kind of the error
 *  (activities/running/application-failure.ts), so the profiles only say how fast and how long. */

/** Answers too large for Temporal never become smaller. */
const NEVER_RETRIED = ['PayloadsTooLarge'];

/** Data work on one repository: as long as it lives it may take its time; when its worker dies, another one goes on after the heartbeat
 *  timeout; when the storage is away it is tried again for a day, because the copy that is half done is worth waiting for. */
export function dataActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<CopyActivities> {
  return proxyActivities<CopyActivities>(dataOptions(repositoryId, settings));
}

/** The same for the long steps, which `Pause.untilDone` schedules again: each ends after the tries of about one turn, so that others, whose source answers,
 *  come in between. */
export function dataTries(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<CopyActivities & TreeActivities> {
  const options = dataOptions(repositoryId, settings);
  return proxyActivities<CopyActivities & TreeActivities>({
    ...options,
    retry: { ...options.retry, maximumAttempts: TRIES_OF_A_TURN },
  });
}

/** With the pauses between them 16 minutes, a little more than a turn lasts. */
const TRIES_OF_A_TURN = 22;

/** As `dataActivities`, for trees of files. */
export function treeActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<TreeActivities> {
  return proxyActivities<TreeActivities>(dataOptions(repositoryId, settings));
}

function dataOptions(repositoryId: string, settings: CopySettings): ActivityOptions {
  return {
    taskQueue: repositoryTaskQueue(repositoryId),
    startToCloseTimeout: '12h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: settings.unavailableLimitMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: settings.retryIntervalMs,
      maximumInterval: '1m',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  };
}

/** Listing of a source: a share that is away for ten minutes is a reason to say so rather than to wait. On the queue of looks, because batches may hold all
 *  places of the data work for longer than that. */
export function listingActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<CopyActivities> {
  return proxyActivities<CopyActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '10m',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: Math.min(settings.unavailableLimitMs, 10 * 60_000),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: settings.retryIntervalMs,
      maximumInterval: '30s',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  });
}

/** Looks for chains whose workloads are gone: as listing, and what is not found today is found by the next session. */
export function removedWorkloadActivities(
  targetRepositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<RemovedWorkloadActivities> {
  return proxyActivities<RemovedWorkloadActivities>({
    taskQueue: lookTaskQueue(targetRepositoryId),
    startToCloseTimeout: '10m',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    scheduleToCloseTimeout: Math.min(settings.unavailableLimitMs, 10 * 60_000),
    retry: {
      initialInterval: settings.retryIntervalMs,
      maximumInterval: '30s',
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  });
}

/** The look itself, entered into a record, and the deletion that may follow: as retention. */
export function absenceActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<RemovedWorkloadActivities> {
  return proxyActivities<RemovedWorkloadActivities>(retentionOptions(repositoryId, settings));
}

/** GFS and retention: as data work, but a target that is away for an hour ends it with a warning; the next session does it. */
export function retentionActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<RetentionActivities> {
  return proxyActivities<RetentionActivities>(retentionOptions(repositoryId, settings));
}

function retentionOptions(repositoryId: string, settings: CopySettings): ActivityOptions {
  return {
    taskQueue: repositoryTaskQueue(repositoryId),
    startToCloseTimeout: '12h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: settings.retryIntervalMs,
      maximumInterval: '1m',
      maximumAttempts: 60,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  };
}

/** Health checks: patient like retention, and never in the way of a copy. */
export function healthActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<HealthActivities> {
  return proxyActivities<HealthActivities>(healthOptions(repositoryId, settings));
}

/** The same for trees of files. */
export function treeHealthActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<TreeHealthActivities> {
  return proxyActivities<TreeHealthActivities>(healthOptions(repositoryId, settings));
}

type LeaseActivities = Pick<RestoreActivities, 'giveLeaseBack'> &
  Pick<HealthActivities, 'giveCheckBack'>;

/** Leases of readers that read no further: also when they are stopped. What keeps a lease from being given back ends it by itself. */
export function leaseActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<LeaseActivities> {
  return proxyActivities<LeaseActivities>(briefOptions(repositoryId, settings, '15s', '30s'));
}

type ToldActivities = Pick<TreeActivities, 'noteTold'> & Pick<SessionActivities, 'noteAnswersTold'>;

/** What a task has told, also when it was stopped. What keeps that from being noted makes the next one tell it again. Large records take their time. */
export function toldActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<ToldActivities> {
  return proxyActivities<ToldActivities>(briefOptions(repositoryId, settings, '2m', '3m'));
}

/** Among the looks: the places for data may be taken for hours. */
function briefOptions(
  repositoryId: string,
  settings: CopySettings,
  startToCloseTimeout: '15s' | '2m',
  scheduleToCloseTimeout: '30s' | '3m',
): ActivityOptions {
  return {
    taskQueue: lookTaskQueue(repositoryId),
    ...{ startToCloseTimeout, scheduleToCloseTimeout },
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '15s' },
    priority: { priorityKey: FIRST_PRIORITY },
  };
}

/** Of Temporal's priorities, 1 to 5; what says nothing has 3. */
export const FIRST_PRIORITY = 1;

function healthOptions(repositoryId: string, settings: CopySettings): ActivityOptions {
  return {
    taskQueue: repositoryTaskQueue(repositoryId),
    startToCloseTimeout: '24h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: settings.retryIntervalMs,
      maximumInterval: '5m',
      maximumAttempts: 60,
      nonRetryableErrorTypes: NEVER_RETRIED,
    },
  };
}

/** Waits for as long as it takes: a queue is no fault. What dies with its worker is given to another one, as the work itself. */
export function turnActivities(
  repositoryId: string,
  settings: CopySettings,
): ActivityInterfaceFor<TurnActivities> {
  return proxyActivities<TurnActivities>({
    taskQueue: turnTaskQueue(repositoryId),
    startToCloseTimeout: '24h',
    heartbeatTimeout: settings.heartbeatTimeoutMs,
    retry: { initialInterval: settings.retryIntervalMs, maximumInterval: '10s' },
  });
}

/** Small steps of the server itself; any worker of the control queue does them at once. */
export const controlActivities = proxyActivities<SessionActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '30s',
  retry: {
    initialInterval: '500ms',
    maximumInterval: '10s',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
});

/** A check that is not reached is not worth waiting for. */
export const pingActivities = proxyActivities<NotifyActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

/** What follows a session is worth a while, but a session ends. */
export const followUpActivities = proxyActivities<SessionActivities>({
  taskQueue: CONTROL_TASK_QUEUE,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '10m',
  retry: {
    initialInterval: '500ms',
    maximumInterval: '10s',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
});

/** The last word of a session or a task: written even when it was stopped, but a target that is away does not hold the session for ever. On
 *  the queue of looks, because that of the data work may be taken for longer than this waits. */
export function recordActivities(repositoryId: string): ActivityInterfaceFor<SessionActivities> {
  return proxyActivities<SessionActivities>({
    taskQueue: lookTaskQueue(repositoryId),
    startToCloseTimeout: '30s',
    heartbeatTimeout: '5s',
    scheduleToCloseTimeout: '2m',
    retry: { initialInterval: '1s', maximumInterval: '15s', nonRetryableErrorTypes: NEVER_RETRIED },
  });
}
