/** Whether what lies in two folders under one workload id can be one machine. */

import { utcText } from '../schedules/calendar-date.js';
import type { SourceRestorePoint, SourceWorkload } from './source-workload.js';

/** A workload as one folder shows it. */
type FolderShare = Pick<SourceWorkload, 'name' | 'folders' | 'restorePoints'>;

/** Restore points that both show under one id, the first's first. */
export function pointsInBoth(
  first: FolderShare,
  second: FolderShare,
): [SourceRestorePoint, SourceRestorePoint][] {
  const byId = new Map(complete(first).map((point) => [point.id, point]));
  return complete(second).flatMap((point): [SourceRestorePoint, SourceRestorePoint][] => {
    const known = byId.get(point.id);
    return known === undefined ? [] : [[known, point]];
  });
}

/** The pairs of these that can contradict each other, in their order: both show a complete point of one id, or their times overlap. Of folders for
 *  each day there are none. */
export function pairsToCompare<T extends FolderShare>(shares: readonly T[]): [T, T][] {
  const pairs = new Set<number>();
  const add = (a: number, b: number): unknown =>
    pairs.add(Math.min(a, b) * shares.length + Math.max(a, b));
  const holders = new Map<string, number[]>();
  for (const [index, share] of shares.entries())
    for (const id of new Set(complete(share).map((point) => point.id))) {
      const others = holders.get(id) ?? [];
      for (const other of others) add(other, index);
      holders.set(id, [...others, index]);
    }
  const spans = shares
    .map((share, index) => ({ index, ...(spanOf(complete(share)) ?? NEVER) }))
    .sort((a, b) => a.fromMs - b.fromMs);
  let running: typeof spans = [];
  for (const span of spans) {
    running = running.filter(({ toMs }) => toMs >= span.fromMs);
    for (const { index } of running) add(index, span.index);
    if (span.toMs >= span.fromMs) running.push(span);
  }
  return [...pairs]
    .sort((a, b) => a - b)
    .map((pair) => [shares[Math.floor(pair / shares.length)]!, shares[pair % shares.length]!]);
}

const NEVER = { fromMs: Infinity, toMs: -Infinity };

/** Why the two cannot be one machine, in plain words; null: nothing speaks against it. Only complete points count. One machine has
 *  - one restore point of one id: the same date, and the same kind of each disk that both hold. A folder that was moved or copied by hand, whole
 *    or in part, shows what the other one shows;
 *  - one name at a time, and one line of increments at a time: besides what both show, the folder of one chain comes after that of another. */
export function contradictionOf(first: FolderShare, second: FolderShare): string | null {
  const both = pointsInBoth(first, second);
  for (const [one, other] of both) {
    if (one.createdAtMs !== other.createdAtMs)
      return `restore point ${one.id} is of ${utcText(one.createdAtMs)} in the one and of ${utcText(other.createdAtMs)} in the other`;
    const haveDisks = one.disks.length > 0 && other.disks.length > 0;
    const isInBoth = (disk: string): boolean => other.disks.some((copy) => copy.disk === disk);
    if (haveDisks && !one.disks.some(({ disk }) => isInBoth(disk)))
      return `restore point ${one.id} holds other disks in the one than in the other`;
    const differing = one.disks.find(({ disk, kind, format }) =>
      other.disks.some(
        (copy) => copy.disk === disk && (copy.kind !== kind || copy.format !== format),
      ),
    );
    if (differing !== undefined)
      return `disk ${differing.disk} of restore point ${one.id} is not the same in both`;
  }
  const shared = new Set(both.map(([{ id }]) => id));
  return overlapOf(first, second, shared);
}

/** The message of an error or a note. */
export function claimedTwiceText(
  workloadId: string,
  places: readonly string[],
  reason: string,
): string {
  return `two machines claim the id ${workloadId}: ${places.map((place) => (place === '' ? 'the root folder' : place)).join(' and ')}: ${reason}`;
}

/** What a session says of a workload that it does not copy, because another source of its job holds one of this id. */
export function heldTwiceText(workloadId: string, copiedFrom: string, other: string): string {
  return `repositories ${copiedFrom} and ${other} both hold a workload ${workloadId}, and two machines may claim one id: only the one in ${copiedFrom} is copied`;
}

function overlapOf(
  first: FolderShare,
  second: FolderShare,
  shared: ReadonlySet<string>,
): string | null {
  const [ones, others] = [first, second].map((share) =>
    complete(share).filter(({ id }) => !shared.has(id)),
  );
  const [one, other] = [spanOf(ones ?? []), spanOf(others ?? [])];
  if (one === null || other === null) return null;
  const fromMs = Math.max(one.fromMs, other.fromMs);
  const toMs = Math.min(one.toMs, other.toMs);
  if (fromMs > toMs) return null;
  const span = `between ${utcText(fromMs)} and ${utcText(toMs)}`;
  if (first.name !== second.name)
    return `it is ${first.name} in the one and ${second.name} in the other ${span}`;
  const areLines = [ones, others].every((points) =>
    points?.some(({ kind }) => kind === 'increment'),
  );
  return areLines ? `both have increments of their own ${span}` : null;
}

function spanOf(points: readonly SourceRestorePoint[]): { fromMs: number; toMs: number } | null {
  if (points.length === 0) return null;
  const times = points.map(({ createdAtMs }) => createdAtMs);
  return { fromMs: Math.min(...times), toMs: Math.max(...times) };
}

function complete({ restorePoints }: FolderShare): readonly SourceRestorePoint[] {
  return restorePoints.filter(({ state }) => state === 'complete');
}
