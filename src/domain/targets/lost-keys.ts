import type { TargetDisk } from './target-point.js';

/** Why the copy of an encrypted disk is worth little; null: nothing is known of lost keys. */
export function lostKeysReason({
  disks,
}: {
  readonly disks: readonly TargetDisk[];
}): string | null {
  const without = disks.filter((file) => file.lacksKeys === true).map(({ disk }) => disk);
  if (without.length === 0) return null;
  return `disk ${without.join(', ')} is encrypted, and its copy has none of the lines by which its keys are found, because an earlier build made it: without a descriptor of the disk it is noise`;
}
