import { describe, expect, it } from 'vitest';
import { hanaLayout } from '../../../../src/layout/hana/hana.js';
import { HANA_IDS, hanaBackups, hanaFile } from '../../../support/layout/database-trees.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { briefPoint, scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const [T0] = HANA_IDS;

async function treesOf(files: Record<string, Buffer>) {
  return scanTreesWith(hanaLayout, (await treeOf(files)).repository);
}

describe('backups of SAP HANA in the folders that it makes', () => {
  it('are the same with files of another one beside them', async () => {
    const alone = await treesOf(hanaBackups());
    const lone = { OTHER_databackup_0_1: hanaFile(T0), OTHER_databackup_1_1: hanaFile(T0) };
    const trees = await treesOf({ ...hanaBackups(), ...lone });
    expect(trees.map(({ id }) => id)).toEqual(['hana-.', 'hana-DB_HDB-.']);
    expect(trees[1]).toMatchObject({
      points: alone[0]!.points.map(briefPoint),
      otherIds: ['catalog', 'data', 'log'].map((area) => `hana-${area}:DB_HDB`),
    });
  });
});
