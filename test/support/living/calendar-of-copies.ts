/** Which days' copies must be there, worked out with a plain calendar and nothing of the product: the rules are those of the user
 *  manual of the reference product (GFS retention, short-term retention). Days are numbers since 1970-01-01. */

interface ExpectedPolicy {
  readonly restorePoints: number;
  readonly weeks: number;
  readonly months: number;
  readonly years: number;
}

export function dayOf(isoDate: string): number {
  return Date.parse(`${isoDate}T00:00:00Z`) / 86_400_000;
}

export function isoDateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** 1970-01-04, day 3, was a Sunday. */
export function isSunday(day: number): boolean {
  return (day + 4) % 7 === 0;
}

function isFirstSundayOfMonth(day: number): boolean {
  return isSunday(day) && new Date(day * 86_400_000).getUTCDate() <= 7;
}

function isFirstSundayOfJanuary(day: number): boolean {
  return isFirstSundayOfMonth(day) && new Date(day * 86_400_000).getUTCMonth() === 0;
}

/** The same date so many months later, at most the last day of that month. */
function monthsLater(day: number, months: number): number {
  const date = new Date(day * 86_400_000);
  const lastDay = new Date(
    Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months + 1, 0),
  ).getUTCDate();
  const time = Date.UTC(
    date.getUTCFullYear(),
    date.getUTCMonth() + months,
    Math.min(date.getUTCDate(), lastDay),
  );
  return time / 86_400_000;
}

/** With a Sunday full each week, monthly fulls of the first week and yearly ones of January: days whose copies are there at the end of
 *  `today`, when there was one on every day from `firstDay` on. Increments go only together with the whole week they belong to. */
export function expectedWithGfs(firstDay: number, today: number, policy: ExpectedPolicy): number[] {
  const days = Array.from({ length: today - firstDay + 1 }, (_, i) => firstDay + i);
  const oldestWanted = Math.max(firstDay, today - policy.restorePoints + 1);
  let startOfItsWeek = oldestWanted;
  while (startOfItsWeek > firstDay && !isSunday(startOfItsWeek)) startOfItsWeek--;
  return days.filter(
    (day) =>
      day >= startOfItsWeek ||
      (isSunday(day) && today < day + 7 * policy.weeks) ||
      (isFirstSundayOfMonth(day) && today <= monthsLater(day, policy.months)) ||
      (isFirstSundayOfJanuary(day) && today <= monthsLater(day, 12 * policy.years)),
  );
}
