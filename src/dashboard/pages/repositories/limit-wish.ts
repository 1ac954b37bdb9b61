/** Limits as the form has them, and what it means by them. Pure. */

import type { LimitsView } from '../../../api/limits/limit-routes.js';
import type { Rate, RateLimit, RateLimits } from '../../../domain/rate-limits.js';
import type { WeeklySpan } from '../../../domain/schedules/weekly-hours.js';
import { shellWord } from '../../show/format.js';
import { WEEKDAYS_FROM_MONDAY } from '../../../domain/schedules/day-names.js';

const MIB = 1024 * 1024;

/** What the choice calls all repositories together. */
export const ALL = '';

/** MiB a second; 0: as fast as it can. */
export interface RateWish {
  readonly read: number;
  readonly write: number;
}

export type HoursWish = WeeklySpan & RateWish;

/** The limit of one place. */
interface LimitWish extends RateWish {
  readonly hours: readonly HoursWish[];
}

/** Working hours, which most limits are for. */
export const FIRST_HOURS: HoursWish = {
  ...{ days: WEEKDAYS_FROM_MONDAY.slice(0, 5), from: '08:00', to: '18:00' },
  ...{ read: 0, write: 0 },
};

/** Places that a limit can be set for: what is configured, and what a limit is left of. */
export function limitPlaces(
  { repositories }: LimitsView,
  configured: readonly string[],
): { readonly id: string; readonly isConfigured: boolean }[] {
  const left = repositories.filter(({ repositoryId }) => !configured.includes(repositoryId));
  return [
    ...configured.map((id) => ({ id, isConfigured: true })),
    ...left.map(({ repositoryId }) => ({ id: repositoryId, isConfigured: false })),
  ];
}

/** The limit of a place as it is. @param where `ALL`, or a repository */
export function limitWishOf(limits: LimitsView, where: string): LimitWish {
  const limit =
    where === ALL
      ? limits.service
      : limits.repositories.find(({ repositoryId }) => repositoryId === where);
  if (limit === undefined) return { read: 0, write: 0, hours: [] };
  const hours = limit.hours.map(({ days, from, to, ...rate }) => ({
    ...{ days, from, to },
    ...rateWishOf(rate),
  }));
  return { ...rateWishOf(limit), hours };
}

/** All limits with that of one place changed: what is sent. A repository without a limit is not named. */
export function limitsWith(
  limits: LimitsView,
  where: string,
  wish: LimitWish & { readonly timeZone: string },
): RateLimits {
  const { service, repositories } = limits;
  const { timeZone, hours, ...rate } = wish;
  const changed: RateLimit = {
    ...rateOf(rate),
    hours: hours.map(({ days, from, to, ...each }) => ({ days, from, to, ...rateOf(each) })),
  };
  if (where === ALL) return { timeZone, service: changed, repositories };
  const others = repositories.filter(({ repositoryId }) => repositoryId !== where);
  const isNone = hours.length === 0 && rate.read === 0 && rate.write === 0;
  const own = isNone ? [] : [{ repositoryId: where, ...changed }];
  return { timeZone, service, repositories: [...others, ...own] };
}

/** Where the hours of a place stand in what is sent: how the server names their faults. */
export function hoursPath(limits: LimitsView, where: string, index: number): string {
  const others = limits.repositories.filter(({ repositoryId }) => repositoryId !== where);
  return `${where === ALL ? 'service' : `repositories.${others.length}`}.hours.${index}`;
}

/** The same on the command line: hours are added there, so one that goes or changes begins with none. */
export function limitCommands(
  limits: LimitsView,
  where: string,
  wish: LimitWish & { readonly timeZone: string },
): string[] {
  const place = where === ALL ? '' : ` ${where}`;
  const present = limitWishOf(limits, where);
  const isKept = present.hours.every((hours, at) => isSame(hours, wish.hours[at]));
  const isNone = wish.read === 0 && wish.write === 0;
  if (isNone && wish.hours.length === 0 && wish.timeZone === limits.timeZone)
    return [`longhaul limit clear${place}`];
  const zone = wish.timeZone === limits.timeZone ? '' : ` --time-zone ${wish.timeZone}`;
  const begins = isKept ? [] : [`longhaul limit clear${place}`];
  const constant =
    zone === '' && isNone && !isKept ? [] : [`longhaul limit set${place}${flagsOf(wish)}${zone}`];
  const added = wish.hours.slice(isKept ? present.hours.length : 0);
  const hours = added.map(
    (each) => `longhaul limit set${place}${flagsOf(each)} --hours ${shellWord(phraseOf(each))}`,
  );
  return [...begins, ...constant, ...hours];
}

function isSame(a: HoursWish, b: HoursWish | undefined): boolean {
  return b !== undefined && phraseOf(a) === phraseOf(b) && flagsOf(a) === flagsOf(b);
}

function phraseOf({ days, from, to }: WeeklySpan): string {
  const named = days.length === WEEKDAYS_FROM_MONDAY.length ? 'daily' : days.join(',');
  return `${named} ${from === to && from === '00:00' ? 'all' : `${from}-${to}`}`;
}

function flagsOf({ read, write }: RateWish): string {
  return ` --read ${flagOf(read)} --write ${flagOf(write)}`;
}

function flagOf(mib: number): string {
  return mib === 0 ? 'none' : String(bytesOf(mib));
}

function rateOf({ read, write }: RateWish): Rate {
  return { readBytesPerSecond: bytesOf(read), writeBytesPerSecond: bytesOf(write) };
}

function rateWishOf({ readBytesPerSecond, writeBytesPerSecond }: Rate): RateWish {
  // Dividing by a power of two loses nothing: a limit that is not touched is sent as it is.
  return { read: (readBytesPerSecond ?? 0) / MIB, write: (writeBytesPerSecond ?? 0) / MIB };
}

function bytesOf(mib: number): number | null {
  return mib === 0 ? null : Math.round(mib * MIB);
}
