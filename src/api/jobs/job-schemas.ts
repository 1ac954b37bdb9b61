/** Shapes of job requests and answers. Requests are strict and carry the defaults; rules over several fields are the domain's. */

import { z } from 'zod';
import type { JobSchedule, MaintenanceSchedule } from '../../domain/schedules/job-schedule.js';
import type {
  CopyJob,
  EndedGfs,
  GfsPolicy,
  RetentionPolicy,
  StartOverrides,
} from '../../domain/jobs/copy-job.js';
import { defaultRetry } from '../../domain/schedules/retry.js';
import { jobSourcesSchema, workloadName } from './job-source-schemas.js';
import type { JobPlan } from '../../domain/sessions/operation.js';
import type { RpoPolicy } from '../../domain/safety/rpo-policy.js';
import type { WeeklyHours } from '../../domain/schedules/weekly-hours.js';
import { instant, slug } from '../field-schemas.js';
import { idOf } from './job-id.js';
import {
  hoursRequestSchema,
  maintenanceSchema,
  scheduleRequestSchema,
  storedHoursSchema,
  storedScheduleSchema,
  timeZone,
  zoneOfJob,
} from './schedule-schemas.js';
import { sessionSummarySchema, type SessionSummary } from '../sessions/session-schemas.js';
import { MONTHS, WEEKDAYS_FROM_MONDAY, WEEKS_OF_MONTH } from '../../domain/schedules/day-names.js';

/** What a client decides of a job; the server adds `revision`, `replaces` and `origin`. */
export type JobDefinition = Omit<CopyJob, 'revision' | 'replaces' | 'origin' | 'once' | 'detached'>;

type ZoneOptional<Schedule> = Schedule extends { timeZone: string }
  ? Omit<Schedule, 'timeZone'> & { readonly timeZone?: string | undefined }
  : Schedule;

/** A definition as a client writes it, with the defaults filled in but for time zones: those come from the server (`definitionOf`). */
export type JobRequest = Omit<
  JobDefinition,
  'timeZone' | 'schedule' | 'allowedHours' | 'healthCheck' | 'compact' | 'endedGfs'
> & {
  readonly endedGfs?: EndedGfs | null | undefined;
  readonly timeZone?: string | undefined;
  readonly schedule: ZoneOptional<JobSchedule>;
  readonly allowedHours: ZoneOptional<WeeklyHours> | null;
  readonly healthCheck: ZoneOptional<MaintenanceSchedule> | null;
  readonly compact: ZoneOptional<MaintenanceSchedule> | null;
};

export type JobState = 'enabled' | 'disabled' | 'actionRequired';

/** A job as the API shows it. */
export interface JobView extends CopyJob {
  readonly state: JobState;
  /** null: no calendar, or none that lies ahead. */
  readonly nextRunAt: string | null;
  readonly lastSession: SessionSummary | null;
  /** The newest session that found what waits for a decision still; null: nothing does. */
  readonly undecidedSessionId: string | null;
  /** When what failed in the last session is tried again; null: nothing is. */
  readonly nextTryAt: string | null;
  /** Starts that were left out because the service was down for over an hour, since the job was made; more than 0 only with `missedStarts: skip`. */
  readonly skippedStarts: number;
  /** The newest start since the last session that was due and did not come; null: none. */
  readonly missedStartAt: string | null;
}

/** A job that was not read in time, in the list of all: nothing is known of it but this. */
export interface UnreadJob {
  readonly id: string;
  /** null: not known. */
  readonly name: string | null;
  readonly mode: CopyJob['mode'];
  readonly state: 'unknown';
  /** Whether it is kept from starting by itself. */
  readonly paused: boolean;
  readonly nextRunAt: string | null;
  readonly lastSession: SessionSummary | null;
  readonly reason: string;
}

export type ListedJob = JobView | UnreadJob;

export const maintenance = maintenanceSchema(timeZone);
const HOURS = {
  description:
    'Outside them its sessions wait, at their durable position; null: it copies at any hour.',
};
export const maintenanceRequest = maintenanceSchema(zoneOfJob, 'Request');

const GFS_KEEP = 999;
const gfsSchema: z.ZodType<GfsPolicy> = z
  .strictObject({
    weekly: z
      .strictObject({
        keep: z.int().min(1).max(GFS_KEEP),
        day: z.enum(WEEKDAYS_FROM_MONDAY).default('sunday'),
      })
      .meta({ id: 'GfsWeekly' })
      .nullable()
      .default(null),
    monthly: z
      .strictObject({
        keep: z.int().min(1).max(GFS_KEEP),
        week: z.enum(WEEKS_OF_MONTH).default('first'),
      })
      .meta({ id: 'GfsMonthly' })
      .nullable()
      .default(null),
    yearly: z
      .strictObject({
        keep: z.int().min(1).max(GFS_KEEP),
        month: z.enum(MONTHS).default('january'),
      })
      .meta({ id: 'GfsYearly' })
      .nullable()
      .default(null),
    fullMethod: z.enum(['synthetic', 'active']).default('synthetic'),
  })
  .meta({ id: 'GfsPolicy' });

const ENDED =
  'GFS tiers that were turned off, with the number of their periods for which flags still keep a full.';
const endedKeep = z.int().min(1).max(GFS_KEEP).nullable();
const endedGfsSchema: z.ZodType<EndedGfs> = z
  .strictObject({
    weekly: endedKeep.default(null),
    monthly: endedKeep.default(null),
    yearly: endedKeep.default(null),
  })
  .meta({ id: 'EndedGfs' });

const retryFields = {
  attempts: z.int().min(0).max(100_000).nullable().meta({
    description:
      'Retries after the first try; 0: none, null: until it succeeds. Default: null for immediate jobs, 3 for periodic ones.',
  }),
  pausesMinutes: z.array(z.number().min(0.01).max(10_080)).min(1).max(100).meta({
    description:
      'Minutes before each retry; the last one holds for all that follow. Default: 1, 5, 15, 60 for immediate jobs, 10 for periodic ones.',
  }),
};

const retentionSchema: z.ZodType<RetentionPolicy> = z
  .strictObject({
    type: z.enum(['restorePoints', 'days']),
    value: z.int().min(1).max(9_999),
  })
  .meta({ id: 'RetentionPolicy' });

const RPO_HOURS = 87_600;
const limitHours = z.number().min(0.1).max(RPO_HOURS).nullable().default(null);
const limitFields = {
  maxCopyAgeHours: limitHours.meta({
    description:
      'The moment that the newest good copy shows is at most so many hours ago; null: no limit.',
  }),
  maxLagHours: limitHours.meta({
    description:
      'A restore point of the source is copied at most so many hours after its moment; null: no limit.',
  }),
};

export const rpoSchema: z.ZodType<RpoPolicy> = z
  .strictObject({
    ...limitFields,
    workloads: z
      .array(
        z.strictObject({ workload: workloadName, ...limitFields }).meta({ id: 'RpoOfWorkload' }),
      )
      .max(10_000)
      .default([])
      .meta({ description: 'Other limits for some workloads, by id or name.' }),
  })
  .meta({ id: 'RpoPolicy' });

const scopeSchema = z.enum(['latest', 'all']);

const NAME_LENGTH = 200;
export const jobName = z
  .string()
  .trim()
  .min(1)
  .max(NAME_LENGTH)
  .refine(hasNoControlCharacters, 'must not hold control characters');
const definitionFields = {
  name: jobName,
  description: z.string().max(2_000).default(''),
  mode: z.enum(['immediate', 'periodic']),
  sources: jobSourcesSchema,
  target: z.strictObject({ repositoryId: slug }).meta({ id: 'JobTarget' }),
  restorePoints: scopeSchema.default('latest'),
  transactionLogs: z.boolean().default(false).meta({
    description:
      'Of databases: copy the transaction logs between backups, too. In mode immediate only.',
  }),
  retention: retentionSchema.default({ type: 'restorePoints', value: 7 }),
  gfs: gfsSchema.nullable().default(null),
  missedStarts: z.enum(['run', 'skip']).default('run').meta({
    description:
      'What becomes of a start whose time passed while the service was down for over an hour: `run` makes up for all of them with one session, `skip` leaves them out and counts them.',
  }),
  onSourceChainRecreated: z.enum(['requireNewJob', 'startNewChain']).default('requireNewJob'),
  storage: z
    .strictObject({
      digest: z.enum(['sha256', 'blake3']).default('sha256'),
      verifyAfterCopy: z.enum(['cached', 'direct']).default('cached').meta({
        description:
          'How the blocks of a copy are read back before it counts: `cached` through the page cache, which proves what was written; `direct` past it, which proves what the storage holds, at up to 2.6 times the time.',
      }),
    })
    .meta({ id: 'JobStorage' })
    .prefault({}),
  rpo: rpoSchema.nullable().default(null).meta({
    description: 'How old the copies may become; null: nothing is promised.',
  }),
  removedWorkloadsAfterDays: z.int().min(1).max(36_500).nullable().default(null),
};

/** Body of `POST /jobs` and `PUT /jobs/{id}`. Without an id the job takes a slug of its name. */
export const jobDefinitionSchema: z.ZodType<JobRequest> = z
  .strictObject({
    id: slug.optional().meta({ description: 'Defaults to a slug of the name; never changes.' }),
    ...definitionFields,
    timeZone: timeZone.optional().meta({
      description:
        'IANA time zone of the job. Default: that of its schedule, that which the job has already, or that of the server.',
    }),
    schedule: scheduleRequestSchema.default({ type: 'manual' }),
    endedGfs: endedGfsSchema
      .nullable()
      .optional()
      .meta({
        description: `${ENDED} Without it, the fulls of a tier that is turned off stay until the day of their flags; null: they may go at once.`,
      }),
    retry: z.strictObject(retryFields).partial().meta({ id: 'RetryRequest' }).default({}),
    allowedHours: hoursRequestSchema.nullable().default(null).meta(HOURS),
    healthCheck: maintenanceRequest.nullable().default(null),
    compact: maintenanceRequest.nullable().default(null),
  })
  .transform((definition, context): JobRequest => {
    const id = idOf(definition, context);
    const { attempts, pausesMinutes } = defaultRetry(definition.mode);
    const retry = {
      attempts: definition.retry.attempts === undefined ? attempts : definition.retry.attempts,
      pausesMinutes: definition.retry.pausesMinutes ?? pausesMinutes,
    };
    return { ...definition, id, retry };
  })
  .meta({ id: 'JobRequest' });

const copyJobFields = {
  ...definitionFields,
  timeZone,
  schedule: storedScheduleSchema,
  retry: z.strictObject(retryFields).meta({ id: 'RetryPolicy' }),
  allowedHours: storedHoursSchema.nullable().meta(HOURS),
  healthCheck: maintenance.nullable(),
  compact: maintenance.nullable(),
  endedGfs: endedGfsSchema.optional().meta({ description: `${ENDED} Absent: none.` }),
  id: slug,
  kind: z.enum(['copy', 'fileBackup', 'mirror']).optional().meta({
    description: 'Which backups it copies. Absent: `copy`.',
  }),
  fileBackupJobId: slug.optional().meta({
    description: 'The file-backup job that it is a secondary target of.',
  }),
  revision: z.int().min(1),
  replaces: slug.nullable(),
  origin: z.string().min(1).max(100).optional().meta({
    description:
      'Random, given when the job is made: its copies are told by it from those of another job that had the same id.',
  }),
};

/** A whole definition as it lies in a Schedule or in a target repository. */
export const copyJobSchema: z.ZodType<CopyJob> = z
  .strictObject({
    ...copyJobFields,
    once: z
      .strictObject({ restorePointId: z.string().nullable(), expiresAt: instant.nullable() })
      .optional(),
    detached: z.strictObject({ fromJobId: z.string(), at: instant }).optional(),
  })
  .meta({ id: 'CopyJob' });

export const jobViewSchema: z.ZodType<JobView> = z
  .object({
    ...copyJobFields,
    state: z.enum(['enabled', 'disabled', 'actionRequired']),
    nextRunAt: instant.nullable(),
    lastSession: sessionSummarySchema.nullable(),
    undecidedSessionId: z.string().nullable().meta({
      description: 'The newest session that found what waits for a decision still.',
    }),
    nextTryAt: instant.nullable(),
    skippedStarts: z.int().min(0).meta({
      description: 'Starts left out since the job was made, because the service was down.',
    }),
    missedStartAt: instant.nullable().meta({
      description: 'The newest start since the last session that was due and did not come.',
    }),
  })
  .meta({ id: 'Job' });

const unreadJobSchema: z.ZodType<UnreadJob> = z
  .object({
    id: slug,
    name: z.string().nullable(),
    mode: z.enum(['immediate', 'periodic']),
    state: z.literal('unknown'),
    paused: z.boolean().meta({ description: 'Whether it is kept from starting by itself.' }),
    nextRunAt: instant.nullable(),
    lastSession: sessionSummarySchema.nullable(),
    reason: z.string().meta({ description: 'Why its definition is not known.' }),
  })
  .meta({ id: 'UnreadJob' });

export const listedJobSchema: z.ZodType<ListedJob> = z
  .union([jobViewSchema, unreadJobSchema])
  .meta({ id: 'ListedJob' });

export const startOverridesSchema: z.ZodType<StartOverrides> = z
  .strictObject({
    workloads: z.array(workloadName).min(1).max(10_000).optional(),
    activeFull: z.boolean().optional(),
    restorePoints: scopeSchema.optional(),
    now: z.boolean().optional().meta({
      description:
        'Take what is there: do not wait for restore points that may still be in progress.',
    }),
    anyHour: z
      .boolean()
      .optional()
      .meta({ description: 'Copy at once, also outside the allowed hours of the job.' }),
    acceptChanges: z.boolean().optional().meta({
      description:
        'An operator has looked at the sources of these workloads, which seemed wiped or encrypted (SOURCE_SUSPICIOUS): what became of their files is what was meant.',
    }),
    takeOver: z.boolean().optional().meta({
      description:
        'The copies that another job left in the target under the id of this one become its own (COPIES_OF_OTHER_JOB), all of them, with its retention. Needs an administrator.',
    }),
  })
  .refine(({ acceptChanges, workloads }) => acceptChanges !== true || workloads !== undefined, {
    path: ['acceptChanges'],
    message: 'goes with the names of the workloads that were looked at',
  })
  .refine(({ takeOver, workloads }) => takeOver !== true || workloads === undefined, {
    path: ['takeOver'],
    message:
      'is of everything that lies under the id of the job: name no workloads; for copies of single machines make a job of another id and `longhaul job map` them to it',
  })
  .meta({ id: 'StartOverrides' });

export const sessionStartedSchema = z
  .object({ sessionId: z.string() })
  .meta({ id: 'SessionStarted' });

export const jobImportSchema = z
  .strictObject({ repositoryId: slug, jobId: slug })
  .meta({ id: 'JobImport' });

export const jobPlanSchema: z.ZodType<JobPlan> = z
  .object({
    workloads: z.array(
      z
        .object({
          workload: z.string(),
          algorithm: z.enum(['full', 'increment', 'none']),
          restorePoints: z.array(z.string()),
          estimatedBytes: z.int().nullable(),
          reasons: z.array(z.string()),
          lookAgainAt: instant.nullable(),
          retention: z
            .object({
              keep: z.array(
                z
                  .object({ id: z.string(), reasons: z.array(z.string()) })
                  .meta({ id: 'KeptPoint' }),
              ),
              actions: z.array(z.string()),
              warnings: z.array(z.string()),
            })
            .meta({ id: 'RetentionPlan' }),
          omitted: z.int().meta({
            description: 'Entries of the lists above that are left out, because they are too many.',
          }),
        })
        .meta({ id: 'WorkloadPlan' }),
    ),
    nextCursor: z.string().optional(),
  })
  .meta({ id: 'JobPlan' });

function hasNoControlCharacters(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
