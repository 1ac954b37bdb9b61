import { describe, expect, it } from 'vitest';
import { BackupError, type ErrorCode } from '../../../../src/domain/errors.js';
import { lookAtCopy } from '../../../../src/mover/tree/look-at-copy.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

const CHUNKS = 10;

async function copiedStore(): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  for (let i = 0; i < CHUNKS; i++) await world.write(`data/${i}`, `chunk ${i}`);
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  expect((await world.copy()).result).toBe('success');
  await world.write('snapshots/s2.json', JSON.stringify({ at: 2 }));
  return world;
}

const healths = async (world: TreeWorld) =>
  (await world.record()).points.map(({ health }) => health);

describe('a session with something to copy', () => {
  it('says how many files of the copy are lost for now, and a health check judges the points', async () => {
    const world = await copiedStore();
    for (const path of ['data/1', 'data/2', 'data/3']) await world.damage(path, null);
    for (const path of ['data/1', 'data/2', 'data/3']) await world.remove(path);
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain(
      '3 files of the copy are not there as copied ("data/1" is missing) and cannot be sent again now',
    );
    expect(tasks[0]!.reason).toContain('nothing was removed from the copy');
    expect(await healths(world)).toEqual(['good', 'unknown']);
    const again = await world.copy();
    expect({ result: again.result, reason: again.tasks[0]!.reason }).toEqual({
      ...{ result: 'warning', reason: expect.stringContaining('3 files of the copy are not') },
    });
    for (let i = 1; i <= 3; i++) await world.write(`data/${i}`, `chunk ${i}`);
    await world.verify();
    expect(await healths(world)).toEqual(['good', 'good']);
    expect(await world.copied()).toEqual(world.files);
    await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
    expect((await world.copy()).result).toBe('success');
  });

  it('removes nothing while files are lost that points need which count as good, stopped or not', async () => {
    const world = await copiedStore();
    await world.copy();
    for (const path of ['data/1', 'data/2', 'snapshots/s1.json']) await world.remove(path);
    await world.copy();
    world.nowMs += 400 * DAY_MS;
    await world.write('snapshots/s4.json', JSON.stringify({ at: world.nowMs }));
    await world.damage('data/3', null);
    await world.remove('data/3');
    const file = Buffer.from('begun');
    for (const left of [false, true]) {
      if (left) await world.target.put(`${world.tree}/.staging/begun`, file);
      await world.write(left ? 'data/x' : 'data/y', 'new');
      const { result, tasks } = await world.copy();
      expect({ result, reason: tasks[0]!.reason }).toEqual({
        ...{
          result: 'warning',
          reason: expect.stringMatching(/^1 file of the copy is .*nothing was removed/),
        },
      });
      expect([...(await world.copied()).keys()]).toEqual(
        expect.arrayContaining(['data/1', 'data/2', 'snapshots/s1.json']),
      );
    }
    await world.verify();
    await world.write('data/z', 'new');
    // It has told what it still lacks, and a health check has judged what suffers from it.
    expect((await world.copy()).tasks[0]!.reason).not.toContain('nothing was removed');
    expect([...(await world.copied()).keys()]).not.toContain('data/1');
  });

  it('removes what is due when only files are lost that nobody has any more', async () => {
    const world = await copiedStore();
    await world.copy();
    for (const path of ['data/1', 'data/2', 'snapshots/s1.json']) await world.remove(path);
    await world.copy();
    await world.damage('data/2', null);
    await world.verify();
    expect(await healths(world)).toEqual(['corrupt', 'good']);
    world.nowMs += 400 * DAY_MS;
    await world.write('snapshots/s4.json', JSON.stringify({ at: world.nowMs }));
    await world.write('data/y', 'new');
    expect((await world.copy()).result).toBe('warning');
    expect(await world.copied()).toEqual(world.files);
    await world.write('data/z', 'new');
    expect((await world.copy()).result).toBe('success');
  });

  it('writes nothing and judges no point when most files of the copy are not there', async () => {
    const world = await copiedStore();
    for (let i = 0; i < 8; i++) await world.damage(`data/${i}`, null);
    const before = await world.copied();
    const { result, tasks } = await world.copy();
    expect({ result, code: tasks[0]!.code }).toEqual({
      ...{ result: 'actionRequired', code: 'TARGET_SUSPICIOUS' },
    });
    expect(tasks[0]!.reason).toContain(
      'of 12 files of the copy 8 are not there as they were copied',
    );
    expect(await world.copied()).toEqual(before);
    expect(await healths(world)).toEqual(['good']);
    expect((await world.copy({ acceptChanges: true })).result).toBe('warning');
    expect([...(await world.copied()).keys()]).toContain('snapshots/s2.json');
  });

  it('writes nothing either when most are missing and a run before was stopped', async () => {
    const world = await copiedStore();
    for (let i = 0; i < 8; i++) await world.damage(`data/${i}`, null);
    await world.target.put(`${world.tree}/.staging/begun`, Buffer.from('begun'));
    const before = await world.copied();
    const { result, tasks } = await world.copy();
    expect({ result, code: tasks[0]!.code }).toEqual({
      ...{ result: 'actionRequired', code: 'TARGET_SUSPICIOUS' },
    });
    expect(await world.copied()).toEqual(before);
    expect((await world.copy({ acceptChanges: true })).tasks[0]!.reason).toContain('sent again');
    expect(await world.copied()).toEqual(world.files);
  });

  async function withFolders(): Promise<TreeWorld> {
    const world = await copiedStore();
    for (const name of ['a/1', 'b!', 'b/1', 'b/2/3', 'c/1'])
      await world.write(`data/${name}`, name);
    await world.copy();
    return world;
  }

  function failToList(world: TreeWorld, name: string, error: BackupError): () => void {
    const { list } = world.target;
    world.target.list = (folder) =>
      folder === `${world.tree}/files${name}`
        ? Promise.reject(error)
        : list.call(world.target, folder);
    return () => (world.target.list = list);
  }

  it.each<ErrorCode>(['REPOSITORY_ACCESS_DENIED', 'REPOSITORY_IO_ERROR'])(
    'counts what is known of a folder of the copy that cannot be listed (%s)',
    async (code) => {
      const world = await withFolders();
      await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
      await world.damage('data/c/1', null);
      const again = failToList(world, '/data/b', new BackupError(code, 'cannot be listed'));
      const { result, tasks } = await world.copy();
      again();
      expect(result).toBe('warning');
      expect(tasks[0]!.reason).toContain(
        '2 files of the copy are not there as copied ("data/b/1" cannot be read by its storage)',
      );
      expect(tasks[0]!.reason).toContain(
        '1 file of the copy was not there as copied ("data/c/1" was missing), and was sent again',
      );
      expect(await world.copied()).toEqual(world.files);
    },
  );

  it.each<[string, string, ErrorCode, string | undefined]>([
    ['all of its files', '', 'REPOSITORY_ACCESS_DENIED', undefined],
    ['a folder, because it has no open files left,', '/data/b', 'REPOSITORY_IO_ERROR', 'EMFILE'],
    ['a folder, because it does not answer,', '/data/b', 'REPOSITORY_UNREACHABLE', undefined],
  ])('a look at a copy whose storage cannot list %s fails', async (_, name, code, errno) => {
    const world = await withFolders();
    const details: Record<string, string> = errno === undefined ? {} : { errno };
    failToList(world, name, new BackupError(code, 'cannot be listed', { details }));
    const look = lookAtCopy(world.target, world.tree, await world.record());
    await expect(look).rejects.toMatchObject({ code });
  });

  it('tells what an agreement would take over of a wiped source, too', async () => {
    const world = await copiedStore();
    for (let i = 0; i < 8; i++) await world.damage(`data/${i}`, null);
    for (let i = 0; i < CHUNKS; i++) await world.remove(`data/${i}`);
    const [task] = (await world.copy()).tasks;
    expect(task!.code).toBe('TARGET_SUSPICIOUS');
    expect(task!.reason).toContain(
      'of 12 files that the source showed at the last look 10 are gone',
    );
  });
});
