import { utimes } from 'node:fs/promises';
import type { TreePoint } from '../../../src/domain/trees/source-tree.js';
import { rmanLayout } from '../../../src/layout/rman/rman.js';
import { treeOf } from './real-tree.js';
import { scanTreesWith } from './scan-trees-with.js';

/** A name below the recovery area, when it was written (minutes after midnight UTC of 24 November 2026, which is also the time of the database's machine),
 *  and how often its name stands in it. */
export type WrittenFile = readonly [name: string, minutes: number, times?: number];

/** Points of a recovery area by its names and the times of its files. */
export async function pointsOfArea(...written: readonly WrittenFile[]): Promise<TreePoint[]> {
  const copy = await treeOf(
    Object.fromEntries(written.map(([name, , times = 1]) => [`ORCL/${name}`, name.repeat(times)])),
  );
  for (const [name, minutes] of written) {
    const at = new Date(Date.UTC(2026, 10, 24, 0, minutes));
    await utimes(copy.at(`ORCL/${name}`), at, at);
  }
  const [tree] = await scanTreesWith(rmanLayout, copy.repository);
  return [...tree!.points];
}

/** A tag that RMAN makes. */
export function tagAt(minutes: number): string {
  const text = new Date(Date.UTC(2026, 10, 24, 0, minutes)).toISOString();
  return `TAG${text.slice(0, 19).replaceAll(/[-:]/g, '')}`;
}

let count = 0;

/** @param kind five letters: `nnnd0`, `annnn` */
export function pieceOf(kind: string, tag: string): string {
  count += 1;
  return `backupset/d/o1_mf_${kind}_${tag}_7r${String(count).padStart(6, '0')}_.bkp`;
}

/** Written when its name says, or at `writtenAt`. */
export function autobackupAt(minutes: number, writtenAt = minutes): WrittenFile {
  const at = new Date(Date.UTC(2026, 10, 24, 0, minutes));
  // Seconds since 1988 in months of 31 days.
  const months = (at.getUTCFullYear() - 1988) * 12 + at.getUTCMonth();
  const days = months * 31 + at.getUTCDate() - 1;
  const stamp = days * 86_400 + (at.getTime() % 86_400_000) / 1000;
  return [`autobackup/d/o1_mf_s_${stamp}_7rjh01to_.bkp`, writtenAt];
}

export function archivedLog(sequence: number, minutes: number, day = 'd'): WrittenFile {
  return [`archivelog/${day}/o1_mf_1_${sequence}_7rjh01to_.arc`, minutes];
}
