import { describe, expect, it } from 'vitest';
import { otherToolOf, unrecognisedReason } from '../../../../src/domain/sources/unrecognised.js';

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
