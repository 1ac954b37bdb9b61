/** Which restore points of a target chain stay, and what is done, in which order, to be rid of the others. */

import { doubtOfCopy, doubtOfDate } from '../sources/believed-dates.js';
import { shortCopies, type JudgedPoint } from '../sources/source-identity.js';
import { dayNumberOf, startOfDayMs, utcText } from '../schedules/calendar-date.js';
import type { EndedGfs, GfsPolicy, RetentionPolicy } from '../jobs/copy-job.js';
import { flagPeriods, isKeptFull } from './ended-gfs.js';
import { gfsKeepReasons } from './gfs.js';
import { immutableReason } from './immutability.js';
import { chainAges, type AgeBase } from './retention-age.js';
import type { TargetRestorePoint } from '../targets/target-point.js';

/** A policy of days never leaves less than this. Source: VBR user guide, `backup_copy_simple_retention`. */
const MINIMUM_POINTS = 3;

export type RetainedPoint = Pick<
  TargetRestorePoint,
  'id' | 'createdAt' | 'copiedAt' | 'parentId' | 'chainId' | 'state' | 'health' | 'flags'
> &
  JudgedPoint;

export interface RetentionInput {
  /** In the order of the record: what a point builds on stands before it. Dates may be wrong. */
  readonly points: readonly RetainedPoint[];
  readonly policy: RetentionPolicy;
  readonly gfs: GfsPolicy | null;
  readonly endedGfs?: EndedGfs | undefined;
  readonly timeZone: string;
  readonly nowMs: number;
  /** 0: not immutable. */
  readonly immutableForDays: number;
  /** Points that a restore, a verification or another copy reads. */
  readonly leasedPointIds: readonly string[];
  /** Some file of the chain could not be read just now. A point of unknown health says the same. */
  readonly unreadable: boolean;
  /** The target can overwrite in place. */
  readonly mergeAllowed: boolean;
}

export type RetentionAction =
  /** Blocks of the increment go into its full; the full's own point is gone afterwards and the increment's point is the full. */
  | { readonly type: 'merge'; readonly fullId: string; readonly incrementId: string }
  /** Build a full of this increment from its chain; it starts a chain of its own afterwards. */
  | { readonly type: 'synthetic'; readonly restorePointId: string }
  /** Dependents come first. */
  | { readonly type: 'delete'; readonly ids: readonly string[]; readonly chainId: string };

export interface RetentionPlan {
  /** Oldest first; with `actions` it accounts for every point. */
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  /** In the order in which they must be done. Planning again after all of them gives none. */
  readonly actions: readonly RetentionAction[];
  readonly warnings: readonly string[];
}

/** Rules:
 *  - `restorePoints` keeps the newest N, `days` those of today and the N days before it, but no fewer than 3. Neither corrupt points
 *    count, nor copies that were taken too early (`shortCopies`).
 *  - One chain without GFS: the oldest increment is merged into the full until the full's point is one to keep. Where the target cannot
 *    overwrite, a synthetic full is built instead once as many points are outdated as are kept: one full per round, not per session.
 *  - With GFS or several chains nothing is merged: increments go all together when none of their chain is wanted, and their full with
 *    them unless a flag still protects it.
 *  - Where GFS was turned off and its fulls stay until their day, those that stand alone hold nothing up: the newest chain is shortened as
 *    if it were the only one. Where it begins with such a full, which nothing may be merged into, its first wanted increment becomes a full.
 *  - The order is that of the record; ages are counted from dates that fit it (`chainAges`), so that a point from the future or
 *    from 1970, also one that was copied then, neither takes others with it nor holds them.
 *  - Ages are counted from a day after the newest point at the latest, so that a clock that runs ahead, or a source that stopped, lets
 *    nothing go.
 *  - Nothing goes that something kept builds on, that is leased or immutable, or while the chain is unreadable or the clock looks wrong. */
export function planRetention(input: RetentionInput): RetentionPlan {
  const { points, ...base } = chainAges(input.points, input.nowMs);
  const refusal = refusalOf({ ...input, points });
  if (refusal !== null) {
    return {
      keep: input.points.map(({ id }) => ({ id, reasons: [`nothing is removed: ${refusal}`] })),
      actions: [],
      warnings: [`no restore point is merged or deleted: ${refusal}`],
    };
  }
  const dated = { ...input, points, ...base };
  const reasons = keepReasons(dated, input.points);
  const chains = [...chainsOf(points).values()];
  const outdated = chains.flatMap((chain) => outdatedOf(chain, reasons));
  const deleted = new Set(outdated.flatMap((action) => action.ids));
  const growing = input.gfs === null ? growingChain(chains, deleted) : null;
  const shortened =
    growing === null ? { actions: [], warnings: [] } : shortenChain(growing, dated, reasons);

  const actions = [...outdated, ...shortened.actions];
  const gone = removedBy(actions);
  return {
    keep: keptPoints(input.points, gone, reasons),
    actions,
    warnings: [...shortened.warnings, ...removalWarnings(input, gone)],
  };
}

type DatedInput = RetentionInput & AgeBase;
type Reasons = ReadonlyMap<string, readonly string[]>;
type Chain = readonly RetainedPoint[];

/** Why this chain must be left alone altogether; null when it may be worked on. */
function refusalOf({ points, nowMs, unreadable }: RetentionInput): string | null {
  if (unreadable) return 'a file of the chain cannot be read just now';
  const chainOf = new Map(points.map((point) => [point.id, point.chainId]));
  for (const { id, parentId, chainId, copiedAt, health } of points) {
    if (health === 'unknown') return `nothing proves restore point ${id} until it is verified`;
    if (parentId !== null && chainOf.get(parentId) !== chainId) {
      return `restore point ${id} builds on ${parentId}, which its chain does not list`;
    }
    if (Date.parse(copiedAt) > nowMs) {
      return `restore point ${id} was copied after the present time ${utcText(nowMs)}; check the clock`;
    }
  }
  return null;
}

/** Reasons of the points that are kept for their own sake.
 *  @param asDated the same points with the dates of their source */
function keepReasons(input: DatedInput, asDated: Chain): Reasons {
  const reasons = new Map<string, string[]>();
  const add = (id: string, reason: string): void => {
    const known = reasons.get(id);
    if (known === undefined) reasons.set(id, [reason]);
    else known.push(reason);
  };
  const uncounted = uncountedPoints(input.points);
  const shortTerm = shortTermOf(input, uncounted);
  const leased = new Set(input.leasedPointIds);
  const flags = gfsKeepReasons({ ...input, nowMs: input.asOfMs });
  input.points.forEach((point, index) => {
    const { id } = point;
    const forItsAge: string[] = [];
    const isInDays = shortTerm.isInDays(point);
    if (isInDays || index >= shortTerm.firstByCount) {
      const why = uncounted.get(id);
      if (why !== undefined) add(id, why);
      else if (isInDays) forItsAge.push(shortTerm.daysReason);
      else add(id, shortTerm.countReason);
    }
    forItsAge.push(...(flags.get(id) ?? []));
    const immutable = immutableReason(point, input);
    if (immutable !== null) forItsAge.push(immutable);
    if (forItsAge.length > 0) forItsAge.push(...ageNotes(input, asDated[index], point));
    for (const reason of forItsAge) add(id, reason);
    if (leased.has(id)) add(id, 'in use');
  });
  return reasons;
}

function ageNotes(
  { ageNote }: DatedInput,
  asDated: RetainedPoint | undefined,
  point: RetainedPoint,
): string[] {
  const doubts =
    asDated === undefined ? [] : [doubtOfDate(asDated, point), doubtOfCopy(asDated, point)];
  return [...doubts, ageNote].filter((note) => note !== null);
}

interface ShortTerm {
  /** Asked of each point: the age of one may count from a later date than that of the next (`withAgeDates`). */
  readonly isInDays: (point: Pick<RetainedPoint, 'createdAt'>) => boolean;
  /** Everything from here on stays, because it is one of the newest. */
  readonly firstByCount: number;
  readonly daysReason: string;
  readonly countReason: string;
}

function shortTermOf(
  { points, policy, timeZone, asOfMs }: DatedInput,
  uncounted: Uncounted,
): ShortTerm {
  const oldestOf = (count: number): number => {
    let counted = 0;
    const index = points.findLastIndex(({ id }) => !uncounted.has(id) && ++counted === count);
    return index >= 0 ? index : points.findIndex((point) => point.state === 'available');
  };
  const { value } = policy;
  const daysReason = `not older than ${value === 1 ? '1 day' : `${String(value)} days`}`;
  if (policy.type === 'restorePoints') {
    const count = Math.max(1, value);
    const countReason = newestText(count);
    return { isInDays: () => false, firstByCount: oldestOf(count), daysReason, countReason };
  }
  const firstMs = startOfDayMs(dayNumberOf(asOfMs, timeZone) - value, timeZone);
  return {
    isInDays: ({ createdAt }) => Date.parse(createdAt) >= firstMs,
    firstByCount: oldestOf(MINIMUM_POINTS),
    daysReason,
    countReason: `${newestText(MINIMUM_POINTS)}, which always stay`,
  };
}

function newestText(count: number): string {
  return count === 1 ? 'the newest one' : `one of the ${String(count)} newest`;
}

type Uncounted = ReadonlyMap<string, string>;

/** Points that are none of the newest that stay, by their ids, with why. */
export function uncountedPoints(points: readonly RetainedPoint[]): Map<string, string> {
  const short = shortCopies(points);
  const uncounted = new Map<string, string>();
  for (const { id, state, health } of points)
    if (state !== 'available' || health === 'corrupt') uncounted.set(id, 'corrupt, not counted');
    else if (short.has(id)) uncounted.set(id, 'taken too early, not counted');
  return uncounted;
}

function chainsOf(points: Chain): Map<string, RetainedPoint[]> {
  const chains = new Map<string, RetainedPoint[]>();
  for (const point of points) {
    const chain = chains.get(point.chainId);
    if (chain === undefined) chains.set(point.chainId, [point]);
    else chain.push(point);
  }
  return chains;
}

/** Deletion of a chain whose increments are all outdated: of the increments, and of the full too unless it is kept. */
function outdatedOf(chain: Chain, reasons: Reasons): (RetentionAction & { type: 'delete' })[] {
  const [full, ...increments] = chain;
  if (full === undefined || increments.some((point) => reasons.has(point.id))) return [];
  const going = reasons.has(full.id) ? increments : chain;
  return going.length === 0 ? [] : [deletionOf(going, full.chainId)];
}

/** The only chain, not counting fulls that a flag keeps and that nothing builds on any more; null: there are several.
 *  @param deleted goes before anything is shortened */
function growingChain(chains: readonly Chain[], deleted: ReadonlySet<string>): Chain | null {
  const standing = chains.map((chain) => chain.filter(({ id }) => !deleted.has(id)));
  const newest = standing.at(-1);
  return newest !== undefined && standing.slice(0, -1).every(isKeptFull) ? newest : null;
}

function deletionOf(going: Chain, chainId: string): RetentionAction & { type: 'delete' } {
  return { type: 'delete', ids: going.map((point) => point.id).toReversed(), chainId };
}

interface Shortening {
  readonly actions: readonly RetentionAction[];
  readonly warnings: readonly string[];
}

/** Takes the outdated points off the old end of the only chain. */
function shortenChain(chain: Chain, input: DatedInput, reasons: Reasons): Shortening {
  // A full that a flag keeps stays by itself.
  const first =
    input.endedGfs !== undefined &&
    chain[0] !== undefined &&
    isKeptFull([chain[0]]) &&
    reasons.has(chain[0].id)
      ? 1
      : 0;
  const outdated = chain.findIndex((point, index) => index >= first && reasons.has(point.id));
  const nothing = { actions: [], warnings: [] };
  if (outdated <= first) return nothing;
  // A reader of any point has the files of the full open as well.
  if (chain.some((point) => input.leasedPointIds.includes(point.id))) return nothing;
  return first === 0 && input.mergeAllowed && input.immutableForDays === 0
    ? mergeOutdated(chain, outdated)
    : detachOutdated(chain, { from: first, count: outdated }, input);
}

/** Merges `chain[0]` to `chain[count - 1]` away, oldest first. Stops before a corrupt point: a merge would spread its blocks. */
function mergeOutdated(chain: Chain, count: number): Shortening {
  const actions: RetentionAction[] = [];
  for (let index = 0; index < count; index++) {
    const [full, increment] = chain.slice(index, index + 2);
    if (full === undefined || increment === undefined) break;
    const corrupt = [full, increment].find((point) => point.health === 'corrupt');
    if (corrupt !== undefined) {
      return { actions, warnings: [corruptWarning(corrupt)] };
    }
    actions.push({ type: 'merge', fullId: full.id, incrementId: increment.id });
  }
  return { actions, warnings: [] };
}

function corruptWarning({ id }: RetainedPoint): string {
  return `restore point ${id} is corrupt: nothing older goes from its chain until it is healed, or as a whole when a new chain (\`longhaul job start <job> --active-full --workload <id>\`) has as many points as are kept`;
}

/** Makes the oldest point to keep a full and deletes what is older, once that is worth a full.
 *  @param from what stands before it stays */
function detachOutdated(
  chain: Chain,
  { from, count }: { readonly from: number; readonly count: number },
  input: DatedInput,
): Shortening {
  const first = chain[count];
  if (first === undefined || count - from < chain.length - count)
    return { actions: [], warnings: [] };
  const corrupt = chain.slice(0, count + 1).find((point) => point.health === 'corrupt');
  if (corrupt !== undefined) return { actions: [], warnings: [corruptWarning(corrupt)] };
  if (immutableReason(first, input) !== null) {
    return {
      actions: [],
      warnings: [
        `${String(count - from)} outdated restore points stay, because the immutable restore point ${first.id} builds on them; turn GFS on, or keep points for longer than they are immutable`,
      ],
    };
  }
  return {
    actions: [
      { type: 'synthetic', restorePointId: first.id },
      deletionOf(chain.slice(from, count), first.chainId),
    ],
    warnings: [],
  };
}

function removedBy(actions: readonly RetentionAction[]): Set<string> {
  const gone = new Set<string>();
  for (const action of actions) {
    if (action.type === 'merge') gone.add(action.fullId);
    if (action.type === 'delete') for (const id of action.ids) gone.add(id);
  }
  return gone;
}

/** Reasons of all that is left. A point without one of its own is needed by the next one in its chain that has, or waits for its chain. */
function keptPoints(
  points: Chain,
  gone: ReadonlySet<string>,
  reasons: Reasons,
): RetentionPlan['keep'] {
  const keep: { id: string; reasons: readonly string[] }[] = [];
  const neededBy = new Map<string, string>();
  for (const { id, chainId } of points.toReversed()) {
    if (gone.has(id)) continue;
    const own = reasons.get(id);
    const dependent = neededBy.get(chainId);
    keep.push({
      id,
      reasons: own ?? [
        dependent === undefined ? 'goes only with its whole chain' : `needed by ${dependent}`,
      ],
    });
    if (own !== undefined) neededBy.set(chainId, id);
  }
  return keep.toReversed();
}

function removalWarnings(input: RetentionInput, gone: ReadonlySet<string>): string[] {
  const warnings: string[] = [];
  const total = input.points.length;
  if (gone.size * 2 > total) {
    warnings.push(`${String(gone.size)} of ${String(total)} restore points are to go at once`);
  }
  const periods = flagPeriods(input);
  const unprotected = input.points.filter(
    (point) => gone.has(point.id) && point.flags.some((flag) => periods[flag] === null),
  );
  if (unprotected.length > 0) {
    warnings.push(
      `${String(unprotected.length)} of the restore points that are to go carry flags of a GFS tier that is off`,
    );
  }
  return warnings;
}
