/** What a file of a repository looks like from outside. Pure. */

/** What a file looked like when it was last read. Equal stamps mean: not touched since. Different stamps say nothing about content.
 *  `modifiedAtNs`, `changedAtNs` and `inode` are decimal strings, because they exceed 2^53. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly modifiedAtNs: string;
  readonly changedAtNs: string;
  readonly inode: string;
}

/** When a file was last written to, by the clock of its storage; `datableMs`. */
export function modifiedAtMs({ modifiedAtNs }: Pick<FileStamp, 'modifiedAtNs'>): number {
  return datableMs(Number(BigInt(modifiedAtNs) / 1_000_000n));
}

/** The nearest moment that can be written as a date with a year of four digits (RFC 3339): storage and files of backups name others, and whatever shows or
 *  compares one would fail over it. What is no number is 1970. */
export function datableMs(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, YEAR_0_MS), END_OF_YEAR_9999_MS);
}

const YEAR_0_MS = -62_167_219_200_000;
const END_OF_YEAR_9999_MS = 253_402_300_799_999;

/** Whether a file was not written to in between, as far as its storage tells. */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.changedAtNs === b.changedAtNs && sameButForChangeTime(a, b);
}

/** The same of a file that is never written to, whose links and permissions may change. */
export function sameButForChangeTime(
  a: Omit<FileStamp, 'changedAtNs'>,
  b: Omit<FileStamp, 'changedAtNs'>,
): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedAtNs === b.modifiedAtNs && a.inode === b.inode;
}
