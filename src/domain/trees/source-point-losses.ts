/** Restore points that a copy has whole and that its source has lost: it shows them as broken, or not at all although nothing that tools do to their backups explains it.
 *  Pure. */

import { counted } from '../sentences.js';
import type { TreePoint, TreePointKind } from './source-tree.js';
import { healthOf, type TargetTreePoint } from './target-tree.js';
import { agedPoints } from './tree-points.js';
import { isMuch, LOOKS_LIKE } from './tree-guard.js';
import type { TreeRules } from './tree-rules.js';

interface LostPoint {
  /** Of the source. */
  readonly id: string;
  /** In plain words. */
  readonly reason: string;
}

export interface PointLosses {
  /** Their files are there, and are no backups any more. */
  readonly broken: readonly LostPoint[];
  /** Of sets: they are gone. */
  readonly gone: readonly LostPoint[];
  /** Ids of those that an operator has agreed to: they are told no more. */
  readonly agreed: readonly string[];
  /** Why an operator has to look before anything is copied; null: these are few. */
  readonly suspicion: string | null;
}

export const NO_POINT_LOSSES: PointLosses = { broken: [], gone: [], agreed: [], suspicion: null };

/** @param shown all that the source shows, settled
 *  @param copied all that the copy has
 *  @param agreed `TreeRecord.agreedLosses` */
export function pointLosses(
  shown: readonly TreePoint[],
  copied: readonly TargetTreePoint[],
  rules: Pick<TreeRules, 'shape' | 'isOpaque' | 'suspiciousShare'>,
  { agreed, nowMs }: { readonly agreed: ReadonlySet<string>; readonly nowMs: number },
): PointLosses {
  if (rules.isOpaque === true) return NO_POINT_LOSSES;
  const byId = new Map(shown.map((point) => [point.id, point]));
  const files = brokenFiles(shown);
  const broken: LostPoint[] = [];
  const present: TargetTreePoint[] = [];
  for (const point of copied) {
    const { restorePointId: id } = point.source;
    const reason = brokenReason(byId.get(id), point, files);
    if (reason !== null) broken.push({ id, reason });
    if (reason !== null || byId.has(id)) present.push(point);
  }
  const isBroken = new Set(broken.map(({ id }) => id));
  const absent = copied.filter(
    ({ source: { restorePointId: id } }) => !byId.has(id) && !isBroken.has(id),
  );
  const gone = rules.shape === 'store' ? [] : goneOf(absent, shown, copied, nowMs);
  const isNew = ({ id }: LostPoint): boolean => !agreed.has(id);
  const found = broken.filter(isNew);
  return {
    broken: found,
    gone: gone.filter(isNew),
    agreed: [...broken, ...gone].filter((one) => !isNew(one)).map(({ id }) => id),
    suspicion: suspicionOfPoints(new Set(found.map(({ id }) => id)), present, rules),
  };
}

/** Reasons, by the paths of files of broken points that belong to no other: a name without a date gives its file another point once it says nothing of itself any more. */
function brokenFiles(shown: readonly TreePoint[]): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  for (const { state, files, reason } of shown)
    if (state === 'broken') for (const path of files ?? []) reasons.set(path, reason ?? '');
  for (const { state, files } of shown)
    if (state !== 'broken') for (const path of files ?? []) reasons.delete(path);
  return reasons;
}

/** null: it is not broken, as far as can be told. What a health check has found corrupt in the copy says nothing of the source. */
function brokenReason(
  now: TreePoint | undefined,
  copied: TargetTreePoint,
  files: ReadonlyMap<string, string>,
): string | null {
  if (healthOf(copied) === 'corrupt' || now?.isUnlisted === true) return null;
  if (now !== undefined) return now.state === 'broken' ? (now.reason ?? '') : null;
  if (files.size === 0) return null;
  const path = copied.files?.find((one) => files.has(one));
  return path === undefined ? null : files.get(path)!;
}

const RANKS: Readonly<Record<TreePointKind, number>> = {
  log: 0,
  increment: 1,
  full: 2,
  snapshot: 2,
};

/** Tools let the oldest go, keep a backup at least as long as the logs and increments of its time, and let go what a newer one of its kind has followed. So one is lost that
 *  nothing of its kind follows, and beside which an older one is there that is worth no more.
 *  @param absent of the copied ones */
function goneOf(
  absent: readonly TargetTreePoint[],
  shown: readonly TreePoint[],
  copied: readonly TargetTreePoint[],
  nowMs: number,
): LostPoint[] {
  if (absent.length === 0) return [];
  const dates = new Map(agedPoints(copied, nowMs).map((point) => [point.id, point]));
  const [oldest, newest] = [new ByRank(), new ByRank()];
  for (const point of shown) {
    oldest.note(point, (rank) => rank >= RANKS[point.kind], isOlder);
    newest.note(point, (rank) => rank <= RANKS[point.kind], isNewer);
  }
  return absent.flatMap((point) => {
    const { restorePointId: id } = point.source;
    const { createdAtMs, isDoubted } = dates.get(id)!;
    const older = oldest.of(point);
    const isBehind = older !== undefined && older.createdAtMs < createdAtMs;
    const isFollowed = (newest.of(point)?.createdAtMs ?? -Infinity) >= createdAtMs;
    if (isDoubted === true || !isBehind || isFollowed) return [];
    return [{ id, reason: `an older one is still there, ${older.id}, and no newer one` }];
  });
}

function isOlder(a: TreePoint, b: TreePoint): boolean {
  return a.createdAtMs < b.createdAtMs;
}

function isNewer(a: TreePoint, b: TreePoint): boolean {
  return a.createdAtMs > b.createdAtMs;
}

/** One point for each rank. Those of a part stand for none that is of all. */
class ByRank {
  readonly #points = new Map<string, TreePoint>();

  note(
    point: TreePoint,
    isFor: (rank: number) => boolean,
    isBefore: (a: TreePoint, b: TreePoint) => boolean,
  ): void {
    const parts = point.ofPart === undefined ? [true, false] : [true];
    for (const rank of [0, 1, 2].filter(isFor))
      for (const isOfPart of parts) {
        const known = this.#points.get(`${rank} ${isOfPart}`);
        if (known === undefined || isBefore(point, known))
          this.#points.set(`${rank} ${isOfPart}`, point);
      }
  }

  of({ kind, ofPart }: Pick<TreePoint, 'kind' | 'ofPart'>): TreePoint | undefined {
    return this.#points.get(`${RANKS[kind]} ${ofPart !== undefined}`);
  }
}

/** Backups count for themselves: of logs there may be hundreds for each of them. Of a single one nothing tells. */
function suspicionOfPoints(
  broken: ReadonlySet<string>,
  present: readonly TargetTreePoint[],
  rules: Pick<TreeRules, 'suspiciousShare'>,
): string | null {
  const backups = present.filter(({ kind }) => kind !== 'log');
  for (const points of [backups, present]) {
    const count = points.filter(({ source }) => broken.has(source.restorePointId)).length;
    const isAll = count > 1 && count === points.length;
    if (isAll || isMuch(count, points.length, rules))
      return `of ${points.length} ${points === backups ? 'backups' : 'restore points'} that the copy has and the source shows ${count} are broken there: ${LOOKS_LIKE}`;
  }
  return null;
}

/** Warnings of a session: what is lost, one sentence for each kind of loss. */
export function pointLossTexts({ broken, gone }: PointLosses): string[] {
  return [
    ...lossText(broken, 'broken at the source, though whole when copied'),
    ...lossText(gone, 'gone from the source, though newer than what is still there'),
  ];
}

function lossText(lost: readonly LostPoint[], how: string): string[] {
  const last = lost.at(-1);
  if (last === undefined) return [];
  const points = counted(lost.length, 'restore point is', 'restore points are');
  return [
    `${points} ${how}, and ${lost.length === 1 ? 'stays' : 'stay'} in the copy as long as its retention says; check the source with its tool (${last.id}: ${last.reason})`,
  ];
}

/** Why a file of such a point is not copied. */
export function brokenPointText({ id, reason }: LostPoint): string {
  return `its restore point ${id} is broken at the source (${reason}), and the copy keeps what it has of it`;
}

/** Ids that are agreed to from this plan on. */
export function agreedAfter({ broken, gone, agreed }: PointLosses, isAgreed: boolean): string[] {
  return isAgreed ? [...agreed, ...[...broken, ...gone].map(({ id }) => id)] : [...agreed];
}
