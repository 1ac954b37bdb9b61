/** Words of the calendar, as definitions spell them. */

export const WEEKDAYS_FROM_MONDAY = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof WEEKDAYS_FROM_MONDAY)[number];

export const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
] as const;
export type Month = (typeof MONTHS)[number];

export const WEEKS_OF_MONTH = ['first', 'second', 'third', 'fourth', 'fifth', 'last'] as const;
export type WeekOfMonth = (typeof WEEKS_OF_MONTH)[number];
