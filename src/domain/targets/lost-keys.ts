import type { TargetDisk } from './target-point.js';

/** Ids of the disks whose files are marked. */
export function disksWithoutKeys(disks: readonly TargetDisk[]): string[] {
  return disks.filter((file) => file.lacksKeys === true).map(({ disk }) => disk);
}

/** The files, those of the named disks marked. */
export function markedWithoutKeys(
  disks: readonly TargetDisk[],
  without: Iterable<string>,
): readonly TargetDisk[] {
  const marked = new Set(without);
  return disks.map((file) => (marked.has(file.disk) ? { ...file, lacksKeys: true } : file));
}

/** Why the copy of a disk that its source shows encrypted may be worth little; null: nothing is known of lost keys. */
export function lostKeysReason({
  disks,
}: {
  readonly disks: readonly TargetDisk[];
}): string | null {
  const without = disksWithoutKeys(disks);
  if (without.length === 0) return null;
  return `disk ${without.join(', ')} is encrypted in its source, and this copy has none of the lines by which its keys are found: it was made before the disk was encrypted, or an earlier build left them out, and then it is noise without a descriptor of the disk`;
}
