import { UNDATED_ID } from '../../domain/sources/source-identity.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace, placesOf } from '../names/dated-folders.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk, fullPoint } from '../images/full-point.js';
import { writtenAtMs } from '../names/named-date.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { settleChains } from '../images/settle-chains.js';
import { placeBesideRuns } from '../walk/sibling-runs.js';
import { loneIds } from '../images/single-file.js';
import { unzippedHead } from '../trees/unzipped-head.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { readBaseManifest } from './base-manifest.js';

/** Backups of PostgreSQL by `pg_basebackup -F tar`, packed or not: `base.tar`, a tar for each further tablespace called by its number, `pg_wal.tar`
 *  (unless the log is within `base.tar`), and since PostgreSQL 13 `backup_manifest`, which is put there last.
 *
 *  A workload is a folder, or several that differ in a date alone; each has one restore point, a full. A tablespace that the manifest names needs its tar. Packed tars travel as they are. `base.tar` is a name that anybody
 *  may give, so one of the others has to lie beside it, or it begins with the label of the backup, as far as that can be read (plain or packed with gzip). Incremental backups (PostgreSQL 17) are refused: nothing tells which one such a backup
 *  builds on. A backup in the plain format is a tree of the files of a database (`base-folder.ts`).
 *  Source: PostgreSQL documentation, pg_basebackup, Backup Manifest Format; names and end of what pg_basebackup 15 writes. */
export const baseBackupLayout: BackupLayout = {
  name: 'pg-basebackup',
  restoredWith: '`tar -xf base.tar.gz -C $PGDATA`, `tar -xf pg_wal.tar.gz -C $PGDATA/pg_wal`',
  type: { id: 'postgresql-base', title: 'PostgreSQL (pg_basebackup)', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  confirm,
  scan,
};

const TAR = /^(?<part>base|pg_wal|\d{4,10})\.tar(?:\.(?<packer>gz|lz4|zst|xz|bz2))?$/;
const MANIFEST = 'backup_manifest';
/** As packed afterwards, too: the tool knows the first three. */
const FORMATS: Readonly<Record<string, FormatId>> = {
  ...{ gz: 'gzip', lz4: 'lz4', zst: 'zstd', xz: 'xz', bz2: 'bzip2' },
};

function claim({ files }: FolderNames): Claim | null {
  if (!files.some((name) => partOf(name) === 'base')) return null;
  return { files: files.filter((name) => TAR.test(name) || name === MANIFEST) };
}

function partOf(name: string): string | undefined {
  return TAR.exec(name)?.groups?.part;
}

/** One that cannot be read stays as it is claimed: what it is called must not change with that. */
async function confirm(
  facts: FolderFacts,
  { files }: ClaimedFiles,
  claimed: Claim,
): Promise<Claim | null> {
  const isTold = files.some(({ name }) => name === MANIFEST || partOf(name) === 'pg_wal');
  if (isTold) return claimed;
  for (const entry of files.filter(({ name }) => partOf(name) === 'base')) {
    const found = await facts.fact(entry, 'label of a base backup', () =>
      labelComesFirst(facts, entry.path),
    );
    if ('value' in found && found.value) return claimed;
  }
  return null;
}

/** Source: PostgreSQL src/backend/backup/basebackup.c (perform_base_backup: "In the main tar, include the backup_label first"). */
async function labelComesFirst(facts: FolderFacts, path: string): Promise<Finding<boolean>> {
  const file = await facts.repository.openRead(path);
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    const head = bytes.subarray(0, await file.read(bytes, 0));
    const start = path.endsWith('.gz') ? unzippedHead(head) : head;
    return { value: start.toString('latin1', 0, LABEL.length) === LABEL };
  } finally {
    await file.close();
  }
}

const HEAD_BYTES = 4096;
const LABEL = 'backup_label\0';

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const manifest = files.find(({ name }) => name === MANIFEST) ?? null;
  const tars = files.flatMap((entry) => {
    const { part, packer } = TAR.exec(entry.name)?.groups ?? {};
    if (part === undefined) return [];
    return [{ part, entry, format: packer === undefined ? 'tar' : FORMATS[packer]! }];
  });
  const faults: PointFault[] = [];
  const own = new Map<string, (typeof tars)[number]>();
  for (const tar of tars) {
    const fault = await wholeImageFault(facts, tar.entry, tar.format);
    if (fault !== null) faults.push(fault);
    if (own.has(tar.part)) faults.push(broken(`${folder} holds ${tar.part}.tar twice`).fault);
    own.set(tar.part, tar);
  }
  if (manifest !== null) faults.push(...(await manifestFaults(facts, manifest, own)));
  const at = {
    folder,
    names: tars.flatMap(({ part, entry }) => (part === 'base' ? entry.name : [])),
  };
  const where = await placeBesideRuns(facts.siblings, at, datedPlace(folder), writtenAtMs(files));
  const { place, date } = where.place;
  const id = folderWorkloadId('postgresql-base', place);
  const point = fullPoint({
    ...{ id: date?.date ?? UNDATED_ID, workloadId: id, faults },
    createdAtMs: date?.createdAtMs ?? writtenAtMs(files),
    disks: [...own.values()].map(({ part, format, entry }) => fullDisk(part, format, entry)),
    companions: manifest === null ? [] : [{ path: manifest.path, as: MANIFEST }],
    files: tars.map(({ entry }) => entry),
    closingRecord: manifest ?? 'silent',
  });
  const name = folderName('postgresql-base', place);
  // As archives that lay alone.
  const lone = tars.flatMap(({ entry }) => loneIds('gcp', folder, entry.name));
  const ids = placesOf(folder).map((one) => folderWorkloadId('postgresql-base', one));
  const otherIds = [...(where.isDoubtful ? ids.filter((one) => one !== id) : []), ...lone];
  return [{ id, otherIds, name, restorePoints: settleChains([point]) }];
}

/** @param parts names of the tars that are there, without their endings */
async function manifestFaults(
  facts: FolderFacts,
  manifest: ClaimedFile,
  parts: ReadonlyMap<string, unknown>,
): Promise<PointFault[]> {
  const found = await readBaseManifest(facts, manifest);
  if ('fault' in found) return [found.fault];
  const { isIncremental, isWhole, tablespaces } = found.value;
  const lacking = tablespaces.filter((number) => !parts.has(number));
  return [
    ...(isWhole ? [] : [incomplete(`${manifest.path} ends too soon`).fault]),
    ...lacking.map(
      (number) => incomplete(`${number}.tar, which the manifest names, is not there`).fault,
    ),
    ...(isIncremental
      ? [
          broken(
            `${manifest.path} is of an incremental backup, and nothing tells which one that builds on; put both together (pg_combinebackup)`,
          ).fault,
        ]
      : []),
  ];
}
