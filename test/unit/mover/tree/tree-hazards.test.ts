import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import type { RepositoryEntry } from '../../../../src/repository/backup-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, TreeWorld } from '../../../support/tree/tree-world.js';

/** Of the first tree that a layout finds in a folder, other facts. */
function withFound(
  layout: TreeLayout,
  change: (found: Awaited<ReturnType<TreeLayout['scan']>>[number]) => object,
): TreeLayout {
  return {
    ...layout,
    scan: async (reader, folder, claimed) =>
      (await layout.scan(reader, folder, claimed)).map((found) => ({ ...found, ...change(found) })),
  };
}

describe('a tree that shares its root', () => {
  it('has what lies in its own folders, however deep they are', async () => {
    makeTreesKnown(
      withFound(toyStoreLayout, () => ({ within: ['STORE', 'data/main', 'snapshots'] })),
    );
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/main/1/a', 'a');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.source.put('store/data/mainframe/b', Buffer.from('of another'));
    expect((await world.copy()).result).toBe('success');
    expect(await world.copied()).toEqual(world.files);
  });
});

describe('a point of sets', () => {
  async function setWorld(layout: TreeLayout = toySetLayout): Promise<TreeWorld> {
    makeTreesKnown(layout);
    const job = {
      ...testJob({ transactionLogs: true }),
      retention: { type: 'days', value: 14 },
    } as const;
    const world = new TreeWorld('db', 'toysets', job);
    await world.write('db-20.a.set', 'part a');
    await world.write('db-20.b.set', 'part b');
    await world.write('db-20.done', '');
    await world.write('log-20-2.log', 'log');
    return world;
  }

  const idsOf = async (world: TreeWorld) =>
    (await world.record()).points.map(({ source }) => source.restorePointId);

  it('is not there, nor what needs it, when one of its files cannot be read', async () => {
    const world = await setWorld();
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('b.set') ? Promise.reject(unreadable(path)) : openRead.call(world.source, path);
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain(
      'restore point db-20 is not in the copy: 2 of its files were not copied (db-20.b.set)',
    );
    expect(await idsOf(world)).toEqual([]);
    // What is here of it is not thrown away.
    // What says that it is there comes last.
    expect([...(await world.copied()).keys()]).toEqual(['db-20.a.set', 'log-20-2.log']);
    world.source.openRead = openRead;
    const next = await world.copy();
    expect(next).toMatchObject({ result: 'success', progress: { readBytes: 'part b'.length } });
    expect(await idsOf(world)).toEqual(['db-20', 'log-20-2']);
    expect((await world.record()).unfinished).toEqual([]);
  });

  it('is not there while its tool is at it, and that is no fault of the session', async () => {
    const world = await setWorld();
    await world.remove('db-20.done');
    await world.remove('log-20-2.log');
    const { result, tasks } = await world.copy();
    expect({ result, reason: tasks[0]?.reason }).toMatchObject({ result: 'warning' });
    expect(await idsOf(world)).toEqual([]);
    expect((await world.copy()).result).toBe('warning');
  });

  it('is not there when one of its files is gone since it was found', async () => {
    const world = await setWorld(
      withFound(toySetLayout, ({ points }) => ({
        points: points.map((point) => ({ ...point, files: [...point.files!, 'db-20.c.set'] })),
      })),
    );
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]).toMatchObject({
      code: 'FILE_NOT_COPIED',
      // The mark of the backup and its log wait for it.
      reason: expect.stringContaining(
        '"db-20.c.set" was not copied: it is not there, and its restore point names it; 2 more were not',
      ) as string,
    });
    expect(await idsOf(world)).toEqual([]);
  });

  it('stays for as long as its weekly flag says, and its logs do not', async () => {
    makeTreesKnown(toySetLayout);
    const gfs = { weekly: { keep: 2, day: 'sunday' }, monthly: null, yearly: null } as const;
    const job = testJob({
      ...{ transactionLogs: true, compact: null, retention: { type: 'days', value: 2 } },
      gfs: { ...gfs, fullMethod: 'synthetic' },
    });
    const world = new TreeWorld('db', 'toysets', job);
    // 22 and 29 November are Sundays.
    for (let day = 21; day <= 37; day++) {
      await world.write(`db-${day}.a.set`, `day ${day}`);
      await world.write(`db-${day}.done`, '');
      await world.write(`log-${day}-2.log`, 'log');
      for (const name of [`db-${day - 1}.a.set`, `db-${day - 1}.done`, `log-${day - 1}-2.log`])
        if (world.files.has(name)) await world.remove(name);
      world.nowMs = Date.UTC(2026, 10, day, 4);
      expect((await world.copy()).result).toBe('success');
      if (day === 31)
        expect((await idsOf(world)).join(' ')).toBe(
          // The window begins on the 29th at 04:00, and a backup may take four days.
          'db-22 db-25 log-25-2 db-26 log-26-2 db-27 log-27-2 db-28 log-28-2 db-29 log-29-2 db-30 log-30-2 db-31 log-31-2',
        );
    }
    const { points } = await world.record();
    // 22 November and 14 days is 6 December: it protects no more from then on.
    expect(points.map(({ source, flags }) => [source.restorePointId, ...flags])).toEqual([
      ...[['db-29', 'weekly'], ['db-31'], ['log-31-2'], ['db-32'], ['log-32-2'], ['db-33']],
      ...[['log-33-2'], ['db-34'], ['log-34-2'], ['db-35'], ['log-35-2']],
      ...[['db-36', 'weekly'], ['log-36-2'], ['db-37'], ['log-37-2']],
    ]);
    expect([...(await world.copied()).keys()]).toContain('db-29.a.set');
    // A flag that the job does not give any more protects nothing.
    world.nowMs += DAY_MS;
    await world.copy({}, { ...job, gfs: null });
    expect(await idsOf(world)).not.toContain('db-29');
  });

  it('keeps the files that it has got since', async () => {
    const world = await setWorld();
    await world.copy();
    await world.write('db-20.c.set', 'part c');
    await world.copy();
    expect(await world.copied()).toEqual(world.files);
    expect((await world.record()).points[0]!.files).toEqual([
      ...['db-20.a.set', 'db-20.b.set', 'db-20.done'],
      'db-20.c.set',
    ]);
  });

  it('is gone, and that is told, when another backup was written over its files', async () => {
    const dated = (day: number) =>
      withFound(toySetLayout, ({ points }) => ({
        points: points.map((point) => ({
          ...{ ...point, id: `${point.id}@${day}`, needs: [] },
          createdAtMs: point.createdAtMs + day * 86_400_000,
        })),
      }));
    let day = 0;
    const world = await setWorld({
      ...toySetLayout,
      scan: (reader, folder, claimed) => dated(day).scan(reader, folder, claimed),
    });
    await world.copy();
    day = 1;
    await world.write('db-20.a.set', 'next a');
    const { tasks } = await world.copy();
    expect(await idsOf(world)).toEqual(['db-20@1', 'log-20-2@1']);
    expect(tasks[0]!.reason).toBe(
      'restore point db-20@0 of 2026-11-20T01:00:00.000Z is no longer in the copy: the source has written another backup over its files',
    );
  });
});

describe('a new point of a store', () => {
  it('is not there while a file of the store cannot be read', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/1', 'chunk');
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      path.endsWith('data/1')
        ? Promise.reject(unreadable(path))
        : openRead.call(world.source, path);
    const { result, tasks } = await world.copy();
    expect({ result, reason: tasks[0]!.reason }).toMatchObject({ result: 'warning' });
    expect(tasks[0]!.reason).toContain('restore point s1 is not in the copy');
    expect((await world.record()).points).toEqual([]);
    world.source.openRead = openRead;
    await world.copy();
    expect((await world.record()).points).toHaveLength(1);
  });
});

function unreadable(path: string): BackupError {
  return new BackupError('REPOSITORY_IO_ERROR', `cannot read ${path}`, { details: { path } });
}

describe('a large file of which a power cut left the name and took that of its table', () => {
  it('is in the index all the same', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    await world.write('data/large', Buffer.alloc(9 * 1024 ** 2 + 5, 7));
    const rename = world.target.rename.bind(world.target);
    let isCut = false;
    world.target.rename = async (from, to) => {
      if (!isCut && to.endsWith('.digests')) return;
      await rename(from, to);
      if (isCut || !to.endsWith('files/data/large')) return;
      isCut = true;
      throw unreadable('the target');
    };
    await world.copy();
    expect(isCut).toBe(true);
    const record = await world.record();
    expect(record.index.map(({ fileCount }) => fileCount)).toEqual([1, 1, 0, 0]);
    expect((await world.copy()).result).toBe('nothingToCopy');
  });
});

describe('a file that the source loses while the clock is behind', () => {
  it('stays as long as any other', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 10; i++) await world.write(`data/${i}`, `chunk ${i}`);
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    await world.remove('data/1');
    world.nowMs -= 9 * DAY_MS;
    await world.copy();
    world.nowMs += 9 * DAY_MS;
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    expect([...(await world.copied()).keys()]).toContain('data/1');
  });

  // The look before found nothing, and is in no record of the tree.
  it.each([5, 20])('stays as long as any other of a source at rest: %i days', async (behind) => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 10; i++) await world.write(`data/${i}`, `chunk ${i}`);
    for (const id of ['s0', 's1'])
      await world.write(`snapshots/${id}.json`, JSON.stringify({ at: world.nowMs }));
    await world.copy();
    world.nowMs += 9 * DAY_MS;
    expect((await world.copy()).result).toBe('nothingToCopy');
    await world.remove('data/1');
    await world.remove('snapshots/s0.json');
    world.nowMs -= behind * DAY_MS;
    await world.copy();
    world.nowMs += behind * DAY_MS;
    const has = async (): Promise<[boolean, string[]]> => {
      const { points } = await world.record();
      const ids = points.map(({ source }) => source.restorePointId);
      return [(await world.copied()).has('data/1'), ids];
    };
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    expect(await has()).toEqual([true, ['s0', 's1', 's2']]);
    world.nowMs += 3 * DAY_MS;
    await world.write('snapshots/s3.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    expect(await has()).toEqual([false, ['s1', 's2', 's3']]);
  });
});

describe('a store whose tool touches its files', () => {
  it('is what it was: only times of use and links have changed', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    await world.write('STORE', 'v1');
    for (let i = 0; i < 10; i++) await world.write(`data/${i}`, `chunk ${i}`);
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    const { list } = world.source;
    world.source.list = async (folder): Promise<RepositoryEntry[]> =>
      (await list.call(world.source, folder)).map((entry) => ({
        ...entry,
        ...(folder.startsWith('store/data')
          ? { stamp: { ...entry.stamp, changedAtNs: `${BigInt(entry.stamp.changedAtNs) + 5n}` } }
          : {}),
      }));
    const outcome = await world.copy();
    expect({ result: outcome.result, reason: outcome.tasks[0]?.reason }).toMatchObject({
      result: 'nothingToCopy',
    });
  });
});

describe('a source whose stamps prove nothing', () => {
  it('has its large files read again, and their digest tables kept', async () => {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    Object.assign(world.source, {
      capabilities: { ...world.source.capabilities, stampsProve: false },
    });
    await world.write('STORE', 'v1');
    await world.write('data/1', 'chunk');
    await world.write('index/large', Buffer.alloc(9 * 1024 ** 2, 7));
    await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
    await world.copy();
    const tables = async () =>
      (await world.target.list(`${world.tree}/.index`)).filter(({ name }) =>
        name.endsWith('.digests'),
      );
    expect(await tables()).toHaveLength(1);
    await world.copy();
    expect(await tables()).toHaveLength(1);
  });
});
