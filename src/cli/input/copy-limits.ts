/** How old copies may become: from the flags of the commands that make jobs of any kind, and in words. */

import { BackupError } from '../../domain/errors.js';
import type { MaintenanceSchedule } from '../../domain/schedules/job-schedule.js';
import type { RpoPolicy } from '../../domain/safety/rpo-policy.js';

export interface LimitFlags {
  readonly maxCopyAge?: string;
  readonly maxLag?: string;
}

/** @returns nothing where no limit is given
 *  @throws REQUEST_INVALID */
export function limitsFromFlags({ maxCopyAge, maxLag }: LimitFlags): { readonly rpo?: object } {
  const rpo = {
    ...(maxCopyAge === undefined ? {} : { maxCopyAgeHours: hoursOf(maxCopyAge) }),
    ...(maxLag === undefined ? {} : { maxLagHours: hoursOf(maxLag) }),
  };
  return Object.keys(rpo).length === 0 ? {} : { rpo };
}

export function describeAgeLimits(rpo: RpoPolicy | null): string {
  if (rpo === null) return 'none';
  const { maxCopyAgeHours, maxLagHours, workloads } = rpo;
  const limits = [
    maxCopyAgeHours === null ? '' : `copies at most ${maxCopyAgeHours} h old`,
    maxLagHours === null ? '' : `at most ${maxLagHours} h behind the source`,
    workloads.length === 0 ? '' : `others for ${workloads.length} workloads`,
  ];
  return limits.filter((text) => text !== '').join(', ');
}

function hoursOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new BackupError('REQUEST_INVALID', `${text} is not a number`, {
    hint: 'Limits are whole hours: --max-copy-age 26.',
  });
}

/** When copies are read back. */
export function describeCheck(check: MaintenanceSchedule | null): string {
  return check === null
    ? 'when it is asked for (`longhaul restore-point verify`)'
    : describeMaintenance(check);
}

export function describeMaintenance({ every, day, time, timeZone }: MaintenanceSchedule): string {
  const days = every === 'week' ? `${day}s` : `the last ${day} of the month`;
  return `${days} at ${time} ${timeZone}`;
}
