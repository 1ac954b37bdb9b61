/** Shapes of requests and answers of mirror jobs. Requests are strict and carry the defaults. */

import { z } from 'zod';
import { KEEP_REMOVED_DAYS, type MirrorJob } from '../../domain/jobs/mirror-job.js';
import { instant, slug } from '../field-schemas.js';
import { idOf } from '../jobs/job-id.js';
import {
  jobName,
  maintenance,
  maintenanceRequest,
  rpoSchema,
  type JobView,
} from '../jobs/job-schemas.js';
import { sessionSummarySchema } from '../sessions/session-schemas.js';
import {
  hoursRequestSchema,
  scheduleRequestSchema,
  storedHoursSchema,
  storedScheduleSchema,
  timeZone,
} from '../jobs/schedule-schemas.js';

/** What a client decides; the server adds `revision`. */
export type MirrorRequest = z.infer<typeof mirrorRequestSchema>;

/** A mirror job as the API shows it. Its sessions are those of the job with its id. */
export interface MirrorJobView
  extends MirrorJob, Pick<JobView, 'state' | 'nextRunAt' | 'lastSession'> {}

const CHECK = 'When its files are read back in the target; null: when somebody asks for it.';
const WHEN = 'When its files are copied; null: each as soon as it is closed.';

const place = z.strictObject({ repositoryId: slug });

const fields = {
  name: jobName,
  description: z.string().max(2_000).default(''),
  source: place.meta({ id: 'MirrorSource' }),
  target: place.meta({ id: 'MirrorTarget' }),
  missedStarts: z.enum(['run', 'skip']).default('run'),
  keepRemovedForDays: z.int().min(1).max(9_999).default(KEEP_REMOVED_DAYS).meta({
    description:
      'Days, counted from when a file was written to the source, after which it goes from the target once the source has removed it.',
  }),
  rpo: rpoSchema.nullable().default(null),
};

export const mirrorRequestSchema = z
  .strictObject({
    id: slug.optional().meta({ description: 'Defaults to a slug of the name; never changes.' }),
    ...fields,
    schedule: scheduleRequestSchema.nullable().default(null).meta({ description: WHEN }),
    timeZone: timeZone.optional().meta({ description: 'IANA. Default: that of the server.' }),
    allowedHours: hoursRequestSchema.nullable().default(null),
    healthCheck: maintenanceRequest.nullable().default(null).meta({ description: CHECK }),
  })
  .transform((request, context) => ({ ...request, id: idOf(request, context) }))
  .meta({ id: 'MirrorJobRequest' });

export const mirrorViewSchema: z.ZodType<MirrorJobView> = z
  .object({
    ...fields,
    id: slug,
    revision: z.int().min(1),
    schedule: storedScheduleSchema.nullable().meta({ description: WHEN }),
    timeZone,
    allowedHours: storedHoursSchema.nullable(),
    healthCheck: maintenance.nullable().meta({ description: CHECK }),
    state: z.enum(['enabled', 'disabled', 'actionRequired']),
    nextRunAt: instant.nullable(),
    lastSession: sessionSummarySchema.nullable(),
  })
  .meta({ id: 'MirrorJob' });
