import { describe, expect, it } from 'vitest';
import {
  looksLike,
  otherToolOf,
  unrecognisedReason,
} from '../../../../src/domain/sources/unrecognised.js';

const UUID = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';

const SHA256 = '2b948d7f1c6e0a35d8e1b7c4f9a2036e5d8c1b7a4f9e2d6c3b0a8f7e5d4c2b19';

const NAMES: readonly (readonly [folder: string, name: string, tool: string | null])[] = [
  ['exports', 'Sales-2026-11-24.bacpac', 'SqlPackage (BACPAC, DACPAC)'],
  [
    ...(['hana/HDB/usr/sap/HDB/SYS/global/hdb/backint/DB_HDB', 'COMPLETE_databackup_2_1'] as const),
    'SAP HANA',
  ],
  [
    'hana/HDB/usr/sap/HDB/SYS/global/hdb/backint/DB_HDB/2026_11_24_databackup_0_1',
    '1795500000123.bak',
    'SAP HANA through a backint agent',
  ],
  // With the folders shortened, as the agent of Google does it.
  ['hana/SYSTEMDB/log_backup_0_0_0_0', '1795500000123.bak', 'SAP HANA through a backint agent'],
  ['hana/backint', 'notes.txt', null],
  ['pg/main/base/20261124T063000', 'backup.info', 'Barman'],
  ['pg/main/wals', 'xlog.db', 'Barman'],
  ['.', 'identity.json', 'Barman'],
  ['s3/basebackups_005', 'base_000000010000000000000004_backup_stop_sentinel.json', 'WAL-G'],
  ['s3/basebackups_005/base_000000010000000000000004/tar_partitions', 'part_1.tar.lz4', 'WAL-G'],
  ['pg/2026-11-24', 'base.tar.gz', 'pg_basebackup'],
  ['pg/2026-11-24', 'backup_manifest', 'pg_basebackup'],
  ['dumps/sales', 'toc.dat', 'pg_dump'],
  ['mysql/full', 'backup-my.cnf', 'XtraBackup or Mariabackup'],
  ['jobs/daily', 'daily2026-11-24T220000.VBK', 'Veeam Backup & Replication'],
  [`xo-vm-backups/${UUID}`, '20261124T013000Z.json', 'Xen Orchestra'],
  ['exports', 'web01.xva', 'XenServer or XCP-ng (XVA)'],
  [`${UUID}/images/${UUID}`, `${UUID}.meta`, 'a storage domain of oVirt'],
  ['vms', 'Win10.vdi', 'VirtualBox (VDI)'],
  ['images/2026-11-24-web01', 'sda1.ext4-ptcl-img.gz.aa', 'Clonezilla'],
  ['images/2026-11-24-web01', 'clonezilla-img', 'Clonezilla'],
  [
    ...(['macs/ann.sparsebundle/bands', '1f'] as const),
    'Time Machine or another program that writes sparse bundles',
  ],
  [
    ...(['MacBook von Jörg.backupbundle/bands', '0'] as const),
    'Time Machine or another program that writes sparse bundles',
  ],
  ['clients', 'srv_full_b1_s1_v1.tibx', 'Acronis'],
  ['clients', '3B1D4F5A6C7E8F90-00-00.mrimg', 'Macrium Reflect'],
  ['clients', 'C_VOL-b001-i002.spi', 'ShadowProtect'],
  ['clients', 'PC1_C_Drive001_i001.iv2i', 'Symantec Ghost or System Recovery'],
  ['urbackup/pc1/261124-0100_Image_C', 'Image_C_261124-0100.vhdz', 'UrBackup'],
  ['old', 'Backup.bkf', 'ntbackup or Backup Exec'],
  ['nas', 'duplicati-20261124T010000Z.dlist.zip.aes', 'Duplicati'],
  ['nas', 'duplicity-full.20261124T010000Z.vol1.difftar.gpg', 'duplicity'],
  ['nas', 'duplicity-new-signatures.20261123T010000Z.to.20261124T010000Z.sigtar.gz', 'duplicity'],
  ['home/rdiff-backup-data', 'current_mirror.2026-11-24T01:00:00Z.data', 'rdiff-backup'],
  ['es', 'snap-dXkR0p2tTqGm9n0JtXcVbQ.dat', 'Elasticsearch or OpenSearch'],
  ['db2', 'SAMPLE.0.db2inst1.DBPART000.20261124010000.001', 'IBM Db2'],
  ['db2', 'SAMPLE.0.db2inst1.NODE0000.CATN0000.20101124010000.001', 'IBM Db2'],
  ['sql', 'shop.sql.gz', 'mysqldump, pg_dump or another program that writes SQL'],
  ['sql', 'create-tables.sql', null],
  ['disks', 'web01.spare', null],
  ['rsnapshot/daily.0/localhost/etc', 'hosts', 'rsnapshot'],
  ['rsnapshot/daily/localhost/etc', 'hosts', null],
  ['base', 'notes.txt', null],
  ['pg/base', 'identity.json.old', null],
  ['pg', 'database.target', null],
  // What the tools themselves wrote: Barman 3.19, pg_basebackup 15, MariaDB 10.11, mydumper 0.10, dar 2.7, bup 0.33, wimlib 1.13, zpaq 7.15, dump 0.4b47.
  ['barman/main/meta', '20261128T095526-backup.info', 'Barman'],
  ['barman/main/wals', 'main-xlog.db', 'Barman'],
  ['pg/nomanifest', 'backup_label', 'pg_basebackup'],
  ['mysql', 'shop.xbstream', 'XtraBackup or Mariabackup'],
  ['mydumper/shop', 'shop.t-schema.sql', 'mydumper'],
  ['binlogs', 'mysql-bin.000001', 'MySQL or MariaDB as binary logs'],
  ['binlogs', 'binlog.000001', 'MySQL or MariaDB as binary logs'],
  ['binlogs', 'robin.000001', null],
  ['redis', 'dump.rdb', 'Redis or Valkey'],
  ['redis/appendonlydir', 'appendonly.aof.1.incr.aof', 'Redis or Valkey'],
  ['etcd', 'snapshot-2026-11-27.db', 'etcd'],
  ['k3s', 'etcd-snapshot-node1-1764200000', 'etcd'],
  ['dar', 'home.1.dar', 'dar'],
  ['bup', 'bupindex', 'bup'],
  ['zpaq', 'home.zpaq', 'ZPAQ'],
  ['wim', 'home.swm', 'DISM or another program that writes Windows images (WIM)'],
  ['cpio', 'home.cpio', 'cpio'],
  ['dump', 'root.dump', 'pg_dump, dump or another program that writes dumps'],
  [
    ...(['pg', 'all-2026-11-27.sql'] as const),
    'mysqldump, pg_dump or another program that writes SQL',
  ],
  ['tar', 'home.tar', 'tar, zip or another archiver'],
  ['split', 'home.tar.gz.aa', 'tar, zip or another archiver'],
  ['split', 'home.7z.001', 'tar, zip or another archiver'],
  [
    ...(['mac/Backups.backupdb/mac/2026-11-27-101010', 'x'] as const),
    'Time Machine or another program that writes sparse bundles',
  ],
  // PostgreSQL 15 and MariaDB 10.11 (copies of a stopped one), etcd 3.4, influxd 1.6, slapcat 2.5.
  ['pg/data', 'PG_VERSION', 'PostgreSQL as a copy of its data folder'],
  ['pg/tbs/PG_15_202209061/5', '16390', 'PostgreSQL as a copy of its data folder'],
  ['mysql/data', 'ibdata1', 'MySQL or MariaDB as a copy of their data folder'],
  ['etcd/member/snap', 'db', 'etcd'],
  ['etcd/member/wal', '0000000000000000-0000000000000000.wal', 'etcd'],
  // borg 2.0.0b20, restic 0.18.1 (without its `config`).
  ['store/archives', SHA256, 'borg 2'],
  ['store/data/2b/94', SHA256, 'borg 2'],
  ['store/data/2b', SHA256, 'restic or rustic'],
  ['store/snapshots', SHA256, 'restic or rustic'],
  ['store/objects/2b', SHA256, null],
  ['influx/portable', '20261128T170347Z.manifest', 'InfluxDB'],
  ['influx/legacy', 'd.autogen.00001.00', 'InfluxDB'],
  ['ldap', 'data-2026-11-28.ldif', 'LDAP (LDIF)'],
  ['ldap', 'data.mdb', 'OpenLDAP or another program with LMDB'],
  ['src', 'linux-5.10.00001', null],
  ['tests', 'login.test.ts.snap', null],
  // Named as their manuals say.
  ['mongo/data', 'WiredTiger', 'MongoDB as a copy of its data folder'],
  ['consul', 'backup.snap', 'Consul, Vault or Nomad'],
  ['vault', 'vault-2026-11-28.snap', 'Consul, Vault or Nomad'],
  ['influx/v2', '20261128T170347Z.bolt.gz', 'InfluxDB'],
  [
    ...(['cassandra/data/shop/t-5f2a/snapshots/1764300000', 'nb-1-big-Data.db'] as const),
    'Cassandra or ScyllaDB',
  ],
  [
    ...(['prom/20261128T100000Z-1f/01JDQ5V1Z0K8Y3N2M4P6R7S9TX/chunks', '000001'] as const),
    'Prometheus or Thanos',
  ],
  ['vm/daily', 'backup_complete.ignore', 'VictoriaMetrics'],
  ['es', 'index.latest', 'Elasticsearch or OpenSearch'],
  ['oracle', 'sales.dmp', 'Oracle Data Pump'],
  ['fb', 'sales.fbk', 'Firebird'],
  ['jobs', 'config.bco', 'Veeam Backup & Replication'],
  ['mac/web.pvm', 'config.pvs', 'Parallels'],
  ['fs', 'root.fsa', 'FSArchiver'],
  ['clients', 'C-00-00.mrimgx', 'Macrium Reflect'],
  ['clients', 'pc1.adi', 'AOMEI Backupper'],
  ['clients', 'pc1.pbd', 'EaseUS Todo Backup'],
  ['nb', 'web01_1764200000_C1_HDR.1764200000.info', 'Veritas NetBackup'],
  ['cv/CHUNK_123', 'SFILE_CONTAINER_001', 'Commvault'],
  ['nas/web.hbk/Config', 'x', 'Synology Hyper Backup'],
  ['NakivoBackup', 'x', 'NAKIVO'],
  ['pgbackrest/backup/demo/20261126-005547F', 'backup.manifest.copy', 'pgBackRest'],
  // Under what a packer, encryption or `split` put behind it.
  ['mssql', 'sales_full.bak.gz', 'SQL Server'],
  ['mssql', 'sales_log.trn.zst', 'SQL Server'],
  ['mssql', 'sales.dif.gz', 'SQL Server'],
  ['mssql', 'settings.bak', null],
  ['src', 'hello_2.10-1.diff.gz', null],
  ['oracle', 'sales.dmp.gz', 'Oracle Data Pump'],
  ['vms', 'Win10.vdi.zst', 'VirtualBox (VDI)'],
  ['vms', 'Win10.vdi.gz.gpg', 'VirtualBox (VDI)'],
  ['vms', 'Win10.vdi.aa', 'VirtualBox (VDI)'],
  ['redis', 'dump.rdb.gz', 'Redis or Valkey'],
  ['clients', 'c.wim.001', 'DISM or another program that writes Windows images (WIM)'],
  ['secret', 'books.gpg', 'GnuPG, age or another program that encrypts'],
  ['docs', 'readme.gz', null],
  ['.', '.gz', null],
  ['apps', 'books.sqlite3', 'SQLite'],
  ['mongo/shop', 'orders.bson.gz', 'mongodump'],
  ['pc', 'disk.E01', 'EnCase, FTK Imager or another program of forensics'],
  ['gitlab', '1764200000_2026_11_27_17.6.0_gitlab_backup.tar', 'GitLab'],
];

describe('files that no layout takes', () => {
  it.each(NAMES)('of %s/%s are told to be of %s', (folder, name, tool) => {
    const files = ['a', name].map((one) => ({ name: one, sizeBytes: 65_536 }));
    expect(otherToolOf(folder, files)).toBe(tool);
  });

  it.each([
    ['SHA256SUMS.gpg', null],
    ['pubkey.gpg', null],
    ['db-password.age', null],
    ['token.enc', null],
    ['nginx.conf.bak.gz', null],
    ['sales_log.trn.gz', 'SQL Server'],
    ['home.tar.gz.gpg', 'tar, zip or another archiver'],
    ['sales.dmp.age', 'Oracle Data Pump'],
  ])('of few bytes that are called %s are told to be of %s', (name, tool) => {
    const of = (sizeBytes: number) => otherToolOf('.', [{ name, sizeBytes }]);
    expect(of(65_535)).toBe(tool);
    expect(of(65_536)).not.toBeNull();
    // A large one beside it is of another name.
    const files = [
      { name, sizeBytes: 65_535 },
      { name: 'a', sizeBytes: 65_536 },
    ];
    expect(otherToolOf('.', files)).toBe(tool);
  });

  it('are differentials of SQL Server under the name of a packed patch that none is as large as', () => {
    const of = (sizeBytes: number) => otherToolOf('.', [{ name: 'sales.diff.gz', sizeBytes }]);
    expect([of(67_108_863), of(67_108_864)]).toEqual([null, 'SQL Server']);
  });

  it('take no longer to be told by any pattern, however often a name repeats what it looks for', () => {
    for (const [, name, tool] of NAMES) {
      if (tool === null) continue;
      for (const { 0: piece, index } of name.matchAll(/[^a-z\d]?[a-z\d]+/gi)) {
        // A little longer each time, so that a pattern that doubles its steps is seen before it stands still.
        for (let length = name.length; length <= 250; length += 5) {
          const repeated = piece.repeat(Math.ceil((length - name.length) / piece.length) + 1);
          const hostile = `${name.slice(0, index)}${repeated}${name.slice(index + piece.length)}.~`;
          const startedMs = performance.now();
          otherToolOf('.', [{ name: hostile, sizeBytes: 65_536 }]);
          looksLike(tool, '.', hostile);
          expect(performance.now() - startedMs, hostile).toBeLessThan(500);
        }
      }
    }
  });

  it('are named with what they seem to be', () => {
    const files = { folder: 'x', fileCount: 5, examples: ['a', 'b', 'c'], tool: 'Barman' };
    expect(unrecognisedReason(files)).toBe(
      '"a", "b", "c" and 2 more are of no backup layout that this release knows (as it seems, a backup of Barman), so they are not copied',
    );
  });

  it('are not all said to be of the tool that one of them tells', () => {
    const of = (...examples: string[]) =>
      unrecognisedReason({ folder: 'x', fileCount: 500, examples, tool: 'Firebird' });
    expect(of('sales.fbk', 'a.jpg', 'b.jpg')).toBe(
      '"sales.fbk", "a.jpg", "b.jpg" and 497 more are of no backup layout that this release knows (among them, as it seems, a backup of Firebird), so they are not copied',
    );
    expect(of('a.fbk', 'b.fbk', 'c.fbk')).toContain('knows (as it seems, a backup of Firebird)');
  });
});
