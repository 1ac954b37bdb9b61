import {
  ALL_ALLOWED,
  type WorkloadTypeFacts,
  type WorkloadTypeView,
} from '../domain/sources/workload-rules.js';
import type { BackupLayout } from './backup-layout.js';
import {
  aixImageLayout,
  macImageLayout,
  rawImageLayout,
  solarisStreamLayout,
} from './agent-images/agent-images.js';
import {
  diskImageLayout,
  ec2ExportLayout,
  gcpImageLayout,
  vhdImageLayout,
} from './cloud-exports/cloud-exports.js';
import { ghettoVcbLayout } from './ghettovcb/ghettovcb.js';
import { hypercoreLayout } from './hypercore/hypercore.js';
import { hypervLayout } from './hyperv/hyperv.js';
import { libvirtDefaultNamesLayout } from './libvirt/libvirt-default-names.js';
import { libvirtPushLayout } from './libvirt/libvirt-push.js';
import { nutanixLayout } from './nutanix/nutanix.js';
import { ovaLayout } from './ovf/ova.js';
import { ovfLayout } from './ovf/ovf.js';
import { ovirtLayout } from './ovirt/ovirt.js';
import { baseBackupLayout } from './postgres/base-backup.js';
import { TREE_LAYOUTS } from './tree-layouts.js';
import { windowsBackupLayout } from './windows-backup/windows-backup.js';
import { virtnbdbackupLayout } from './virtnbdbackup/virtnbdbackup.js';
import { vmwareMachineLayout } from './vmware-machine/vmware-machine.js';
import { loneVmaLayout } from './vzdump/lone-vma.js';
import { vzdumpLayout } from './vzdump/vzdump.js';

/** Every layout that this release looks for. A new one is a folder here and a row. Workload ids start with the name of the platform, so no two
 *  layouts name the same one. A folder's names are offered to one after the other, so those that know their files by more than an ending
 *  stand before those that do not. */
export const BACKUP_LAYOUTS: readonly BackupLayout[] = [
  ghettoVcbLayout,
  libvirtPushLayout,
  virtnbdbackupLayout,
  vzdumpLayout,
  ovirtLayout,
  ovfLayout,
  vmwareMachineLayout,
  hypercoreLayout,
  hypervLayout,
  windowsBackupLayout,
  nutanixLayout,
  ec2ExportLayout,
  libvirtDefaultNamesLayout,
  baseBackupLayout,
  // From here on an ending is all that is known.
  ovaLayout,
  loneVmaLayout,
  vhdImageLayout,
  diskImageLayout,
  gcpImageLayout,
  macImageLayout,
  solarisStreamLayout,
  rawImageLayout,
  // Its names need no ending.
  aixImageLayout,
];

/** Types of backups that this release finds, each once, sorted by title. */
export function workloadTypes(): WorkloadTypeView[] {
  const rows = [...BACKUP_LAYOUTS, ...TREE_LAYOUTS];
  const types = new Map(rows.map(({ type }) => [type.id, type]));
  const views = [...types.values()].map((type) => {
    const ofType = rows.filter((row) => row.type.id === type.id);
    const commands = new Set(ofType.map(({ restoredWith }) => restoredWith));
    const lines = TREE_LAYOUTS.filter((row) => row.type.id === type.id).flatMap(
      ({ linesInPlace = [] }) => linesInPlace,
    );
    return { ...type, restoredWith: [...commands].join('; '), linesInPlace: [...new Set(lines)] };
  });
  return views.sort((a, b) => (a.title < b.title ? -1 : 1));
}

/** Of a type that this release does not find (a copy that another release has made) nothing is known, so nothing is refused. */
export function workloadTypeOf(id: string): WorkloadTypeFacts {
  const row = [...BACKUP_LAYOUTS, ...TREE_LAYOUTS].find(({ type }) => type.id === id);
  return row?.type ?? { id, title: id, rules: ALL_ALLOWED };
}
