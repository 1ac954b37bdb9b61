import { hash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const LARGE = Buffer.alloc(9 * 1024 ** 2 + 5, 7);

async function copiedStore(): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  await world.write('data/1', 'chunk 1');
  await world.write('data/2', 'chunk 2');
  await world.write('data/large', LARGE);
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  expect((await world.copy()).result).toBe('success');
  return world;
}

describe('a file of a copied tree that is not there as it was copied', () => {
  it('is sent again by the next session, and what is damaged is set aside', async () => {
    const world = await copiedStore();
    await world.damage('data/1', null);
    await world.damage('data/2', 'chun');
    await world.damage('data/large', LARGE.subarray(0, 100));
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain(
      '3 files of the copy were not there as copied, and come from the source again ("data/1" is missing)',
    );
    expect(digests(await world.copied())).toEqual(digests(world.files));
    const aside = await filesBelow(world.target, `${world.tree}/.quarantine`);
    const contents = [...aside].map(([path, bytes]) => [
      path.slice(path.indexOf('/') + 1),
      bytes.length,
    ]);
    expect(contents).toEqual([
      ['data/2', 4],
      ['data/large', 100],
    ]);
    expect((await world.copy()).result).toBe('nothingToCopy');
    expect((await world.record()).points).toHaveLength(1);
  });

  it('makes the points corrupt that need it when the source does not have it any more', async () => {
    const world = await copiedStore();
    await world.remove('data/1');
    await world.remove('snapshots/s1.json');
    await world.write('snapshots/s2.json', JSON.stringify({ at: 2 }));
    await world.copy();
    await world.damage('data/1', null);
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain(
      '1 file of the copy is lost, and the source has it no more ("data/1" is missing): restore points that need it are corrupt',
    );
    const health = (await world.record()).points.map(({ source, health }) => [
      source.restorePointId,
      health,
    ]);
    expect(health).toEqual([
      ['s1', 'corrupt'],
      ['s2', 'good'],
    ]);
  });

  it('is none when a removal was stopped half way', async () => {
    const world = await copiedStore();
    await world.remove('data/1');
    await world.remove('data/2');
    await world.write('snapshots/s2.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    world.nowMs += 5 * DAY_MS;
    const unlink = world.target.unlink.bind(world.target);
    let count = 0;
    world.target.unlink = (path) =>
      path.includes('/files/data/') && ++count >= 2
        ? Promise.reject(new Error('stopped'))
        : unlink(path);
    await world.write('snapshots/s3.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    expect(count).toBeGreaterThan(1);
    world.target.unlink = unlink;
    const { tasks } = await world.copy();
    expect(tasks.map(({ reason }) => reason ?? '').join()).not.toContain('lost');
    expect((await world.record()).points.map(({ health }) => health)).not.toContain('corrupt');
    expect([...(await world.copied()).keys()]).toEqual([...world.files.keys()].sort());
  });

  it('is sent again after a stop between the quarantine and the copy', async () => {
    const world = await copiedStore();
    await world.damage('data/2', 'chun');
    const { putAll } = world.target;
    Object.assign(world.target, { putAll: () => Promise.reject(new Error('killed')) });
    await world.copy().catch(() => undefined);
    Object.assign(world.target, { putAll });
    await world.copy();
    expect(digests(await world.copied())).toEqual(digests(world.files));
    const aside = await filesBelow(world.target, `${world.tree}/.quarantine`);
    expect([...aside.values()]).toEqual([Buffer.from('chun')]);
  });
});

it('a file of the copy with another time is read: what is right gets its time back, what is not is sent again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-lost-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const share = join(folder, 'primary/share');
  await mkdir(join(share, '2026-11-20'), { recursive: true });
  await mkdir(join(folder, 'offsite'));
  await writeFile(join(share, 'backup.marker'), '');
  for (const name of ['right', 'wrong']) await writeFile(join(share, '2026-11-20', name), name);
  const opened = (id: string, readOnly: boolean) =>
    openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
  const sessions = new LocalSessions([
    await opened('primary', true),
    await opened('offsite', false),
  ]);
  const job = shareJob('dated-tree-share');
  await sessions.tryToCopy(job, Date.UTC(2026, 10, 25));
  const copy = join(folder, 'offsite', chainFolder(job.id, 'dated-tree-share'), 'files/2026-11-20');
  await writeFile(join(copy, 'wrong'), 'WRONG');
  for (const name of ['right', 'wrong']) await utimes(join(copy, name), 5, 5);
  const { tasks } = await sessions.tryToCopy(job, Date.UTC(2026, 10, 26));
  expect(tasks[0]!.reason).toContain(
    '1 file of the copy was not there as copied, and comes from the source again ("2026-11-20/wrong" is not what was copied)',
  );
  expect(await readFile(join(copy, 'wrong'), 'utf8')).toBe('wrong');
  expect((await stat(join(copy, 'right'))).mtimeMs).toBeGreaterThan(1_000_000_000_000);
});

/** Of files by their paths: what is large is compared in no time. */
function digests(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...files].map(([path, bytes]) => [path, hash('sha256', bytes)]));
}
