import { fileByteSource } from '../../image/byte-source.js';
import { unpackedStart, unpackerOf, type UnpackStart } from '../../image/stream/packed-start.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
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
  ['a machine as a disk image (qcow, which came before qcow2)', 'QFI\xfb\0\0\0\x01'],
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
  ['mongodump', '\x6d\xe2\x99\x81'],
  ['Proxmox VE (vma)', 'VMA\0'],
];

type Magic = readonly [what: string, ...parts: (readonly [at: number, bytes: string])[]];

/** Magic numbers beside words that differ. Sources: as of the formats `zfs-stream`, `dump` and `aix-backup`. */
const NUMBERS: readonly Magic[] = [
  ...inBothOrders('\xac\xcb\xba\xf5\x02\0\0\0', (magic): Magic => {
    return ['zfs send', [0, '\0\0\0\0'], [8, magic]];
  }),
  ...['k\xea\0\0', 'l\xea\0\0', 'm\xea\0\0', '\x19\x01\x54\x19'].flatMap((little) =>
    inBothOrders(little, (magic, one): Magic => ['dump or ufsdump', [0, one], [24, magic]]),
  ),
  ...['k', 'l', 'm', 'n', 'o'].map((low): Magic => {
    return ['AIX (backup, mksysb, savevg)', [0, `\t\0${low}\xea`]];
  }),
];

/** @param row of a number and of the word 1, in one byte order */
function inBothOrders(little: string, row: (magic: string, one: string) => Magic): Magic[] {
  const big = [...little].reverse().join('');
  return [row(little, '\x01\0\0\0'), row(big, '\0\0\0\x01')];
}

/** Of the longest of them. */
const LONGEST_BYTES = 28;

/** In the last sector: what is in front of it may be anything, as in a fixed VHD, which Azure hands out as `abcd`. Virtual PC wrote one of 511 bytes.
 *  Sources: MS-VHD; `src/image/stream/dmg-end.ts`. */
const ENDS: readonly Magic[] = [
  ['a machine as a disk image (VHD)', [0, 'conectix']],
  ['a machine as a disk image (VHD)', [1, 'conectix']],
  ['a Mac (dmg)', [0, 'koly\0\0\0\x04']],
];
const END_BYTES = 512;

/** The backup that one of these files, or what is packed in it, begins like, and which; null: none of those that were read. One that cannot be read tells nothing. */
export async function toldByStart(
  facts: FolderFacts,
  files: readonly RepositoryEntry[],
): Promise<{ readonly tool: string; readonly name: string } | null> {
  for (const entry of worthReading(files)) {
    const known = await toolOf(facts, entry);
    if (known !== null) return { tool: known, name: entry.name };
  }
  return null;
}

async function toolOf(facts: FolderFacts, entry: RepositoryEntry): Promise<string | null> {
  const { start, end } = await bothEnds(facts, entry);
  const unpack = unpackerOf(start);
  const within =
    unpack === null
      ? start
      : await orElse('', () =>
          facts.fact(entry, 'start within', () => startWithin(facts, entry, unpack)),
        );
  return toolOfStart(within) ?? toldBy(ENDS, end);
}

function toolOfStart(start: string): string | null {
  return STARTS.find(([, bytes]) => start.startsWith(bytes))?.[0] ?? toldBy(NUMBERS, start);
}

function toldBy(magics: readonly Magic[], text: string): string | null {
  const isHere = ([at, bytes]: readonly [number, string]) => text.startsWith(bytes, at);
  return magics.find(([, ...parts]) => parts.every(isHere))?.[0] ?? null;
}

export function worthReading(files: readonly RepositoryEntry[]): RepositoryEntry[] {
  return files
    .filter(({ type, stamp }) => type === 'file' && stamp.sizeBytes >= SMALLEST_BYTES)
    .sort((a, b) => b.stamp.sizeBytes - a.stamp.sizeBytes)
    .slice(0, MOST_FILES);
}

interface BothEnds {
  readonly start: string;
  /** Of the last sector; nothing where the start tells what it is. */
  readonly end: string;
}

const NOTHING: BothEnds = { start: '', end: '' };

async function bothEnds(facts: FolderFacts, entry: RepositoryEntry): Promise<BothEnds> {
  const { path, stamp } = entry;
  return orElse(NOTHING, () =>
    facts.fact(entry, 'start and end', async () => {
      try {
        const file = await facts.repository.openRead(path);
        try {
          const textAt = async (offset: number): Promise<string> => {
            const bytes = Buffer.alloc(LONGEST_BYTES);
            return bytes.toString('latin1', 0, await file.read(bytes, offset));
          };
          const start = await textAt(0);
          const isTold = toolOfStart(start) !== null || unpackerOf(start) !== null;
          const end = isTold ? '' : await textAt(stamp.sizeBytes - END_BYTES);
          return { value: { start, end } };
        } finally {
          await file.close();
        }
      } catch (error) {
        return faultOfError(error);
      }
    }),
  );
}

async function orElse<T>(otherwise: T, ask: () => Promise<Finding<T>>): Promise<T> {
  try {
    const found = await ask();
    return 'fault' in found ? otherwise : found.value;
  } catch (error) {
    if (isOfOnePlace(error)) return otherwise;
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
      const bytes = Buffer.alloc(Math.min(LONGEST_BYTES, unpacked.sizeBytes));
      await unpacked.read(bytes, 0);
      return { value: bytes.toString('latin1') };
    } finally {
      await file.close();
    }
  } catch (error) {
    return faultOfError(error);
  }
}
