/** The types of backups that this release finds, with what copies of them allow. */

import { z } from 'zod';
import type { WorkloadTypeView } from '../../domain/sources/workload-rules.js';
import { pageSchema } from '../field-schemas.js';
import { jsonRoute, type Route } from '../route.js';

const typeSchema: z.ZodType<WorkloadTypeView> = z
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
    restoredWith: z.string().meta({
      description:
        'What its own tools restore a copy with, in Markdown: of what `restore` with `layout` has written, with names made up.',
    }),
    linesInPlace: z.array(z.string()).meta({
      description:
        'Lines of a shell that restore a copied tree from where it lies, without changing it: `{files}` is its folder, `{id}` the restore point as its source calls it. Empty: there are none.',
    }),
  })
  .meta({ id: 'WorkloadType' });

export function workloadTypeRoutes(types: readonly WorkloadTypeView[]): Route[] {
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
