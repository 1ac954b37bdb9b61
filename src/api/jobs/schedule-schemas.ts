/** Shapes of schedules, of jobs and of what comes round beside them. */

import { z } from 'zod';
import { slug } from '../field-schemas.js';
import { WEEKDAYS_FROM_MONDAY } from '../../domain/schedules/day-names.js';

export const timeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM from 00:00 to 23:59')
  .meta({ description: 'HH:MM, 24 hours.' });
export const weekdays = z
  .array(z.enum(WEEKDAYS_FROM_MONDAY))
  .min(1, 'name a day of the week')
  .max(WEEKDAYS_FROM_MONDAY.length);
export const timeZone = z.string().min(1).max(64).meta({ description: 'IANA time zone.' });
export const zoneOfJob = timeZone
  .optional()
  .meta({ description: 'IANA time zone. Default: that of the job.' });

/** @param suffix of the names of its schemas: those of requests have zones that may be left out */
function scheduleSchema<Zone extends z.ZodType<string | undefined>>(timeZone: Zone, suffix = '') {
  const named = (kind: string) => ({ id: `${kind}Schedule${suffix}` });
  return z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('manual') }).meta(named('Manual')),
      z.strictObject({ type: z.literal('daily'), time: timeOfDay, timeZone }).meta(named('Daily')),
      z
        .strictObject({
          type: z.literal('weekly'),
          days: weekdays,
          time: timeOfDay,
          timeZone,
        })
        .meta(named('Weekly')),
      z
        .strictObject({
          type: z.literal('monthly'),
          day: z.union([z.int().min(1).max(31), z.literal('last')]),
          time: timeOfDay,
          timeZone,
        })
        .meta(named('Monthly')),
      z
        .strictObject({
          type: z.literal('interval'),
          everyMinutes: z.int().min(1).max(525_600),
        })
        .meta(named('Interval')),
      z
        .strictObject({
          type: z.literal('cron'),
          expression: z.string().min(9).max(200),
          timeZone,
        })
        .meta(named('Cron')),
      z.strictObject({ type: z.literal('afterJob'), jobId: slug }).meta(named('AfterJob')),
    ])
    .meta(named('Job'));
}

/** @param suffix as of `scheduleSchema` */
export function maintenanceSchema<Zone extends z.ZodType<string | undefined>>(
  timeZone: Zone,
  suffix = '',
) {
  return z
    .strictObject({
      every: z.enum(['week', 'month']).default('month'),
      day: z.enum(WEEKDAYS_FROM_MONDAY).default('sunday'),
      time: timeOfDay.default('05:00'),
      timeZone,
    })
    .meta({ id: `MaintenanceSchedule${suffix}` });
}

const HOURS_SPANS = 100;

/** @param suffix as of `scheduleSchema` */
function weeklyHoursSchema<Zone extends z.ZodType<string | undefined>>(
  timeZone: Zone,
  suffix = '',
) {
  const span = z
    .strictObject({
      days: weekdays,
      from: timeOfDay,
      to: timeOfDay.meta({
        description: 'HH:MM, 24 hours; of the next day when it is not later than `from`.',
      }),
    })
    .meta({ id: `WeeklySpan${suffix}` });
  return z
    .strictObject({ spans: z.array(span).min(1).max(HOURS_SPANS), timeZone })
    .meta({ id: `WeeklyHours${suffix}` });
}

/** As a client writes it: zones may be left out. */
export const scheduleRequestSchema = scheduleSchema(zoneOfJob, 'Request');

export const storedScheduleSchema = scheduleSchema(timeZone);
export const storedHoursSchema = weeklyHoursSchema(timeZone);
export const hoursRequestSchema = weeklyHoursSchema(zoneOfJob, 'Request');
