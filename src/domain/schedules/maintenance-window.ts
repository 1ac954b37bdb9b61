/** When a scheduled health check or compact is due. */

import {
  dateOfDayNumber,
  dayNumber,
  dayNumberOf,
  daysInMonth,
  latestWeekday,
  minuteOfDay,
} from './calendar-date.js';
import { startMs } from './clock-change.js';
import type { MaintenanceSchedule } from './job-schedule.js';

/** Whether the schedule has come round since the work was last done. Missed times do not add up: one run makes up for all of them.
 *  null: never done, so due at once; pass the time of the first copy instead to wait for the first scheduled time. */
export function maintenanceDue(
  schedule: MaintenanceSchedule,
  lastDoneAtMs: number | null,
  nowMs: number,
): boolean {
  return lastDoneAtMs === null || lastDoneAtMs < latestScheduledMs(schedule, nowMs);
}

/** Latest scheduled time that is not after `nowMs`: when the Schedule of the job's health checks starts, also where clocks change. */
export function latestScheduledMs(schedule: MaintenanceSchedule, nowMs: number): number {
  const today = dayNumberOf(nowMs, schedule.timeZone);
  const at = (days: number): number => startMs(days, minuteOfDay(schedule.time), schedule.timeZone);
  const current = scheduledDay(schedule, today);
  if (at(current) <= nowMs) return at(current);
  const { year, month } = dateOfDayNumber(today);
  const previous =
    schedule.every === 'week'
      ? current - 7
      : scheduledDay(schedule, dayNumber({ year, month, day: 1 }) - 1);
  return at(previous);
}

/** Scheduled day of the seven days up to `today`, or of the month of `today`. */
function scheduledDay(schedule: MaintenanceSchedule, today: number): number {
  if (schedule.every === 'week') return latestWeekday(today, schedule.day);
  const { year, month } = dateOfDayNumber(today);
  return latestWeekday(dayNumber({ year, month, day: daysInMonth(year, month) }), schedule.day);
}
