/** Schedules as people say them on the command line. */

import { BackupError } from '../../domain/errors.js';
import type { JobRequest } from '../../api/jobs/job-schemas.js';
import type { JobSchedule } from '../../domain/schedules/job-schedule.js';
import { WEEKDAYS_FROM_MONDAY, type Weekday } from '../../domain/schedules/day-names.js';

export const SCHEDULE_PHRASES =
  '"manual", "daily 22:00", "weekly sat,sun 22:00", "monthly 1 22:00", "monthly last 22:00", "every 30m", "every 6h", "after <job>" or "cron 0 22 * * *"';

/** The server checks the times and days, and puts the job's time zone in. @throws REQUEST_INVALID when the phrase is none of SCHEDULE_PHRASES */
export function parseSchedule(phrase: string): JobRequest['schedule'] {
  const [kind = '', first = '', second = '', ...rest] = phrase.trim().split(/\s+/);
  const isPhrase = (words: number): boolean =>
    rest.length === 0 && [kind, first, second].filter((word) => word !== '').length === words;
  if (kind === 'manual' && isPhrase(1)) return { type: 'manual' };
  if (kind === 'daily' && isPhrase(2)) return { type: 'daily', time: first };
  if (kind === 'weekly' && isPhrase(3)) {
    return { type: 'weekly', days: first.split(',').map(weekday), time: second };
  }
  if (kind === 'monthly' && isPhrase(3) && /^(?:last|\d{1,2})$/.test(first)) {
    return {
      type: 'monthly',
      day: first === 'last' ? 'last' : Number(first),
      time: second,
    };
  }
  const [, amount, unit] = /^(\d{1,6})([mh])$/.exec(first) ?? [];
  if (kind === 'every' && isPhrase(2) && amount !== undefined) {
    return { type: 'interval', everyMinutes: Number(amount) * (unit === 'h' ? 60 : 1) };
  }
  if (kind === 'after' && isPhrase(2)) return { type: 'afterJob', jobId: first };
  if (kind === 'cron' && first !== '') {
    return { type: 'cron', expression: [first, second, ...rest].join(' ') };
  }
  throw notUnderstood('schedule', phrase, SCHEDULE_PHRASES);
}

/** In the words of `parseSchedule`. */
export function describeSchedule(schedule: JobSchedule): string {
  switch (schedule.type) {
    case 'manual':
      return 'manual';
    case 'daily':
      return `daily ${schedule.time} ${schedule.timeZone}`;
    case 'weekly':
      return `weekly ${schedule.days.join(',')} ${schedule.time} ${schedule.timeZone}`;
    case 'monthly':
      return `monthly ${schedule.day} ${schedule.time} ${schedule.timeZone}`;
    case 'interval':
      return `every ${schedule.everyMinutes}m`;
    case 'cron':
      return `cron ${schedule.expression} ${schedule.timeZone}`;
    case 'afterJob':
      return `after ${schedule.jobId}`;
  }
}

/** @throws REQUEST_INVALID */
export function weekday(name: string): Weekday {
  const day = WEEKDAYS_FROM_MONDAY.find(
    (candidate) => name.length >= 2 && candidate.startsWith(name.toLowerCase()),
  );
  if (day === undefined)
    throw notUnderstood('day', name, 'monday to sunday, or their first letters');
  return day;
}

export function notUnderstood(what: string, phrase: string, phrases: string): BackupError {
  return new BackupError('REQUEST_INVALID', `the ${what} "${phrase}" is not understood`, {
    hint: `Use ${phrases}.`,
  });
}
