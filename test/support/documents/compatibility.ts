import type { JobKind } from '../../../src/domain/jobs/copy-job.js';
import { PLAIN_DIALECT } from '../../../src/image/disk-image.js';
import { IMAGE_FORMATS } from '../../../src/image/formats.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { BACKUP_LAYOUTS, workloadTypes } from '../../../src/layout/layouts.js';
import { TREE_LAYOUTS } from '../../../src/layout/tree-layouts.js';
import type { LayoutEvidence } from './layout-evidence.js';
import { TREE_EVIDENCE } from './tree-evidence.js';

const EVERY_LAYOUT = 'test/integration/mover/every-layout.test.ts';
const SINGLE_FILES = ['test/unit/layout/images/single-files.test.ts', EVERY_LAYOUT];
const SAME_BYTES = 'SHA-256 of the file';

/** By name of the layout. */
export const LAYOUT_EVIDENCE: Readonly<Record<string, LayoutEvidence>> = {
  'libvirt-push': {
    writtenBy: '`virsh backup-begin`, push mode',
    data: 'real',
    judge: 'qemu-img 7.2, libvirt 9.0 (fixtures)',
    tests: ['test/unit/layout/libvirt-push.test.ts', 'test/unit/layout/fixture-content.test.ts'],
  },
  'libvirt-default-names': {
    writtenBy: '`virsh backup-begin` under the names that libvirt gives its files: fulls',
    data: 'parts',
    judge: 'qemu-img 7.2; names after the source of libvirt',
    tests: SINGLE_FILES,
  },
  virtnbdbackup: {
    writtenBy: '`virtnbdbackup`, plain and lz4 streams',
    data: 'real',
    judge: 'virtnbdrestore and virtnbdbackup 1.9.15',
    tests: [
      'test/unit/layout/virtnbdbackup.test.ts',
      'test/unit/image/virtnbd/virtnbd-read.test.ts',
    ],
  },
  vzdump: {
    writtenBy: '`vzdump`: VMA, tar, compressed or not',
    data: 'parts',
    judge:
      'SHA-256 of the file; disks of an archive of Proxmox’s own `vma` by dissect.archive 1.9 (digests)',
    tests: ['test/unit/layout/vzdump.test.ts', 'test/unit/image/vma/vma.test.ts'],
  },
  ovirt: {
    writtenBy: '`backup_vm.py`, `vm_backup.py` (OVF beside)',
    data: 'synthetic',
    judge: 'qemu-img 7.2',
    tests: ['test/unit/layout/ovirt.test.ts', 'test/unit/layout/fixture-content.test.ts'],
  },
  ovf: {
    writtenBy: 'vCenter, Cloud Director, `ovftool`, VirtualBox: package in a folder',
    data: 'parts',
    judge: 'manifests of real packages (VirtualBox, ovftool); SHA-256 of each file',
    tests: ['test/unit/layout/ovf.test.ts', EVERY_LAYOUT],
  },
  ova: {
    writtenBy: 'the same, and Nutanix: package in one file',
    data: 'parts',
    judge: 'GNU tar; SHA-256 of the file',
    tests: ['test/unit/image/ova.test.ts', EVERY_LAYOUT],
  },
  'vmware-machine': {
    writtenBy:
      'copies of the folders of machines of Workstation, Fusion, ESXi that are off: `.vmx`, disks, snapshots',
    data: 'parts',
    judge: 'qemu-img 7.2',
    tests: [
      'test/unit/layout/vmware-machine.test.ts',
      'test/integration/mover/vmware-machine.test.ts',
    ],
  },
  ghettovcb: {
    writtenBy: '`ghettoVCB.sh`: dated, numbered and packed runs',
    data: 'parts',
    judge: 'qemu-img 7.2, libvmdk',
    tests: [
      'test/unit/layout/ghettovcb/ghettovcb.test.ts',
      'test/unit/image/vmdk/vmdk-read.test.ts',
    ],
  },
  hyperv: {
    writtenBy: '`Export-VM`',
    data: 'parts',
    judge: 'qemu-img 7.2, libvhdi',
    tests: ['test/unit/layout/hyperv.test.ts', 'test/unit/image/vhdx/vhdx-read.test.ts'],
  },
  'windows-image-backup': {
    writtenBy: '`wbadmin`: WindowsImageBackup',
    data: 'synthetic',
    judge: 'qemu-img 7.2, libvhdi',
    tests: ['test/unit/layout/windows-backup.test.ts', 'test/unit/image/vhd/vhd-read.test.ts'],
  },
  hypercore: {
    writtenBy: 'export of a machine: XML and qcow2',
    data: 'synthetic',
    judge: 'qemu-img 7.2',
    tests: ['test/unit/layout/hypercore.test.ts', EVERY_LAYOUT],
  },
  nutanix: {
    writtenBy:
      'scripts that copy disks of AHV, raw or qcow2, by their ids or places (`web01-scsi.0.qcow2`)',
    data: 'synthetic',
    judge: 'qemu-img 7.2; SHA-256 of the disk',
    tests: ['test/unit/layout/nutanix.test.ts', EVERY_LAYOUT],
  },
  'ec2-export': {
    writtenBy: '`export-instance-task`: OVA, VMDK, VHD, raw',
    data: 'synthetic',
    judge: SAME_BYTES,
    tests: SINGLE_FILES,
  },
  'pg-basebackup': {
    writtenBy: '`pg_basebackup -F tar`, packed or not, with `backup_manifest`',
    data: 'synthetic',
    judge: 'SHA-256 of the file; `pg_verifybackup` 15 of a restored copy (by hand)',
    tests: ['test/unit/layout/postgres/base-backup.test.ts'],
  },
  'lone-vma': {
    writtenBy: '`vma create`, or `vzdump` under another name: VMA, compressed or not',
    data: 'parts',
    judge: SAME_BYTES,
    tests: ['test/unit/layout/images/single-files.test.ts', 'test/unit/image/vma/vma.test.ts'],
  },
  'vhd-image': {
    writtenBy:
      'download of a managed disk, Disk2vhd, WSL; any VHD or VHDX that lies alone, with AVHD and AVHDX that build on it',
    data: 'parts',
    judge: 'qemu-img 7.2, libvhdi; digests of two chains of Windows',
    tests: [
      'test/unit/layout/images/single-files.test.ts',
      'test/unit/image/vhd/vhd-read.test.ts',
      'test/integration/mover/lone-chains.test.ts',
    ],
  },
  'disk-image': {
    writtenBy:
      'exports of clouds, downloads, copies of datastores: VMDK in one file or in parts, qcow2, with those that build on them',
    data: 'synthetic',
    judge: 'qemu-img 7.2, libvmdk; SHA-256 of a VMDK in one file',
    tests: [
      'test/unit/layout/images/single-files.test.ts',
      'test/unit/image/vmdk/vmdk-read.test.ts',
      'test/integration/mover/lone-chains.test.ts',
    ],
  },
  'gcp-image': {
    writtenBy: 'any archiver: tar.gz, tar.zst and others; `gcloud compute images export`',
    data: 'synthetic',
    judge: SAME_BYTES,
    tests: SINGLE_FILES,
  },
  'mac-image': {
    writtenBy: '`hdiutil`, Disk Utility: dmg, sparseimage',
    data: 'synthetic',
    judge: SAME_BYTES,
    tests: SINGLE_FILES,
  },
  'solaris-stream': {
    writtenBy:
      '`zfs send`, `ufsdump`, `flarcreate`, compressed or not: fulls without a date in their names',
    data: 'parts',
    judge: 'SHA-256 of the file; the streams are of zfs-fuse 0.7, the dumps of Linux dump 0.4b47',
    tests: ['test/unit/image/streams.test.ts', ...SINGLE_FILES],
  },
  'aix-mksysb': {
    writtenBy: '`mksysb`, `savevg`, compressed or not, under names with that word',
    data: 'synthetic',
    judge: SAME_BYTES,
    tests: ['test/unit/image/streams.test.ts', ...SINGLE_FILES],
  },
  'raw-image': {
    writtenBy:
      '`dd` and others: raw, img, dd, compressed or not; with external snapshots of QEMU (qcow2) on them',
    data: 'synthetic',
    judge: SAME_BYTES,
    tests: SINGLE_FILES,
  },
};

/** The table of docs/COMPATIBILITY.md, Backups, as Markdown: a row for each layout, in their order. */
export function renderLayoutTable(): string {
  return table(
    ['Type', 'Backups of', 'Written by', 'Test data', 'Judge of the copy', 'Restored by', 'Limits'],
    BACKUP_LAYOUTS.map((row) => evidenceCells(row, LAYOUT_EVIDENCE[row.name])),
  );
}

/** The table of docs/COMPATIBILITY.md, Trees of files, as Markdown: a row for each layout, in their order. */
export function renderTreeTable(): string {
  return table(
    [
      ...['Type', 'Backups of', 'Written by', 'Test data', 'Judge of the copy', 'Restored by'],
      ...['Limits', 'Copied by', 'Checked on the way', 'What the source removed stays'],
    ],
    TREE_LAYOUTS.map(({ rules, ...row }) => [
      ...evidenceCells(row, TREE_EVIDENCE[row.name]),
      JOBS[row.type.rules.job],
      rules.digestInName === null ? 'as it was read' : 'by the digest in its name',
      rules.shape === 'sets' ? 'as retention says' : `${rules.keepRemovedForDays} days`,
    ]),
  );
}

/** The table of README.md, Restore with it, as Markdown: a row for each type, sorted by title. */
export function renderTypeTable(): string {
  return table(
    ['Backups of', 'Restored with', 'Tested on data that are'],
    workloadTypes().map(({ id, title, restoredWith }) => {
      const data = [...BACKUP_LAYOUTS, ...TREE_LAYOUTS].flatMap(({ name, type }) =>
        type.id === id ? ((LAYOUT_EVIDENCE[name] ?? TREE_EVIDENCE[name])?.data ?? '?') : [],
      );
      const words = [...new Set(data)]
        .sort()
        .map((kind) => (kind === 'parts' ? 'real in parts' : kind));
      return [title, restoredWith, words.join(', ')];
    }),
  );
}

const JOBS: Readonly<Record<JobKind, string>> = {
  copy: 'copy job',
  fileBackup: 'file-backup job',
  mirror: 'mirror job',
};

function evidenceCells(
  { type: { id, title, rules }, restoredWith }: Pick<BackupLayout, 'type' | 'restoredWith'>,
  known: LayoutEvidence | undefined,
): string[] {
  const limits = [
    ...(rules.wholeSourceOnly ? ['whole repository'] : []),
    ...(rules.modes.length === 1 ? [`${rules.modes[0]!} only`] : []),
    ...(rules.allowsGfs ? [] : ['no GFS']),
    ...(rules.retentionByDaysOnly ? ['by days'] : []),
  ];
  return [
    `\`${id}\``,
    title,
    known?.writtenBy ?? '?',
    known?.data ?? '?',
    known?.judge ?? '?',
    restoredWith,
    limits.join(', ') || '–',
  ];
}

/** The table of docs/COMPATIBILITY.md, Formats, as Markdown. */
export function renderFormatTable(): string {
  return table(
    ['Format', 'Full of the copy', 'Increment of the copy', 'Merged in place'],
    IMAGE_FORMATS.map((format) => [
      `\`${format.id}\``,
      writes(format, 'full') ? 'same format' : 'qcow2',
      incrementOf(format),
      format.merger === null ? 'no' : 'yes',
    ]),
  );
}

function writes({ composer }: ImageFormat, kind: 'full' | 'increment'): boolean {
  return composer?.traits(PLAIN_DIALECT, kind).kinds.includes(kind) === true;
}

/** Of these an increment travels as the file that it is (`streamChainLayout`). */
const CHAINED: readonly string[] = ['zfs-stream', 'dump'];

function incrementOf(format: ImageFormat): string {
  if (CHAINED.includes(format.id)) return 'the file as it is, in a tree';
  if (writes(format, 'increment')) return 'same format';
  const other = IMAGE_FORMATS.find(({ composer }) =>
    composer?.traits(PLAIN_DIALECT, 'increment').parents.includes(format.id),
  );
  return other === undefined ? 'none: each point is a full' : other.id;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
