import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeTreesKnown } from '../../../../support/tree/known-trees.js';
import { toySetLayout, toyStoreLayout } from '../../../../support/tree/toy-trees.js';
import { testJob } from '../../../../support/session/test-site.js';
import { TreeWorld } from '../../../../support/tree/tree-world.js';
import { denied, said, unreadable } from '../../../../support/tree/storage-answers.js';
import { WorkerDeath } from '../../../../support/workflows/local-server.js';

const MIB = 1024 ** 2;
const LARGE = 8 * MIB + 5;

/** A store with a large index, and a large blob that is named by its digest. */
async function storeWorld(more: Record<string, Buffer | string> = {}): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const world = new TreeWorld();
  await world.write('STORE', 'v1');
  await world.writeBlob(pattern(LARGE));
  await world.write('index/large', pattern(LARGE));
  for (const [path, content] of Object.entries(more)) await world.write(path, content);
  await world.write('snapshots/s1.json', snapshot(24));
  await world.write('snapshots/s2.json', snapshot(25));
  await world.copy();
  return world;
}

function snapshot(day: number): string {
  return JSON.stringify({ at: Date.UTC(2026, 10, day - 1, 22), needs: [] });
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length, 7);
  for (let at = 0; at + 4 < length; at += 65_536) bytes.writeUInt32LE(at + 1, at);
  return bytes;
}

function changed(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = other[at]! ^ 0xff;
  return other;
}

/** Two files of megabytes are compared byte by byte for minutes otherwise. */
function digests(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries(
    [...files].sort().map(([path, bytes]) => [path, hash('sha256', bytes)]),
  );
}

const HARMS: readonly (readonly [string, (bytes: Buffer) => Buffer | null])[] = [
  ['is missing', () => null],
  ['is shorter than it was copied', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['is longer than it was copied', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
  ['is not what was copied', (bytes) => changed(bytes, 0)],
  ['is not what was copied', (bytes) => changed(bytes, bytes.length - 1)],
];

describe('a health check of a copied tree', () => {
  it.each([denied, unreadable])(
    'goes past a folder that cannot be listed, and finds what lies in it unreadable (%#)',
    async (refusal) => {
      makeTreesKnown(toyStoreLayout);
      const world = new TreeWorld();
      await world.write('STORE', 'v1');
      await world.write('data/a/1', 'chunk 1');
      await world.write('data/b/2', 'chunk 2');
      await world.write('snapshots/s1.json', snapshot(24));
      await world.copy();
      await world.remove('data/a/1');
      const isOf = (path: string) => path.startsWith(`${world.tree}/files/data/a`);
      for (const verb of ['list', 'openRead', 'stat'] as const) {
        const call = world.target[verb].bind(world.target) as (path: string) => Promise<never>;
        Object.assign(world.target, {
          [verb]: (path: string) => (isOf(path) ? Promise.reject(refusal(path)) : call(path)),
        });
      }
      const { result, notes } = await world.verify();
      expect(result).toBe('failed');
      expect(notes.join('; ')).toContain('"data/a/1" cannot be read by its storage');
      expect(notes.join('; ')).not.toContain('data/b/2');
    },
  );

  it.each(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])(
    'is done again when this machine answers %s, and finds no file damaged for it',
    async (errno) => {
      const world = await storeWorld();
      const openRead = world.target.openRead.bind(world.target);
      let left = 1;
      world.target.openRead = (path) =>
        path === `${world.tree}/files/STORE` && left-- > 0
          ? Promise.reject(said(errno, path))
          : openRead(path);
      const { result, notes } = await world.verify();
      expect({ result, left, damage: notes.filter((note) => /STORE|damaged/.test(note)) }).toEqual({
        ...{ result: 'success', left: -1, damage: [] },
      });
    },
  );

  it('reads every file and says when, of each point', async () => {
    const world = await storeWorld();
    const { result, reason, processedBytes, totalBytes } = await world.verify();
    const size = [...world.files.values()].reduce((sum, { length }) => sum + length, 0);
    expect({ result, reason, processedBytes, totalBytes }).toEqual({
      result: 'success',
      reason: '2 restore points are as they were written',
      ...{ processedBytes: size, totalBytes: size },
    });
    const verifiedAt = new Date(world.nowMs).toISOString();
    expect((await world.record()).points).toMatchObject([
      { health: 'good', verifiedAt },
      { health: 'good', verifiedAt },
    ]);
    expect((await world.target.list(`${world.tree}/.checks`)).map(({ name }) => name)).toEqual([]);
    expect(await world.target.list(`${world.tree}/.leases`)).toEqual([]);
    expect((await world.copy()).result).toBe('nothingToCopy');
  });

  it('heals files that are missing, cut, longer or changed from a source that has them', async () => {
    const small = HARMS.map((_, index) => [`index/small${index}`, `content ${index}`] as const);
    const world = await storeWorld(Object.fromEntries(small));
    const large = [...world.files.keys()].find((path) => path.startsWith('data/'))!;
    const harmed: (readonly [string, (typeof HARMS)[number]])[] = [
      ...HARMS.map((harm, index) => [`index/small${index}`, harm] as const),
      [large, HARMS[0]!],
      ['index/large', HARMS[4]!],
    ];
    for (const [path, [, harm]] of harmed) await world.damage(path, harm(world.files.get(path)!));
    const { result, reason, notes } = await world.verify();
    expect({ result, reason }).toEqual({
      result: 'warning',
      reason: '7 damaged places were found and healed',
    });
    expect([...notes].sort()).toEqual(
      harmed
        .map(
          ([path, [is]]) =>
            `store: ${JSON.stringify(path)} ${is.replace('is', 'was')} and was healed`,
        )
        .sort(),
    );
    expect(digests(await world.copied())).toEqual(digests(world.files));
    expect((await world.verify()).result).toBe('success');
  });

  it('names files that nobody has any more, leaves them as they are, and marks the points that may need them', async () => {
    const world = await storeWorld({ 'index/small': 'content' });
    const paths = [...world.files.keys()].filter((path) => !path.startsWith('snapshots/'));
    const harmed = new Map(paths.map((path) => [path, changed(world.files.get(path)!, 1)]));
    for (const [path, bytes] of harmed) {
      await world.damage(path, bytes);
      await world.write(path, changed(changed(bytes, 1), 0));
    }
    const { result, reason, notes } = await world.verify();
    expect({ result, reason }).toEqual({
      result: 'failed',
      reason: '4 of 4 damaged places could not be healed',
    });
    for (const path of paths)
      expect(notes).toContain(
        `store: ${JSON.stringify(path)} is not what was copied, and no good copy of it was found`,
      );
    const copied = await world.copied();
    for (const [path, bytes] of harmed) expect(copied.get(path)!.equals(bytes)).toBe(true);
    expect((await world.record()).points.map(({ health }) => health)).toEqual([
      'corrupt',
      'corrupt',
    ]);
  });

  it('takes units from a source that has other ones elsewhere in the file', async () => {
    const world = await storeWorld();
    const good = world.files.get('index/large')!;
    await world.damage('index/large', changed(good, 3 * MIB));
    await world.write('index/large', changed(good, 7 * MIB));
    expect((await world.verify()).reason).toBe('1 damaged place was found and healed');
    expect((await world.copied()).get('index/large')!.equals(good)).toBe(true);
  });

  it('makes a damaged table of digests anew from the file that it covers', async () => {
    const world = await storeWorld();
    for (const { name, path } of await world.target.list(`${world.tree}/.index`))
      if (name.endsWith('.digests')) await world.target.put(path, Buffer.from('gone'));
    world.files.clear();
    world.source = world.source.clone();
    await world.source.removeAll(world.root);
    const { reason, result } = await world.verify();
    expect({ result, reason }).toMatchObject({ result: 'warning' });
    expect((await world.verify()).result).toBe('success');
  });

  it('tells of a source that cannot be asked', async () => {
    const world = await storeWorld();
    await world.damage('STORE', null);
    await world.source.removeAll(world.root);
    const { notes, result } = await world.verify();
    expect(result).toBe('failed');
    expect(notes.join('\n')).toContain('the source could not be asked for them');
  });

  it('says that a tree whose index is damaged cannot be judged, and reads the others', async () => {
    const world = await storeWorld();
    await world.source.put('other/STORE', Buffer.from('v1'));
    await world.source.put('other/data/x', Buffer.from('x'));
    await world.source.put('other/snapshots/s1.json', Buffer.from(snapshot(24)));
    await world.copy();
    const [run] = (await world.target.list(`${world.tree}/.index`)).filter(({ name }) =>
      name.endsWith('.run'),
    );
    await world.target.put(run!.path, Buffer.from('[]\n'));
    const { result, reason, notes } = await world.verify();
    expect({ result, reason }).toEqual({
      result: 'failed',
      reason:
        '1 chain cannot be read; of the others 1 restore point was verified, 0 of 0 damaged places could not be healed',
    });
    expect(notes.join()).toContain(`${world.tree} cannot be verified`);
  });

  it('names files that lie there and that nobody knows, and touches none', async () => {
    const world = await storeWorld();
    await world.damage('data/nobody', 'knows me');
    const { result, reason, notes } = await world.verify();
    expect({ result, reason, notes }).toEqual({
      result: 'warning',
      reason:
        '2 restore points are as they were written; 1 file lies beside theirs that nobody knows',
      notes: ['store: "data/nobody" lies there, and no index lists it: it was left alone'],
    });
    expect((await world.copied()).get('data/nobody')!.toString()).toBe('knows me');
  });

  it('calls points good again whose files are whole again', async () => {
    const world = await storeWorld();
    const good = world.files.get('STORE')!;
    await world.damage('STORE', 'bad!');
    await world.write('STORE', 'v2');
    await world.verify();
    await world.damage('STORE', good);
    expect((await world.verify()).result).toBe('success');
    expect((await world.record()).points.map(({ health }) => health)).toEqual(['good', 'good']);
  });

  it('of sets hurts the points that list a file and those that need them, and no other', async () => {
    makeTreesKnown(toySetLayout);
    const job = testJob({ transactionLogs: true, retention: { type: 'days', value: 14 } });
    const world = new TreeWorld('db', 'toysets', job);
    for (const day of ['22', '23'])
      for (const name of [
        `db-${day}.a.set`,
        `db-${day}.done`,
        `log-${day}-1.log`,
        `log-${day}-2.log`,
      ])
        await world.write(name, `content of ${name}`);
    await world.copy();
    await world.damage('log-22-1.log', 'bad');
    await world.remove('log-22-1.log');
    const { notes } = await world.verify();
    const bad = (await world.record()).points
      .filter(({ health }) => health === 'corrupt')
      .map(({ source }) => source.restorePointId);
    expect(bad).toEqual(['log-22-1', 'log-22-2']);
    expect(notes[0]).toContain('"log-22-1.log" is shorter than it was copied');
  });
});

describe('a health check that is stopped', () => {
  it('at any operation has made no file worse, and the next one heals all', async () => {
    const world = await storeWorld({ 'index/small': 'content', 'index/other': 'more' });
    const good = digests(world.files);
    for (const path of ['STORE', 'index/small']) await world.damage(path, null);
    await world.damage('index/large', changed(world.files.get('index/large')!, 70_000));
    const before = world.target;
    before.settleAll();
    const damaged = digests(await world.copied());
    world.target = before.clone();
    await world.verify();
    const count = world.target.operations.length;
    expect(count).toBeGreaterThan(20);
    for (let atOperation = 2; atOperation <= count; atOperation += Math.ceil(count / 4)) {
      world.target = before.clone({ crash: { atOperation, when: 'after' } });
      await expect(world.verify()).rejects.toThrow(WorkerDeath);
      const stopped = world.target;
      for (const loss of [{ kind: 'none' }, { kind: 'power', seed: atOperation }] as const) {
        world.target = stopped.restart(loss);
        const left = digests(await world.copied());
        for (const path of Object.keys(damaged))
          expect([damaged[path], good[path]]).toContain(left[path]);
        const { result } = await world.verify();
        expect([atOperation, loss.kind, result]).toEqual([
          atOperation,
          loss.kind,
          expect.stringMatching(/success|warning/),
        ]);
        expect(digests(await world.copied())).toEqual(good);
      }
    }
  });
});
