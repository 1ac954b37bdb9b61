import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { mssqlLayout } from '../../../../src/layout/mssql/mssql.js';
import { mtfFile } from '../../../support/layout/mtf-file.js';
import { noRealTrees, realTree, treeOf } from '../../../support/layout/real-tree.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';

const LOG = 'LOG/SQL2008_ft1_LOG_20170518_041837.trn';

// The same is said where there are more file marks than are read; ten thousand sets take too long to write here.
it.skipIf(noRealTrees)(
  'a file of SQL Server says of how many sets nothing is known, where a file mark is damaged',
  async () => {
    const copy = await realTree('mssql/ft1-sql2008r2');
    const file = mtfFile(await readFile(copy.at(LOG)), { sets: 70 });
    const marks = [...Array(file.length / 512).keys()]
      .map((index) => 512 * index)
      .filter((at) => file.toString('latin1', at, at + 4) === 'SFMB');
    // The last one names 55 before it, and the oldest of these the others.
    file.fill(0, marks.at(-56), marks.at(-56)! + 512);
    const [tree] = await scanTreesWith(
      mssqlLayout,
      (await treeOf({ 'b/ft1.trn': file })).repository,
    );
    const { points } = tree!;
    const told = points.flatMap(({ gap }) => (gap?.includes('could not be read') ? [gap] : []));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${70 - points.length} sets of ft1.trn before it`);
  },
);
