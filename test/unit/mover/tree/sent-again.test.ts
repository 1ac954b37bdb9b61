import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { writeRun } from '../../../../src/mover/tree/commit/index-runs.js';
import { readIndex } from '../../../../src/tree/read-index.js';
import { writeTreeRecord } from '../../../../src/tree/tree-store.js';
import type { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const CHUNKS = 10;
/** Of more than one window, with a hole at its end. */
const LARGE = Buffer.concat([Buffer.alloc(9 * 1024 ** 2, 7), Buffer.alloc(100_000)]);

async function copiedStore(): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  for (let i = 0; i < CHUNKS; i++) await world.write(`data/${i}`, `chunk ${i}`);
  await world.write('index/i1', 'where they are');
  await world.write('snapshots/s1.json', JSON.stringify({ at: 1 }));
  expect((await world.copy()).result).toBe('success');
  await world.write('snapshots/s2.json', JSON.stringify({ at: 2 }));
  return world;
}

const healths = async (world: TreeWorld) =>
  (await world.record()).points.map(({ health }) => health);

/** Reads of a file of the source as storage answers them that has gone bad, behind its times. */
function readAs(
  world: TreeWorld,
  path: string,
  read: (
    openRead: SimulatedRepository['openRead'],
    name: string,
  ) => ReturnType<SimulatedRepository['openRead']>,
): () => void {
  const { openRead } = world.source;
  world.source.openRead = (name) =>
    name.endsWith(`/${path}`)
      ? read(openRead.bind(world.source), name)
      : openRead.call(world.source, name);
  return () => (world.source.openRead = openRead);
}

function rotten(world: TreeWorld, path: string): () => void {
  return readAs(world, path, async (openRead, name) => {
    const file = await openRead(name);
    const read: typeof file.read = async (target, offset) => {
      const count = await file.read(target, offset);
      if (count > 0 && offset === 0) target[0] = target[0]! ^ 1;
      return count;
    };
    return { ...file, read };
  });
}

const unread = (world: TreeWorld, path: string) =>
  readAs(world, path, (_, name) => Promise.reject(denied(name)));

/** Large files are compared by these. */
function digests(files: ReadonlyMap<string, Buffer>): Map<string, string> {
  return new Map([...files].map(([path, bytes]) => [path, hash('sha256', bytes, 'hex')]));
}

/** Nothing is left, and nothing is to be done. */
async function isSettled(world: TreeWorld): Promise<void> {
  expect(digests(await world.copied())).toEqual(digests(world.files));
  expect((await world.record()).lost).toBeUndefined();
  expect([...(await filesBelow(world.target, `${world.tree}/.staging`)).keys()]).toEqual([]);
  expect((await world.copy()).result).toBe('nothingToCopy');
}

describe('what a copy has lost', () => {
  it('comes from the source again by the next session that has something to copy, which names it', async () => {
    const world = await copiedStore();
    await world.write('data/large', LARGE);
    await world.write('index/large', LARGE);
    await world.copy();
    await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
    await world.damage('data/1', null);
    await world.damage('data/2', 'chun');
    await world.damage('data/3', 'chunk 3 and more');
    await world.damage('data/large', null);
    await world.damage('index/large', LARGE.subarray(0, 9_000));
    await world.damage('index/i1', '');
    const { result, tasks } = await world.copy();
    expect({ result, reason: tasks[0]!.reason }).toEqual({
      result: 'warning',
      reason:
        '6 files of the copy were not there as copied ("data/1" was missing), and were sent again',
    });
    expect(await healths(world)).toEqual(['good', 'good', 'good']);
    await isSettled(world);
  });

  it('comes with the new content where the source has changed it meanwhile', async () => {
    const world = await copiedStore();
    await world.damage('index/i1', 'where');
    await world.write('index/i1', 'where they are now');
    expect((await world.copy()).tasks[0]!.reason).toContain('"index/i1" was shorter');
    await isSettled(world);
  });

  it('comes again where the content was only touched, and is not taken for what the copy holds', async () => {
    const world = await copiedStore();
    await world.damage('index/i1', null);
    await world.write('index/i1', 'where they are');
    await world.copy();
    await isSettled(world);
  });

  it('comes again when the source had removed it, and shows it once more', async () => {
    const world = await copiedStore();
    const file = `${world.root}/data/1`;
    await world.source.rename(file, 'aside');
    await world.copy();
    await world.damage('data/1', null);
    await world.source.rename('aside', file);
    await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
    expect((await world.copy()).tasks[0]!.reason).toContain('"data/1" was missing');
    expect((await world.record()).index.map(({ goneCount }) => goneCount)).toEqual([0, 0, 0, 0]);
    await isSettled(world);
  });

  it.each(['data/1', 'data/large'])(
    'does not come where the source has something else under its name behind its times (%s), and is named until it has it',
    async (path) => {
      const world = await copiedStore();
      await world.write('data/large', LARGE);
      await world.copy();
      await world.damage(path, 'x');
      await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
      const again = rotten(world, path);
      const { result, tasks } = await world.copy();
      expect({ result, code: tasks[0]!.code }).toEqual({
        ...{ result: 'warning', code: 'FILE_NOT_COPIED' },
      });
      expect(tasks[0]!.reason).toContain('is not what was copied');
      expect((await world.copied()).get(path)?.toString()).toBe('x');
      // Without anything to copy it is tried and named again.
      expect((await world.copy()).tasks[0]!.code).toBe('FILE_NOT_COPIED');
      again();
      expect((await world.copy()).tasks[0]!.reason).toContain('sent again');
      expect(await healths(world)).toEqual(['good', 'good', 'good']);
      await isSettled(world);
    },
  );

  it('comes also while other files of the source cannot be read, for all that refers to it was there', async () => {
    const world = await copiedStore();
    for (const path of ['index/i1', 'snapshots/s1.json']) await world.damage(path, null);
    await world.write('data/new', 'new');
    const again = unread(world, 'data/new');
    expect((await world.copy()).result).toBe('warning');
    expect([...(await world.copied()).keys()]).toEqual(
      expect.arrayContaining(['index/i1', 'snapshots/s1.json']),
    );
    again();
    await world.copy();
    await isSettled(world);
  });

  it('comes by the next session when one that was stopped in between has not sent it, whatever its length', async () => {
    const world = await copiedStore();
    await world.damage('data/2', 'chun');
    await world.damage('data/3', null);
    const again = readAs(world, 'data/2', () => Promise.reject(new Error('stopped')));
    await world.copy().catch(() => undefined);
    again();
    expect((await world.copy()).tasks[0]!.reason).toContain('sent again');
    await isSettled(world);
  });
});

describe('points that have suffered', () => {
  it.each([
    ['missing', null],
    ['changed in its length', 'chunk'],
    ['changed behind its length', 'chunk!1'],
  ])('are good again when a session has sent what a health check found %s', async (_, bytes) => {
    const world = await copiedStore();
    await world.copy();
    await world.damage('data/1', bytes);
    const again = unread(world, 'data/1');
    await world.verify();
    expect(await healths(world)).toEqual(['corrupt', 'corrupt']);
    again();
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks[0]!.reason).toContain('1 file of the copy was not there as copied ("data/1" was');
    expect(await healths(world)).toEqual(['good', 'good']);
    await isSettled(world);
  });

  it('stay corrupt for as long as one of the files is lost', async () => {
    const world = await copiedStore();
    await world.copy();
    await world.damage('data/1', null);
    await world.damage('data/2', null);
    for (const path of ['data/1', 'data/2']) await world.remove(path);
    await world.verify();
    await world.write('data/1', 'chunk 1');
    const again = unread(world, 'data/1');
    await world.copy();
    again();
    expect(await healths(world)).toEqual(['corrupt', 'corrupt']);
    await world.copy();
    // The source shows them without it.
    expect(await healths(world)).toEqual(['good', 'good']);
  });

  it('stay as they are when more is lost than the record lists', async () => {
    const world = await copiedStore();
    await world.copy();
    const record = await world.record();
    await writeTreeRecord(world.target, world.tree, {
      ...record,
      points: record.points.map((point) => ({ ...point, health: 'corrupt' as const })),
      lost: { count: 1_000, files: [] },
    });
    await world.damage('data/1', null);
    await world.copy();
    expect(await world.copied()).toEqual(world.files);
    expect(await healths(world)).toEqual(['corrupt', 'corrupt']);
  });

  it('of sets are those that list it, and nothing of them is removed while it is lost', async () => {
    makeTreesKnown(toySetLayout);
    const job = testJob({ retention: { type: 'days', value: 7 } });
    const world = new TreeWorld('db', 'toysets', job);
    for (const day of ['01', '02', '03', '04']) {
      await world.write(`db-${day}.a.set`, `full ${day}`);
      await world.write(`db-${day}.done`, '');
    }
    await world.copy();
    await world.damage('db-02.a.set', null);
    const again = rotten(world, 'db-02.a.set');
    world.nowMs += 60 * DAY_MS;
    await world.write('db-65.a.set', 'full 65');
    await world.write('db-65.done', '');
    const { tasks } = await world.copy();
    expect(tasks[0]!.reason).toContain('is not what was copied');
    expect([...(await world.copied()).keys()]).toContain('db-01.a.set');
    again();
    expect((await world.copy()).tasks[0]!.reason).toContain('sent again');
  });
});

describe('a name of a file that has several', () => {
  async function linked(): Promise<TreeWorld> {
    const world = await copiedStore();
    await world.source.link(
      [{ from: `${world.root}/data/1`, to: `${world.root}/data/1-too` }],
      world.root,
    );
    world.files.set('data/1-too', world.files.get('data/1')!);
    return world;
  }

  const inodes = async (world: TreeWorld) => {
    const stat = (path: string) => world.target.stat(`${world.tree}/files/${path}`);
    return [(await stat('data/1'))!.stamp.inode, (await stat('data/1-too'))!.stamp.inode];
  };

  it.each([['data/1'], ['data/1-too'], ['data/1', 'data/1-too']])(
    'is one of that file again when the copy has lost it (%s %s)',
    async (...lost) => {
      const world = await linked();
      await world.copy();
      const before = await world.record();
      for (const path of lost.filter((one) => one !== undefined)) await world.damage(path, null);
      await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
      expect((await world.copy()).tasks[0]!.reason).toContain('sent again');
      const { index } = await world.record();
      expect(index[1]!.fileCount).toBe(before.index[1]!.fileCount);
      expect(index[1]!.sizeBytes).toBe(before.index[1]!.sizeBytes);
      if (lost.includes('data/1-too')) {
        const [one, other] = await inodes(world);
        expect(one).toBe(other);
      }
      await isSettled(world);
    },
  );

  it('is a file of its own when the copy had other bytes under the two names', async () => {
    const world = await linked();
    const link = world.target.link;
    Object.assign(world.target, { link: null });
    await world.copy();
    // The first name was copied while its storage read it wrong.
    Object.assign(world.target, { link });
    const record = await world.record();
    const index = record.index[1]!;
    async function* wrong() {
      for await (const part of readIndex(world.target, world.tree, index))
        yield part.map((entry) =>
          entry.path === 'data/1' ? { ...entry, digest: 'f'.repeat(64) } : entry,
        );
    }
    const run = await writeRun(world.target, world.tree, '00000099-1.run', wrong());
    await writeTreeRecord(world.target, world.tree, {
      ...record,
      index: record.index.map((one) => (one === index ? { ...one, runs: [run] } : one)),
    });
    await world.target.removeAll(`${world.tree}/.staging`);
    await world.damage('data/1-too', null);
    await world.write('snapshots/s3.json', JSON.stringify({ at: 3 }));
    await world.copy();
    const [one, other] = await inodes(world);
    expect(one).not.toBe(other);
    expect((await world.copied()).get('data/1-too')).toEqual(world.files.get('data/1'));
  });
});

describe('a file that was to take the place of an older one', () => {
  const entryOf = async (world: TreeWorld, path: string) => {
    for (const index of (await world.record()).index)
      for await (const part of readIndex(world.target, world.tree, index))
        for (const entry of part) if (entry.path === path) return entry;
    throw new Error(`no entry of ${path}`);
  };

  it('does not give it its stamp when it cannot be read and that one has gone bad at the same length', async () => {
    const world = await copiedStore();
    await world.copy();
    const before = await entryOf(world, 'index/i1');
    await world.write('index/i1', 'where they ARE');
    await world.damage('index/i1', 'where they a?e');
    const again = unread(world, 'index/i1');
    expect((await world.copy()).result).toBe('warning');
    expect(await entryOf(world, 'index/i1')).toEqual(before);
    await world.verify();
    expect(await healths(world)).toEqual(['corrupt', 'corrupt']);
    again();
    await world.copy();
    expect(await healths(world)).toEqual(['good', 'good']);
    await isSettled(world);
  });

  it('is entered when a stopped run had given it the name, although the source cannot read it now', async () => {
    const world = await copiedStore();
    await world.copy();
    await world.write('index/i1', 'where they ARE');
    world.target.settleAll();
    const before = world.target;
    world.target = before.clone();
    const startMs = world.nowMs;
    await world.copy();
    const named = world.target.operations.find(
      ({ kind, to }) => kind === 'rename' && to?.endsWith('files/index/i1'),
    );
    world.nowMs = startMs;
    world.target = before.clone({ crash: { atOperation: named!.number, when: 'after' } });
    const stopped = world.target;
    await world.copy().catch(() => undefined);
    world.target = stopped.restart({ kind: 'none' });
    unread(world, 'index/i1');
    await world.copy();
    expect((await world.copied()).get('index/i1')?.toString()).toBe('where they ARE');
    await world.verify();
    expect(await healths(world)).toEqual(['good', 'good']);
  });
});
