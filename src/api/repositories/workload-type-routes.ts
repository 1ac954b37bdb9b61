/** The types of backups that this release finds, with what copies of them allow. */

import { z } from 'zod';
import type { WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import { pageSchema } from '../field-schemas.js';
import { jsonRoute, type Route } from '../route.js';

const typeSchema: z.ZodType<WorkloadTypeFacts> = z
  .object({
    id: z.string(),
    title: z.string(),
    rules: z
      .object({
        job: z.enum(['copy', 'fileBackup', 'mirror']).meta({
          description: 'Kind of the job that copies them.',
        }),
        wholeSourceOnly: z.boolean().meta({
          description:
            'A job takes a repository of them whole: it neither names workloads nor excludes any.',
        }),
        modes: z.array(z.enum(['immediate', 'periodic'])),
        allowsGfs: z.boolean(),
        retentionByDaysOnly: z.boolean(),
        logsOnly: z.boolean().meta({
          description: 'They are transaction logs: only a job with `transactionLogs` copies them.',
        }),
      })
      .meta({ id: 'WorkloadRules' }),
  })
  .meta({ id: 'WorkloadType' });

export function workloadTypeRoutes(types: readonly WorkloadTypeFacts[]): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/workload-types',
      operationId: 'listWorkloadTypes',
      needs: 'view',
      subject: 'nothing',
      summary: 'Types of backups that are found in a source, and what copies of each allow.',
      status: 200,
      answer: pageSchema(typeSchema),
      errors: [],
      run: async () => ({ content: { items: [...types] } }),
    }),
  ];
}
