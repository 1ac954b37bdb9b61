import type { FormatId } from '../../domain/sources/source-workload.js';
import type { ClaimedFile, FolderNames } from '../backup-layout.js';

/** Folders that `Export-VM` makes in that of the machine. */
const MACHINES = 'virtual machines';
const EXPORTED_FOLDERS: readonly string[] = [
  MACHINES,
  'virtual hard disks',
  'snapshots',
  'undologconfiguration',
];

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** Of the machine: up to 2012 R2 in XML, which exports of 2008 and 2008 R2 have turned into `.exp`; those of checkpoints lie in `Snapshots`. */
const MACHINE_FILE = new RegExp(`^[^/]+/(?<guid>${GUID})\\.(?:vmcx|xml|exp)$`, 'i');
const DISK_FILE = /\.a?(?<format>vhdx?)$/i;
/** Of a disk with a checkpoint: the name of the disk, then one of the checkpoint. */
const CHECKPOINT_DISK = new RegExp(`^(?<base>.+)_(?<guid>${GUID})$`, 'i');

/** Names on storage of Windows are the same in any case. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function exportedFolders({ folders }: FolderNames): string[] {
  const own = folders.filter((name) => EXPORTED_FOLDERS.includes(name.toLowerCase()));
  return own.some((name) => sameName(name, MACHINES)) ? own : [];
}

/** What exports of 2008 and 2008 R2 have beside these folders: the paths that an import is to take. */
export function isImportConfig(name: string): boolean {
  return sameName(name, 'config.xml');
}

/** GUID of the machine that a file describes, in lower case; null: it describes none. */
export function machineOf({ within }: ClaimedFile): string | null {
  const isMachine = sameName(within.split('/')[0] ?? '', MACHINES);
  return isMachine ? (MACHINE_FILE.exec(within)?.groups?.guid?.toLowerCase() ?? null) : null;
}

/** null: it is no disk. */
export function diskFormat(name: string): FormatId | null {
  return DISK_FILE.exec(name)?.groups?.format?.toLowerCase() ?? null;
}

/** `web01` of `web01.vhdx` and of `web01_<guid>.avhdx`. */
export function diskName(name: string): string {
  const stem = name.replace(DISK_FILE, '');
  return CHECKPOINT_DISK.exec(stem)?.groups?.base ?? stem;
}

/** Change tracking of the host that made the export; no other host can use it. */
export function isChangeTracking(name: string): boolean {
  return /\.(?:rct|mrt)$/i.test(name);
}
