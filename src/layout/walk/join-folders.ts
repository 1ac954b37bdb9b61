import { basename } from 'node:path/posix';
import { isBackupError } from '../../domain/errors.js';
import {
  claimedTwiceText,
  contradictionOf,
  doubtOf,
  doubtText,
  pointsInBoth,
  pairsToCompare,
} from '../../domain/sources/one-workload.js';
import type {
  FolderDoubt,
  SourceDisk,
  SourceRestorePoint,
  SourceWorkload,
} from '../../domain/sources/source-workload.js';
import { filesOfDisk, type StampedFile } from '../../domain/sources/source-files.js';
import { orderByLineage } from '../../domain/sources/source-order.js';
import type { SourceRepository } from '../../repository/backup-repository.js';

/** One workload out of what several folders show of it: a restore point that is there more than once is its first complete copy. Where the
 *  folders contradict each other it has a `conflict`, and says nothing of which point belongs to which machine; where they merely look like those of
 *  two, a `doubt`. */
export async function joinFolders(
  repository: SourceRepository,
  shares: readonly [SourceWorkload, ...SourceWorkload[]],
): Promise<SourceWorkload> {
  if (shares.length === 1) return shares[0];
  if (shares.some(({ tree }) => tree !== undefined)) return treeInSeveralPlaces(shares);
  const points = new Map<string, SourceRestorePoint>();
  for (const point of shares.flatMap(({ restorePoints }) => restorePoints)) {
    const known = points.get(point.id);
    if (known === undefined || (known.state !== 'complete' && point.state === 'complete'))
      points.set(point.id, point);
  }
  const pairs = pairsToCompare(shares);
  const conflict = await findConflict(repository, pairs);
  const doubt = conflict === null ? findDoubt(pairs) : null;
  const otherIds = [...new Set(shares.flatMap((share) => share.otherIds ?? []))];
  const { isOnlySeen: _, ...first } = shares[0];
  return {
    ...first,
    ...(shares.every(({ isOnlySeen }) => isOnlySeen === true) ? { isOnlySeen: true } : {}),
    ...(otherIds.length === 0 ? {} : { otherIds }),
    folders: [...new Set(shares.flatMap(({ folders }) => folders))],
    restorePoints: orderByLineage([...points.values()]),
    ...(conflict === null ? {} : { conflict }),
    ...(doubt === null ? {} : { doubt }),
  };
}

/** Of pairs that do not contradict each other. */
function findDoubt(pairs: readonly [SourceWorkload, SourceWorkload][]): FolderDoubt | null {
  const doubtful = pairs.flatMap(([first, second]) => {
    const reason = doubtOf(first, second);
    return reason === null ? [] : [{ places: placesOf(first, second), reason }];
  });
  const [pair] = doubtful;
  if (pair === undefined) return null;
  return {
    text: doubtText(pair.places, pair.reason, doubtful.length - 1),
    folders: [...new Set(doubtful.flatMap(({ places }) => places))],
  };
}

function placesOf(first: SourceWorkload, second: SourceWorkload): string[] {
  return [first.folders[0] ?? '', second.folders[0] ?? ''];
}

/** A tree is what lies in one folder: two of them that claim one id have nothing to be joined by. */
function treeInSeveralPlaces(
  shares: readonly [SourceWorkload, ...SourceWorkload[]],
): SourceWorkload {
  const folders = [...new Set(shares.flatMap((share) => share.folders))];
  const roots = shares.map(({ tree }) => tree?.root ?? '');
  const [first] = shares;
  const conflict = claimedTwiceText(first.id, roots, 'each is a set of files of its own');
  return { ...first, folders, restorePoints: [], conflict };
}

async function findConflict(
  repository: SourceRepository,
  pairs: readonly [SourceWorkload, SourceWorkload][],
): Promise<string | null> {
  for (const [first, second] of pairs) {
    const reason =
      contradictionOf(first, second) ?? (await differingFile(repository, first, second));
    if (reason !== null) return claimedTwiceText(first.id, placesOf(first, second), reason);
  }
  return null;
}

/** A sample of the files of points that both show can prove that they are not copies of each other. */
async function differingFile(
  repository: SourceRepository,
  first: SourceWorkload,
  second: SourceWorkload,
): Promise<string | null> {
  for (const [one, other] of pointsInBoth(first, second))
    for (const disk of one.disks) {
      const copy = other.disks.find((entry) => entry.disk === disk.disk);
      for (const [file, same] of copy === undefined ? [] : filesOfOneName(disk, copy))
        if (await differs(repository, file, same))
          return `${file.path} and ${same.path} hold different bytes`;
    }
  return null;
}

/** The image, its extents and what lies below it: the data of a disk need not be in its image. */
function filesOfOneName(disk: SourceDisk, copy: SourceDisk): [StampedFile, StampedFile][] {
  const others = filesOfDisk(copy);
  return filesOfDisk(disk).flatMap((file, index): [StampedFile, StampedFile][] => {
    const same =
      index === 0 ? others[0] : others.find(({ path }) => basename(path) === basename(file.path));
    return same === undefined ? [] : [[file, same]];
  });
}

const SAMPLE_COUNT = 16;
const SAMPLE_BYTES = 4_096;

/** Reads both at the same places. What only one of them holds proves nothing: a copy may still be written. */
async function differs(
  repository: SourceRepository,
  one: StampedFile,
  other: StampedFile,
): Promise<boolean> {
  const sizeBytes = Math.min(one.stamp.sizeBytes, other.stamp.sizeBytes);
  const step = Math.max(SAMPLE_BYTES, Math.floor(sizeBytes / SAMPLE_COUNT));
  const places: number[] = [];
  for (let at = 0; at < sizeBytes; at += step) places.push(at, at + step - SAMPLE_BYTES);
  try {
    const [a, b] = [
      await samples(repository, one.path, places),
      await samples(repository, other.path, places),
    ];
    return places.some((_, index) => isOtherThan(a[index]!, b[index]!));
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return false; // it went since it was listed
    throw error;
  }
}

function isOtherThan(a: Uint8Array, b: Uint8Array): boolean {
  const count = Math.min(a.length, b.length);
  return Buffer.compare(a.subarray(0, count), b.subarray(0, count)) !== 0;
}

async function samples(
  repository: SourceRepository,
  path: string,
  places: readonly number[],
): Promise<Uint8Array[]> {
  const file = await repository.openRead(path);
  try {
    const found: Uint8Array[] = [];
    for (const place of places) {
      const bytes = new Uint8Array(SAMPLE_BYTES);
      found.push(bytes.subarray(0, await file.read(bytes, place)));
    }
    return found;
  } finally {
    await file.close();
  }
}
