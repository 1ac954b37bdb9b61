/** Shapes of what a job copies. */

import { z } from 'zod';
import type { Exclusion, SourceSelection } from '../../domain/jobs/copy-job.js';
import { WORKLOAD_ID_LENGTH } from '../../domain/sources/workload-id.js';
import { slug } from '../field-schemas.js';

export const workloadName = z
  .string()
  .min(1)
  .max(WORKLOAD_ID_LENGTH)
  .meta({ description: 'Id of a workload in its repository.' });
/** Each workload is compared with each of them. */
const MAX_PATTERNS = 100;
const workloadPattern = z.string().min(1).max(WORKLOAD_ID_LENGTH).meta({
  description:
    'Of the whole name or id: `*` is any text, `?` one character, everything else itself, in its case.',
});

const sourceSchema: z.ZodType<SourceSelection> = z
  .strictObject({
    repositoryId: slug,
    workloads: z.array(workloadName).min(1).max(10_000).optional(),
    patterns: z.array(workloadPattern).min(1).max(MAX_PATTERNS).optional().meta({
      description:
        'With or instead of `workloads`: all whose name or id is of one of them, also what comes later. With neither: all of the repository.',
    }),
  })
  .meta({ id: 'SourceSelection' });

const exclusionSchema: z.ZodType<Exclusion> = z
  .union(
    [
      z.strictObject({ workload: workloadName }).meta({ id: 'ExcludedWorkload' }),
      z.strictObject({ pattern: workloadPattern }).meta({ id: 'ExcludedPattern' }),
    ],
    { error: 'must be either a workload or a pattern' },
  )
  .meta({ id: 'Exclusion' });

export const jobSourcesSchema = z
  .strictObject({
    include: z.array(sourceSchema).min(1).max(1_000),
    exclude: z
      .array(exclusionSchema)
      .max(10_000)
      .refine((entries) => entries.filter((entry) => 'pattern' in entry).length <= MAX_PATTERNS, {
        message: `at most ${MAX_PATTERNS} patterns`,
      })
      .default([]),
  })
  .meta({ id: 'JobSources' });
