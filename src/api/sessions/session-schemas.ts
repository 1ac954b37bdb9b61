/** Shapes of sessions in requests and answers. */

import { z } from 'zod';
import {
  type CopyProgress,
  type CopySession,
  type CopyTask,
  type SessionState,
  type TaskCounts,
} from '../../domain/sessions/copy-session.js';
import type { Bottleneck } from '../../domain/sessions/bottleneck.js';
import type { MoverTimes } from '../../domain/sessions/mover-times.js';
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../../domain/errors.js';
import type { StepRetry } from '../../domain/sessions/operation.js';
import type { StorageHold } from '../../domain/sessions/storage-wait.js';
import type { RecordedSession } from '../../domain/sessions/recorded-session.js';
import { instant, slug } from '../field-schemas.js';

/** A session in a list: known without asking a worker. */
export type SessionSummary = RecordedSession;

/** One that runs, with what it has done so far. */
export type RunningSession = SessionSummary & Pick<CopySession, 'progress' | 'taskCounts'>;

export interface RunningSessions {
  readonly sessions: readonly RunningSession[];
  /** How many run beside these. */
  readonly omitted: number;
}

/** A task, with what it waits for. */
export interface TaskView extends CopyTask {
  /** null: nothing of it is tried again just now. */
  readonly retry: StepRetry | null;
  /** Storage that a step of it waits for; null: none does, or not for long. */
  readonly waits: StorageHold | null;
  /** What holds it up, or did most; null: not known. */
  readonly bottleneck: Bottleneck | null;
}

/** A session with its tasks. */
export interface SessionView extends Omit<CopySession, 'tasks' | 'targetRepositoryId'> {
  readonly tasks: readonly TaskView[];
  /** null: no worker answered, and nothing told it before. */
  readonly targetRepositoryId: string | null;
  /** Of the session's own steps, such as looking for workloads or writing its record. */
  readonly retry: StepRetry | null;
  /** Storage that one of these steps waits for; null: none does, or not for long. */
  readonly waits: StorageHold | null;
  /** What holds up those of its tasks that move, or what all of them wait for; null: not known. */
  readonly bottleneck: Bottleneck | null;
  /** False: no worker answered, so progress and tasks are as they were last known. */
  readonly live: boolean;
}

const SESSION_STATES = ['running', 'waiting', 'paused', 'stopping', 'ended'] as const;

const sessionStateSchema: z.ZodType<SessionState> = z
  .enum(SESSION_STATES)
  .meta({ id: 'SessionState' });
const resultSchema = z
  .enum(['success', 'warning', 'failed', 'stopped', 'actionRequired', 'nothingToCopy'])
  .meta({ id: 'SessionResult' });
export const errorCodeSchema: z.ZodType<ErrorCode> = z
  .enum(Object.keys(ERROR_CODES).filter(isErrorCode))
  .meta({ id: 'ErrorCode' });

const summaryFields = {
  id: z.string(),
  jobId: slug,
  trigger: z.enum(['api', 'schedule', 'watch', 'afterJob', 'retry']),
  startedBy: z
    .string()
    .nullable()
    .meta({ description: 'Who started it by hand; null: nobody did, or it is not known.' }),
  tryNumber: z
    .int()
    .min(1)
    .meta({ description: '1, but for retries of what failed: 2 for the first.' }),
  state: sessionStateSchema,
  result: resultSchema.nullable(),
  startedAt: instant,
  endedAt: instant.nullable(),
  nextTryAt: instant
    .nullable()
    .meta({ description: 'When what failed is tried again; null: it is not.' }),
};

export const sessionSummarySchema: z.ZodType<SessionSummary> = z
  .object(summaryFields)
  .meta({ id: 'SessionSummary' });

const progressSchema: z.ZodType<CopyProgress> = z
  .object({
    percent: z.number(),
    processedBytes: z.int(),
    totalBytes: z.int(),
    readBytes: z.int(),
    transferredBytes: z.int().meta({
      description: 'What the target did not have at the same place (`reusedBytes`).',
    }),
    reusedBytes: z.int().meta({
      description:
        'What the newest restore point of the target has at the same place. Of archives, packages and streams it is read and written all the same, and was no saving: `readBytes` and `storedBytes` say what was moved.',
    }),
    storedBytes: z.int().meta({ description: 'What was written to files of the target.' }),
    bytesPerSecond: z.number(),
    etaSeconds: z.number().nullable(),
  })
  .meta({ id: 'Progress' });

const count = z.int();
const taskCountsSchema: z.ZodType<TaskCounts> = z
  .object({
    waiting: count,
    running: count,
    success: count,
    warning: count,
    failed: count,
    stopped: count,
    actionRequired: count,
    nothingToCopy: count,
  })
  .meta({ id: 'TaskCounts' });

export const runningSessionSchema: z.ZodType<RunningSession> = z
  .object({
    ...summaryFields,
    progress: progressSchema,
    taskCounts: taskCountsSchema,
  })
  .meta({ id: 'RunningSession' });

const retrySchema: z.ZodType<StepRetry> = z
  .object({
    attempt: z.int(),
    code: errorCodeSchema.nullable(),
    reason: z.string(),
    nextTryAt: instant.nullable(),
  })
  .meta({ id: 'StepRetry' });

export const storageHoldSchema: z.ZodType<StorageHold> = z
  .object({
    repositoryId: z.string(),
    seconds: z
      .number()
      .meta({ description: 'For how long it had not answered when the worker last told.' }),
    step: z.string().meta({ description: 'The step that waits, as Temporal names it.' }),
    code: errorCodeSchema,
    reason: z.string(),
  })
  .meta({ id: 'StorageHold' });

const bottleneckSchema: z.ZodType<Bottleneck> = z
  .enum([
    'source',
    'target',
    'limit',
    'processor',
    'turn',
    'hours',
    'point',
    'pause',
    'retry',
    'storage',
  ])
  .meta({
    id: 'Bottleneck',
    description:
      'What takes most of the time of a copy (reading the source, writing the target, a rate limit, the processor), or what is waited for (its turn, allowed hours, a restore point that may not be whole yet, a pause, the next try of a step, storage that does not answer).',
  });

const ms = z.int().min(0);
const moverTimesSchema: z.ZodType<MoverTimes> = z
  .object({ sourceMs: ms, targetMs: ms, limitMs: ms, processorMs: ms })
  .meta({ id: 'MoverTimes' });

const TASK_STATES = [
  'waiting',
  'inspecting',
  'planning',
  'copying',
  'composing',
  'committing',
  'retention',
  'paused',
  'ended',
] as const;

export const taskSchema: z.ZodType<TaskView> = z
  .object({
    workload: z.string(),
    workloadId: z.string().nullable(),
    state: z.enum(TASK_STATES),
    stateSince: instant.nullable().meta({
      description: 'Since when it is in this state; null: not known.',
    }),
    spentMs: z.partialRecord(z.enum(TASK_STATES), ms).meta({
      description: 'How long it was in each state before this one.',
    }),
    result: resultSchema.nullable(),
    algorithm: z.enum(['full', 'increment', 'none']),
    restorePoint: z.string().nullable(),
    remainingPoints: count.meta({
      description: 'Source restore points that are to be copied after the one in work.',
    }),
    committed: z.array(z.string()),
    progress: progressSchema,
    moverTimes: moverTimesSchema.nullable().meta({
      description:
        'Where the time of its copies and comparisons went, of all threads together; null: none was measured.',
    }),
    resumedFromBytes: z.int().meta({
      description:
        'Where in the disk its copy was taken up again: what lies before was not copied again.',
    }),
    attempt: z.int(),
    code: errorCodeSchema.nullable(),
    reason: z.string().nullable(),
    waitsFor: z.enum(['turn', 'hours', 'point', 'pause', 'retry']).nullable(),
    waitsUntil: instant.nullable().meta({
      description: 'Until when it waits; null: it does not, or nobody knows.',
    }),
    notes: z.array(z.string()),
    omitted: z
      .object({ committed: count, notes: count })
      .meta({ id: 'OmittedEntries' })
      .nullable()
      .meta({
        description: 'Entries that the lists do not show here; null: they are whole.',
      }),
    recorded: z.boolean().meta({
      description: 'The whole task lies in a file of its own; GET /sessions/{id}/tasks shows it.',
    }),
    foundCopied: z.literal(true).optional().meta({
      description: 'It found nothing new to copy, whatever else it warns of.',
    }),
    retry: retrySchema.nullable().meta({
      description: 'What is tried again just now, and why; null: nothing.',
    }),
    waits: storageHoldSchema.nullable().meta({
      description: 'Storage that it waits for and that does not answer; null: none.',
    }),
    bottleneck: bottleneckSchema.nullable(),
  })
  .meta({ id: 'Task' });

export const sessionViewSchema: z.ZodType<SessionView> = z
  .object({
    ...summaryFields,
    targetRepositoryId: slug.nullable(),
    progress: progressSchema,
    taskCounts: taskCountsSchema,
    tasks: z.array(taskSchema).meta({
      description: 'Those that run, and briefs of those that have ended.',
    }),
    omittedTasks: count.meta({
      description: 'Ended tasks that are not in `tasks`; GET /sessions/{id}/tasks shows them.',
    }),
    reason: z.string().nullable(),
    waitsUntil: instant.nullable().meta({
      description:
        'When the allowed hours of its job begin, for which it waits; null: it does not.',
    }),
    retry: retrySchema.nullable().meta({
      description: 'What the session itself tries again just now; null: nothing.',
    }),
    waits: storageHoldSchema.nullable().meta({
      description:
        'Storage that the session itself waits for and that does not answer; null: none.',
    }),
    bottleneck: bottleneckSchema.nullable(),
    live: z.boolean().meta({
      description: 'False: no worker answered, so progress and tasks are as they were last known.',
    }),
  })
  .meta({ id: 'Session' });

export const sessionQuerySchema = z.strictObject({
  jobId: slug.optional(),
  state: sessionStateSchema.optional(),
  result: resultSchema.optional(),
  from: z.iso.datetime({ offset: true }).optional().meta({ description: 'Started at or after.' }),
  to: z.iso.datetime({ offset: true }).optional().meta({ description: 'Started before.' }),
  cursor: z.string().max(4_000).optional(),
});
