import { expect, it } from 'vitest';
import { fittingIds } from '../../../../src/domain/sources/found-workload.js';
import { rmanFreeLayout } from '../../../../src/layout/rman/free-folder.js';
import { treeOf } from '../../../support/layout/real-tree.js';
import { scanTreesWith } from '../../../support/layout/scan-trees-with.js';

async function treesOf(...paths: readonly string[]) {
  const { repository } = await treeOf(Object.fromEntries(paths.map((path) => [path, path])));
  return scanTreesWith(rmanFreeLayout, repository);
}

it('have each file once, also of a date whose run has died beside a folder that is called like a database', async () => {
  const known = ['b/2026-11-21/orcl/0u2k3j4l_1_1', 'b/2026-11-21/orcl/c-7-20261121-00'];
  const dates = [
    ...['b/2026-11-22/0v2k3j4l_1_1', 'b/2026-11-22/c-7-20261122-00'],
    ...['b/2026-11-23/0w2k3j4m_1_1', 'b/2026-11-23/orcl/c-7-20261123-00'],
  ];
  const found = await treesOf(...known, ...dates);
  expect(found.map(({ id, within }) => [id, within!.map((path) => `b/${path}`).sort()])).toEqual([
    ['rman-free-b', dates],
    ['rman-free-orcl-b', known],
  ]);
});

it('have what they were called first among their former ids, of which lists have the first alone', async () => {
  const folder = 'backups-of-the-databases';
  const dates = Array.from({ length: 100 }, (_, index) =>
    new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10),
  );
  const [tree] = await treesOf(
    ...dates.map((date) => `${folder}/qa-${date}/0v2k3j4l_1_1`),
    `${folder}/autobackup/c-7-20261124-00`,
  );
  const ids = fittingIds(tree!.otherIds!);
  expect(ids.length).toBeLessThan(dates.length);
  expect(ids).toEqual(
    expect.arrayContaining([`rman-free-qa-${folder}`, `rman-free-${folder}:qa-<date>`]),
  );
});
