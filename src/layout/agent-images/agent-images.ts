import type { FormatId } from '../../domain/sources/restore-point.js';
import { ALL_ALLOWED, type WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import { rawOrFile } from './raw-or-file.js';
import { singleFilesLayout } from '../single-files.js';

/** What the systems' own tools write into one file, which is copied as it is. Whether it is whole is told by its end, where its format has one, and by its not
 *  having changed for `settleSeconds`. Compressed ones are as good as any; of those the packer's end tells. */

const PACKERS: Readonly<Record<string, FormatId>> = {
  ...{ gz: 'gzip', zst: 'zstd', lz4: 'lz4', lzo: 'lzop', xz: 'xz', bz2: 'bzip2' },
};

/** Images of `hdiutil` and Disk Utility; those in bundles are folders, and not recognised. */
export const macImageLayout = singleFilesLayout({
  name: 'mac-image',
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
export const STREAM_FORMATS: Readonly<Record<string, FormatId>> = compressed({
  zfs: 'zfs-stream',
  zsend: 'zfs-stream',
  zstream: 'zfs-stream',
  ufsdump: 'dump',
});

/** Streams of `zfs send` and of `ufsdump` without a date in their names that stand for themselves (`streamChainLayout` has the others), and archives of `flarcreate`. */
export const solarisStreamLayout = singleFilesLayout({
  ...{ name: 'solaris-stream', type: SOLARIS_TYPE, prefix: 'solaris' },
  formats: { ...STREAM_FORMATS, ...compressed({ flar: 'file' }) },
});

/** System backups of `mksysb`, and of further volume groups by `savevg`. */
export const aixImageLayout = singleFilesLayout({
  name: 'aix-mksysb',
  type: { id: 'aix-mksysb', title: 'AIX (mksysb)', rules: ALL_ALLOWED },
  prefix: 'aix',
  formats: compressed({ mksysb: 'aix-backup', savevg: 'aix-backup' }),
});

/** Disks as they are, of any system, and what other programs write under such names. */
export const rawImageLayout = singleFilesLayout({
  name: 'raw-image',
  type: { id: 'raw-image', title: 'Raw disk images', rules: ALL_ALLOWED },
  prefix: 'raw',
  formats: compressed({ raw: 'raw', img: 'raw', dd: 'raw' }),
  formatOf: rawOrFile,
});

function compressed(formats: Readonly<Record<string, string>>): Record<string, string> {
  const all: Record<string, string> = { ...formats };
  for (const ending of Object.keys(formats)) {
    for (const [suffix, format] of Object.entries(PACKERS)) all[`${ending}.${suffix}`] = format;
  }
  return all;
}
