import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { scanRepository, scanWorkload } from '../../../src/layout/scan-repository.js';
import { FolderReader } from '../../../src/layout/tree-reader.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { copyToRepository } from '../../support/layout/repository-copy.js';
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
  });
});
