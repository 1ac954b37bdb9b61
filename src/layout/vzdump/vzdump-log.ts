import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { faultOfError } from '../point-fault.js';
import { readText } from '../xml-file.js';

/** What the log beside an archive says of the machine. */
interface VzdumpLog {
  /** null: nothing. */
  readonly machineName: string | null;
  /** What the archive lacks of the machine, in plain words; null: nothing. */
  readonly leftOut: string | null;
}

/** `2026-11-24 06:30:00 INFO: VM Name: web01`, `CT Name` for a container. */
const NAME = /INFO: (?:VM|CT) Name: (\S+)\s*$/m;
/** `INFO: exclude disk 'scsi1' 'local-lvm:vm-100-disk-1' (backup=no)`. Source: proxmox/qemu-server PVE/VZDump/QemuServer.pm. */
const DISK = /INFO: exclude disk '(?<disk>[^']+)' '(?<volume>[^']*)' \((?<reason>[^)]*)\)\s*$/;
/** `INFO: excluding bind mount point mp0 ('/srv') from backup (not a volume)`. Source: proxmox/pve-container src/PVE/VZDump/LXC.pm. */
const MOUNT_POINT =
  /INFO: excluding (?<kind>bind|volume|device) mount point (?<name>\S+) \('(?<path>.*)'\) from backup/;
/** A disk that the machine does not use. */
const UNUSED = 'efidisk but no OVMF BIOS';

/** More would say no more. */
const NAMED = 8;

/** null: it cannot be read. */
export async function readLog(facts: FolderFacts, log: RepositoryEntry): Promise<VzdumpLog | null> {
  const found = await facts.fact(log, 'log', async () => {
    try {
      const text = await readText(facts.repository, log.path);
      return 'fault' in text ? text : { value: parseLog(text.value) };
    } catch (error) {
      return faultOfError(error);
    }
  });
  return 'fault' in found ? null : found.value;
}

function parseLog(text: string): VzdumpLog {
  const without = text.split('\n').flatMap((line) => leftOutBy(line) ?? []);
  return { machineName: NAME.exec(text)?.[1] ?? null, leftOut: leftOutText(without) };
}

function leftOutBy(line: string): string | null {
  const { disk, volume = '', reason = '' } = DISK.exec(line)?.groups ?? {};
  if (disk !== undefined && reason !== UNUSED) return `the disk ${disk} (${volume}: ${reason})`;
  const { kind = '', name, path } = MOUNT_POINT.exec(line)?.groups ?? {};
  return name === undefined ? null : `the ${kind} mount point ${name} (${JSON.stringify(path)})`;
}

function leftOutText(without: readonly string[]): string | null {
  if (without.length === 0) return null;
  const more = without.length - NAMED;
  const rest = more > 0 ? ` and ${more} more` : '';
  return `vzdump has left out ${without.slice(0, NAMED).join(', ')}${rest}`;
}
