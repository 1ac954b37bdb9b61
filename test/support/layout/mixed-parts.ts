import { gzipSync } from 'node:zlib';
import { hanaFile, HANA_IDS, recoveryArea, hanaBackups } from './database-trees.js';
import { clusterFiles, segmentName } from './cluster-files.js';
import { barmanFiles } from './barman-files.js';
import { probackupFiles } from './probackup-files.js';
import { walgBackup, walgLog } from './walg-files.js';

/** Files by their paths from the folder that an admin gives them. */
type Files = Readonly<Record<string, string | Uint8Array>>;

/** What one tool leaves on a day in the folder that it is given. */
export interface MixedPart {
  readonly name: string;
  /** Of two of one kind in one place, which is told by what lies beside it. */
  readonly kind: string;
  /** @param day from 1; later days add to what lies there, or lie in another folder */
  filesOf(day: number): Files;
}

const MEBIBYTE = 1024 * 1024;
const DISK = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const VOLUME = '9b9cfbc3-369e-11e9-a17c-806e6f6e6963';
const dateOf = (day: number): string => `2026-11-2${day}`;
const under = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]));

/** Smallest archive of mongodump: magic, a closing block, terminators. Source: mongo-tools common/archive. */
function mongoArchive(): Buffer {
  const head = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
  const body = Buffer.concat([
    Buffer.from(
      '\x02db\0\x05\0\0\0shop\0\x02collection\0\x07\0\0\0orders\0\x08EOF\0\x01',
      'latin1',
    ),
    Buffer.from('\x12CRC\0\0\0\0\0\0\0\0\0\0', 'latin1'),
  ]);
  const length = Buffer.alloc(4);
  length.writeInt32LE(body.length + 4);
  return Buffer.concat([head, length, body, Buffer.from([255, 255, 255, 255])]);
}

function xtraBackup(): Files {
  return {
    ...{ ibdata1: 'x'.repeat(64), 'billing/t.ibd': 'y', 'mysql/db.opt': 'z' },
    ...{ 'backup-my.cnf': '[mysqld]\n', xtrabackup_logfile: 'l' },
    xtrabackup_checkpoints:
      'backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 900\nlast_lsn = 900\n',
    xtrabackup_info: 'tool_name = mariadb-backup\ninnodb_from_lsn = 0\ninnodb_to_lsn = 900\n',
  };
}

function qcow2(): Buffer {
  const bytes = Buffer.alloc(65_536 * 4);
  bytes.write('QFI\xfb', 'latin1');
  bytes.writeUInt32BE(3, 4);
  return bytes;
}

/** A kind is the first word of a name. */
const partOf = (name: string, filesOf: (day: number) => Files): MixedPart => ({
  ...{ name, filesOf },
  kind: name.split(' ', 1)[0]!,
});

/** Small, by hand, under the names that tools give: whose a file is, is told by names and first bytes. */
export const MIXED_PARTS: readonly MixedPart[] = [
  partOf('base', () => clusterFiles('')),
  partOf('base of 12', () => {
    const { backup_manifest: _, ...files } = clusterFiles('');
    return files;
  }),
  partOf('base in a folder', () => clusterFiles('pg')),
  partOf('base as tars', () => ({
    'base.tar.gz': gzipSync('base'),
    'pg_wal.tar.gz': gzipSync('wal'),
    backup_manifest: clusterFiles('')['backup_manifest']!,
  })),
  partOf('log', (day) =>
    Object.fromEntries([0, 1].map((at) => [segmentName(2 * day + at), Buffer.alloc(MEBIBYTE, 4)])),
  ),
  partOf('log in a folder', (day) =>
    Object.fromEntries(
      [0, 1].map((at) => [`wal/${segmentName(2 * day + at)}`, Buffer.alloc(MEBIBYTE, 4)]),
    ),
  ),
  partOf('barman', barmanFiles),
  partOf('wal-g', () => ({
    ...walgBackup('base_000000010000000000000002', 2),
    ...walgLog(2, 3, 4),
  })),
  partOf('pg_probackup', probackupFiles),
  partOf('xtrabackup', xtraBackup),
  partOf('xtrabackup in a folder', () => under('full', xtraBackup())),
  partOf('xtrabackup as a stream', (day) => ({
    [`mysql-${dateOf(day)}.mbstream`]: 'XBSTCK01\0E\x03\0\0\0abc',
  })),
  partOf('mongodump', () => ({
    'shop/orders.bson': 'x',
    'shop/orders.metadata.json': '{}',
    'admin/system.version.bson': 'x',
  })),
  partOf('mongodump in a folder', () => ({
    'dump/shop/orders.bson': 'x',
    'dump/shop/orders.metadata.json': '{}',
  })),
  partOf('mongodump as an archive', () => ({ 'crm.archive': mongoArchive() })),
  partOf('SQL Server by Ola', (day) => ({
    [`SQL01_shop_FULL_2026112${day}_010000.bak`]: 'x',
    [`SQL01_shop_LOG_2026112${day}_020000.trn`]: 'x',
  })),
  partOf('SQL Server in folders', (day) => ({
    [`sales/FULL/SQL01_sales_FULL_2026112${day}_010000.bak`]: 'x',
    [`sales/LOG/SQL01_sales_LOG_2026112${day}_020000.trn`]: 'x',
  })),
  partOf('SQL Server in folders of kinds', (day) => ({
    [`FULL/SQL01_erp_FULL_2026112${day}_010000.bak`]: 'x',
    [`LOG/SQL01_erp_LOG_2026112${day}_020000.trn`]: 'x',
  })),
  partOf('SQL Server under any name', () => ({ 'hr.bak': `MSSQLBAK${'\0'.repeat(504)}` })),
  partOf('others under these names', () => ({ 'settings.bak': 'x', 'old.zip': 'x' })),
  partOf('RMAN', (day) => ({
    [`full_0v2k3j${day}l_1_1`]: 'x',
    [`c-1234567890-2026112${day}-00`]: 'x',
  })),
  partOf('RMAN in folders', (day) => ({
    [`pieces/0v2k3j${day}l_1_1.bkp`]: 'x',
    [`autobackup/c-1234567890-2026112${day}-00`]: 'x',
  })),
  partOf('area of Oracle', recoveryArea),
  partOf('redo', (day) => ({ [`1_${day}_1100000000.arc.gz`]: 'x' })),
  partOf('HANA', hanaBackups),
  partOf('HANA under a prefix with a path', () => ({
    [`log/DB_HDB/log_backup_2_0_1024_2048.${HANA_IDS[1]}`]: hanaFile(HANA_IDS[1]),
    'data/HDB_databackup_0_1': hanaFile(HANA_IDS[0]),
    'data/HDB_databackup_2_1': hanaFile(HANA_IDS[0]),
  })),
  partOf('HANA in one folder', () => ({
    COMPLETE_databackup_0_1: hanaFile(HANA_IDS[0]),
    COMPLETE_databackup_1_1: hanaFile(HANA_IDS[0]),
  })),
  partOf('vzdump', (day) => ({
    [`vzdump-lxc-101-2026_11_2${day}-01_00_00.tar.zst`]: 'x',
    [`vzdump-lxc-101-2026_11_2${day}-01_00_00.log`]: 'INFO: Finished Backup of VM 101\n',
  })),
  partOf('raw disk', () => ({ 'web01.img': 'x'.repeat(512) })),
  partOf('qcow2', () => ({ 'db01.qcow2': qcow2() })),
  partOf('qcow2 in folders', () => ({ 'vms/app01/app01.qcow2': qcow2() })),
  partOf('archive', (day) => ({ [`etc-${dateOf(day)}.tar.gz`]: gzipSync('etc') })),
  partOf('ghettoVCB', (day) =>
    under(`esx01/esx01-${dateOf(day)}_01-00-00`, {
      'esx01.vmx': 'displayName = "esx01"\nscsi0:0.fileName = "esx01.vmdk"\n',
      'esx01.vmdk': '# Disk DescriptorFile\nRW 8 VMFS "esx01-flat.vmdk"\n',
      'esx01-flat.vmdk': 'x'.repeat(4096),
      'STATUS.ok': 'Successfully completed backup\n',
    }),
  ),
  partOf('windows backup', (day) =>
    under('WindowsImageBackup/WIN01', {
      [`Backup ${dateOf(day)} 010000/${VOLUME}.vhd`]: 'x'.repeat(1024),
      [`Backup ${dateOf(day)} 010000/BackupSpecs.xml`]: '<BackupSpecs/>',
      ...{ MediaId: 'm', 'Catalog/GlobalCatalog': 'g' },
    }),
  ),
  partOf('hyper-v', () =>
    under('hv01', {
      'Virtual Hard Disks/hv01.vhdx': 'x'.repeat(1024),
      'Virtual Machines/ec04f346-db96-4700-af5b-77b3c56c38bd.vmcx': 'x',
    }),
  ),
  partOf('virtnbdbackup', () =>
    under('kvm02', {
      'vda.full.data': 'x'.repeat(512),
      'checkpoints/virtnbdbackup.0.xml': '<domaincheckpoint/>',
      'vmconfig.virtnbdbackup.0.xml': '<domain/>',
    }),
  ),
  partOf('ovf', () => ({
    'vcd01/vcd01.ovf': '<Envelope/>',
    'vcd01/vcd01-disk1.vmdk': 'x'.repeat(1024),
  })),
  partOf('nutanix', (day) => ({ [`ahv01-${DISK}-2026112${day}`]: 'x'.repeat(512) })),
  partOf('notes', () => ({ 'notes.xyz': 'x', 'README.txt': 'x', '.hidden': 'x', logfile: 'x' })),
  partOf('scripts and logs', () => ({ 'backup.sh': 'x', 'backup.log': 'x', SHA256SUMS: 'x' })),
];

/** Folders in which admins put what is made on a day. */
export const MIXED_PLACES: readonly ((day: number) => string)[] = [
  () => '',
  (day) => dateOf(day),
  (day) => `srv1/${dateOf(day)}`,
  (day) => `${dateOf(day)}/srv1`,
  () => 'srv1',
  (day) => `srv1/${dateOf(day)}/db`,
];
