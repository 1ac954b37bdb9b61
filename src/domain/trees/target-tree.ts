/** Points of a tree that Longhaul keeps in a target repository, as the record of the tree lists them. Plain JSON. */

import { fileNotes, type FileFaults } from './file-faults.js';
import type { TreePointKind } from './source-tree.js';
import type { GfsFlag, PointHealth } from '../targets/target-point.js';
import { counted } from '../sentences.js';

export interface TargetTreePoint {
  /** From `createdAt`: unique in the tree. */
  readonly id: string;
  /** When the source's backup was made. RFC 3339 UTC. */
  readonly createdAt: string;
  /** When the copy was committed. RFC 3339 UTC. */
  readonly copiedAt: string;
  readonly kind: TreePointKind;
  /** Ids in the source of the points that it needs. */
  readonly needs: readonly string[];
  /** Paths of its own files, relative to the tree. null: of a store, whose files its points share. */
  readonly files: readonly string[] | null;
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Of the files that are there; `healthOf` says what the point is worth. */
  readonly health: PointHealth;
  /** When all of its files were last read and compared with their digests. RFC 3339 UTC; null: not since they were copied. */
  readonly verifiedAt: string | null;
  readonly flags: readonly GfsFlag[];
  readonly source: { readonly repositoryId: string; readonly restorePointId: string };
  /** What is missing before it, in plain words; absent: nothing. */
  readonly gap?: string;
  /** `TreePoint.ofPart`. */
  readonly ofPart?: string;
  /** Files of the source that could not be copied. Absent: none. */
  readonly lacks?: FileFaults;
  /** Since when the source does not show it any more. RFC 3339 UTC; absent: it does, or that means nothing. */
  readonly goneSince?: string;
}

/** A point that lacks files is not one that a restore gives back whole. */
export function healthOf({
  health,
  lacks,
}: Pick<TargetTreePoint, 'health' | 'lacks'>): PointHealth {
  return lacks === undefined ? health : 'corrupt';
}

/** What is wrong with it, or of what part it is, in plain words; null: nothing. */
export function faultOfPoint({
  health,
  lacks,
  gap,
  ofPart,
}: Pick<TargetTreePoint, 'health' | 'lacks' | 'gap' | 'ofPart'>): string | null {
  const parts = [
    ...(health === 'corrupt' ? ['files of the copy were found to be damaged or lost'] : []),
    ...(health === 'unknown'
      ? [
          'files of the copy may not be there as they were copied, and no health check was made since',
        ]
      : []),
    ...(lacks === undefined ? [] : [lackingText(lacks)]),
  ];
  return parts.length === 0 ? (gap ?? ofPart ?? null) : parts.join('; ');
}

function lackingText(lacks: FileFaults): string {
  return `it lacks ${filesText(lacks)} of the source; ${lackingNotes(lacks).join('; ')}`;
}

/** In one sentence: how many files a point lacks, and the first of them. */
export function lackingSummary(lacks: FileFaults): string {
  const [first] = lacks.examples;
  const named = first === undefined ? '' : `: first ${JSON.stringify(first.path)}, ${first.reason}`;
  return `the restore point lacks ${filesText(lacks)} of the source that could not be copied${named}`;
}

/** One sentence for each that is told. What the copy has of such a file may be older than the point. */
export function lackingNotes(lacks: FileFaults): string[] {
  return fileNotes(lacks, (reason) => `could not be copied: ${reason}`);
}

function filesText({ count }: FileFaults): string {
  return counted(count, 'file');
}
