import { expect, it } from 'vitest';
import { FaultList } from '../../../../src/domain/trees/file-faults.js';
import { removeStaleLarge } from '../../../../src/mover/tree/plan/stale-large.js';
import { treeStaged } from '../../../../src/mover/tree/tree-plan.js';
import { UnreadPlaces } from '../../../../src/mover/tree/plan/unread-places.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { noLosses } from '../../../support/tree/no-losses.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { TOY_STORE_RULES } from '../../../support/tree/toy-trees.js';

const ALL_DIFFER = { caseSensitive: true, accentSensitive: true };
const PLAIN = ['data/small', 'data/deep/small'];

it.each([
  { source: 'shows all that it has', files: PLAIN, isDenied: false, isKept: false },
  { source: 'has a folder that cannot be looked into', files: PLAIN, isDenied: true, isKept: true },
  { source: 'shows nothing at all', files: [], isDenied: false, isKept: true },
])('what was begun of a large file is kept ($isKept) when its source $source', async (row) => {
  const { files, isDenied, isKept } = row;
  const source = new SimulatedRepository('primary');
  await source.makePlace('store');
  for (const path of files) {
    await source.makePlace(`store/${path.slice(0, path.lastIndexOf('/'))}`);
    await source.put(`store/${path}`, Buffer.from('1'));
  }
  const { list } = source;
  source.list = (folder) =>
    isDenied && folder.endsWith('/deep')
      ? Promise.reject(denied(folder))
      : list.call(source, folder);
  const target = new SimulatedRepository('offsite');
  const begun = `${treeStaged.largeFolder('tree')}/0123abcd.part`;
  await target.makePlace(treeStaged.largeFolder('tree'));
  await target.put(begun, Buffer.from('half'));
  await removeStaleLarge(target, 'tree', {
    ...{ repository: source, rules: TOY_STORE_RULES, nowMs: 0, settleMs: 0 },
    ...{ faults: new FaultList(), emptyFolders: new FaultList() },
    ...{ unread: new UnreadPlaces(TOY_STORE_RULES, []) },
    losses: noLosses(TOY_STORE_RULES),
    tree: { root: 'store', points: [] },
    limits: { maxFileBytes: 1_000, names: ALL_DIFFER },
  });
  expect((await target.stat(begun)) !== null).toBe(isKept);
});
