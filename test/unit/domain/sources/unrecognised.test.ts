import { describe, expect, it } from 'vitest';
import { otherToolOf, unrecognisedReason } from '../../../../src/domain/sources/unrecognised.js';

const UUID = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';

describe('files that no layout takes', () => {
  it.each<[string, string, string | null]>([
    ['exports', 'Sales-2026-11-24.bacpac', 'SqlPackage (BACPAC, DACPAC)'],
    ['pg/main/base/20261124T063000', 'backup.info', 'Barman'],
    ['pg/main/wals', 'xlog.db', 'Barman'],
    ['.', 'identity.json', 'Barman'],
    ['s3/basebackups_005', 'base_000000010000000000000004_backup_stop_sentinel.json', 'WAL-G'],
    ['s3/basebackups_005/base_000000010000000000000004/tar_partitions', 'part_1.tar.lz4', 'WAL-G'],
    ['pg/2026-11-24', 'base.tar.gz', 'pg_basebackup'],
    ['pg/2026-11-24', 'backup_manifest', 'pg_basebackup'],
    ['dumps/sales', 'toc.dat', 'pg_dump'],
    ['mysql/full', 'xtrabackup_checkpoints', 'XtraBackup or Mariabackup'],
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
    ['rsnapshot/daily.0/localhost/etc', 'hosts', 'rsnapshot'],
    ['rsnapshot/daily/localhost/etc', 'hosts', null],
    ['base', 'notes.txt', null],
    ['pg/base', 'identity.json.old', null],
    ['pg', 'database.tar', null],
  ])('of %s/%s are told to be of %s', (folder, name, tool) => {
    expect(otherToolOf(folder, ['a', name])).toBe(tool);
  });

  it('are named with what they seem to be', () => {
    const files = { folder: 'x', fileCount: 5, examples: ['a', 'b', 'c'], tool: 'Barman' };
    expect(unrecognisedReason(files)).toBe(
      '"a", "b", "c" and 2 more are of no backup layout that this release knows (as it seems, a backup of Barman), so they are not copied',
    );
  });
});
