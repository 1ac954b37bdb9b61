/** Names and shapes that workflows share with the outside: safe to import in the API and the CLI. Every name here is persisted. */

import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { OpenAlert } from '../src/domain/notices/alert-ledger.js';
import type { PlacedLine } from '../src/domain/access/audit.js';
import type { CopyJob, StartOverrides } from '../src/domain/jobs/copy-job.js';
import type {
  CopyProgress,
  CopySession,
  CopyTask,
  Hold,
  SessionResult,
  SessionTrigger,
  TaskCounts,
} from '../src/domain/sessions/copy-session.js';
import type { FileBackupJob } from '../src/domain/jobs/file-backup-job.js';
import type { KeptAnswers } from '../src/domain/sessions/kept-answers.js';
import type { CopySettings } from '../src/domain/jobs/copy-settings.js';
import type { Notice } from '../src/domain/notices/notice.js';
import type { ChannelKnowledge } from '../src/domain/notices/channel-news.js';
import type { SessionLeft } from '../src/domain/sessions/job-outcome.js';
import type { OperationStatus } from '../src/domain/sessions/operation.js';
import type { RemovalMode } from '../src/domain/retention/point-removal.js';
import type { RetryOrder, SessionEnd } from '../src/domain/schedules/retry.js';
import type { StopOrder } from '../src/domain/sessions/session-result.js';
import type { RestoreFormat } from '../src/domain/targets/restore-format.js';
import type { Silence } from '../src/domain/notices/silence.js';
import type { SessionTally } from '../src/domain/sessions/session-tally.js';
import { TURN_UPDATE } from '../src/domain/sessions/turn.js';
import type { CheckedChain, VerificationPosition } from '../src/domain/targets/verification.js';
import type {
  CarriedOperation,
  CarriedFindings,
  VerificationCounts,
  LateTree,
} from './carried-state.js';

export const CONTROL_TASK_QUEUE = 'control';

/** Queue of the data activities of one repository. */
export function repositoryTaskQueue(repositoryId: string): string {
  return `repository/${repositoryId}`;
}

/** Queue of the looks into one repository (lists, plans, watches): many at once, and never behind a long copy. */
export function lookTaskQueue(repositoryId: string): string {
  return `look/${repositoryId}`;
}

/** Queue of the turns of workloads in one repository: its workers give as many at once as workloads may be worked at. */
export function turnTaskQueue(repositoryId: string): string {
  return `turn/${repositoryId}`;
}

/** Workflow id of whoever may write this chain: it is the chain's lock. */
export function chainWorkflowId(
  targetRepositoryId: string,
  jobId: string,
  workloadId: string,
): string {
  return `chain/${targetRepositoryId}/${jobId}/${workloadId}`;
}

/** Inverse of `chainWorkflowId`: ids of repositories and jobs have no slash, those of workloads may. */
export function workloadIdOfChain(workflowId: string): string {
  return workflowId.split('/').slice(3).join('/');
}

export const WORKFLOW_COPY_SESSION = 'copySession';
export const WORKFLOW_WATCH_SOURCES = 'watchSources';
export const WORKFLOW_RETRY_SESSIONS = 'retrySessions';
export const WORKFLOW_VERIFY = 'verifyBackups';
export const WORKFLOW_RESTORE = 'restorePoint';
export const WORKFLOW_REMOVE = 'removePoint';
export const WORKFLOW_REHOME = 'rehomeCopies';
export const WORKFLOW_ONE_TIME_COPY = 'oneTimeCopy';
export const WORKFLOW_BROWSE_REPOSITORY = 'browseRepository';
export const WORKFLOW_PLAN_JOB = 'planJob';
export const WORKFLOW_READ_JOB_DEFINITION = 'readJobDefinition';
export const WORKFLOW_WATCH_SAFETY = 'watchSafety';
export const WORKFLOW_NOTIFY = 'notify';
export const WORKFLOW_RUN_FILE_BACKUP = 'runFileBackup';
export const WORKFLOW_KEEP_AUDIT = 'keepAudit';

/** There is one watch for all. */
export const WATCH_SAFETY_ID = 'safety';

const NOTICE_PREFIX = 'notify/';

/** Each notice goes to each channel once. */
export function noticeWorkflowId(noticeId: string, channelId: string): string {
  return `${NOTICE_PREFIX}${noticeId}/${channelId}`;
}

/** Inverse of `noticeWorkflowId`: neither id has a slash. */
export function noticeOfWorkflow(workflowId: string): { noticeId: string; channelId: string } {
  const [noticeId = '', channelId = ''] = workflowId.slice(NOTICE_PREFIX.length).split('/');
  return { noticeId, channelId };
}

/** Search attributes, all Keyword. */
export const SEARCH_ATTRIBUTES = {
  jobId: 'LonghaulJobId',
  jobName: 'LonghaulJobName',
  /** On a Schedule: which definition it carries. */
  jobVersion: 'LonghaulJobVersion',
  workload: 'LonghaulWorkload',
  result: 'LonghaulResult',
  idempotencyKey: 'LonghaulIdempotencyKey',
  /** On a Schedule: the job that this one follows. */
  afterJob: 'LonghaulAfterJob',
} as const;

export const JOB_ID = keyword(SEARCH_ATTRIBUTES.jobId);
export const JOB_NAME = keyword(SEARCH_ATTRIBUTES.jobName);
export const JOB_VERSION = keyword(SEARCH_ATTRIBUTES.jobVersion);
export const WORKLOAD = keyword(SEARCH_ATTRIBUTES.workload);
export const RESULT = keyword(SEARCH_ATTRIBUTES.result);
export const IDEMPOTENCY_KEY = keyword(SEARCH_ATTRIBUTES.idempotencyKey);
export const AFTER_JOB = keyword(SEARCH_ATTRIBUTES.afterJob);

function keyword(name: string) {
  return defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
}

/** Argument of `copySession`; the Schedule's action carries `[job]` wrapped in it, with no overrides. */
export interface CopySessionInput {
  readonly job: CopyJob;
  readonly overrides?: StartOverrides;
  readonly trigger?: SessionTrigger;
  /** Who started it by hand; absent: nobody. */
  readonly startedBy?: string;
  /** Default 1: not a retry. */
  readonly tryNumber?: number;
  /** Of a retry for all of the job: names that it asks for again when it does not see them. Absent: none. */
  readonly sought?: readonly string[];
  /** State of the session when this run goes on for an earlier one. */
  readonly carried?: {
    readonly startedAt: string;
    readonly settings: CopySettings;
    readonly tally: SessionTally;
    /** Workloads up to this id are done. */
    readonly doneUntil: string | null;
    readonly isPaused: boolean;
    /** Absent: none. */
    readonly keeps?: readonly KeptAnswers[];
  };
}

/** Argument of `runFileBackup`, id `file-backup/<jobId>-<RFC 3339 seconds>`. */
export interface FileBackupRunInput {
  readonly job: FileBackupJob;
}

/** What `runFileBackup` returns and, as far as it is known, what its memo tells while it runs. */
export interface FileBackupOutcome {
  readonly result: 'success' | 'warning' | 'failed';
  readonly reason: string | null;
  /** That the primary backup made; null: it made none, or the job has none. */
  readonly snapshot: string | null;
  /** Of the secondary targets that follow the run: they were started, or waited for their hours, and tell themselves how they end. */
  readonly sessions: readonly string[];
}

const FILE_BACKUP_PREFIX = 'file-backup/';

/** Workflow id of a run; a Temporal Schedule appends `-<RFC 3339 seconds>` to the id of its action. */
export function fileBackupWorkflowId(jobId: string, startMs: number | null = null): string {
  const start = startMs === null ? '' : `-${new Date(startMs).toISOString().slice(0, 19)}Z`;
  return `${FILE_BACKUP_PREFIX}${jobId}${start}`;
}

/** As the API names a run. */
export function fileBackupRunId(workflowId: string): string {
  return workflowId.slice(FILE_BACKUP_PREFIX.length);
}

/** Argument of `retrySessions`, id `retry/<jobId>`. */
export interface RetrySessionsInput {
  readonly jobId: string;
  /** What waits, carried from run to run; absent: a signal brings it. */
  readonly orders?: readonly RetryOrder[];
}

export function retryWorkflowId(jobId: string): string {
  return `retry/${jobId}`;
}

/** Argument of `watchSources`: what its Schedule carries is the same as for a session. */
export interface WatchSourcesInput extends CopySessionInput {
  /** Fingerprint of the sources as they were at the last session; carried from run to run. */
  readonly seen?: string | null;
  /** When the watch last had news, epoch milliseconds; carried, too. */
  readonly sinceMs?: number;
}

/** What `copySession` returns. */
export interface CopySessionOutcome {
  readonly result: SessionResult;
  readonly reason: string | null;
  readonly targetRepositoryId: string;
  readonly taskCounts: TaskCounts;
  readonly progress: CopyProgress;
  /** Of a session that a watch started: none, all are in `omittedTasks`, and a query tells them. */
  readonly tasks: readonly CopyTask[];
  readonly omittedTasks: number;
}

export const sessionQuery = defineQuery<CopySession>('session');
export const taskQuery = defineQuery<CopyTask>('task');
/** To the retries of a job, from each of its sessions. */
export const sessionEndedSignal = defineSignal<[SessionEnd]>('sessionEnded');
/** Honoured in the middle of a disk: the running batch stops at its durable cursor. */
export const pauseUpdate = defineUpdate<void>('pause');
export const resumeUpdate = defineUpdate<void>('resume');

/** Comes right before the stop itself, which is a cancellation and carries nothing. */
export const stopOrderSignal = defineSignal<[StopOrder]>('stopOrder');
/** The session tells its tasks when they may do nothing, and with null when they may go on. */
export const taskHoldSignal = defineSignal<[Hold | null]>('hold');

/** From a task to its session. */
export interface PlaceOrder {
  readonly workloadId: string;
  /** false: it gives its place back. */
  readonly isWanted: boolean;
}

export const taskPlaceSignal = defineSignal<[PlaceOrder]>('taskPlace');
/** The session gives a place to a task that wants one. */
export const placeSignal = defineSignal('place');

/** With the token of the turn that has come. */
export const turnUpdate = defineUpdate<void, [string]>(TURN_UPDATE);

/** Memo of a `copySession`, set by whoever starts it, so that lists need no query and no worker. The workflow upserts the rest: `state`
 *  when it changes, `startedAt` when it goes on in another run, the counts every few seconds. */
export interface SessionMemo {
  readonly trigger: SessionTrigger;
  readonly state?: 'running' | 'waiting' | 'paused' | 'stopping';
  /** Absent: nobody did. */
  readonly startedBy?: string;
  /** Absent: 1. */
  readonly tryNumber?: number;
  /** Set at the end, when what failed is tried again. */
  readonly nextTryAt?: string;
  readonly startedAt?: string;
  readonly taskCounts?: TaskCounts;
  readonly progress?: CopyProgress;
  /** It looks only at some workloads of its job. Absent while it runs: at all, or an earlier build started it. */
  readonly isPartial?: boolean;
  /** Set at the end. */
  readonly left?: SessionLeft;
}

export interface PlanJobInput {
  readonly job: CopyJob;
  /** `nextCursor` of the page before; absent: the first one. */
  readonly after?: string | null;
}

export interface ReadJobDefinitionInput {
  readonly repositoryId: string;
  readonly jobId: string;
}

/** Argument of `verifyBackups`, id `verify/<repositoryId>/<restorePointId or all>`. */
export interface VerifyInput {
  readonly repositoryId: string;
  /** null: every restore point of the repository. */
  readonly restorePointId: string | null;
  /** Only what this job has copied; absent: all. */
  readonly jobId?: string | null;
  /** State of the check when this run goes on for an earlier one. */
  readonly carried?: {
    readonly settings: CopySettings;
    readonly operation: CarriedOperation;
    readonly done: VerificationPosition | null;
    readonly counts: VerificationCounts;
    readonly findings: CarriedFindings;
    readonly lateTrees: readonly LateTree[];
    /** Whose lease it holds; null, and absent in runs of before: of none that is known. */
    readonly inWork?: CheckedPoint | null;
  };
}

/** A point as a check asks for it. */
export interface CheckedPoint {
  readonly targetRepositoryId: string;
  readonly jobId: string;
  readonly workloadId: string;
  readonly pointId: string;
  readonly operation: string;
}

/** Argument of `restorePoint`, id `restore/<repositoryId>/<restorePointId>-<start>`. */
export interface RestoreInput {
  readonly repositoryId: string;
  readonly restorePointId: string;
  /** Absolute path of a folder on the machine of the worker. */
  readonly destinationPath: string;
  readonly format: RestoreFormat;
  /** Names of the disks that are wanted; absent: all. */
  readonly disks?: readonly string[];
  /** The tree that the backup tool looks for, with times and modes; absent: the files side by side. */
  readonly layout?: boolean;
  /** Whether the folder may hold other files; absent: it must be empty or new. */
  readonly intoExisting?: boolean;
  /** State of the restore when this run goes on for an earlier one. */
  readonly carried?: {
    readonly settings: CopySettings;
    readonly operation: CarriedOperation;
    /** null: it waits still for a change of the chain. */
    readonly leaseId: string | null;
  };
}

/** Argument of `removePoint`, id `remove/<repositoryId>/<restorePointId>:<mode>`, with `:with-dependents` behind it where they go with it. */
export interface RemoveInput {
  readonly repositoryId: string;
  readonly restorePointId: string;
  readonly mode: RemovalMode;
  /** Whether what builds on it may go with it. */
  readonly withDependents: boolean;
}

/** Argument of `rehomeCopies`, id `map/…` or `detach/<repositoryId>/` and `restorePointKey` of the job whose copies they are, the workload,
 *  and, of `map`, the job that gets them. */
export interface RehomeInput {
  readonly repositoryId: string;
  readonly chain: CheckedChain;
  /** Who keeps the copies from now on; of detached ones, what says so beside them. */
  readonly job: CopyJob;
}

/** Argument of `oneTimeCopy`, id `oneTimeWorkflowId`. */
export interface OneTimeCopyInput {
  readonly repositoryId: string;
  readonly copyId: string;
  /** The session that is run first; null: none, only what is there is to go. */
  readonly copy: {
    readonly job: CopyJob;
    readonly startMs: number;
    readonly startedBy: string;
  } | null;
  /** RFC 3339 UTC; null: it stays until somebody removes it. */
  readonly expiresAt: string | null;
  /** Of an earlier run: an operator has it removed. */
  readonly isOrdered?: boolean;
}

export function oneTimeWorkflowId(repositoryId: string, copyId: string): string {
  return `once/${repositoryId}/${copyId}`;
}

/** An operator has it removed now. */
export const removeCopySignal = defineSignal('removeCopy');

/** Memo of a verification or restore that goes on in another run. */
export interface OperationMemo {
  readonly startedAt?: string;
}

export const operationQuery = defineQuery<OperationStatus>('operation');

/** What the watch remembers from run to run. */
export interface WatchMemory {
  readonly open: readonly OpenAlert[];
  /** Absent: none. */
  readonly silences?: readonly Silence[];
  /** By the channel's id. */
  readonly channels: Readonly<Record<string, ChannelMemory>>;
}

export interface ChannelMemory extends ChannelKnowledge {
  /** How many notices it was told. */
  readonly told: number;
  /** Of its last digest, `YYYY-MM-DD`. */
  readonly digestDay: string | null;
}

/** A notice, to the channel of this id, was refused, or not taken for days: it is not known there. */
export const deliveryFailedSignal = defineSignal<[string]>('deliveryFailed');

export const silencesQuery = defineQuery<readonly Silence[]>('silences');
/** Answers those that hold. */
export const silenceUpdate = defineUpdate<readonly Silence[], [Silence]>('silence');
/** By its id; one that has ended is ended. */
export const endSilenceUpdate = defineUpdate<void, [string]>('endSilence');
export const openAlertsQuery = defineQuery<readonly OpenAlert[]>('openAlerts');
/** The configuration may be another one. */
/** Argument of `keepAudit`, id `auditWorkflowId`. */
export interface KeepAuditInput {
  readonly repositoryId: string;
  /** Lines of an earlier run. */
  readonly waiting?: readonly PlacedLine[];
}

/** One writer for each target. */
export function auditWorkflowId(repositoryId: string): string {
  return `audit/${repositoryId}`;
}

export const auditSignal = defineSignal<[PlacedLine]>('audit');

export const lookNowSignal = defineSignal('lookNow');

export interface NotifyInput {
  readonly channelId: string;
  readonly notice: Notice;
}
