import { fileByteSource } from '../../image/byte-source.js';
import { unpackedStart, unpackerOf, type UnpackStart } from '../../image/stream/packed-start.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { fileStart, START_BYTES } from '../file-start.js';
import { faultOfError, type Finding } from '../point-fault.js';
import { isOfOnePlace } from '../unread-place.js';

/** What is smaller holds no disk and hardly a database. */
const SMALLEST_BYTES = 65_536;
/** Of one folder, the largest: one that is told tells of its folder, and a folder of pictures is not read as a whole. */
const MOST_FILES = 4;

/** First bytes that nothing but a backup, a database or a disk of a machine has. Names say nothing of it: libvirt calls an external snapshot of `web01.qcow2`
 *  `web01.<snapshot>`, and a dump has the name that a script gave it.
 *  Sources: QEMU docs/interop/qcow2.txt and qed_spec.txt, block/parallels.c; MS-VHD, MS-VHDX; VMware Virtual Disk Format 1.1; PostgreSQL
 *  src/bin/pg_dump/pg_backup_archiver.h; MTF 1.00a; `src/layout/mssql/packed-file.ts`; bbolt page.go; sqlite.org/fileformat2. What pg_dump, pg_dumpall 15,
 *  mariadb-dump and mariadb-backup 10.11, sqlite3 3.40, Redis 7.0, slapcat 2.5 and etcd 3.4 themselves wrote. */
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
  ['pg_dump or pg_dumpall', '--\n-- PostgreSQL'],
  ['mysqldump', '-- MySQL dump'],
  ['mysqldump', '-- MariaDB dump'],
  ['mysqldump', '/*M!999999'],
  ['XtraBackup or Mariabackup', 'XBSTCK01'],
  ['SQLite', 'SQLite format 3\0'],
  ['SQLite', 'PRAGMA foreign_k'],
  ['Redis or Valkey', 'REDIS'],
  ['LDAP (LDIF)', 'dn: '],
  ['LDAP (LDIF)', '# extended LDIF'],
  ['LDAP (LDIF)', 'version: 1\n\ndn: '],
  ['etcd or another program with bbolt', `${'\0'.repeat(8)}\x04${'\0'.repeat(7)}`],
  ['SQL Server or ntbackup', 'TAPE'],
  ['SQL Server', 'MSSQLBAK'],
];

/** The backup that one of these files, or what is packed in it, begins like, and which; null: none of those that were read. One that cannot be read tells nothing. */
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
    if ('fault' in start) return '';
    const unpack = unpackerOf(start.value);
    if (unpack === null) return start.value;
    const read = () => startWithin(facts, entry, unpack);
    const within = await facts.fact(entry, 'start within', read);
    return 'fault' in within ? '' : within.value;
  } catch (error) {
    if (isOfOnePlace(error)) return '';
    throw error;
  }
}

async function startWithin(
  { repository }: FolderFacts,
  { path }: RepositoryEntry,
  unpack: UnpackStart,
): Promise<Finding<string>> {
  try {
    const file = await repository.openRead(path);
    try {
      const unpacked = await unpackedStart(await fileByteSource(file, path), unpack);
      if (unpacked === null) return { value: '' };
      const bytes = Buffer.alloc(Math.min(START_BYTES, unpacked.sizeBytes));
      await unpacked.read(bytes, 0);
      return { value: bytes.toString('latin1') };
    } finally {
      await file.close();
    }
  } catch (error) {
    return faultOfError(error);
  }
}
