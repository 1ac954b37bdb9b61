import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type { SourceCompanion, SourceDisk } from '../../domain/sources/source-workload.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace } from '../names/dated-folders.js';
import type { FolderFacts } from '../file-facts.js';
import { awaited, fullDisk, fullPoint } from '../images/full-point.js';
import { namedDateMs } from '../names/named-date.js';
import { broken, incomplete, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { listedVolumes, missingVolume } from './listed-volumes.js';

/** Backups of Windows itself (`wbadmin`, Windows Server Backup): `WindowsImageBackup/<computer>/Backup YYYY-MM-DD HHMMSS/<volume>.vhdx`, or `.vhd`,
 *  with XML files beside them, and `Catalog/`, `SPPMetadataCache/` and `MediaId` for all backups of the computer.
 *
 *  A workload is a computer, known by its folder: two of one name in two places are two, because retention would delete the backups of one for
 *  those of the other. A folder `Backup …` is one restore point, dated by its name, which is UTC; there is one disk for each volume, and every
 *  backup is a full. The folder above is known by what is in it, because administrators rename it to keep older backups, which are a workload of
 *  their own then; they are restored under the name at which alone `wbadmin` looks. It lists a backup only with all files beside it under their own
 *  names, so all of them travel, those for all backups with each.
 *  `BackupSpecs.xml` is written last, and lists the volumes (`listed-volumes.ts`): without it, or one of those, the backup is not finished. One with a disk
 *  of a later second, or a list that says nothing, is awaited for longer: a copy by hand that keeps no times leaves any order.
 *  Source: listings of two such trees; no real files could be had (docs/COMPATIBILITY.md). */
export const windowsBackupLayout: BackupLayout = {
  name: 'windows-image-backup',
  restoredWith: '`wbadmin start recovery`, or Windows setup: system image recovery',
  type: { id: 'windows-agent', title: 'Windows (wbadmin)', rules: ALL_ALLOWED },
  makesFullsOnly: true,
  claim,
  scan,
};

const BACKUP_FOLDER =
  /^Backup (?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d) (?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)$/;
/** For all backups of a computer. */
const SHARED = /^(?:Catalog|SPPMetadataCache|Logs)$/i;
const MEDIA_ID = /^MediaId$/i;
const DISK = /^(?<volume>.+)\.(?<format>vhdx?)$/i;
const CLOSING_RECORD = /^BackupSpecs\.xml$/i;
/** Where alone the tool looks for the folders of computers. */
const ROOT_NAME = 'WindowsImageBackup';

function claim({ files, folders }: FolderNames): Claim | null {
  const backups = folders.filter((name) => backupDateMs(name) !== null);
  if (backups.length === 0) return null;
  return {
    files: files.filter((name) => MEDIA_ID.test(name)),
    folders: [...backups, ...folders.filter((name) => SHARED.test(name))],
  };
}

function backupDateMs(folder: string): number | null {
  const parts = BACKUP_FOLDER.exec(folder)?.groups;
  return parts === undefined ? null : namedDateMs(parts);
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const name = folderName('windows', folder);
  const id = folderWorkloadId('windows', datedPlace(folder).place);
  const backups = new Map<string, ClaimedFile[]>();
  const shared: ClaimedFile[] = [];
  for (const file of files) {
    const top = file.within.split('/')[0] ?? '';
    if (backupDateMs(top) === null) shared.push(file);
    else backups.set(top, [...(backups.get(top) ?? []), file]);
  }
  const place = treePlace(folder);
  const drafts: DraftPoint[] = [];
  for (const [backup, own] of backups)
    drafts.push(await draftPoint(facts, { id, backup, own, shared, place }));
  return [{ id, name, restorePoints: settleChains(drafts) }];
}

/** Where the tool looks for the folder of a computer, whatever an administrator has called the folders, or which date they have added. */
function treePlace(folder: string): string {
  const computer = datedPlace(folder).place.split('/').at(-1);
  return `${ROOT_NAME}/${computer === undefined || computer === '' ? 'windows' : computer}`;
}

interface Backup {
  readonly id: string;
  readonly backup: string;
  readonly own: readonly ClaimedFile[];
  readonly shared: readonly ClaimedFile[];
  readonly place: string;
}

async function draftPoint(
  facts: FolderFacts,
  { id, backup, own, shared, place }: Backup,
): Promise<DraftPoint> {
  const record = own.find(({ name }) => CLOSING_RECORD.test(name)) ?? null;
  const volumes = own.filter(({ name }) => DISK.test(name));
  const faults: PointFault[] = [];
  const disks: SourceDisk[] = [];
  const listed = record === null ? null : await listedVolumes(facts, record);
  if (record === null) faults.push(incomplete(`${backup}/BackupSpecs.xml is not there yet`).fault);
  for (const file of volumes) {
    const { volume = '', format = '' } = DISK.exec(file.name)?.groups ?? {};
    if (disks.some(({ disk }) => disk === volume.toLowerCase())) {
      faults.push(broken(`volume ${volume} has two files`).fault);
      continue;
    }
    const fault = await wholeImageFault(facts, file, format.toLowerCase());
    if (fault !== null) faults.push(fault);
    const disk = fullDisk(volume.toLowerCase(), format.toLowerCase(), file);
    disks.push({ ...disk, as: `${place}/${file.within}` });
  }
  const missing = missingVolume(
    listed ?? [],
    disks.map(({ disk }) => disk),
  );
  if (missing !== null)
    faults.push(incomplete(`${missing}, which ${backup}/BackupSpecs.xml lists`).fault);
  const companions: SourceCompanion[] = [...own, ...shared]
    .filter((file) => !volumes.includes(file))
    .map(({ path, within }) => ({ path, as: `${place}/${within}` }));
  const point = fullPoint({
    ...{ id: backup, workloadId: id, createdAtMs: backupDateMs(backup) ?? 0 },
    ...{ disks, companions, faults },
    ...{ files: own.filter((file) => file !== record), closingRecord: record },
  });
  // Another run is writing to it, or it was brought here file by file: which of them, time tells.
  const isAwaited =
    record !== null &&
    (listed === null || volumes.some((file) => secondOf(file) > secondOf(record)));
  return isAwaited ? awaited(point) : point;
}

/** XML files get the second of the last disk. */
function secondOf({ stamp }: ClaimedFile): bigint {
  return BigInt(stamp.modifiedAtNs) / 1_000_000_000n;
}
