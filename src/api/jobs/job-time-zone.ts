/** Time zones of a job: what its definition leaves out is filled in once, when the job is written, and stored. */

import { isTimeZone } from '../../domain/schedules/calendar-date.js';
import type { JobSchedule } from '../../domain/schedules/job-schedule.js';
import type { JobDefinition, JobRequest } from './job-schemas.js';

/** That of this process (`TZ`, else the machine's); UTC where it has none that the Temporal server knows. */
export function serverTimeZone(): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return isTimeZone(timeZone) ? timeZone : 'UTC';
}

/** The job's own zone is the one it names, else that of its schedule, else `defaultZone`; all its schedules take it unless they name another. */
export function withTimeZones(
  request: Omit<JobRequest, 'endedGfs'>,
  defaultZone: string,
): JobDefinition {
  const { schedule, allowedHours, healthCheck, compact } = request;
  const ofSchedule = 'timeZone' in schedule ? schedule.timeZone : undefined;
  const timeZone = request.timeZone ?? ofSchedule ?? defaultZone;
  return {
    ...request,
    timeZone,
    schedule: scheduleInZone(schedule, timeZone),
    allowedHours: allowedHours === null ? null : inZone(allowedHours, timeZone),
    healthCheck: healthCheck === null ? null : inZone(healthCheck, timeZone),
    compact: compact === null ? null : inZone(compact, timeZone),
  };
}

export function scheduleInZone(schedule: JobRequest['schedule'], timeZone: string): JobSchedule {
  return isLocal(schedule) ? inZone(schedule, timeZone) : schedule;
}

type Unlocated = Extract<JobRequest['schedule'], { readonly timeZone?: string | undefined }>;

/** Whether a schedule goes by what clocks show. */
function isLocal(schedule: JobRequest['schedule']): schedule is Unlocated {
  return !['manual', 'interval', 'afterJob'].includes(schedule.type);
}

export function inZone<Schedule extends { readonly timeZone?: string | undefined }>(
  schedule: Schedule,
  timeZone: string,
): Schedule & { readonly timeZone: string } {
  return { ...schedule, timeZone: schedule.timeZone ?? timeZone };
}
