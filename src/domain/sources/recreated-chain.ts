/** Whether the source still holds the backup chain that was copied so far.
 *
 *  What is proven decides (source-identity.ts): a moved chain is the same chain, and a known name with other content is not. Names count in one
 *  case only, for a point that cannot be read just now, because "unknown" must not look like "gone". */

import { utcText } from '../schedules/calendar-date.js';
import type { RestorePointState } from './point-state.js';
import {
  shortCopies,
  supersededIds,
  type IdentifiedPoint,
  type SourceIdentity,
} from './source-identity.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { counted } from '../sentences.js';

/** `intact`: all known, nothing new. `extended`: new points are there (also: first run). `trimmed`: known points are gone, but the chain is
 *  still the same, or the source is empty. `recreated`: nothing known is left, others are there instead. `replaced`: the name and date of the
 *  newest copied point, or of all that is left, have other content. */
type ChainState = 'intact' | 'extended' | 'trimmed' | 'recreated' | 'replaced';

export interface ChainDetection {
  readonly state: ChainState;
  /** Newest copied point that the source still holds; null when it holds none. */
  readonly lastCopied: {
    readonly copiedPointId: string;
    readonly currentRestorePointId: string;
  } | null;
  /** The newest copied point is proven to be in the source, so what changed since can be told from the source's increments. */
  readonly lineageUsable: boolean;
  /** Source points whose blocks have to be compared with a copy before anything can be said, in the order of the source. While there is one,
   *  the rest of the answer is provisional. */
  readonly toCompare: readonly { readonly restorePointId: string; readonly copiedId: string }[];
  readonly reasons: readonly string[];
  /** Copied points whose source now has other content, and short ones that nothing can make whole any more, in plain words; the chain as a
   *  whole may be the same all the same. */
  readonly warnings: readonly string[];
}

/** What such a point shows cannot be told just now, so it must not look as if it were gone or another one. */
export function isUndecidedState(state: RestorePointState): boolean {
  return state === 'unknown' || state === 'inProgress';
}

type CopiedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'parentId' | 'source'>;
type CurrentPoint = Pick<
  IdentifiedPoint,
  'id' | 'createdAtMs' | 'parentId' | 'state' | 'identity' | 'isOnLater' | 'hasNoWhole'
>;

/** Points that the source shows and nobody has dealt with: complete ones wherever they stand, because order and dates may have been wrong when
 *  the others came; others only behind everything that is known. In the order of the source. */
export function newPoints<T extends CurrentPoint>(current: readonly T[]): T[] {
  const lastKnown = current.findLastIndex(({ identity }) => isKnown(identity));
  return current.filter(
    ({ identity }, index) =>
      identity.is === 'new' ||
      identity.is === 'grown' ||
      (identity.is === 'unreadable' && identity.copiedId === null && index > lastKnown),
  );
}

/** Whether a point with this identity was dealt with: copied, passed over, or perhaps copied. */
export function isKnown(identity: SourceIdentity): boolean {
  return identity.is !== 'new' && !(identity.is === 'unreadable' && identity.copiedId === null);
}

/** `copied` in the order of the chain, `current` in that of the source. */
export function detectRecreatedChain(input: {
  copied: readonly CopiedPoint[];
  current: readonly CurrentPoint[];
  /** The source is one of Longhaul's own chains: points that are not known come after those that were merged or deleted there. */
  isCopiedChain?: boolean;
  /** No point of the source ever builds on another one. */
  makesFullsOnly?: boolean;
  /** As `SourceWorkload.isWrittenOver`. */
  isWrittenOver?: boolean;
}): ChainDetection {
  const { copied, current } = input;
  const toCompare = current.flatMap(({ id, identity }) =>
    identity.is === 'unproven' ? [{ restorePointId: id, copiedId: identity.copiedId }] : [],
  );
  const found = { toCompare, warnings: differences(copied, current) };
  if (current.length === 0)
    return withoutKnown(found, 'trimmed', ['the source holds no restore points of this workload']);
  const newest = copied.at(-1);
  if (newest === undefined) return withoutKnown(found, 'extended', ['nothing was copied before']);
  // What lies on a disk that was written to after it shows something else, whatever the machine is.
  const decisive = current.filter(({ isOnLater }) => isOnLater !== true);
  const replaced = decisive.find(({ identity }) => identity.is === 'replaced');
  const present = presentCopies(current);
  if (replaced !== undefined && (present.size === 0 || isReplaced(newest.id, decisive)))
    return withoutKnown(found, 'replaced', found.warnings);
  if (present.size === 0 && !current.some(({ identity }) => identity.is === 'known'))
    return nothingKnown(found, copied, current, whyStillTheSame(input));
  return partlyKnown(found, copied, current, present);
}

type Found = Pick<ChainDetection, 'toCompare' | 'warnings'>;

function partlyKnown(
  found: Found,
  copied: readonly CopiedPoint[],
  current: readonly CurrentPoint[],
  present: ReadonlyMap<string, CurrentPoint>,
): ChainDetection {
  const newest = copied.at(-1)!;
  const last = copied.findLast(({ id }) => present.has(id));
  const gone = copied.length - present.size;
  const isNewestGone = last?.id !== newest.id;
  const count = newPoints(current).length;
  const reasons = [...found.warnings];
  if (isNewestGone)
    reasons.push(`the newest copied restore point, ${pointText(newest)}, is gone from the source`);
  else if (gone > 0)
    reasons.push(`${String(gone)} of ${String(copied.length)} copied restore points are gone`);
  reasons.push(count > 0 ? `${restorePoints(count)} new` : 'nothing new is there');
  const lastNow = last === undefined ? undefined : present.get(last.id)!;
  if (lastNow?.identity.is === 'unreadable')
    reasons.push(`restore point ${pointText(last!)} cannot be read just now`);
  return {
    ...found,
    state:
      count > 0 && !isNewestGone ? 'extended' : gone > 0 || isNewestGone ? 'trimmed' : 'intact',
    lastCopied:
      last === undefined ? null : { copiedPointId: last.id, currentRestorePointId: lastNow!.id },
    lineageUsable: !isNewestGone && lastNow?.identity.is === 'copied',
    reasons,
  };
}

/** What the operator reads when a job stops for a recreated chain: what was seen, what was done, and the call that goes on. */
export function recreatedMessage(
  jobId: string,
  workload: string,
  detection: Pick<ChainDetection, 'reasons'>,
): string {
  return (
    `The backup chain of ${workload} in the source is not the one that was copied: ${detection.reasons.join('; ')}. ` +
    'Nothing was copied, and all copies made so far are kept. To go on, if that was meant: ' +
    `\`longhaul job detach ${jobId} <workload>\`, and the next session makes a full of this one alone; ` +
    `or \`longhaul job replace ${jobId}\`, which copies every workload of the job anew and stops it.`
  );
}

/** Copies whose point is in the source, proven or not read yet: copied id → source point. */
function presentCopies(current: readonly CurrentPoint[]): Map<string, CurrentPoint> {
  const present = new Map<string, CurrentPoint>();
  for (const point of current) {
    const { identity } = point;
    if (!('copiedId' in identity) || identity.copiedId === null) continue;
    // What can be read and is not complete says nothing but its name.
    const isPresent =
      identity.is === 'unreadable' ? isUndecidedState(point.state) : identity.is !== 'replaced';
    if (isPresent) present.set(identity.copiedId, point);
  }
  return present;
}

function isReplaced(copiedId: string, current: readonly CurrentPoint[]): boolean {
  return current.some(
    ({ identity }) => identity.is === 'replaced' && identity.copiedId === copiedId,
  );
}

/** No copied point was found again. */
function nothingKnown(
  found: Found,
  copied: readonly CopiedPoint[],
  current: readonly CurrentPoint[],
  sameReason: string | null,
): ChainDetection {
  const unreadable = current.filter((point) => isUndecidedState(point.state)).length;
  if (unreadable > 0)
    return withoutKnown(found, 'trimmed', [
      `no copied restore point was found, but ${String(unreadable)} of ${String(current.length)} in the source cannot be judged just now`,
    ]);
  const gone = `all ${String(copied.length)} copied restore points are gone from the source`;
  const copiedSourceIds = new Set(copied.map((point) => point.source.restorePointId));
  const descendant = current.find(
    ({ parentId }) => parentId !== null && copiedSourceIds.has(parentId),
  );
  const reason =
    descendant === undefined
      ? sameReason
      : `restore point ${descendant.id} is an increment on ${String(descendant.parentId)}, which was copied`;
  if (reason !== null)
    return withoutKnown(found, newPoints(current).length > 0 ? 'extended' : 'trimmed', [
      gone,
      reason,
    ]);
  return withoutKnown(found, 'recreated', [
    gone,
    `${restorePoints(current.length)} there instead, and none of them builds on a copied one`,
  ]);
}

/** Why it is the same source although none of the copied points is there; null: nothing says so. */
function whyStillTheSame({
  isCopiedChain = false,
  makesFullsOnly = false,
  isWrittenOver = false,
}: {
  isCopiedChain?: boolean;
  makesFullsOnly?: boolean;
  isWrittenOver?: boolean;
}): string | null {
  if (isCopiedChain)
    return 'the source is a chain of copies, which stays the same one when its old restore points go';
  if (isWrittenOver)
    return 'it is the disk under the same name, which is written over, and beside which snapshots come and go';
  return makesFullsOnly ? 'its restore points are fulls, which come and go one by one' : null;
}

function withoutKnown(found: Found, state: ChainState, reasons: readonly string[]): ChainDetection {
  return { ...found, state, lastCopied: null, lineageUsable: false, reasons };
}

function differences(copied: readonly CopiedPoint[], current: readonly CurrentPoint[]): string[] {
  const onLater = current.filter(({ isOnLater }) => isOnLater === true);
  const replaced = copied
    .filter((point) => isReplaced(point.id, current))
    .map((point) => {
      const text = `restore point ${pointText(point)} has other content than when it was copied`;
      return isReplaced(point.id, onLater) ? `${text}, ${WRITTEN_BELOW}` : text;
    });
  return [...replaced, ...lastingShortCopies(copied, current)];
}

const WRITTEN_BELOW =
  'because what it builds on was written to after it: its copy stays, and it is not copied again (remove it if it was committed, touch it if only its date is wrong)';

/** Short copies that are not made again, because no source shows their point any more, or none that is whole. */
function lastingShortCopies(
  copied: readonly CopiedPoint[],
  current: readonly CurrentPoint[],
): string[] {
  const short = shortCopies(copied);
  const superseded = supersededIds(copied);
  const shown = new Map(
    current.map(({ identity, hasNoWhole = false }) => [
      'copiedId' in identity && identity.copiedId,
      hasNoWhole ? 'has no whole one' : null,
    ]),
  );
  const whyOf = (id: string) => (shown.has(id) ? shown.get(id)! : 'does not show it any more');
  const lasting = copied.filter(
    ({ id }) => short.has(id) && !superseded.has(id) && whyOf(id) !== null,
  );
  const texts = lasting
    .slice(0, NAMED_SHORT_COPIES)
    .map(
      (point) =>
        `the copy of restore point ${pointText(point)} stays short, because the source ${whyOf(point.id)}: ${short.get(point.id)!}`,
    );
  const rest = lasting.length - texts.length;
  return rest > 0 ? [...texts, `so do ${String(rest)} more copies`] : texts;
}

/** A long chain may rest on one. */
const NAMED_SHORT_COPIES = 10;

function pointText(point: CopiedPoint): string {
  return `${point.source.restorePointId} of ${utcText(Date.parse(point.createdAt))}`;
}

function restorePoints(count: number): string {
  return counted(count, 'restore point is', 'restore points are');
}
