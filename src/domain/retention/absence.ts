/** When a workload that no source shows any more is really gone. Longhaul deletes all its copies only then. */

import { DAY_MS } from '../elapsed.js';

/** What the sessions of a job saw of one workload, as the record of its chain keeps it. Plain JSON. */
export interface Presence {
  /** When a session last saw it in a source. RFC 3339 UTC; null: never. */
  readonly lastSeenAt: string | null;
  /** null: the last look showed it. */
  readonly absence: Absence | null;
}

/** After a look that did not show it. */
export type MissedPresence = Presence & { readonly absence: Absence };

export interface Absence {
  /** First and last look that did not show it. RFC 3339 UTC. */
  readonly firstMissedAt: string;
  readonly lastMissedAt: string;
  /** UTC days with such a look. */
  readonly missedDays: number;
  /** How much of the time since the first of them the looks prove (`missedLook`). */
  readonly provenMs: number;
  /** What the last look added to it. */
  readonly lastSpanMs: number;
  /** Since when the sessions warn that its copies are to go; null: it is too early. */
  readonly announcedAt: string | null;
  /** `CopyJob.origin` of the job whose sessions looked; absent: it has none. */
  readonly origin?: string;
}

/** The warning comes so long before the copies go, or one look before, where looks are further apart. */
const ANNOUNCED_BEFORE_MS = 7 * DAY_MS;
/** And never later than this, however few the days of the job are. */
const SHORTEST_WARNING_MS = 3 * DAY_MS;
/** Looks of working days are three days apart over a weekend. */
const SPAN_GROWTH = 3;

export function seenLook(nowMs: number): Presence {
  return { lastSeenAt: new Date(nowMs).toISOString(), absence: null };
}

/** The presence after a look that did not show the workload. Several looks on one UTC day count once. What lies between two of them counts
 *  for no more than three times what the one before counted for (a day at least), so that a clock that leaps is not believed; a clock that
 *  went back adds nothing. A job that got the copies of another one counts anew, and gives a warning of its own.
 *  @param afterDays `removedWorkloadsAfterDays` of the job
 *  @param origin `CopyJob.origin` */
export function missedLook(
  presence: Presence,
  nowMs: number,
  afterDays: number,
  origin?: string,
): MissedPresence {
  const { lastSeenAt } = presence;
  const absence = ownAbsence(presence, origin);
  const at = new Date(nowMs).toISOString();
  if (isOwnMissed(presence, origin) && dayOf(presence.absence.lastMissedAt) === dayOf(at))
    return presence;
  const spanMs = absence === null ? 0 : nowMs - Date.parse(absence.lastMissedAt);
  const believedMs = SPAN_GROWTH * Math.max(DAY_MS, absence?.lastSpanMs ?? 0);
  const lastSpanMs = Math.min(Math.max(0, spanMs), believedMs);
  const provenMs = (absence?.provenMs ?? 0) + lastSpanMs;
  const isNear =
    provenMs + Math.max(ANNOUNCED_BEFORE_MS, SPAN_GROWTH * lastSpanMs) >= afterDays * DAY_MS;
  return {
    lastSeenAt,
    absence: {
      firstMissedAt: absence?.firstMissedAt ?? at,
      lastMissedAt: at,
      missedDays: (absence?.missedDays ?? 0) + 1,
      provenMs,
      lastSpanMs,
      announcedAt: announcedAt(absence?.announcedAt ?? null, isNear, nowMs),
      ...(origin === undefined ? {} : { origin }),
    },
  };
}

/** What the sessions of this very job have counted; null: nothing. */
export function ownAbsence(presence: Presence, origin: string | undefined): Absence | null {
  return isOwnMissed(presence, origin) ? presence.absence : null;
}

function isOwnMissed(presence: Presence, origin: string | undefined): presence is MissedPresence {
  return isMissed(presence) && presence.absence.origin === origin;
}

/** The last look did not show it. */
export function isMissed(presence: Presence): presence is MissedPresence {
  return presence.absence !== null;
}

/** A warning that a clock gave in the future is given anew. */
function announcedAt(known: string | null, isNear: boolean, nowMs: number): string | null {
  if (!isNear) return null;
  return known !== null && Date.parse(known) <= nowMs ? known : new Date(nowMs).toISOString();
}

export interface Removal {
  readonly state: 'early' | 'announced' | 'due';
  /** Not before; epoch milliseconds. */
  readonly dueAtMs: number;
}

/** What becomes of the copies after this look. */
export function removalOf(
  { provenMs, announcedAt: announced }: Absence,
  afterDays: number,
  nowMs: number,
): Removal {
  const enoughAtMs = nowMs + afterDays * DAY_MS - provenMs;
  if (announced === null) return { state: 'early', dueAtMs: enoughAtMs };
  const dueAtMs = Math.max(enoughAtMs, Date.parse(announced) + SHORTEST_WARNING_MS);
  return { state: dueAtMs <= nowMs ? 'due' : 'announced', dueAtMs };
}

/** Whether so many of a source's workloads are missing at once that the source is to be doubted, not they: two or more, and a third or more
 *  of those that the last look showed. Nothing of such a source is counted or deleted.
 *  @param missing of `known`, those that this look is the first not to show */
export function isSuspicious(known: number, missing: number): boolean {
  return missing >= 2 && missing * 3 >= known;
}

function dayOf(instant: string): string {
  return instant.slice(0, 'yyyy-mm-dd'.length);
}
