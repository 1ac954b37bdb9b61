/** Shapes of the events of the site. */

import { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.js';
import type { JobSight, ResetReason } from '../../domain/events/site-events.js';
import { instant, slug } from '../field-schemas.js';
import { problemSchema, type ProblemView } from '../safety/overview-schemas.js';
import {
  errorCodeSchema,
  sessionSummarySchema,
  type SessionSummary,
} from '../sessions/session-schemas.js';

/** When it was seen; what it tells of may be older. */
interface Seen {
  readonly at: string;
}

export type SiteEventView = Seen &
  (
    | { readonly type: 'reset'; readonly reason: ResetReason }
    | {
        readonly type: 'sessionBegan' | 'sessionChanged' | 'sessionEnded';
        readonly session: SessionSummary;
      }
    | {
        readonly type: 'jobMade' | 'jobChanged' | 'jobEnabled' | 'jobDisabled' | 'jobRemoved';
        readonly job: JobSight;
      }
    | {
        readonly type: 'problemBegan' | 'problemChanged' | 'problemEnded';
        readonly problem: ProblemView;
      }
    | { readonly type: 'lookFailed'; readonly code: ErrorCode | null; readonly detail: string }
    | { readonly type: 'lookSucceeded' }
  );

const at = instant.meta({
  description: 'When it was seen, RFC 3339 UTC; what it tells of may be older.',
});

const resetSchema = z
  .object({
    type: z.literal('reset'),
    at,
    reason: z.enum(['begun', 'unknownId', 'forgotten', 'missed']),
  })
  .meta({
    id: 'ResetEvent',
    description:
      'Look at everything again. `begun`: nothing was told yet. `unknownId`: the last id is of another run of the service, or none. `forgotten`: more happened since than is remembered. `missed`: more happened at once than one look reads.',
  });
const sessionEventSchema = z
  .object({
    type: z.enum(['sessionBegan', 'sessionChanged', 'sessionEnded']),
    at,
    session: sessionSummarySchema,
  })
  .meta({ id: 'SessionEvent' });
const jobSchema: z.ZodType<JobSight> = z
  .object({
    id: slug,
    name: z.string(),
    revision: z.int(),
    state: z.enum(['enabled', 'disabled', 'actionRequired']),
  })
  .meta({ id: 'JobOfEvent' });
const jobEventSchema = z
  .object({
    type: z.enum(['jobMade', 'jobChanged', 'jobEnabled', 'jobDisabled', 'jobRemoved']),
    at,
    job: jobSchema,
  })
  .meta({ id: 'JobEvent' });
const problemEventSchema = z
  .object({
    type: z.enum(['problemBegan', 'problemChanged', 'problemEnded']),
    at,
    problem: problemSchema,
  })
  .meta({
    id: 'ProblemEvent',
    description: '`problemChanged`: it concerns other workloads. `problemEnded`: it is well again.',
  });
const lookFailedSchema = z
  .object({
    type: z.literal('lookFailed'),
    at,
    code: errorCodeSchema.nullable(),
    detail: z.string(),
  })
  .meta({ id: 'LookFailedEvent', description: 'Nothing is seen until `lookSucceeded`.' });
const lookSucceededSchema = z
  .object({ type: z.literal('lookSucceeded'), at })
  .meta({ id: 'LookSucceededEvent' });

export const siteEventSchema: z.ZodType<SiteEventView> = z
  .union([
    resetSchema,
    sessionEventSchema,
    jobEventSchema,
    problemEventSchema,
    lookFailedSchema,
    lookSucceededSchema,
  ])
  .meta({ id: 'SiteEvent' });

export const sinceQuerySchema = z.strictObject({
  since: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'As the header `Last-Event-ID`, which goes before it.' }),
});
