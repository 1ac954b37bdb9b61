/** Which restore points of a workload one session copies, in which order, and how each one's changed blocks are found. */

import { utcText } from '../schedules/calendar-date.js';
import type { CopyJob } from '../jobs/copy-job.js';
import { growingDisks, isFullsOnly, type FullFormats } from './fulls-only.js';
import { gfsDue, gfsFullNeeded, type FlaggedPoint } from '../retention/gfs.js';
import { isKnown, isUndecidedState, newPoints, type ChainDetection } from './recreated-chain.js';
import { oneForEachState } from './skipped-points.js';
import { POINT_STATE_TEXT } from './point-state.js';
import { awaitedReason, type AwaitedPoint } from './settle.js';
import { isCopyable, shortCopies, shortText, type IdentifiedPoint } from './source-identity.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { believedPoints } from './believed-dates.js';

/** `changedBy`: `all` stores everything that is allocated; `lineage` what the source's increments after `lineageFrom` allocate;
 *  `digest` compares all of it with what the target holds. */
export interface SelectedRestorePoint {
  readonly restorePointId: string;
  readonly kind: 'full' | 'increment';
  readonly changedBy: 'all' | 'lineage' | 'digest';
  /** Source restore point whose content the target's newest point has; null unless `changedBy` is `lineage`. */
  readonly lineageFrom: string | null;
  readonly reason: string;
}

export interface RestorePointSelection {
  /** In the order of copying, oldest first. */
  readonly points: readonly SelectedRestorePoint[];
  /** New points that are passed over: one entry for all of one state (`oneForEachState`). */
  readonly skipped: readonly { readonly restorePointId: string; readonly reason: string }[];
  /** Why there is nothing to copy; null when there is something. */
  readonly reason: string | null;
  /** Points that may be wanted once they are whole; a session looks at them again. */
  readonly awaited: readonly AwaitedPoint[];
  /** The newest restore point is damaged or cannot be read, so the copy is not up to date; null otherwise. */
  readonly unusable: { readonly state: 'broken' | 'unknown'; readonly reason: string } | null;
  /** What the newest complete restore point lacks, because its tool has left it out; absent: nothing that is known. */
  readonly lacking?: string;
}

export interface SelectionInput {
  readonly job: Pick<CopyJob, 'mode' | 'restorePoints' | 'gfs'>;
  /** In which GFS periods are reckoned. */
  readonly timeZone: string;
  /** In the order of the source. */
  readonly current: readonly IdentifiedPoint[];
  /** In the order of the chain. */
  readonly copied: readonly TargetRestorePoint[];
  readonly detection: ChainDetection;
  readonly targetRepositoryId: string;
  readonly sourceRepositoryId: string;
  /** The first point is copied whole, from the source. */
  readonly activeFull: boolean;
  readonly fullFormats: FullFormats;
  /** Of `current`, those that are in progress. */
  readonly awaited?: readonly AwaitedPoint[];
  /** Of `current`, the only one that is wanted: no other is copied in its place. null, and absent: what the job says. */
  readonly named?: string | null;
}

/** First run: the newest complete point, or with scope `all` every complete one. Later: immediate jobs and scope `all` take every new point in
 *  the order of the source, periodic ones only the last. Points that have grown since they were copied are copied again in any case. With a
 *  recreated chain (`detection`) a new chain is begun as on a first run; what a job does about a recreated chain is decided before. */
export function selectRestorePoints(every: SelectionInput): RestorePointSelection {
  const input = ofNamed(every);
  const { job, current, detection, named = null } = input;
  if (input.sourceRepositoryId === input.targetRepositoryId) {
    return nothing('the restore points lie on the target repository itself');
  }
  const recreated = detection.state === 'recreated' || detection.state === 'replaced';
  const copied = recreated ? [] : input.copied;
  const firstRun = copied.length === 0;
  if (current.length === 0) return nothing('the source holds no restore points of this workload');
  if (!firstRun && isUndecided(input)) {
    const awaited = input.awaited ?? [];
    if (awaited.length > 0) return { ...nothing(awaitedReason(awaited)), awaited };
    const reason =
      'some restore points of the source cannot be read just now, so it cannot be told whether its chain is still the one that was copied';
    return { ...nothing(reason), unusable: { state: 'unknown', reason } };
  }

  const fresh = recreated ? [...current] : newPoints(current);
  const chosen = choose(fresh, job, firstRun);
  const skipped = skippedPoints(fresh, chosen);
  const seen = fresh.length > 0 ? fresh : current.filter((point) => isLaterThanCopy(point, copied));
  const note = passedOver(seen, chosen, named);
  const unusable = unusableNewest(seen, note);
  const wanted = new Set([...fresh, ...current.filter(isCopiedAndTouched)].map(({ id }) => id));
  const awaited = (input.awaited ?? []).filter(({ restorePointId }) => wanted.has(restorePointId));
  if (chosen.length === 0) {
    const reason =
      named !== null && note !== null ? note : nothingReason(seen, copied, input.activeFull);
    return { points: [], skipped, reason, unusable, awaited, ...lackingIn(current) };
  }

  const selected = selectedPoints(chosen, input, { firstRun, recreated });
  const points = selected.map((point, index) =>
    index === selected.length - 1 && note !== null
      ? { ...point, reason: `${point.reason}; ${note}` }
      : point,
  );
  return { points, skipped, reason: null, unusable, awaited, ...lackingIn(current) };
}

/** What it builds on is read with it, and is nothing to be copied. */
function ofNamed(input: SelectionInput): SelectionInput {
  const { named = null } = input;
  if (named === null) return input;
  return { ...input, current: input.current.filter(({ id }) => id === named) };
}

/** Also of a point that was copied long ago: the machine is as badly protected on every day after. */
function lackingIn(current: readonly IdentifiedPoint[]): Pick<RestorePointSelection, 'lacking'> {
  const lack = lackOfNewest(current);
  return lack === null || lack.isUnsure ? {} : { lacking: lack.text };
}

/** What the newest whole point has not, or may not have, of its machine; null: nothing that is known. */
export function lackOfNewest(
  current: readonly IdentifiedPoint[],
): { readonly text: string; readonly isUnsure: boolean; readonly isKnown: boolean } | null {
  const newest = current.findLast(({ state }) => state === 'complete');
  if (newest?.leftOut === undefined) return null;
  const { id, leftOut, isLeftOutUnsure = false, identity } = newest;
  const text = `restore point ${id} is not known to be all of the machine: ${leftOut}`;
  return { text, isUnsure: isLeftOutUnsure, isKnown: isKnown(identity) };
}

function choose(
  fresh: readonly IdentifiedPoint[],
  job: SelectionInput['job'],
  firstRun: boolean,
): IdentifiedPoint[] {
  const copyable = fresh.filter(isCopyable);
  if (job.restorePoints === 'all' || (job.mode === 'immediate' && !firstRun)) return copyable;
  const others = copyable.filter(isNotGrown);
  // One that was taken too early takes the place of none.
  const latest = others.findLast(({ short }) => short === undefined);
  // Of both one is the newest that the machine was.
  const below =
    latest?.isOnLater === true ? others.findLast(({ isOnLater }) => isOnLater !== true) : undefined;
  const newest = [latest, below, others.at(-1)];
  return copyable.filter((point) => newest.includes(point) || !isNotGrown(point));
}

/** Somebody writes to a point that was copied: once that is over it is compared with its copy. */
export function isCopiedAndTouched({ identity }: IdentifiedPoint): boolean {
  return identity.is === 'unreadable' && identity.copiedId !== null;
}

/** Of one that is found by the name of its copy: it was written to since, and that is in no copy. */
export function isLaterThanCopy(
  { identity, createdAtMs }: IdentifiedPoint,
  copied: readonly Pick<TargetRestorePoint, 'id' | 'createdAt'>[],
): boolean {
  if (identity.is !== 'unreadable') return false;
  const copy = copied.find(({ id }) => id === identity.copiedId);
  return copy !== undefined && createdAtMs > Date.parse(copy.createdAt);
}

function isNotGrown({ identity }: IdentifiedPoint): boolean {
  return identity.is !== 'grown';
}

/** Nothing known was found, and part of the source could not be read. */
function isUndecided({ detection, current }: SelectionInput): boolean {
  return detection.lastCopied === null && current.some((point) => isUndecidedState(point.state));
}

function nothing(reason: string): RestorePointSelection {
  return { points: [], skipped: [], reason, unusable: null, awaited: [] };
}

function skippedPoints(
  newer: readonly IdentifiedPoint[],
  chosen: readonly IdentifiedPoint[],
): RestorePointSelection['skipped'] {
  const chosenIds = new Set(chosen.map((point) => point.id));
  const left = newer.filter((point) => !chosenIds.has(point.id));
  return oneForEachState(
    left.map((point) => ({
      restorePointId: point.id,
      state: point.state,
      reason: isCopyable(point) ? 'only the newest one is copied' : stateReason(point),
    })),
  );
}

function nothingReason(
  newer: readonly IdentifiedPoint[],
  copied: readonly TargetRestorePoint[],
  activeFull: boolean,
): string {
  const unusable = newer.at(-1);
  const newestCopied = copied.at(-1);
  const parts: string[] = [];
  if (unusable !== undefined) {
    parts.push(`newest restore point ${utcText(unusable.createdAtMs)} is ${stateReason(unusable)}`);
    parts.push(
      newestCopied === undefined
        ? 'no complete one is there'
        : `no complete one is newer than ${copiedText(newestCopied)}, which is copied already`,
    );
  } else if (newestCopied !== undefined) {
    parts.push(`newest restore point ${copiedText(newestCopied)} is copied already`);
  }
  if (activeFull) parts.push('an active full needs a restore point that is not copied yet');
  return parts.join('; ');
}

/** Says why the newest restore point is not among the chosen ones; null when it is. */
function passedOver(
  newer: readonly IdentifiedPoint[],
  chosen: readonly IdentifiedPoint[],
  named: string | null,
): string | null {
  const newest = newer.at(-1);
  if (newest === undefined || newest.id === chosen.at(-1)?.id) return null;
  const which = named === null ? 'the newest restore point' : `restore point ${named}`;
  return `${which}, ${utcText(newest.createdAtMs)}, is ${stateReason(newest)}`;
}

function unusableNewest(
  newer: readonly IdentifiedPoint[],
  note: string | null,
): RestorePointSelection['unusable'] {
  const state = newer.at(-1)?.state;
  if (note === null || (state !== 'broken' && state !== 'unknown')) return null;
  return { state, reason: note };
}

function stateReason({ state, reason }: IdentifiedPoint): string {
  const text = POINT_STATE_TEXT[state];
  return reason === null ? text : `${text} (${reason})`;
}

function copiedText(point: TargetRestorePoint): string {
  return utcText(Date.parse(point.createdAt));
}

function selectedPoints(
  chosen: readonly IdentifiedPoint[],
  input: SelectionInput,
  begin: { firstRun: boolean; recreated: boolean },
): SelectedRestorePoint[] {
  const byId = new Map(input.current.map((point) => [point.id, point]));
  const { detection } = input;
  const activeFulls = new ActiveFulls(input);
  let base = detection.lineageUsable ? (detection.lastCopied?.currentRestorePointId ?? null) : null;
  return chosen.map((point, index) => {
    const isDue = activeFulls.take(point);
    const isOnShort = point.short === undefined && chosen[index - 1]?.short !== undefined;
    const full = index === 0 ? fullReason(input, chosen, begin) : isOnShort ? ON_SHORT : null;
    const fullBecause = full ?? (isDue ? ACTIVE_FULL : fullsOnlyReason(point, input.fullFormats));
    const selected: SelectedRestorePoint =
      fullBecause === null
        ? incrementOn(base, point, { byId, fullFormats: input.fullFormats })
        : { restorePointId: point.id, kind: 'full', lineageFrom: null, ...fullBecause };
    base = point.id;
    return toldReason(point, selected);
  });
}

/** null: the point may become an increment. */
function fullsOnlyReason(
  point: IdentifiedPoint,
  formats: FullFormats,
): Pick<SelectedRestorePoint, 'changedBy' | 'reason'> | null {
  if (!isFullsOnly(point, formats)) return null;
  const named = [...new Set(point.disks.map(({ format }) => format))].sort().join(', ');
  return {
    changedBy: 'all',
    reason: `a full, because the format ${named} has no increments`,
  };
}

const ACTIVE_FULL = { changedBy: 'all', reason: 'active full' } as const;
/** It would be short, too. */
const ON_SHORT = {
  changedBy: 'all',
  reason: 'full of a new chain, for the newest copy was taken too early',
} as const;

function toldReason(point: IdentifiedPoint, selected: SelectedRestorePoint): SelectedRestorePoint {
  const { identity, short } = point;
  if (short !== undefined)
    return { ...selected, reason: `${selected.reason}; ${shortText(short)}` };
  if (identity.is !== 'grown') return selected;
  const { reason } = identity;
  return { ...selected, reason: `it is copied again, because ${reason}; ${selected.reason}` };
}

/** With method `active` the full of each GFS day is read from the source, also in a backlog of many days: what was chosen before counts as
 *  flagged. */
class ActiveFulls {
  private readonly points: FlaggedPoint[];

  constructor(private readonly input: SelectionInput) {
    const { job, timeZone } = input;
    // As the clock of the newest copy had it.
    const copied = believedPoints(input.copied, Date.parse(input.copied.at(-1)?.copiedAt ?? ''));
    const { gfs, mode } = job;
    const short = shortCopies(copied);
    // Flags are set after the last copy of a session: those that are due by now count, too.
    const due = gfsFullNeeded({ gfs, mode, timeZone, points: copied, nowMs: Infinity });
    this.points = copied.map(({ id, createdAt, flags, health }) => {
      const more = due.find(({ restorePointId }) => restorePointId === id)?.flags ?? [];
      return { id, createdAt, flags: [...flags, ...more], health, isShort: short.has(id) };
    });
  }

  take({ id, createdAtMs, short }: IdentifiedPoint): boolean {
    const { gfs, mode } = this.input.job;
    if (gfs?.fullMethod !== 'active' || short !== undefined) return false;
    const { timeZone } = this.input;
    const flags = gfsDue({ gfs, mode, timeZone, createdAtMs, points: this.points }).map(
      ({ flag }) => flag,
    );
    this.points.push({ id, createdAt: new Date(createdAtMs).toISOString(), flags, health: 'good' });
    return flags.length > 0;
  }
}

/** null: the point becomes an increment. */
function fullReason(
  { activeFull, copied }: SelectionInput,
  chosen: readonly IdentifiedPoint[],
  { firstRun, recreated }: { firstRun: boolean; recreated: boolean },
): Pick<SelectedRestorePoint, 'changedBy' | 'reason'> | null {
  if (activeFull) return ACTIVE_FULL;
  if (recreated) {
    return {
      changedBy: 'digest',
      reason:
        'full of a new chain: the source chain was recreated, so all of it is read and written, also what the target holds already',
    };
  }
  if (firstRun) return { changedBy: 'all', reason: 'first copy of this workload' };
  const newest = copied.at(-1);
  // What an increment does not hold is read from below it, and blocks that are compared by digest are left out where the damaged ones lie.
  if (newest?.health === 'corrupt')
    return { changedBy: 'all', reason: 'full of a new chain, for the newest copy is damaged' };
  // On the copy that is to go nothing may be built.
  const goes = chosen.some(
    ({ identity }) => identity.is === 'grown' && identity.copiedId === newest?.id,
  );
  if (goes)
    return { changedBy: 'all', reason: 'full of a new chain, for the newest copy is to go' };
  return newest !== undefined && shortCopies(copied).has(newest.id) ? ON_SHORT : null;
}

function incrementOn(
  base: string | null,
  point: IdentifiedPoint,
  known: KnownPoints,
): SelectedRestorePoint {
  const restorePointId = point.id;
  if (base !== null && descendsOnEveryDisk(point, base, known)) {
    return {
      restorePointId,
      kind: 'increment',
      changedBy: 'lineage',
      lineageFrom: base,
      reason: `increments lead from ${base} to this one on every disk`,
    };
  }
  const reason =
    base === null
      ? 'the last copied restore point is not in the source any more: blocks are compared by digest'
      : `no unbroken line of increments leads from ${base} to this one: blocks are compared by digest`;
  return { restorePointId, kind: 'increment', changedBy: 'digest', lineageFrom: null, reason };
}

interface KnownPoints {
  readonly byId: ReadonlyMap<string, IdentifiedPoint>;
  readonly fullFormats: FullFormats;
}

/** Whether each disk of `point`, but for those that are copied as fulls in any case, is reached from the same disk of `base` through increments only, all of them such as are copied. */
function descendsOnEveryDisk(
  point: IdentifiedPoint,
  base: string,
  { byId, fullFormats }: KnownPoints,
): boolean {
  const growing = growingDisks(point, fullFormats);
  if (growing.length === 0) return false;
  return growing.every(({ disk }) => {
    let holder: IdentifiedPoint | undefined = point;
    // A line longer than the list of points is a loop.
    for (let steps = 0; steps < byId.size && holder !== undefined; steps++) {
      const image = holder.disks.find((candidate) => candidate.disk === disk);
      if (image === undefined) return false;
      if (holder.id === base) return true;
      if (image.kind !== 'increment' || image.parentRestorePointId === null) return false;
      if (!isCopyable(holder)) return false;
      holder = byId.get(image.parentRestorePointId);
    }
    return false;
  });
}
