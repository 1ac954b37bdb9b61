/** A Temporal calendar: fits the client's `ScheduleSpec`, without a word of the client. */

import type { Month, Weekday } from './day-names.js';

export type CalendarMonth = Uppercase<Month>;
export type CalendarWeekday = Uppercase<Weekday>;

/** Both ends included. */
export interface CalendarRange {
  start: number;
  end: number;
  step: number;
}

/** Absent fields match every day, month or year. */
export interface CalendarEntry {
  hour: number;
  minute: number | CalendarRange[];
  dayOfMonth?: number | CalendarRange;
  month?: CalendarMonth[];
  dayOfWeek?: CalendarWeekday[];
  year?: CalendarRange[];
  comment?: string;
}

export type JobCalendar =
  | { calendars: CalendarEntry[]; skip?: CalendarEntry[]; timezone: string }
  | {
      cronExpressions: string[];
      calendars?: CalendarEntry[];
      skip?: CalendarEntry[];
      timezone: string;
    }
  | {
      intervals: { /** Milliseconds. */ every: number }[];
      /** Milliseconds by which a start may be late. */
      jitter: number;
    };
