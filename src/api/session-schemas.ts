/** Shapes of sessions in requests and answers. */

import { z } from 'zod';
import {
  type CopyProgress,
  type CopySession,
  type CopyTask,
  type SessionState,
} from '../domain/copy-session.js';
import { ERROR_CODES, isErrorCode, type ErrorCode } from '../domain/errors.js';
import { instant, slug } from './field-schemas.js';

/** A session in a list: known without asking a worker. */
export type SessionSummary = Pick<
  CopySession,
  | 'id'
  | 'jobId'
  | 'trigger'
  | 'tryNumber'
  | 'state'
  | 'result'
  | 'startedAt'
  | 'endedAt'
  | 'nextTryAt'
>;

/** A session with its tasks. */
export interface SessionView extends CopySession {
  /** False: no worker answered, so progress and tasks are missing or old. */
  readonly live: boolean;
}

const SESSION_STATES = ['running', 'paused', 'stopping', 'ended'] as const;

export const sessionStateSchema: z.ZodType<SessionState> = z.enum(SESSION_STATES);
const resultSchema = z.enum([
  'success',
  'warning',
  'failed',
  'stopped',
  'actionRequired',
  'nothingToCopy',
]);
export const errorCodeSchema: z.ZodType<ErrorCode> = z.enum(
  Object.keys(ERROR_CODES).filter(isErrorCode),
);

const summaryFields = {
  id: z.string(),
  jobId: slug,
  trigger: z.enum(['api', 'schedule', 'watch', 'afterJob', 'retry']),
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

export const sessionSummarySchema: z.ZodType<SessionSummary> = z.object(summaryFields);

const progressSchema: z.ZodType<CopyProgress> = z.object({
  percent: z.number(),
  processedBytes: z.int(),
  totalBytes: z.int(),
  readBytes: z.int(),
  transferredBytes: z.int(),
  bytesPerSecond: z.number(),
  etaSeconds: z.number().nullable(),
});

const taskSchema: z.ZodType<CopyTask> = z.object({
  workload: z.string(),
  state: z.enum([
    'waiting',
    'inspecting',
    'planning',
    'copying',
    'composing',
    'committing',
    'retention',
    'paused',
    'ended',
  ]),
  result: resultSchema.nullable(),
  algorithm: z.enum(['full', 'increment', 'none']),
  restorePoint: z.string().nullable(),
  committed: z.array(z.string()),
  progress: progressSchema,
  resumedFromBytes: z.int(),
  attempt: z.int(),
  code: errorCodeSchema.nullable(),
  reason: z.string().nullable(),
  notes: z.array(z.string()),
});

export const sessionViewSchema: z.ZodType<SessionView> = z.object({
  ...summaryFields,
  progress: progressSchema,
  tasks: z.array(taskSchema),
  reason: z.string().nullable(),
  live: z
    .boolean()
    .meta({ description: 'False: no worker answered, so progress and tasks are missing or old.' }),
});

export const sessionQuerySchema = z.strictObject({
  jobId: slug.optional(),
  state: sessionStateSchema.optional(),
  cursor: z.string().max(4_000).optional(),
});
