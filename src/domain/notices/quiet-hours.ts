/** Hours of the day in which a channel is not to be called: what happens then is told when they end. Pure. */

import { keysOf, type LedgerStep, type OpenAlert } from './alert-ledger.js';
import { spanHolds } from '../schedules/weekly-hours.js';
import { WEEKDAYS_FROM_MONDAY } from '../schedules/day-names.js';

/** `HH:MM`, of every day; `to` of the next one when it is not later. */
export interface QuietHours {
  readonly from: string;
  readonly to: string;
}

/** What a channel is told later. */
export type HeldStep = Pick<LedgerStep, 'begun' | 'ended'>;

export function isQuiet(hours: QuietHours | null, timeZone: string, nowMs: number): boolean {
  return hours !== null && spanHolds({ days: WEEKDAYS_FROM_MONDAY, ...hours }, timeZone, nowMs);
}

/** Two steps as one: what began in the first and ended in the second is told as ended, what came back as begun; each cause once. */
export function joinedStep(held: HeldStep | undefined, step: LedgerStep): LedgerStep {
  if (held === undefined) return step;
  const begunNow = keysOf(step.begun);
  const endedNow = keysOf(step.ended);
  const stays = (gone: ReadonlySet<string>) => (alert: OpenAlert) => !gone.has(alert.problem.key);
  return {
    open: step.open,
    begun: [...held.begun.filter(stays(new Set([...endedNow, ...begunNow]))), ...step.begun],
    ended: [...held.ended.filter(stays(new Set([...begunNow, ...endedNow]))), ...step.ended],
  };
}
