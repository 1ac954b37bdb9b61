/** The calendar of GFS: when each tier's full is due, and until when its flag protects. In whole days of the job's time zone.
 *
 *  Source: VBR user guide, `backup_copy_gfs_periods` and `gfs_flags_removal`. Where they are silent: the second to fourth week begin on
 *  day 8, 15 and 22, the fifth on day 29, and a month without a fifth week takes its last one. */

import {
  addMonthsClamped,
  dateOfDayNumber,
  dayNumber,
  daysInMonth,
  isoDate,
  latestWeekday,
  type CalendarDate,
} from '../schedules/calendar-date.js';
import type { GfsPolicy } from '../jobs/copy-job.js';
import type { GfsFlag } from '../targets/target-point.js';
import { MONTHS, type Month, type WeekOfMonth } from '../schedules/day-names.js';

/** One turn of a tier. All are day numbers. */
export interface GfsPeriod {
  /** Day on which the full is due; the period lasts until the next one of its tier. */
  readonly dueDay: number;
  /** First day after the selected day, week or month: from here on the full is late. */
  readonly selectedEndDay: number;
  /** `2026-11-22`, `2026-11` or `2026`. */
  readonly periodKey: string;
}

const WEEK_STARTS: Record<Exclude<WeekOfMonth, 'last'>, number> = {
  first: 1,
  second: 8,
  third: 15,
  fourth: 22,
  fifth: 29,
};

/** The period of this tier that `day` lies in; null when the tier is off. */
export function gfsPeriod(flag: GfsFlag, gfs: GfsPolicy, day: number): GfsPeriod | null {
  switch (flag) {
    case 'weekly':
      return gfs.weekly === null ? null : weeklyPeriod(gfs.weekly.day, day);
    case 'monthly':
      return gfs.monthly === null ? null : monthlyPeriod(gfs.monthly.week, gfs, day);
    case 'yearly':
      return gfs.yearly === null ? null : yearlyPeriod(gfs.yearly.month, gfs, day);
  }
}

/** First day on which the flag of a full of `day` protects no more: weeks count 7 days; months and years end one day after the same date,
 *  clamped to the month (31 January + 1 month ends on 1 March). */
export function gfsFlagEndDay(flag: GfsFlag, day: number, keep: number): number {
  if (flag === 'weekly') return day + 7 * keep;
  const months = flag === 'monthly' ? keep : keep * 12;
  return dayNumber(addMonthsClamped(dateOfDayNumber(day), months)) + 1;
}

function weeklyPeriod(weekday: NonNullable<GfsPolicy['weekly']>['day'], day: number): GfsPeriod {
  const dueDay = latestWeekday(day, weekday);
  return { dueDay, selectedEndDay: dueDay + 1, periodKey: isoDate(dateOfDayNumber(dueDay)) };
}

function monthlyPeriod(week: WeekOfMonth, gfs: GfsPolicy, day: number): GfsPeriod {
  const { year, month } = dateOfDayNumber(day);
  const thisMonth = monthlyDue(week, gfs, { year, month, day: 1 });
  const due =
    thisMonth.dueDay <= day
      ? thisMonth
      : monthlyDue(week, gfs, addMonthsClamped({ year, month, day: 1 }, -1));
  return { ...due, periodKey: isoDate(dateOfDayNumber(due.dueDay)).slice(0, 7) };
}

/** With weekly fulls the one in the selected week carries the monthly flag; without, the full is due on the week's first day. */
function monthlyDue(
  week: WeekOfMonth,
  gfs: GfsPolicy,
  { year, month }: CalendarDate,
): Pick<GfsPeriod, 'dueDay' | 'selectedEndDay'> {
  const monthEnd = dayNumber({ year, month, day: daysInMonth(year, month) });
  const lastWeek = monthEnd - 6;
  const selected =
    week === 'last' ? lastWeek : dayNumber({ year, month, day: 1 }) + WEEK_STARTS[week] - 1;
  const selectedLast = Math.min(selected + 6, monthEnd);
  if (gfs.weekly === null) {
    const firstDay = selected > monthEnd ? lastWeek : selected;
    return { dueDay: firstDay, selectedEndDay: Math.min(firstDay + 6, monthEnd) + 1 };
  }
  const dueDay = latestWeekday(selectedLast, gfs.weekly.day);
  return { dueDay, selectedEndDay: dueDay + 7 };
}

/** With monthly fulls the one of the selected month carries the yearly flag; without, the full is due on the month's first day. */
function yearlyPeriod(selected: Month, gfs: GfsPolicy, day: number): GfsPeriod {
  const month = MONTHS.indexOf(selected) + 1;
  const { year } = dateOfDayNumber(day);
  const thisYear = yearlyDue({ year, month, day: 1 }, gfs);
  const due = thisYear.dueDay <= day ? thisYear : yearlyDue({ year: year - 1, month, day: 1 }, gfs);
  return { ...due, periodKey: isoDate(dateOfDayNumber(due.dueDay)).slice(0, 4) };
}

function yearlyDue(
  first: CalendarDate,
  gfs: GfsPolicy,
): Pick<GfsPeriod, 'dueDay' | 'selectedEndDay'> {
  const next = addMonthsClamped(first, 1);
  if (gfs.monthly === null) return { dueDay: dayNumber(first), selectedEndDay: dayNumber(next) };
  return {
    dueDay: monthlyDue(gfs.monthly.week, gfs, first).dueDay,
    selectedEndDay: monthlyDue(gfs.monthly.week, gfs, next).dueDay,
  };
}
