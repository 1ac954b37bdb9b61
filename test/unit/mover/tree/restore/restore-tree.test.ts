import { LEASE_MS } from '../../../../../src/chain/leases.js';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../../src/domain/errors.js';
import { writeTreeRecord } from '../../../../../src/tree/tree-store.js';
import { FoldingRepository } from '../../../../support/repository/folding-repository.js';
import { shareJob } from '../../../../support/tree/live-stores.js';
import { makeTreesKnown } from '../../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../../support/tree/toy-trees.js';
import { said } from '../../../../support/tree/storage-answers.js';
import { filesBelow, TreeWorld } from '../../../../support/tree/tree-world.js';
import { WorkerDeath } from '../../../../support/workflows/local-server.js';
import {
  LARGE,
  beginRestore,
  digests,
  folder,
  setWorld,
  storeWorld,
} from '../../../../support/tree/copied-trees.js';

describe('a restore of a tree', () => {
  it('ends with a warning when the copy does not have what the point needs', async () => {
    const world = await setWorld();
    const record = await world.record();
    const points = record.points.filter(({ source }) => source.restorePointId !== 'db-22');
    await writeTreeRecord(world.target, world.tree, { ...record, points });
    const { result, reason, notes } = await world.restore(folder(), 'log-22-2');
    expect([result, reason]).toEqual([
      'warning',
      'the restore point is not whole: it needs db-22, which the copy does not have',
    ]);
    expect(notes).toContain('restored 2 files to /tmp');
    expect((await world.restore(folder(), 'log-23-2')).result).toBe('success');
  });

  it('puts every file of a store there, and leaves nothing else behind', async () => {
    const world = await storeWorld();
    const target = folder();
    const { result, notes, processedBytes, totalBytes } = await world.restore(target, 's24');
    expect({ result, notes }).toEqual({ result: 'success', notes: ['restored 12 files to /tmp'] });
    expect(processedBytes).toBe(totalBytes);
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
    expect(await world.target.list(`${world.tree}/.leases`)).toEqual([]);
  });

  it('writes a large file again whose begun one was removed to make room', async () => {
    const world = await storeWorld();
    const target = folder();
    // Small files, and the first of two parts.
    await beginRestore(world, target);
    const works = [...(await filesBelow(target, '')).keys()].filter((path) => /work$/.test(path));
    expect(works).toHaveLength(1);
    await target.remove(works[0]!);
    expect(await world.restore(target, 's24')).toMatchObject({ code: 'STAGING_INVALID' });
    expect((await world.restore(target, 's24')).result).toBe('success');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it('leaves out what the source has removed, but for a point that went with it', async () => {
    const world = await storeWorld();
    const before = digests(world.files);
    const blob = [...world.files.keys()].find((path) => path.startsWith('data/'))!;
    await world.remove('snapshots/s23.json');
    await world.remove(blob);
    await world.copy();
    const [kept, gone] = [folder(), folder()];
    await world.restore(kept, 's24');
    await world.restore(gone, 's23');
    expect(digests(await filesBelow(kept, ''))).toEqual(digests(world.files));
    expect(digests(await filesBelow(gone, ''))).toEqual(before);
  });

  it('leaves out what another point alone needs, damaged or not', async () => {
    const pointOf = (path: string) => /^snapshots\/(.*)\.json$/.exec(path)?.[1] ?? null;
    const world = await storeWorld({
      ...toyStoreLayout,
      rules: { ...toyStoreLayout.rules, pointOf },
    });
    await world.damage('snapshots/s23.json', 'x');
    const target = folder();
    expect((await world.restore(target, 's24')).result).toBe('success');
    world.files.delete('snapshots/s23.json');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it('of sets puts there what a point needs, and nothing else', async () => {
    const world = await setWorld();
    const target = folder();
    const { result } = await world.restore(target, 'log-22-1');
    expect(result).toBe('success');
    const restored = await filesBelow(target, '');
    expect([...restored.keys()].sort()).toEqual(['db-22.a.set', 'db-22.done', 'log-22-1.log']);
    expect(restored.get('db-22.a.set')!.toString()).toBe('content of db-22.a.set');
  });

  it('names files that are damaged in the copy, leaves them out, and goes on with the rest', async () => {
    const world = await storeWorld();
    const large = Buffer.from(world.files.get('index/large')!);
    large[LARGE - 1] = 1;
    await world.damage('index/large', large);
    await world.damage('STORE', 'v2');
    const target = folder();
    const { result, reason, notes } = await world.restore(target, 's24');
    expect({ result, reason }).toEqual({
      result: 'failed',
      reason: '2 of 12 files are damaged in the copy',
    });
    expect([...notes].sort()).toEqual([
      '"STORE" is damaged in the copy and was not restored',
      '"index/large" is damaged in the copy and was not restored',
      'restored 10 files to /tmp',
    ]);
    for (const path of ['index/large', 'STORE']) world.files.delete(path);
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it.each([
    ['STORE', 'ENAMETOOLONG', 'name'],
    ['index/large', 'EINVAL', 'name'],
    ['index/large', 'EFBIG', 'size'],
  ])('names %s when the destination answers %s for it, and goes on', async (path, errno, what) => {
    const world = await storeWorld();
    const target = folder();
    const { rename, openWrite } = target;
    target.rename = (from, to) =>
      what === 'name' && to.endsWith(`/tree/${path}`)
        ? Promise.reject(said(errno, to))
        : rename.call(target, from, to);
    target.openWrite = async (at, create) => {
      const file = await openWrite.call(target, at, create);
      if (what === 'size' && /work\/[^/]*\.work$/.test(at))
        file.write = () => Promise.reject(said(errno, at));
      return file;
    };
    const { result, reason, notes } = await world.restore(target, 's24');
    const why = {
      name: 'the target does not take its name or path, or has something else there',
      size: 'the target takes no file of its size',
    }[what];
    expect({ result, reason, notes }).toEqual({
      result: 'failed',
      reason: '1 of 12 files is not taken by the destination',
      notes: ['restored 11 files to /tmp', `"${path}" was not restored: ${why}`],
    });
    world.files.delete(path);
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it.each([
    ['case', 'data/B', 'data/b', (path: string) => path.toLowerCase()],
    ['accents', 'data/e\u0301', 'data/\u00e9', (path: string) => path.normalize('NFC')],
  ])(
    'keeps the first of two files whose names the destination folds by %s, and names the other',
    async (_, first, second, fold) => {
      const world = await storeWorld();
      await world.write(first, 'the first');
      await world.write(second, 'the second');
      // These differ by what it does not fold.
      const others = ['data/X\u0301', 'data/x\u0301', 'data/y\u0301', 'data/\u00fd'];
      const differ = others.filter(
        (path, index) =>
          index === 0 || !others.slice(0, index).some((other) => fold(other) === fold(path)),
      );
      for (const path of differ) await world.write(path, path);
      await world.copy();
      const target = new FoldingRepository(fold);
      const { result, reason, notes } = await world.restore(target, 's24');
      expect({ result, reason, notes: notes.map((note) => note.split(':')[0]) }).toEqual({
        result: 'failed',
        reason: '1 of 17 files is not taken by the destination',
        notes: ['restored 16 files to /tmp', `"${second}" was not restored`],
      });
      world.files.delete(second);
      expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
    },
  );

  it('ends with a warning, and names what a point lacks that could not be copied', async () => {
    const world = new TreeWorld();
    const pointOf = (path: string) => /^data\/(\w+)\//.exec(path)?.[1] ?? null;
    const rules = { ...toyStoreLayout.rules, isPartial: true as const, pointOf };
    makeTreesKnown({ ...toyStoreLayout, rules });
    await world.write('STORE', 'v1');
    for (const id of ['s1', 's2']) {
      for (let i = 10; i < 34; i++) await world.write(`data/${id}/${i}`, `${id} ${i}`);
      await world.write(`snapshots/${id}.json`, JSON.stringify({ at: Number(id.slice(1)) }));
    }
    const { openRead } = world.source;
    world.source.openRead = (path) =>
      /data\/s1\/(1[1-9]|[23])/.test(path)
        ? Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'may not be read'))
        : openRead.call(world.source, path);
    await world.copy();
    world.source.openRead = openRead;
    const [lacking, whole] = [folder(), folder()];
    const { result, reason, notes } = await world.restore(lacking, 's1');
    const why = 'its storage does not let the account that Longhaul runs as read it';
    expect({ result, reason }).toEqual({
      result: 'warning',
      reason: `the restore point lacks 23 files of the source that could not be copied: first "data/s1/11", ${why}`,
    });
    expect(notes.slice(0, 2)).toEqual([
      'restored 4 files to /tmp',
      `"data/s1/11" could not be copied: ${why}`,
    ]);
    expect(notes.slice(20)).toEqual([
      `"data/s1/30" could not be copied: ${why}`,
      'and 3 more files like these',
    ]);
    expect((await world.restore(whole, 's2')).result).toBe('success');
    await world.damage('data/s1/10', 'x');
    const damaged = await world.restore(folder(), 's1');
    expect(damaged.result).toBe('failed');
    expect(damaged.reason).toMatch(
      /^1 of 4 files is damaged in the copy; the restore point lacks 23 /,
    );
  });

  it('does without the table of a file that proves to be right', async () => {
    const world = await storeWorld();
    for (const { name, path } of await world.target.list(`${world.tree}/.index`))
      if (name.endsWith('.digests')) await world.target.remove(path);
    const target = folder();
    expect((await world.restore(target, 's24')).result).toBe('success');
    expect(digests(await filesBelow(target, ''))).toEqual(digests(world.files));
  });

  it.each([
    ['holds something', {}, 'mine', 'is not empty'],
    ['holds a name that is needed', { intoExisting: true }, 'data/mine', 'holds "data" already'],
  ])('refuses a folder that %s', async (_, order, name, reason) => {
    const world = await storeWorld();
    const target = folder();
    await target.put(name, Buffer.from('mine'));
    const restored = await world.restore(target, 's24', order);
    expect(restored).toMatchObject({ result: 'failed', code: 'RESTORE_DESTINATION_INVALID' });
    expect(restored.reason).toContain(reason);
    expect([...(await filesBelow(target, '')).keys()]).toEqual([name]);
    expect(await world.target.list(`${world.tree}/.leases`)).toEqual([]);
  });

  it('puts the files beside others when it is told to', async () => {
    const world = await storeWorld();
    const target = folder();
    await target.put('mine', Buffer.from('mine'));
    expect((await world.restore(target, 's24', { intoExisting: true })).result).toBe('success');
    expect((await filesBelow(target, '')).size).toBe(13);
  });

  it('leaves out what belongs to a folder that is not finished, and keeps what belongs to none', async () => {
    const job = shareJob('dated-tree-share');
    const world = new TreeWorld('share', 'dated-tree', job, 'dated-tree-share');
    await world.write('backup.marker', '');
    for (const day of [22, 23, 24]) await world.write(`2026-11-${day}-220000/a`, `${day}`);
    await world.write('scripts/run', 'who made them');
    await world.write('backup.inprogress', '');
    await world.copy();
    expect((await world.record()).points).toHaveLength(2);
    const target = folder();
    expect((await world.restore(target, '2026-11-23-220000')).result).toBe('success');
    expect([...(await filesBelow(target, '')).keys()].sort()).toEqual([
      ...['2026-11-23-220000/a', 'backup.marker', 'scripts/run'],
    ]);
  });

  it('has no disks and no other format', async () => {
    const world = await storeWorld();
    const restored = await world.restore(folder(), 's24', { format: 'raw' });
    expect(restored).toMatchObject({ result: 'failed', code: 'REQUEST_INVALID' });
  });

  it('goes on where it was killed, at any operation', async () => {
    const world = await storeWorld();
    const good = digests(world.files);
    const whole = folder();
    await world.restore(whole, 's24');
    const count = whole.operations.length;
    for (let atOperation = 3; atOperation < count; atOperation += Math.ceil(count / 4)) {
      const stopped = folder().clone({ crash: { atOperation, when: 'after' } });
      await expect(world.restore(stopped, 's24')).rejects.toThrow(WorkerDeath);
      // Until then it counts as under way.
      world.nowMs += LEASE_MS;
      for (const loss of [{ kind: 'none' }, { kind: 'power', seed: atOperation }] as const) {
        const target = stopped.restart(loss);
        // One that has begun to give names is not begun anew.
        const named = (await target.list('')).filter(({ name }) => !name.startsWith('.'));
        const order = { intoExisting: named.length > 0 };
        const { result, code } = await world.restore(target, 's24', order);
        if (named.length > 0) {
          expect(code).toBe('RESTORE_DESTINATION_INVALID');
          continue;
        }
        expect(result).toBe('success');
        expect(digests(await filesBelow(target, ''))).toEqual(good);
      }
    }
  });
});
