import type { RepositoryEntry } from '../repository/backup-repository.js';
import type { FolderFacts } from './file-facts.js';
import { fileStart } from './file-start.js';
import { isOfOnePlace } from './unread-part.js';

/** What is smaller holds no disk and hardly a database. */
const SMALLEST_BYTES = 65_536;
/** Of one folder, the largest: one that is told tells of its folder, and a folder of pictures is not read as a whole. */
const MOST_FILES = 4;

/** First bytes that nothing but a backup, or a disk of a machine, has. Names say nothing of it: libvirt calls an external snapshot of `web01.qcow2` `web01.<snapshot>`.
 *  Sources: QEMU docs/interop/qcow2.txt and qed_spec.txt, block/parallels.c; MS-VHD, MS-VHDX; VMware Virtual Disk Format 1.1; PostgreSQL
 *  src/bin/pg_dump/pg_backup_archiver.h; MTF 1.00a; `src/layout/mssql/packed-file.ts`. */
const STARTS: readonly (readonly [what: string, start: string])[] = [
  ['a machine as a disk image (qcow2)', 'QFI\xfb'],
  ['a machine as a disk image (QED)', 'QED\0'],
  ['a machine as a disk image (VHDX)', 'vhdxfile'],
  ['a machine as a disk image (VHD)', 'conectix'],
  ['a machine as a disk image (VMDK)', 'KDMV'],
  ['a machine as a disk image (VMDK)', 'COWD'],
  ['a machine as a disk image (VDI)', '<<< Oracle VM Vi'],
  ['a machine as a disk image (Parallels)', 'WithoutFreeSpace'],
  ['a machine as a disk image (Parallels)', 'WithouFreSpacExt'],
  ['pg_dump', 'PGDMP'],
  ['SQL Server or ntbackup', 'TAPE'],
  ['SQL Server', 'MSSQLBAK'],
];

/** The backup that one of these files begins like, and which; null: none of those that were read. One that cannot be read tells nothing. */
export async function toldByStart(
  facts: FolderFacts,
  files: readonly RepositoryEntry[],
): Promise<{ readonly tool: string; readonly name: string } | null> {
  for (const entry of worthReading(files)) {
    const start = await startOrNothing(facts, entry);
    const known = STARTS.find(([, bytes]) => start.startsWith(bytes));
    if (known !== undefined) return { tool: known[0], name: entry.name };
  }
  return null;
}

export function worthReading(files: readonly RepositoryEntry[]): RepositoryEntry[] {
  return files
    .filter(({ type, stamp }) => type === 'file' && stamp.sizeBytes >= SMALLEST_BYTES)
    .sort((a, b) => b.stamp.sizeBytes - a.stamp.sizeBytes)
    .slice(0, MOST_FILES);
}

async function startOrNothing(facts: FolderFacts, entry: RepositoryEntry): Promise<string> {
  try {
    const start = await fileStart(facts, entry);
    return 'fault' in start ? '' : start.value;
  } catch (error) {
    if (isOfOnePlace(error)) return '';
    throw error;
  }
}
