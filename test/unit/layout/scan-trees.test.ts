import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { scanRepository, scanWorkload } from '../../../src/layout/scan-repository.js';
import { BackupError } from '../../../src/domain/errors.js';
import { unseenReason, type UnseenPart } from '../../../src/domain/sources/unseen-part.js';
import { findSourceWorkload } from '../../../src/mover/source/source-catalogue.js';
import { FolderReader } from '../../../src/layout/trees/tree-reader.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
import { denied, unreadable } from '../../support/tree/storage-answers.js';
import { makeTreesKnown } from '../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../support/tree/toy-trees.js';

const AT_MS = Date.UTC(2026, 10, 24, 22);

async function storeAt(at: (path: string) => string, folder: string): Promise<void> {
  for (const name of ['data/aa', 'index', 'snapshots'])
    await mkdir(at(`${folder}/${name}`), { recursive: true });
  await writeFile(at(`${folder}/STORE`), '1');
  await writeFile(at(`${folder}/data/aa/0001`), 'block');
  await writeFile(at(`${folder}/snapshots/s1.json`), JSON.stringify({ at: AT_MS }));
  await writeFile(at(`${folder}/snapshots/s2.json`), 'no JSON');
}

function noteLists(repository: BackupRepository): string[] {
  const lists: string[] = [];
  const list = repository.list.bind(repository);
  repository.list = (folder) => {
    lists.push(folder);
    return list(folder);
  };
  return lists;
}

describe('a scan that meets trees', () => {
  it('lists a store as a workload with its snapshots, and never its data folders', async () => {
    makeTreesKnown(toyStoreLayout);
    const { repository, at } = await copyToRepository(null);
    await storeAt(at, 'a/store');
    const lists = noteLists(repository);
    const [workload, ...others] = await scanRepository(repository);
    expect(others).toEqual([]);
    expect(workload).toMatchObject({
      id: 'toy:a/store',
      type: 'toy-store',
      folders: ['a/store'],
      tree: { layout: 'toy-store', root: 'a/store' },
    });
    expect(
      workload?.restorePoints.map(({ id, state, createdAtMs }) => [id, state, createdAtMs]),
    ).toEqual([
      ['s2', 'broken', 0],
      ['s1', 'complete', AT_MS],
    ]);
    expect(lists).toEqual(['', 'a', 'a/store', 'a/store/snapshots']);
    expect(await scanWorkload(repository, 'toy:a/store', ['a/store'])).toEqual(workload);
  });

  it('lists a folder of a date once for all layouts that may have it, and once to walk it', async () => {
    const { repository, at } = await copyToRepository(null);
    for (const day of ['23', '24']) {
      await mkdir(at(`web01/web01-2026-11-${day}/parts`), { recursive: true });
      await writeFile(at(`web01/web01-2026-11-${day}/notes.txt`), 'by hand');
    }
    const lists = noteLists(repository);
    await scanRepository(repository);
    const of = (folder: string) => lists.filter((one) => one === folder).length;
    expect(of('web01/web01-2026-11-24')).toBe(2);
    expect(of('web01/web01-2026-11-24/parts')).toBe(2);
  });

  it('leaves what no tree claims in a shared folder to the layouts of images and to the list of strangers', async () => {
    makeTreesKnown(toySetLayout);
    const { repository, at } = await copyToRepository(null);
    for (const name of ['db-24.a.set', 'db-24.done', 'log-24-01.log', 'db-25.a.set', 'notes.txt'])
      await writeFile(at(name), name);
    const strangers: string[] = [];
    const [workload] = await scanRepository(repository, {
      onUnrecognised: ({ examples }) => strangers.push(...examples),
    });
    expect(workload?.tree?.points.map(({ id, state, needs }) => [id, state, needs])).toEqual([
      ['db-24', 'complete', []],
      ['log-24-01', 'complete', ['db-24']],
      ['db-25', 'incomplete', []],
    ]);
    expect(strangers).toEqual(['notes.txt']);
  });

  it('takes one id in two places for two trees, and shows no point of either', async () => {
    makeTreesKnown({
      ...toyStoreLayout,
      scan: (_, folder) =>
        Promise.resolve([{ id: 'toy:same', name: 'same', root: folder, points: [] }]),
    });
    const { repository, at } = await copyToRepository(null);
    await storeAt(at, 'one');
    await storeAt(at, 'two');
    const [workload] = await scanRepository(repository);
    expect(workload?.conflict).toMatch(/claim the id toy:same: one and two/);
    expect(workload?.restorePoints).toEqual([]);
  });

  it('names what cannot be read that tells the points of a store, and lists the others', async () => {
    makeTreesKnown(toyStoreLayout);
    const { repository, at } = await copyToRepository(null);
    for (const name of ['a', 'b', 'c']) await storeAt(at, name);
    const { list, openRead } = repository;
    repository.list = (folder) =>
      folder === 'a/snapshots' ? Promise.reject(denied(folder)) : list.call(repository, folder);
    repository.openRead = (path) =>
      path === 'b/snapshots/s1.json'
        ? Promise.reject(unreadable(path))
        : openRead.call(repository, path);
    const unseen: UnseenPart[] = [];
    const onUnseen = (part: UnseenPart) => unseen.push(part);
    const found = await scanRepository(repository, { onUnseen });
    expect(found.map(({ id }) => id)).toEqual(['toy:c']);
    expect(unseen.map(({ path, code }) => [path, code])).toEqual([
      ['a/snapshots', 'SOURCE_PART_UNREADABLE'],
      ['b/snapshots/s1.json', 'SOURCE_PART_UNREADABLE'],
    ]);
    expect(unseen.map(unseenReason)).toEqual([
      'a/snapshots cannot be read: its storage does not let the account that Longhaul runs as read it. It tells what there is of Toy stores in a, so nothing of that is copied, and what was copied stays',
      'b/snapshots/s1.json cannot be read: its storage cannot read it. It tells what there is of Toy stores in b, so nothing of that is copied, and what was copied stays',
    ]);
    // Nobody who is not told may take what is left for all.
    await expect(scanRepository(repository)).rejects.toMatchObject({
      code: 'REPOSITORY_ACCESS_DENIED',
    });
    await expect(scanWorkload(repository, 'toy:a', ['a'])).rejects.toMatchObject({
      code: 'REPOSITORY_ACCESS_DENIED',
    });
    expect(await scanWorkload(repository, 'toy:c', ['c'])).toEqual(found[0]);
    await expect(findSourceWorkload(repository, 'toy:a')).rejects.toMatchObject({
      code: 'SOURCE_PART_UNREADABLE',
    });
    expect((await findSourceWorkload(repository, 'toy:c')).id).toBe('toy:c');
  });

  it('fails where its storage does not answer, or is away, while the points of a store are read', async () => {
    makeTreesKnown(toyStoreLayout);
    const { repository, at } = await copyToRepository(null);
    await storeAt(at, 'a');
    const { list } = repository;
    repository.list = (folder) =>
      folder === 'a/snapshots'
        ? Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'away'))
        : list.call(repository, folder);
    const scan = scanRepository(repository, { onUnseen: () => undefined });
    await expect(scan).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  it('reads nothing outside of the claimed folder, whatever a file of the backup names', async () => {
    const { repository, at } = await copyToRepository(null);
    await storeAt(at, 'store');
    await writeFile(at('secret'), 'x');
    const reader = new FolderReader(repository, 'store');
    for (const path of ['secret', 'store/../secret', 'store2/x'])
      await expect(reader.read(path, 0, 1)).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' });
    expect(Buffer.from(await reader.read('store/data/aa/0001', -2, 10)).toString()).toBe('ck');
    expect(await reader.readJson('store/snapshots/s2.json', 100)).toBeNull();
    expect(await reader.readJson('store/snapshots/s1.json', 3)).toBeNull();
    // So many values would take far more memory than their text.
    await writeFile(at('store/many.json'), `[1${',1'.repeat(2 ** 23 - 1)}]`);
    expect(await reader.readJson('store/many.json', 2 ** 25)).toBeNull();
  });
});
