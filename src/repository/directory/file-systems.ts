/** What is known of file systems by the number that statfs(2) gives them (linux/magic.h). What lies behind a share is not told. */

const EXT = 0xef53n;
const XFS = 0x58465342n;
const TMPFS = 0x01021994n;
const BTRFS = 0x9123683en;
const F2FS = 0xf2f52010n;

/** Without compression. */
export function isPlain(fileSystem: bigint): boolean {
  return PLAIN.has(fileSystem);
}
const PLAIN: ReadonlySet<bigint> = new Set([EXT, XFS, TMPFS]);

/** Whether syncfs(2) leaves everything on the disk, or says that it does not. Not those of a network, which may only hand the data on, nor overlayfs, which
 *  keeps to itself that the one below could not write. Source: the `sync_fs` of each in Linux 6.1; overlayfs over a failing ext4 answered 0. */
export function isSyncedAsAWhole(fileSystem: bigint): boolean {
  return SYNCED_AS_A_WHOLE.has(fileSystem);
}
const SYNCED_AS_A_WHOLE: ReadonlySet<bigint> = new Set([EXT, XFS, BTRFS, F2FS, TMPFS]);
