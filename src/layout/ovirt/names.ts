import type { RestorePointKind } from '../../domain/sources/source-workload.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';

/** What the name of one backup file says. */
interface OvirtFileName {
  /** Id of the checkpoint; `None-<time>` for a run without checkpoints. */
  readonly pointId: string;
  readonly disk: string;
  readonly kind: RestorePointKind;
  /** Time in the name, taken for UTC. */
  readonly createdAtMs: number;
}

export interface OvirtFile extends OvirtFileName {
  readonly entry: RepositoryEntry;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** All ids in a text. */
export const UUIDS = new RegExp(UUID, 'gi');
const BACKUP_NAME = new RegExp(
  `^(?<time>\\d{14})\\.(?<checkpoint>${UUID}|None)\\.(?<disk>${UUID})\\.(?<mode>full|incremental)\\.qcow2$`,
  'i',
);
/** Of releases before checkpoints were in the name; their increments have no backing name ("should be rebased"). */
const EARLIER_NAME = new RegExp(
  `^(?<disk>${UUID})\\.(?<time>\\d{12})\\.(?<mode>full|incremental)\\.qcow2$`,
  'i',
);
const RUN_TIME = 'None-';
const OVF_NAME = new RegExp(`^(?<vmName>.+)-(?<vmId>${UUID})\\.ovf$`, 'i');

/** null for a name of any other form; one with a `/` among them. Source: backup_vm.py `download_backup`. */
export function parseBackupName(name: string): OvirtFileName | null {
  const parts = (BACKUP_NAME.exec(name) ?? EARLIER_NAME.exec(name))?.groups;
  if (parts === undefined) return null;
  const { time = '', mode = '' } = parts;
  const [checkpoint, disk] = [parts.checkpoint ?? 'none', parts.disk ?? ''].map(lowered) as [
    string,
    string,
  ];
  const iso = time.padEnd(14, '0').replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  const createdAtMs = Date.parse(iso);
  if (Number.isNaN(createdAtMs)) return null;
  return {
    pointId: checkpoint === 'none' ? `${RUN_TIME}${time}` : checkpoint,
    disk,
    kind: lowered(mode) === 'full' ? 'full' : 'increment',
    createdAtMs,
  };
}

/** Media and shares of Windows may show names in capitals; ids are the same. */
function lowered(text: string): string {
  return text.toLowerCase();
}

/** Whether this is the id of a run without checkpoints. */
export function isRunTime(pointId: string): boolean {
  return pointId.startsWith(RUN_TIME);
}

/** Machine that an OVF file describes, by its name `<name>-<id>.ovf`; null for a name of any other form. Source: vm_backup.py. */
export function parseOvfName(name: string): { readonly id: string; readonly name: string } | null {
  const parts = OVF_NAME.exec(name)?.groups;
  return parts === undefined ? null : { id: lowered(parts.vmId ?? ''), name: parts.vmName ?? '' };
}
