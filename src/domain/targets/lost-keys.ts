import type { TargetDisk } from './target-point.js';

/** Why the copy of a disk that its source shows encrypted may be worth little; null: nothing is known of lost keys. */
export function lostKeysReason({
  disks,
}: {
  readonly disks: readonly TargetDisk[];
}): string | null {
  const without = disks.filter((file) => file.lacksKeys === true).map(({ disk }) => disk);
  if (without.length === 0) return null;
  return `disk ${without.join(', ')} is encrypted in its source, and this copy has none of the lines by which its keys are found: it was made before the disk was encrypted, or an earlier build left them out, and then it is noise without a descriptor of the disk`;
}
