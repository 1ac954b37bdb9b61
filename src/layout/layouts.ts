import type { BackupLayout } from './backup-layout.js';
import { libvirtPushLayout } from './libvirt-push.js';
import { ovirtLayout } from './ovirt.js';

/** Every layout that this release looks for. A new one is a file here and a row. Workload ids start with the name of the platform, so no two
 *  layouts name the same one. A folder's names are offered to one after the other, so those that know their files by more than an ending
 *  stand before those that do not. */
export const BACKUP_LAYOUTS: readonly BackupLayout[] = [libvirtPushLayout, ovirtLayout];
