import type { FormatId } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED, type WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import { fileStart } from '../file-start.js';
import { rawOrFile } from './raw-or-file.js';
import { orPacked, PACKERS } from '../names/packed-endings.js';
import { singleFilesLayout } from '../images/single-files.js';

/** What the systems' own tools write into one file, which is copied as it is. Whether it is whole is told by its end, where its format has one, and by its not
 *  having changed for `settleSeconds`. Compressed ones are as good as any; of those the packer's end tells. */

/** Images of `hdiutil` and Disk Utility; those in bundles are folders, and not recognised. */
export const macImageLayout = singleFilesLayout({
  name: 'mac-image',
  restoredWith: '`hdiutil attach mac01.dmg`, `asr restore`',
  type: { id: 'mac-image', title: 'Mac (dmg)', rules: ALL_ALLOWED },
  prefix: 'mac',
  formats: { dmg: 'dmg', sparseimage: 'file' },
});

export const SOLARIS_TYPE: WorkloadTypeFacts = {
  id: 'solaris-stream',
  title: 'Solaris (zfs send, ufsdump)',
  rules: ALL_ALLOWED,
};

/** Streams that may build on one another, by the endings of their names. */
export const STREAM_FORMATS: Readonly<Record<string, FormatId>> = orPacked({
  zfs: 'zfs-stream',
  zsend: 'zfs-stream',
  zstream: 'zfs-stream',
  ufsdump: 'dump',
});

/** Streams of `zfs send` and of `ufsdump` without a date in their names that stand for themselves (`streamChainLayout` has the others), and archives of `flarcreate`. */
export const solarisStreamLayout = singleFilesLayout({
  ...{ name: 'solaris-stream', type: SOLARIS_TYPE, prefix: 'solaris' },
  restoredWith: '`zfs receive tank/home`, `ufsrestore rf web01.ufsdump`',
  formats: { ...STREAM_FORMATS, ...orPacked({ flar: 'file' }) },
});

/** Names of AIX's own backups, most of which have no ending: `mksysb.aix01.20261124`, `aix01_mksysb`, `mksysb_2026-11-24.bff`. */
const AIX_NAME = /(?:^|[-_.])(?:mksysb|savevg)(?=[-_.]|$)/i;
const AIX_ENDING = /\.(?:mksysb|savevg)(?:\.(?:gz|zst|lz4|lzo|xz|bz2))?$/i;

/** System backups of `mksysb`, and of further volume groups by `savevg`. What has only the word in its name is one by its first bytes: a list or a
 *  script of theirs may have it, too. */
export const aixImageLayout = singleFilesLayout({
  name: 'aix-mksysb',
  restoredWith: '`alt_disk_mksysb -m aix01.mksysb -d hdisk1`, or NIM',
  type: { id: 'aix-mksysb', title: 'AIX (mksysb)', rules: ALL_ALLOWED },
  prefix: 'aix',
  pattern: AIX_NAME,
  formats: {
    ...orPacked({ mksysb: 'aix-backup', savevg: 'aix-backup', bff: 'aix-backup' }),
    ...PACKERS,
    '': 'aix-backup',
  },
  isOther: async (facts, entry, named) => {
    if (named !== 'aix-backup' || AIX_ENDING.test(entry.name)) return false;
    const start = await fileStart(facts, entry);
    return 'value' in start && !isAixBackup(start.value);
  },
});

/** A header of nine words, of a volume, and a magic number of 60011 to 60015, little-endian. Source: as of the format `aix-backup`. */
function isAixBackup(start: string): boolean {
  return start.startsWith('\t\0') && /^..[k-o]\xea/.test(start);
}

/** Disks as they are, of any system, and what other programs write under such names; with the external snapshots that QEMU has put on one, which are points of it. */
export const rawImageLayout = singleFilesLayout({
  name: 'raw-image',
  restoredWith: '`dd if=web01.img of=/dev/sdb`',
  type: { id: 'raw-image', title: 'Raw disk images', rules: ALL_ALLOWED },
  prefix: 'raw',
  // Of the last the layout of disk images leaves those that build on a raw disk beside them.
  formats: { ...orPacked({ raw: 'raw', img: 'raw', dd: 'raw' }), qcow2: 'qcow2' },
  linked: { raw: 'raw', qcow2: 'qcow2' },
  otherPrefix: { qcow2: 'disk' },
  formatOf: rawOrFile,
});
