/** Whether what lies in two folders under one workload id can be one machine. */

import { utcText } from '../schedules/calendar-date.js';
import { counted } from '../sentences.js';
import { isKnown } from './recreated-chain.js';
import type { IdentifiedPoint } from './source-identity.js';
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
  const own = ownPoints(first, second);
  const overlap = overlapOf(spanOf(own[0]), spanOf(own[1]));
  if (overlap === null) return null;
  if (first.name !== second.name)
    return `it is ${first.name} in the one and ${second.name} in the other ${spanText(overlap)}`;
  const areLines = own.every((points) => points.some(({ kind }) => kind === 'increment'));
  return areLines ? `both have increments of their own ${spanText(overlap)}` : null;
}

/** What makes it doubtful that two that do not contradict each other are one machine, in plain words; null: nothing does. In the order of time their
 *  points do not go over from the one to the other once, as where a folder follows another, but back and forth. Folders of several schedules of one
 *  machine look so, and so do two machines with one id: nothing in names and dates tells which, so that it is said, and no reason to copy neither. */
export function doubtOf(first: FolderShare, second: FolderShare): string | null {
  const own = ownPoints(first, second);
  const [one, other] = [spanOf(own[0]), spanOf(own[1])];
  const overlap = overlapOf(one, other);
  if (overlap === null) return null;
  // At one moment alone the second may begin where the first ends.
  const isMoment = overlap.fromMs === overlap.toMs;
  if (isMoment && !isWithin(overlap, one) && !isWithin(overlap, other)) return null;
  const areFulls = own.flat().every(({ kind }) => kind === 'full');
  return `both have ${areFulls ? 'fulls' : 'restore points'} of their own ${spanText(overlap)}`;
}

/** What is said of a workload whose folders leave a doubt, with what to do about it. What matters comes first: sessions keep the heads of long texts.
 *  @param places of two of them, of which `reason` is the doubt
 *  @param otherPairs how many more pairs of its folders leave one */
export function doubtText(places: readonly string[], reason: string, otherPairs: number): string {
  const more = otherPairs === 0 ? '' : `; so do ${counted(otherPairs, 'more pair')} of folders`;
  return `${placesText(places)} take turns in one chain: ${reason}${more}. They are two schedules of one machine, or two machines with one id: if two, give the clone an id of its own, or keep its backups in another repository, for another job`;
}

/** Whether a doubt is new to the copies: of one of the folders that leave it nothing was copied or passed over so far.
 *  @param current points of the workload, of all of its folders */
export function isDoubtNew(
  { folders, doubt }: Pick<SourceWorkload, 'folders' | 'doubt'>,
  current: readonly IdentifiedPoint[],
): boolean {
  if (doubt === undefined) return false;
  const folderOf = (path: string): string =>
    folders
      .filter((folder) => folder === '' || path.startsWith(`${folder}/`))
      .reduce((deepest, folder) => (folder.length > deepest.length ? folder : deepest), '');
  const known = new Set(
    current
      .filter(({ identity }) => isKnown(identity))
      .flatMap(({ disks }) => disks.map(({ path }) => folderOf(path))),
  );
  return doubt.folders.some((folder) => !known.has(folder));
}

/** The message of an error or a note. */
export function claimedTwiceText(
  workloadId: string,
  places: readonly string[],
  reason: string,
): string {
  return `two machines claim the id ${workloadId}: ${placesText(places)}: ${reason}`;
}

function placesText(places: readonly string[]): string {
  return places.map((place) => (place === '' ? 'the root folder' : place)).join(' and ');
}

/** What a session says of a workload that it does not copy, because another source of its job holds one of this id. */
export function heldTwiceText(workloadId: string, copiedFrom: string, other: string): string {
  return `repositories ${copiedFrom} and ${other} both hold a workload ${workloadId}, and two machines may claim one id: only the one in ${copiedFrom} is copied`;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The complete points of each beside those that both show. */
function ownPoints(
  first: FolderShare,
  second: FolderShare,
): [SourceRestorePoint[], SourceRestorePoint[]] {
  const shared = new Set(pointsInBoth(first, second).map(([{ id }]) => id));
  const own = (share: FolderShare) => complete(share).filter(({ id }) => !shared.has(id));
  return [own(first), own(second)];
}

/** The time in which both have points; null: there is none. */
function overlapOf(one: Span | null, other: Span | null): Span | null {
  if (one === null || other === null) return null;
  const fromMs = Math.max(one.fromMs, other.fromMs);
  const toMs = Math.min(one.toMs, other.toMs);
  return fromMs > toMs ? null : { fromMs, toMs };
}

function isWithin(inner: Span, outer: Span | null): boolean {
  return outer !== null && outer.fromMs < inner.fromMs && inner.toMs < outer.toMs;
}

function spanText({ fromMs, toMs }: Span): string {
  return `between ${utcText(fromMs)} and ${utcText(toMs)}`;
}

function spanOf(points: readonly SourceRestorePoint[]): Span | null {
  if (points.length === 0) return null;
  const times = points.map(({ createdAtMs }) => createdAtMs);
  return { fromMs: Math.min(...times), toMs: Math.max(...times) };
}

function complete({ restorePoints }: FolderShare): readonly SourceRestorePoint[] {
  return restorePoints.filter(({ state }) => state === 'complete');
}
