import type { ByteSource } from '../byte-source.js';
import { opaqueFormat } from '../file/opaque-format.js';
import { imageFault } from '../image-fault.js';
import { aixBackupFault } from './aix-backup-end.js';
import { dmgFault } from './dmg-end.js';
import { dumpFault } from './dump-end.js';
import { streamLinks } from './stream-links.js';
import { zfsStreamFault } from './zfs-end.js';

/** What the tools of Unix systems, and of the Mac, write into one file, front to back. The name says which of them it was; a file that does not begin as one of theirs (encrypted,
 *  or packed under this name) is taken as it is, because nothing tells its end. */

export const ZFS_STREAM = opaqueFormat({
  id: 'zfs-stream',
  extension: 'zfs',
  assertWhole: (source) => assertNone(source, zfsStreamFault),
  links: streamLinks,
});

export const DUMP = opaqueFormat({
  id: 'dump',
  extension: 'dump',
  assertWhole: (source) => assertNone(source, dumpFault),
  links: streamLinks,
});

export const AIX_BACKUP = opaqueFormat({
  id: 'aix-backup',
  extension: 'bff',
  assertWhole: (source) => assertNone(source, aixBackupFault),
});

export const DMG = opaqueFormat({
  id: 'dmg',
  extension: 'dmg',
  assertWhole: (source) => assertNone(source, dmgFault),
});

async function assertNone(
  source: ByteSource,
  faultOf: (source: ByteSource) => Promise<string | null>,
): Promise<void> {
  const fault = await faultOf(source);
  if (fault !== null)
    throw imageFault(source, 'IMAGE_TRUNCATED', fault, { offset: source.sizeBytes });
}
