/** Shapes of requests and answers of file-backup jobs. Requests are strict and carry the defaults. */

import { z } from 'zod';
import type { FileBackupJob, SecondaryTarget } from '../../domain/jobs/file-backup-job.js';
import { instant, slug } from '../field-schemas.js';
import { idOf } from '../jobs/job-id.js';
import { jobName, maintenance, maintenanceRequest, rpoSchema } from '../jobs/job-schemas.js';
import { workloadName } from '../jobs/job-source-schemas.js';
import {
  hoursRequestSchema,
  scheduleRequestSchema,
  storedHoursSchema,
  storedScheduleSchema,
  timeZone,
} from '../jobs/schedule-schemas.js';

/** What a client decides; the server adds `revision`. */
export type FileBackupRequest = z.infer<typeof fileBackupRequestSchema>;

/** How the last run of a job went, or goes. */
export interface FileBackupRunView {
  readonly runId: string;
  readonly state: 'running' | 'ended';
  /** Of the primary backup, and of the start of its copies. null: it runs, or was stopped. */
  readonly result: 'success' | 'warning' | 'failed' | null;
  readonly reason: string | null;
  /** Snapshot that the primary backup made; null: none, or not yet. */
  readonly snapshot: string | null;
  /** Ids of the sessions that copy it; how each goes, it tells itself. */
  readonly sessions: readonly string[];
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** A file-backup job as the API shows it. */
export interface FileBackupJobView extends FileBackupJob {
  readonly state: 'enabled' | 'disabled';
  /** Of the primary run; null: no calendar, or none that lies ahead. */
  readonly nextRunAt: string | null;
  /** A primary run that was due and did not come; null: none. */
  readonly missedStartAt: string | null;
  /** Ids of the copy jobs of its secondary targets, in their order. */
  readonly copyJobs: readonly string[];
  /** null: there was none that Temporal remembers. */
  readonly lastRun: FileBackupRunView | null;
}

const DAYS = z.int().min(1).max(9_999);
const KEEP =
  'Days for which a copy keeps what the primary has removed. A tool whose stores allow none (borg) keeps none.';

const fields = {
  name: jobName,
  description: z.string().max(2_000).default(''),
  source: z
    .strictObject({ repositoryId: slug, workload: workloadName })
    .meta({ id: 'FileBackupSource' }),
  primaryBackup: slug.nullable().default(null).meta({
    description:
      'Id of the configured program that makes the backups (`primaryBackups`). null: something else makes them, and new snapshots are noticed.',
  }),
  missedStarts: z.enum(['run', 'skip']).default('run'),
  keepRemovedForDays: DAYS.default(7).meta({ description: KEEP }),
  rpo: rpoSchema.nullable().default(null).meta({
    description:
      'How old the copies may become in each target. null: nobody is told when they stop, and the site is never called safe.',
  }),
};
const CHECK = 'When the copies in each target are read back; null: when somebody asks for it.';

const targetFields = {
  repositoryId: slug,
  keepRemovedForDays: DAYS.nullable().default(null).meta({ description: 'null: as the job.' }),
};
const MAX_TARGETS = 20;

export const fileBackupRequestSchema = z
  .strictObject({
    id: slug.optional().meta({ description: 'Defaults to a slug of the name; never changes.' }),
    ...fields,
    schedule: scheduleRequestSchema.default({ type: 'manual' }),
    timeZone: timeZone.optional().meta({ description: 'IANA. Default: that of the server.' }),
    healthCheck: maintenanceRequest.nullable().default(null).meta({ description: CHECK }),
    secondaryTargets: z
      .array(
        z
          .strictObject({
            ...targetFields,
            schedule: scheduleRequestSchema
              .nullable()
              .default(null)
              .meta({ description: 'null: after each primary run.' }),
            allowedHours: hoursRequestSchema.nullable().default(null),
          })
          .meta({ id: 'SecondaryTargetRequest' }),
      )
      .min(1)
      .max(MAX_TARGETS),
  })
  .transform((request, context) => ({ ...request, id: idOf(request, context) }))
  .meta({ id: 'FileBackupJobRequest' });

const secondaryTargetSchema: z.ZodType<SecondaryTarget> = z
  .strictObject({
    ...targetFields,
    schedule: storedScheduleSchema.nullable(),
    allowedHours: storedHoursSchema.nullable().meta({
      description: 'When its copies may begin; one that has begun goes on. null: at any time.',
    }),
  })
  .meta({ id: 'SecondaryTarget' });

const runSchema: z.ZodType<FileBackupRunView> = z
  .object({
    runId: z.string(),
    state: z.enum(['running', 'ended']),
    result: z.enum(['success', 'warning', 'failed']).nullable(),
    reason: z.string().nullable(),
    snapshot: z.string().nullable(),
    sessions: z
      .array(z.string())
      .meta({ description: 'Sessions that copy it. How each goes, it tells itself.' }),
    startedAt: instant,
    endedAt: instant.nullable(),
  })
  .meta({ id: 'FileBackupRun' });

export const fileBackupViewSchema: z.ZodType<FileBackupJobView> = z
  .object({
    ...fields,
    id: slug,
    revision: z.int().min(1),
    schedule: storedScheduleSchema,
    timeZone,
    healthCheck: maintenance.nullable().meta({ description: CHECK }),
    secondaryTargets: z.array(secondaryTargetSchema),
    state: z.enum(['enabled', 'disabled']),
    nextRunAt: instant.nullable(),
    missedStartAt: instant.nullable().meta({
      description: 'A primary run that was due and did not come; null: none.',
    }),
    copyJobs: z.array(slug),
    lastRun: runSchema.nullable(),
  })
  .meta({ id: 'FileBackupJob' });

export const fileBackupStartedSchema = z
  .object({ runId: z.string() })
  .meta({ id: 'FileBackupStarted' });
