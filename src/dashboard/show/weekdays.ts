import type { Weekday } from '../../domain/jobs/copy-job.js';

export const WEEKDAYS_FROM_MONDAY: readonly Weekday[] = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
];
