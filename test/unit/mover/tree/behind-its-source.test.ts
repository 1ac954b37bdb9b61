import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { folderRepositoryId } from '../../../../src/repository/open-repository.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { denied, said } from '../../../support/tree/storage-answers.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { TOY_STORE_RULES, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

async function copiedStore(): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  for (let i = 0; i < 6; i++) await world.write(`data/${i}`, `chunk ${i}`);
  await world.write('index/i1', 'where they are');
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  expect((await world.copy()).result).toBe('success');
  return world;
}

/** What is left is packed anew, and what was there goes; the snapshot stays. */
async function prune(world: TreeWorld): Promise<void> {
  await world.write('data/new', 'chunks 0 and 1');
  await world.write('index/i2', 'where they are now');
  for (const path of ['data/0', 'data/1', 'index/i1']) await world.remove(path);
}

async function restored(world: TreeWorld): Promise<string[]> {
  const folder = new SimulatedRepository(folderRepositoryId('/tmp'));
  expect((await world.restore(folder, 's1')).result).toBe('success');
  return [...(await filesBelow(folder, '')).keys()].sort();
}

const AS_IT_WAS = [
  ...['STORE', 'data/0', 'data/1', 'data/2', 'data/3', 'data/4', 'data/5'],
  ...['index/i1', 'snapshots/s1.json'],
];

describe('a copy that is behind its source', () => {
  it('gives back what its points need of what the source has removed, while what came for it cannot be read', async () => {
    const world = await copiedStore();
    await prune(world);
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('data/new') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
    expect((await world.copy()).result).toBe('warning');
    expect(await restored(world)).toEqual(AS_IT_WAS);
    // And a check says that it needs them.
    await world.damage('data/0', null);
    await world.verify();
    expect((await world.record()).points.map(({ health }) => health)).toEqual(['corrupt']);
  });

  it('does so when the session was stopped before it came, and a health check has entered what there was', async () => {
    const world = await copiedStore();
    await prune(world);
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('data/new')
        ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no answer'))
        : openRead.call(world.source, path);
    expect((await world.copy()).result).toBe('failed');
    await world.verify();
    expect(await restored(world)).toEqual(AS_IT_WAS);
    world.source.openRead = openRead;
    expect((await world.copy()).result).toBe('success');
    expect(await restored(world)).toEqual([...world.files.keys()].sort());
  });
});

it('a point goes with its files, not after them, when the session that missed them first was stopped', async () => {
  const world = await copiedStore();
  await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
  await world.copy();
  await world.remove('snapshots/s1.json');
  await world.write('data/new', 'more');
  const { openRead } = world.source;
  world.source.openRead = (path) =>
    path.endsWith('data/new')
      ? Promise.reject(new BackupError('REPOSITORY_FULL', 'no answer'))
      : openRead.call(world.source, path);
  expect((await world.copy()).result).toBe('failed');
  world.source.openRead = openRead;
  for (let day = 0; day < 12; day++) {
    world.nowMs += DAY_MS;
    await world.write(`snapshots/d${day}.json`, JSON.stringify({ at: world.nowMs }));
    await world.copy();
    const copied = await world.copied();
    for (const { source } of (await world.record()).points)
      expect([...copied.keys()]).toContain(`snapshots/${source.restorePointId}.json`);
  }
  expect([...(await world.copied()).keys()]).not.toContain('snapshots/s1.json');
});

describe('a file whose name is taken by a folder of the copy', () => {
  it('is named, and the session ends, as do those after it', async () => {
    const world = await copiedStore();
    await world.write('data/a', 'now a file');
    await world.write('data/b', 'now a file');
    const { rename, stat } = world.target;
    const isTaken = (path: string) => /files\/data\/[ab]$/.test(path);
    world.target.rename = (from, to) =>
      isTaken(to) ? Promise.reject(said('EISDIR', to)) : rename.call(world.target, from, to);
    world.target.stat = async (path) => {
      const other = isTaken(path) ? path.replace(/[ab]$/, '2') : path;
      const entry = await stat.call(world.target, other);
      return entry === null || other === path ? entry : { ...entry, path, type: 'folder' };
    };
    for (let session = 0; session < 2; session++) {
      const { result, tasks } = await world.copy();
      expect({ result, code: tasks[0]!.code }).toEqual({
        ...{ result: 'warning', code: 'FILE_NOT_COPIED' },
      });
      expect(tasks[0]!.reason).toContain('has something else there');
    }
    Object.assign(world.target, { rename, stat });
    expect((await world.copy()).result).toBe('success');
    expect(await world.copied()).toEqual(world.files);
  });
});

it('the note that a large file cannot be read holds nobody up when it is damaged', async () => {
  const world = await copiedStore();
  await world.write('data/large', Buffer.alloc(9 * 1024 ** 2, 7));
  const { openRead } = world.source;
  world.source.openRead = (path) =>
    path.endsWith('data/large') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
  const openWrite = world.target.openWrite.bind(world.target);
  let damaged = 0;
  world.target.openWrite = async (path, create) => {
    const file = await openWrite(path, create);
    const write = file.write.bind(file);
    if (path.includes('.fault') && damaged++ === 0)
      file.write = (bytes, offset) => write(bytes.subarray(0, 5), offset);
    return file;
  };
  expect((await world.copy()).result).toBe('warning');
  expect(damaged).toBeGreaterThan(0);
  world.source.openRead = openRead;
  expect((await world.copy()).result).toBe('success');
  expect((await world.copied()).get('data/large')?.length).toBe(9 * 1024 ** 2);
});

it('a file that was renamed by case alone does not go with its old name where storage tells such names not apart', async () => {
  const world = await copiedStore();
  await world.write('data/readme', 'read me');
  await world.copy();
  await world.write('data/README', 'read me');
  await world.remove('data/readme');
  await world.copy();
  // What such storage lists is the name that the file has now.
  const list = world.target.list.bind(world.target);
  world.target.list = async (folder) =>
    (await list(folder)).filter(({ path }) => !path.endsWith('files/data/readme'));
  const unlink = world.target.unlink.bind(world.target);
  const unlinked: string[] = [];
  world.target.unlink = (path) => (unlinked.push(path), unlink(path));
  for (let day = 0; day < 20; day++) {
    world.nowMs += DAY_MS;
    await world.write(`snapshots/d${day}.json`, JSON.stringify({ at: world.nowMs }));
    await world.copy();
  }
  expect((await world.record()).index.map(({ goneCount }) => goneCount)).toEqual([0, 0, 0, 0]);
  expect(unlinked.filter((path) => path.includes('files/data'))).toEqual([]);
});

it('a folder of the copy is listed once for all that is removed from it, whatever lies between', async () => {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  const leaving = Array.from({ length: 8 }, (_, i) => [`data/${i}`, `data/${i}x/1`]).flat();
  for (const path of leaving) await world.write(path, `content of ${path}`);
  for (let i = 0; i < 20; i++) await world.write(`data/z${i}`, `stays ${i}`);
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  await world.copy();
  for (const path of leaving) await world.remove(path);
  const list = world.target.list.bind(world.target);
  const removing: number[] = [];
  for (let day = 0; day < 8; day++) {
    let count = 0;
    world.target.list = (folder) => {
      if (folder.endsWith('files/data')) count++;
      return list(folder);
    };
    world.nowMs += DAY_MS;
    await world.write(`snapshots/d${day}.json`, JSON.stringify({ at: world.nowMs }));
    const before = (await world.copied()).size;
    count = 0;
    await world.copy();
    const listed = count;
    if ((await world.copied()).size < before) removing.push(listed);
  }
  expect(await world.copied()).toEqual(world.files);
  // Once by the look at the copy before it.
  expect(removing).toEqual([2]);
});

it('a folder that cannot be looked into for once takes nothing from points that were whole, and a file that no point needs nothing at all', async () => {
  const [key, ...classes] = TOY_STORE_RULES.classes;
  const rules = {
    ...TOY_STORE_RULES,
    classes: [{ ...key!, isOfNoPoint: true as const }, ...classes],
    ...{ isPartial: true as const, pointOf: () => null },
  };
  makeTreesKnown({ ...toyStoreLayout, rules });
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  await world.write('data/a/1', 'chunk 1');
  await world.write('data/b/1', 'chunk 2');
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  await world.copy();
  const list = world.source.list.bind(world.source);
  const { openRead } = world.source;
  world.source.list = (folder) =>
    folder.endsWith('data/a') ? Promise.reject(denied(folder)) : list(folder);
  world.source.openRead = (path) =>
    path.endsWith('STORE') ? Promise.reject(denied(path)) : openRead.call(world.source, path);
  await world.write('STORE', 'v2');
  await world.write('data/b/2', 'chunk 3');
  expect((await world.copy()).result).toBe('warning');
  expect((await world.record()).points.map(({ lacks }) => lacks)).toEqual([undefined]);
});
