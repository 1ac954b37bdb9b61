import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { unseenReason, type UnseenPart } from '../../../../src/domain/sources/unseen-part.js';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { AREA, HANA, hanaBackups, recoveryArea } from '../../../support/layout/database-trees.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { treeOf } from '../../../support/layout/real-tree.js';

const GUID = '0123456789ABCDEF0123456789ABCDEF';

/** Folder and first names of what nobody copies, and the tool that is named. */
async function unrecognisedIn(files: Record<string, string | Uint8Array>) {
  const named: UnrecognisedFiles[] = [];
  const { repository } = await treeOf(files);
  await scanRepository(repository, { onUnrecognised: (one) => named.push(one) });
  return named
    .sort((a, b) => (a.folder < b.folder ? -1 : 1))
    .map(({ folder, examples, tool }) => [folder, ...examples, ...(tool ? [`(${tool})`] : [])]);
}

describe('files that a layout of sets claims and lists in no point', () => {
  it('are none where all is as its tool leaves it', async () => {
    const { [AREA.level0]: _, ...withoutFirst } = recoveryArea();
    expect(await unrecognisedIn(recoveryArea())).toEqual([]);
    // Its autobackup is of no run that is still there.
    expect(await unrecognisedIn(withoutFirst)).toEqual([]);
    const catalogue = 'catalog/DB_HDB/log_backup_0_0_0_0.1795400000000';
    expect(await unrecognisedIn({ ...hanaBackups(), [catalogue]: 'older' })).toEqual([]);
  });

  it('are named: image copies of Oracle, also of pluggable databases, and pieces of other names', async () => {
    const files = {
      ...recoveryArea(),
      'ORCL/datafile/o1_mf_system_7rjh01to_.dbf': 'system',
      [`ORCL/${GUID}/datafile/o1_mf_users_7rjh02to_.dbf`]: 'users',
      'ORCL/backupset/2026_11_24/0v2k3j4l_1_1': 'piece',
      'ORCL/flashback/o1_mf_7rjh01to_.flb': 'of the database',
    };
    expect(await unrecognisedIn(files)).toEqual([
      [`ORCL/${GUID}/datafile`, 'o1_mf_users_7rjh02to_.dbf', '(Oracle RMAN as image copies)'],
      ['ORCL/backupset/2026_11_24', '0v2k3j4l_1_1'],
      ['ORCL/datafile', 'o1_mf_system_7rjh01to_.dbf', '(Oracle RMAN as image copies)'],
    ]);
  });

  it('are named: what lies beside the databases of HANA, and other files of its folders', async () => {
    const files = {
      ...hanaBackups(),
      'data/before-upgrade/COMPLETE_DATA_BACKUP_databackup_0_1': 'topology',
      [`${HANA.full}.txt`]: 'note',
      'data/DB_HDB/.hidden': 'x',
      'data/DB_HDB/COMPLETE_databackup_1_1.tmp': 'x',
    };
    expect(await unrecognisedIn(files)).toEqual([
      ['data/DB_HDB', 'COMPLETE_DATA_BACKUP.txt'],
      ['data/before-upgrade', 'COMPLETE_DATA_BACKUP_databackup_0_1', '(SAP HANA)'],
    ]);
  });

  it('are named: what a backint agent of HANA keeps, beside backups that HANA wrote itself', async () => {
    const at = 'HDB/usr/sap/HDB/SYS/global/hdb/backint/DB_HDB';
    // Packed by the agent.
    const packed = gzipSync(Buffer.alloc(70_000, 'data of HANA'));
    const files = {
      ...hanaBackups(),
      [`${at}/COMPLETE_databackup_0_1/1795500000123.bak`]: packed,
      [`${at}/COMPLETE_databackup_2_1/1795500000124.bak`]: packed,
      [`${at}/log_backup_0_0_0_0/1795500000125.bak`]: packed,
    };
    expect(await unrecognisedIn(files)).toEqual(
      ['COMPLETE_databackup_0_1', 'COMPLETE_databackup_2_1', 'log_backup_0_0_0_0'].map(
        (name, index) => [
          `${at}/${name}`,
          `179550000012${3 + index}.bak`,
          '(SAP HANA through a backint agent)',
        ],
      ),
    );
  });

  it('are named: other files in the folders of Ola Hallengren', async () => {
    const name = 'SQL01_shop_FULL_20261124_010000.bak';
    const files = { [`shop/FULL/${name}`]: 'x', 'shop/FULL/shop.7z': 'x', 'shop/LOG/old.zip': 'x' };
    expect(await unrecognisedIn(files)).toEqual([
      ['shop/FULL', 'shop.7z', '(tar, zip or another archiver)'],
      ['shop/LOG', 'old.zip', '(tar, zip or another archiver)'],
    ]);
  });

  it('are told of as a place where one of its folders may not be listed', async () => {
    const files = { ...recoveryArea(), 'ORCL/flashback/o1_mf_7rjh01to_.flb': 'of the database' };
    const { repository } = await treeOf(files);
    const list = repository.list.bind(repository);
    repository.list = (folder) =>
      folder === 'ORCL/flashback' ? Promise.reject(denied(folder)) : list(folder);
    const unseen: UnseenPart[] = [];
    const found = await scanRepository(repository, {
      onUnseen: (part) => unseen.push(part),
      onUnrecognised: () => undefined,
    });
    expect(unseen).toMatchObject([{ path: 'ORCL/flashback', code: 'SOURCE_PART_UNREADABLE' }]);
    expect(unseen.map(unseenReason)).toEqual([
      'ORCL/flashback cannot be read: its storage does not let the account that Longhaul runs as read it. It tells what there is of ORCL/flashback, so nothing of that is copied, and what was copied stays',
    ]);
    // What can be read is a workload all the same.
    expect(found.map(({ type }) => type)).toEqual(['oracle-rman']);
  });
});
