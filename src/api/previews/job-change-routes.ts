/** What a change of a job would mean, before it is made. */

import { z } from 'zod';
import { jobChanges, needsLook, type JobChange } from '../../domain/jobs/job-changes.js';
import { changedDefinition, checkRules, type JobSurroundings } from '../jobs/job-checks.js';
import { jobDefinitionSchema } from '../jobs/job-schemas.js';
import { reachOf, refuseBeyond } from '../access/scope-reach.js';
import { jsonRoute, type Route } from '../route.js';

const CHANGED_FIELDS = [
  ...(['name', 'description', 'mode', 'sources', 'target', 'restorePoints'] as const),
  ...([
    'transactionLogs',
    'retention',
    'gfs',
    'endedGfs',
    'timeZone',
    'schedule',
    'missedStarts',
  ] as const),
  ...(['allowedHours', 'retry', 'onSourceChainRecreated', 'storage', 'healthCheck'] as const),
  ...(['compact', 'rpo', 'removedWorkloadsAfterDays'] as const),
] as const;

const changeSchema: z.ZodType<JobChange> = z
  .object({
    field: z.enum(CHANGED_FIELDS),
    before: z.unknown(),
    after: z.unknown(),
    effect: z.enum(['none', 'copiesLess', 'newChain', 'mayDelete']).meta({
      description:
        '`mayDelete`: copies that stay now may go with the next session. `newChain`: everything is copied anew. `copiesLess`: something may no longer be copied; its copies stay.',
    }),
    text: z.string().nullable().meta({ description: 'The effect in words; null: there is none.' }),
  })
  .meta({ id: 'JobChange' });

/** Answer of `POST /jobs/{id}/changes`. */
export interface JobChanges {
  readonly revision: number;
  readonly changes: readonly JobChange[];
  readonly needsLook: boolean;
}

const changesSchema: z.ZodType<JobChanges> = z
  .object({
    revision: z.int().min(1).meta({
      description: 'Of the job that the definition was compared with: goes into If-Match.',
    }),
    changes: z.array(changeSchema),
    needsLook: z.boolean().meta({
      description:
        'Copies may go, or are all made anew: look at the plan of the definition (`POST /plans`) first.',
    }),
  })
  .meta({ id: 'JobChanges' });

export function jobChangeRoutes(surroundings: JobSurroundings): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/changes',
      operationId: 'previewJobChanges',
      needs: 'view',
      looksOnly: true,
      subject: 'job',
      summary: 'What differs between a job and a definition for it, and what that would mean.',
      status: 200,
      body: jobDefinitionSchema,
      answer: changesSchema,
      errors: ['JOB_MISSING', 'JOB_RULE_BROKEN', 'JOB_KIND_WRONG'],
      run: async ({ params, body, caller }) => {
        const present = await surroundings.jobs.definition(params.id ?? '');
        // What a rule says of places would tell whoever may not see them that they are there.
        refuseBeyond(caller, reachOf(body), reachOf(present));
        const wanted = changedDefinition(present, body);
        await checkRules(wanted, surroundings);
        const changes = jobChanges(present, wanted);
        const { revision } = present;
        return { content: { revision, changes, needsLook: needsLook(changes) } };
      },
    }),
  ];
}
