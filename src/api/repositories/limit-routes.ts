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
import { slug } from '../field-schemas.js';
import type { KeptDocument } from '../executions/kept-document.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';
import { timeOfDay, timeZone, weekdays } from '../jobs/schedule-schemas.js';

export interface LimitsView extends RateLimits {
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
  readonly limits: KeptDocument<RateLimits>;
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
      run: async () => ({ content: viewOf(await limits.read(), now()) }),
    }),
    jsonRoute({
      method: 'put',
      path: '/limits',
      operationId: 'setLimits',
      needs: 'administer',
      subject: 'site',
      summary: 'Sets all limits; they hold within seconds, also for what runs.',
      status: 200,
      body: requestSchema,
      answer: viewSchema,
      errors: [],
      run: async ({ body, noteBefore }) => {
        const wanted: RateLimits = { ...body, timeZone: body.timeZone ?? timeZone };
        const faults = limitFaults(wanted, repositoryIds);
        if (faults.length > 0) throw invalidRequest(faults);
        await limits.write((present) => {
          noteBefore(present);
          return wanted;
        });
        return { content: viewOf(wanted, now()) };
      },
    }),
  ];
}

function viewOf(limits: RateLimits, nowMs: number): LimitsView {
  const { timeZone, service, repositories } = limits;
  return {
    ...limits,
    now: {
      service: rateAt(service, timeZone, nowMs),
      repositories: repositories.map((limit) => ({
        repositoryId: limit.repositoryId,
        ...rateAt(limit, timeZone, nowMs),
      })),
    },
  };
}
