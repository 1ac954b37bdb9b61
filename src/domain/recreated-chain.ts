/** Whether the source still holds the backup chain that was copied so far.
 *
 *  Content decides: a renamed chain is the same chain, and a known name with other content is not. Names count in one case only, for a
 *  point that cannot be read just now, because "unknown" must not look like "gone". */

import { utcText } from './calendar-date.js';
import type { RestorePointState, SourceRestorePoint } from './restore-point.js';
import type { TargetRestorePoint } from './target-point.js';

/** `intact`: all known, nothing newer. `extended`: newer points are there (also: first run). `trimmed`: known points are gone, but the
 *  chain is still the same, or the source is empty. `recreated`: nothing known is left, others are there instead.
 *  `replaced`: the known names are there, with other content. */
export type ChainState = 'intact' | 'extended' | 'trimmed' | 'recreated' | 'replaced';

/** A source point, compared with what was copied. Both lists hold ids of target restore points. */
export interface ComparedRestorePoint extends SourceRestorePoint {
  /** Copied points whose content identity this point has on every disk. */
  readonly sameContentAs: readonly string[];
  /** Copied points that this one should be by its id, but whose content it does not have. */
  readonly contentDiffersFrom: readonly string[];
}

export interface ChainDetection {
  readonly state: ChainState;
  /** Newest copied point that the source still holds; null when it holds none. */
  readonly lastCopied: {
    readonly copiedPointId: string;
    readonly currentRestorePointId: string;
  } | null;
  /** The newest copied point was recognised by its content, so what changed since can be told from the source's increments. */
  readonly lineageUsable: boolean;
  readonly reasons: readonly string[];
}

/** What such a point shows cannot be told just now, so it must not look as if it were gone or another one. */
export function isUndecidedState(state: RestorePointState): boolean {
  return state === 'unknown' || state === 'inProgress';
}

type CopiedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'source'>;
type CurrentPoint = Pick<
  ComparedRestorePoint,
  'id' | 'createdAtMs' | 'parentId' | 'state' | 'sameContentAs' | 'contentDiffersFrom'
>;

/** Which source point each copied one is, by content: target id → source id. One to one, because unchanged days give increments with
 *  equal content; equal ids go first, then the order of the chain. */
export function matchByContent(
  copied: readonly CopiedPoint[],
  current: readonly Pick<CurrentPoint, 'id' | 'sameContentAs'>[],
): Map<string, string> {
  const sourceIdOf = new Map(copied.map((point) => [point.id, point.source.restorePointId]));
  const matches = new Map<string, string>();
  const taken = new Set<string>();
  for (const sameNameOnly of [true, false]) {
    for (const { id, sameContentAs } of current) {
      if (taken.has(id)) continue;
      const match = sameContentAs.find(
        (copiedId) =>
          sourceIdOf.has(copiedId) &&
          !matches.has(copiedId) &&
          (!sameNameOnly || sourceIdOf.get(copiedId) === id),
      );
      if (match === undefined) continue;
      matches.set(match, id);
      taken.add(id);
    }
  }
  return matches;
}

/** Source points that come after everything copied, oldest first. Where the newest copied point is still there, its place in the list
 *  decides, else the date. */
export function newerThanCopied<T extends CurrentPoint>(
  copied: readonly CopiedPoint[],
  current: readonly T[],
): T[] {
  const newest = copied.at(-1);
  if (newest === undefined) return [...current];
  const matches = matchByContent(copied, current);
  const known = new Set(matches.values());
  const newestSourceId = matches.get(newest.id);
  const place = current.findIndex((point) => point.id === newestSourceId);
  const newestCreatedAtMs = Date.parse(newest.createdAt);
  return current.filter(
    (point, index) =>
      !known.has(point.id) &&
      (place === -1 ? point.createdAtMs > newestCreatedAtMs : index > place),
  );
}

/** `copied` and `current`: oldest first. */
export function detectRecreatedChain(input: {
  copied: readonly CopiedPoint[];
  current: readonly CurrentPoint[];
  /** The source is one of Longhaul's own chains: points that are not known come after those that were merged or deleted there. */
  isCopiedChain?: boolean;
}): ChainDetection {
  const { copied, current, isCopiedChain = false } = input;
  if (current.length === 0) {
    return withoutKnown('trimmed', ['the source holds no restore points of this workload']);
  }
  const newest = copied.at(-1);
  if (newest === undefined) return withoutKnown('extended', ['nothing was copied before']);

  const matches = matchByContent(copied, current);
  const present = presentPoints(copied, current, matches);
  if (present.size === 0) return nothingKnown(copied, current, isCopiedChain);

  const newer = newerThanCopied(copied, current).length;
  const gone = copied.length - present.size;
  const last = copied.findLast((point) => present.has(point.id)) ?? newest;
  const newestGone = last.id !== newest.id;
  const reasons = [...differences(copied, current)];
  if (newestGone) {
    reasons.push(`the newest copied restore point, ${pointText(newest)}, is gone from the source`);
  } else if (gone > 0) {
    reasons.push(`${String(gone)} of ${String(copied.length)} copied restore points are gone`);
  }
  reasons.push(
    newer > 0
      ? `${restorePoints(newer)} newer than the last copied one`
      : 'nothing is newer than the last copied restore point',
  );
  if (!matches.has(last.id)) {
    reasons.push(`restore point ${pointText(last)} cannot be read just now`);
  }
  return {
    state: newestGone ? 'trimmed' : newer > 0 ? 'extended' : gone > 0 ? 'trimmed' : 'intact',
    lastCopied: {
      copiedPointId: last.id,
      currentRestorePointId: present.get(last.id) ?? last.source.restorePointId,
    },
    lineageUsable: !newestGone && matches.has(last.id),
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
    'Nothing was copied, and all copies made so far are kept. To go on, make a new job with a new chain: ' +
    `POST /api/v1/jobs/${jobId}/replacement, or \`longhaul job replace ${jobId}\`.`
  );
}

/** Matches by content, and points that cannot be read but have a known name. */
function presentPoints(
  copied: readonly CopiedPoint[],
  current: readonly CurrentPoint[],
  matches: ReadonlyMap<string, string>,
): Map<string, string> {
  const unreadable = new Set(
    current.filter((point) => isUndecidedState(point.state)).map((point) => point.id),
  );
  const present = new Map(matches);
  for (const { id, source } of copied) {
    if (!present.has(id) && unreadable.has(source.restorePointId)) {
      present.set(id, source.restorePointId);
    }
  }
  return present;
}

/** No copied point was found again. */
function nothingKnown(
  copied: readonly CopiedPoint[],
  current: readonly CurrentPoint[],
  isCopiedChain: boolean,
): ChainDetection {
  const replaced = differences(copied, current);
  if (replaced.length > 0) return withoutKnown('replaced', replaced);
  const unreadable = current.filter((point) => isUndecidedState(point.state)).length;
  if (unreadable > 0) {
    return withoutKnown('trimmed', [
      `no copied restore point was found, but ${String(unreadable)} of ${String(current.length)} in the source cannot be judged just now`,
    ]);
  }
  const gone = `all ${String(copied.length)} copied restore points are gone from the source`;
  const copiedSourceIds = new Set(copied.map((point) => point.source.restorePointId));
  const descendant = current.find(
    ({ parentId }) => parentId !== null && copiedSourceIds.has(parentId),
  );
  if (descendant !== undefined || isCopiedChain) {
    const newer = newerThanCopied(copied, current).length;
    return withoutKnown(newer > 0 ? 'extended' : 'trimmed', [
      gone,
      descendant === undefined
        ? 'the source is a chain of copies, which stays the same one when its old restore points go'
        : `restore point ${descendant.id} is an increment on ${String(descendant.parentId)}, which was copied`,
    ]);
  }
  return withoutKnown('recreated', [
    gone,
    `${restorePoints(current.length)} there instead, and none of them builds on a copied one`,
  ]);
}

function withoutKnown(state: ChainState, reasons: string[]): ChainDetection {
  return { state, lastCopied: null, lineageUsable: false, reasons };
}

function differences(copied: readonly CopiedPoint[], current: readonly CurrentPoint[]): string[] {
  const differing = new Set(current.flatMap((point) => point.contentDiffersFrom));
  return copied
    .filter((point) => differing.has(point.id))
    .map((point) => `restore point ${pointText(point)} has other content than when it was copied`);
}

function pointText(point: CopiedPoint): string {
  return `${point.source.restorePointId} of ${utcText(Date.parse(point.createdAt))}`;
}

function restorePoints(count: number): string {
  return count === 1 ? '1 restore point is' : `${String(count)} restore points are`;
}
