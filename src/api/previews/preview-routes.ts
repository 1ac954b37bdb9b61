/** What would be: the plan of a job and the starts of a schedule that are not stored. */

import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { scheduleFaults } from '../../domain/jobs/job-rules.js';
import { instant } from '../field-schemas.js';
import { checkRules, jobToBe, refuseFaults, type JobSurroundings } from '../jobs/job-checks.js';
import { jobDefinitionSchema, jobPlanSchema } from '../jobs/job-schemas.js';
import { scheduleInZone } from '../jobs/job-time-zone.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { cursorQuerySchema } from '../repositories/repository-schemas.js';
import { jsonRoute, type Route } from '../route.js';
import { nextStarts } from './schedule-preview.js';
import { scheduleRequestSchema, timeZone } from '../jobs/schedule-schemas.js';

const previewRequestSchema = z
  .strictObject({
    schedule: scheduleRequestSchema,
    timeZone: timeZone.optional().meta({
      description: 'IANA time zone of the job. Default: that of its schedule, or of the server.',
    }),
  })
  .meta({ id: 'SchedulePreviewRequest' });

const previewSchema = z
  .object({
    timeZone: z
      .string()
      .meta({ description: 'Zone of the job, in which the times are to be read.' }),
    times: z.array(instant).meta({
      description: 'The next ten starts; empty for a schedule without a calendar.',
    }),
  })
  .meta({ id: 'SchedulePreview' });

export function previewRoutes(
  services: JobSurroundings & {
    readonly client: Client;
    readonly browser: RepositoryBrowser;
    /** Of jobs that name none. */
    readonly timeZone: string;
    readonly now: () => number;
  },
): Route[] {
  const { client, browser, now } = services;
  return [
    jsonRoute({
      method: 'post',
      path: '/plans',
      operationId: 'planDefinition',
      needs: 'view',
      looksOnly: true,
      subject: 'site',
      summary:
        'What a session of a job with this definition would copy, merge and delete, page by page; nothing is written, and the job need not exist. One that does is planned as it would be after the change.',
      query: cursorQuerySchema,
      body: jobDefinitionSchema,
      status: 200,
      answer: jobPlanSchema,
      errors: [
        ...(['JOB_RULE_BROKEN', 'JOB_KIND_WRONG', 'REPOSITORY_UNREACHABLE'] as const),
        'COPIES_OF_OTHER_JOB',
      ],
      run: async ({ body, query }) => {
        const job = await jobToBe(body, services.timeZone, services.jobs);
        await checkRules(job, services);
        return { content: await browser.plan(job, query.cursor) };
      },
    }),
    jsonRoute({
      method: 'post',
      path: '/schedules/preview',
      operationId: 'previewSchedule',
      needs: 'view',
      looksOnly: true,
      subject: 'nothing',
      summary: 'The next starts of a schedule, as Temporal reckons them; nothing is stored.',
      body: previewRequestSchema,
      status: 200,
      answer: previewSchema,
      errors: ['JOB_RULE_BROKEN'],
      run: async ({ body }) => {
        const own = 'timeZone' in body.schedule ? body.schedule.timeZone : undefined;
        const zone = body.timeZone ?? own ?? services.timeZone;
        const schedule = scheduleInZone(body.schedule, zone);
        refuseFaults(scheduleFaults({ id: '', mode: 'periodic', schedule }));
        return { content: { timeZone: zone, times: await nextStarts(client, schedule, now()) } };
      },
    }),
  ];
}
