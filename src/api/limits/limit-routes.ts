/** How fast the workers may read and write, in each repository and in all together. */

import { z } from 'zod';
import {
  limitFaults,
  MIN_BYTES_PER_SECOND,
  NO_LIMIT,
  rateAt,
  type Rate,
  type RateLimit,
  type RateLimits,
} from '../../domain/rate-limits.js';
import { BackupError } from '../../domain/errors.js';
import { slug } from '../field-schemas.js';
import type { KeptDocument } from '../executions/kept-document.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';
import { revisionOf, withRevision } from '../jobs/job-revision.js';
import { timeOfDay, timeZone, weekdays } from '../jobs/schedule-schemas.js';
import type { KeptLimits } from './limit-store.js';

export interface LimitsView extends RateLimits {
  /** Of all limits together; 0: they were never set. */
  readonly revision: number;
  /** What holds just now: of the service, and of each repository that has a limit. */
  readonly now: {
    readonly service: Rate;
    readonly repositories: readonly ({ readonly repositoryId: string } & Rate)[];
  };
}

const rate = z.int().min(MIN_BYTES_PER_SECOND).max(1e12).nullable().default(null);
const rateFields = {
  readBytesPerSecond: rate.meta({ description: 'null: as fast as it can.' }),
  writeBytesPerSecond: rate.meta({ description: 'null: as fast as it can.' }),
};
const hoursSchema = z
  .strictObject({
    days: weekdays,
    from: timeOfDay,
    to: timeOfDay,
    ...rateFields,
  })
  .meta({ id: 'HoursOfLimit' });
const limitFields = {
  ...rateFields,
  hours: z.array(hoursSchema).max(100).default([]).meta({
    description: 'Rates in place of these in some hours of the week; of several the lowest.',
  }),
};
const limitSchema: z.ZodType<RateLimit> = z.strictObject(limitFields).meta({ id: 'RateLimit' });
const ofRepositories: z.ZodType<RateLimits['repositories']> = z
  .array(z.strictObject({ repositoryId: slug, ...limitFields }).meta({ id: 'LimitOfRepository' }))
  .max(1_000)
  .default([]);

interface LimitsRequest extends Omit<RateLimits, 'timeZone'> {
  readonly timeZone?: string | undefined;
}

const requestSchema: z.ZodType<LimitsRequest> = z
  .strictObject({
    timeZone: timeZone.optional().meta({ description: 'IANA. Default: that of the server.' }),
    service: limitSchema.default(NO_LIMIT),
    repositories: ofRepositories,
  })
  .meta({ id: 'LimitsRequest' });

const rateNow = z.object({
  readBytesPerSecond: z.int().nullable(),
  writeBytesPerSecond: z.int().nullable(),
});
const viewSchema: z.ZodType<LimitsView> = z
  .object({
    revision: z.int().min(0).meta({ description: 'Goes into If-Match; 0: they were never set.' }),
    timeZone,
    service: limitSchema,
    repositories: ofRepositories,
    now: z
      .object({
        service: rateNow.meta({ id: 'RateNow' }),
        repositories: z.array(
          rateNow.extend({ repositoryId: slug }).meta({ id: 'RateOfRepositoryNow' }),
        ),
      })
      .meta({ id: 'RatesNow' }),
  })
  .meta({ id: 'Limits' });

export function limitRoutes({
  limits,
  repositoryIds,
  timeZone,
  now,
}: {
  readonly limits: KeptDocument<KeptLimits>;
  readonly repositoryIds: readonly string[];
  readonly timeZone: string;
  readonly now: () => number;
}): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/limits',
      operationId: 'getLimits',
      needs: 'view',
      subject: 'site',
      summary: 'How fast each worker may read and write, and what holds just now.',
      status: 200,
      answer: viewSchema,
      errors: [],
      run: async () => withRevision(viewOf(await limits.read(), now())),
    }),
    jsonRoute({
      method: 'put',
      path: '/limits',
      operationId: 'setLimits',
      needs: 'administer',
      subject: 'site',
      summary: 'Sets all limits; they hold within seconds, also for what runs.',
      status: 200,
      headers: { 'If-Match': 'Revision that the change was made to (ETag), or `*`.' },
      body: requestSchema,
      answer: viewSchema,
      errors: ['LIMITS_REVISION_STALE'],
      run: async ({ body, header, noteBefore }) => {
        const wanted: RateLimits = { ...body, timeZone: body.timeZone ?? timeZone };
        const seen = revisionOf(header('If-Match'), 'the limits');
        const set = await limits.write((present) => {
          noteBefore(present);
          refuseStale(present, seen);
          const faults = limitFaults(wanted, repositoryIds, present);
          if (faults.length > 0) throw invalidRequest(faults);
          return { ...wanted, revision: revisionIn(present) + 1 };
        });
        return withRevision(viewOf(set, now()));
      },
    }),
  ];
}

/** @throws LIMITS_REVISION_STALE */
function refuseStale(present: KeptLimits, seen: number | null): void {
  const revision = revisionIn(present);
  if (seen === null || seen === revision) return;
  throw new BackupError(
    'LIMITS_REVISION_STALE',
    `the limits have revision ${revision}, the change was made to ${seen}`,
  );
}

function revisionIn({ revision }: KeptLimits): number {
  return revision ?? 0;
}

function viewOf(limits: KeptLimits, nowMs: number): LimitsView {
  const { timeZone, service, repositories } = limits;
  return {
    ...limits,
    revision: revisionIn(limits),
    now: {
      service: rateAt(service, timeZone, nowMs),
      repositories: repositories.map((limit) => ({
        repositoryId: limit.repositoryId,
        ...rateAt(limit, timeZone, nowMs),
      })),
    },
  };
}
