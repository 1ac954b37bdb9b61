/** When a job starts, and when its maintenance is due, as somebody set it. */

import type { Weekday } from './day-names.js';

export type JobSchedule =
  | { readonly type: 'manual' }
  | { readonly type: 'daily'; readonly time: string; readonly timeZone: string }
  | {
      readonly type: 'weekly';
      readonly days: readonly Weekday[];
      readonly time: string;
      readonly timeZone: string;
    }
  | {
      readonly type: 'monthly';
      /** Day of the month, or `last`. */
      readonly day: number | 'last';
      readonly time: string;
      readonly timeZone: string;
    }
  | { readonly type: 'interval'; readonly everyMinutes: number }
  | { readonly type: 'cron'; readonly expression: string; readonly timeZone: string }
  | { readonly type: 'afterJob'; readonly jobId: string };

/** When a health check or a compact of the full is due. `day` of the week; monthly: its last one in the month. */
export interface MaintenanceSchedule {
  readonly every: 'week' | 'month';
  readonly day: Weekday;
  readonly time: string;
  readonly timeZone: string;
}
