/** GFS: which fulls get a weekly, monthly or yearly flag.
 *
 *  A point belongs to the period of the day on which the source made it, in the job's time zone: so the answer does not depend on when
 *  the copy ran, and a backlog gets the flags it would have had. */

import { dateOfDayNumber, dayNumberOf, isoDate } from '../schedules/calendar-date.js';
import type { CopyMode, EndedGfs, GfsPolicy } from '../jobs/copy-job.js';
import { shortCopies, type JudgedPoint } from '../sources/source-identity.js';
import { flagPeriods } from './ended-gfs.js';
import { gfsFlagEndDay, gfsPeriod, type GfsPeriod } from './gfs-calendar.js';
import type { GfsFlag, TargetRestorePoint } from '../targets/target-point.js';

/** In this order, because a monthly flag goes to a weekly full, and a yearly one to a monthly full. */
export const GFS_FLAGS: readonly GfsFlag[] = ['weekly', 'monthly', 'yearly'];

const CARRIER: Record<GfsFlag, GfsFlag | null> = {
  weekly: null,
  monthly: 'weekly',
  yearly: 'monthly',
};

export interface GfsDue {
  readonly flag: GfsFlag;
  /** `2026-11-22` (the week's chosen day), `2026-11` or `2026`. */
  readonly periodKey: string;
}

/** `createdAt` is a date that is believed (`withBelievedDates`). */
export type FlaggedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'flags' | 'health'> & {
  /** It was taken too early (`shortCopies`). */
  readonly isShort?: boolean;
};

export interface GfsDueInput {
  readonly gfs: GfsPolicy | null;
  readonly mode: CopyMode;
  readonly timeZone: string;
  /** When the source made the point in question: one that is about to be copied, or one that is. */
  readonly createdAtMs: number;
  /** Id of the point in question when it is among the target's points; absent: it is about to be copied. */
  readonly id?: string;
  /** The target's points. */
  readonly points: readonly FlaggedPoint[];
  /** Flags of periods whose own point cannot have them. Absent: there are none. */
  readonly left?: readonly GfsDue[];
}

/** Flags that a full of this moment should get. A tier is due
 *  - on its chosen day, or inside its chosen week or month even if the first day of that is gone (a tier just enabled waits for the next
 *    one when it is over);
 *  - in a periodic job also later in the period, if an earlier flag shows that the tier was on and its day was missed;
 *  - later in the period too, whatever the mode, when the point that carries its flag is corrupt or was taken too early, or the one of its day
 *    cannot have it: such a point fills no period, for it is all that retention would leave of it;
 *  - never twice in one period otherwise. A point that carries the flag already is not asked to get it again. */
export function gfsDue(input: GfsDueInput): GfsDue[] {
  const { gfs, timeZone } = input;
  if (gfs === null) return [];
  const day = dayNumberOf(input.createdAtMs, timeZone);
  const own = input.points.find(({ id }) => id === input.id);
  const carried = new Set<GfsFlag>(own?.flags ?? []);
  const due: GfsDue[] = [];
  for (const flag of GFS_FLAGS) {
    const period = gfsPeriod(flag, gfs, day);
    if (period === null || carried.has(flag)) continue;
    const carrier = CARRIER[flag];
    const carrierIsOn = carrier !== null && gfs[carrier] !== null;
    if (carrierIsOn && !carried.has(carrier)) continue;
    if (!isTierDue(flag, gfs, day, period, input)) continue;
    carried.add(flag);
    due.push({ flag, periodKey: period.periodKey });
  }
  return due;
}

function isTierDue(
  flag: GfsFlag,
  gfs: GfsPolicy,
  day: number,
  period: GfsPeriod,
  { points, timeZone, mode, left = [] }: GfsDueInput,
): boolean {
  const flagged = points
    .filter((point) => point.flags.includes(flag))
    .map((point) => {
      const flaggedDay = dayNumberOf(Date.parse(point.createdAt), timeZone);
      const isInPeriod = gfsPeriod(flag, gfs, flaggedDay)?.dueDay === period.dueDay;
      return { flaggedDay, isInPeriod, isSpoiled: isSpoiled(point) };
    });
  const inPeriod = flagged.filter(({ isInPeriod }) => isInPeriod);
  if (inPeriod.some((point) => !point.isSpoiled)) return false;
  if (day < period.selectedEndDay || inPeriod.length > 0) return true;
  if (left.some((due) => due.flag === flag && due.periodKey === period.periodKey)) return true;
  return mode === 'periodic' && flagged.some(({ flaggedDay }) => flaggedDay < period.dueDay);
}

function isSpoiled({ health, isShort = false }: FlaggedPoint): boolean {
  return health === 'corrupt' || isShort;
}

export interface GfsFull {
  readonly restorePointId: string;
  /** Flags to add. */
  readonly flags: readonly GfsFlag[];
  /** The point is an increment: build a synthetic full of it from its chain first. False: only add the flags. */
  readonly synthesize: boolean;
  /** `weekly full of 2026-11-22`. */
  readonly reason: string;
}

/** What is asked of a chain. */
type GfsFullsInput = Omit<GfsDueInput, 'createdAtMs' | 'id' | 'points' | 'left'> & {
  /** In the order of the chain. */
  readonly points: readonly GfsCandidate[];
  readonly nowMs: number;
  /** Whether a full may take the place of the files of an increment. Absent: of any. */
  readonly mayBecomeFull?: (point: GfsCandidate) => boolean;
};

export type GfsCandidate = Omit<FlaggedPoint, 'isShort'> &
  Pick<TargetRestorePoint, 'copiedAt' | 'kind' | 'state'> &
  JudgedPoint;

export interface GfsFulls {
  /** Oldest first. */
  readonly fulls: readonly GfsFull[];
  /** Flags that no point of their period can have, oldest first; of a policy that has given none yet, none. */
  readonly left: readonly GfsDue[];
}

/** The fulls alone. */
export function gfsFullNeeded(input: GfsFullsInput): readonly GfsFull[] {
  return gfsFulls(input).fulls;
}

/** After a copy: the points that are to become flagged fulls. Usually the newest one or none; a day that was missed, because
 *  a session died between its copy and this step, is filled from a point of its period that the chain still holds, and so is the period of a full
 *  that is corrupt by now or was taken too early. An increment that may not become a full fills none, and neither does a copy that was taken too
 *  early: the first later point of the period takes its place.
 *
 *  With method `active`, ask `gfsDue` before the copy and copy the point as an active full; it then only gets its flags here.
 *  Nothing is built from a point that is not healthy, nor while the clock is behind the newest copy. */
export function gfsFulls(input: GfsFullsInput): GfsFulls {
  const newest = input.points.at(-1);
  const nothing = { fulls: [], left: [] };
  if (newest === undefined || Date.parse(newest.copiedAt) > input.nowMs) return nothing;
  const short = shortCopies(input.points);
  const points = input.points.map((point) => ({ ...point, isShort: short.has(point.id) }));
  const flagged: FlaggedPoint[] = points.filter((point) => point.flags.length > 0);
  const isNewPolicy = flagged.length === 0;
  const fulls: GfsFull[] = [];
  let left: GfsDue[] = [];
  for (const point of candidatesOf({ ...input, points })) {
    if (point.state !== 'available' || point.health !== 'good') continue;
    const { id, createdAt, kind } = point;
    const due = gfsDue({ ...input, id, points: flagged, createdAtMs: Date.parse(createdAt), left });
    if (due.length === 0) continue;
    const others = left.filter((one) => !due.some((its) => isSameDue(one, its)));
    const synthesize = kind === 'increment';
    if (point.isShort || (synthesize && input.mayBecomeFull?.(point) === false)) {
      left = [...others, ...due];
      continue;
    }
    left = others;
    const flags = due.map(({ flag }) => flag);
    flagged.push({ ...point, flags });
    const reason = due.map(({ flag, periodKey }) => `${flag} full of ${periodKey}`).join(', ');
    fulls.push({ restorePointId: id, flags, synthesize, reason });
  }
  return { fulls, left: isNewPolicy ? [] : left };
}

function isSameDue(a: GfsDue, b: GfsDue): boolean {
  return a.flag === b.flag && a.periodKey === b.periodKey;
}

type ToldCandidate = GfsCandidate & { readonly isShort: boolean };

/** From the newest flag on, and what lies in the period of a full that is corrupt by now or was taken too early. Without any flag the policy is new: it
 *  does not reach back. */
function candidatesOf({
  points,
  gfs,
  timeZone,
}: Pick<GfsFullsInput, 'gfs' | 'timeZone'> & {
  readonly points: readonly ToldCandidate[];
}): readonly ToldCandidate[] {
  const lastFlagged = points.findLastIndex((point) => point.flags.length > 0);
  const first = lastFlagged === -1 ? points.length - 1 : lastFlagged;
  const periodsOf = (point: ToldCandidate, flags: readonly GfsFlag[]): string[] => {
    const day = dayNumberOf(Date.parse(point.createdAt), timeZone);
    return flags.flatMap((flag) => {
      const period = gfs === null ? null : gfsPeriod(flag, gfs, day);
      return period === null ? [] : [`${flag} ${period.periodKey}`];
    });
  };
  const spoiled = new Set(
    points.filter(isSpoiled).flatMap((point) => periodsOf(point, point.flags)),
  );
  return points.filter(
    (point, index) =>
      index >= first ||
      (spoiled.size > 0 && periodsOf(point, GFS_FLAGS).some((period) => spoiled.has(period))),
  );
}

/** Why each flagged point is kept today: id → `weekly 2 of 4 until 2026-12-20` (the 2nd newest of 4 that are kept; the day is the first on
 *  which the flag protects no more). Points whose flags are all over, or of a tier that is off and whose
 *  fulls were let go, are not in it. */
export function gfsKeepReasons(input: {
  readonly gfs: GfsPolicy | null;
  readonly endedGfs?: EndedGfs | undefined;
  readonly timeZone: string;
  readonly nowMs: number;
  /** In the order of the chain, with the dates that their ages count from. */
  readonly points: readonly Pick<FlaggedPoint, 'id' | 'createdAt' | 'flags'>[];
}): Map<string, string[]> {
  const { gfs, endedGfs, timeZone } = input;
  const reasons = new Map<string, string[]>();
  const periods = flagPeriods({ gfs, endedGfs });
  const today = dayNumberOf(input.nowMs, timeZone);
  for (const flag of GFS_FLAGS) {
    const keep = periods[flag];
    if (keep === null) continue;
    const isOff = (gfs?.[flag] ?? null) === null;
    let rank = 0;
    for (const point of input.points.toReversed()) {
      if (!point.flags.includes(flag)) continue;
      rank++;
      const day = dayNumberOf(Date.parse(point.createdAt), timeZone);
      const endDay = gfsFlagEndDay(flag, day, keep);
      if (today >= endDay) continue;
      const text = `${flag} ${String(rank)} of ${String(keep)} until ${isoDate(dateOfDayNumber(endDay))}${isOff ? ', though the tier is off' : ''}`;
      reasons.set(point.id, [...(reasons.get(point.id) ?? []), text]);
    }
  }
  return reasons;
}
