import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { filesBelow, START_MS, TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const MIB = 1024 * 1024;
const JOB = testJob({
  ...{ mode: 'immediate', transactionLogs: true, compact: null },
  retention: { type: 'days', value: 14 },
});
/** Segments of one stretch of log, and the collections of one dump. */
const SEGMENTS = [1, 2, 3, 4, 5, 6].map((number) => `wal/00000001000000000000000${number}`);
const COLLECTIONS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `shop/${name}.bson`);
/** Streams of `zfs send`, each of its own date. */
const STREAMS = [18, 19, 20, 21, 22, 23].map((day) => `pool/tank-2026-11-${day}.zfs`);
const inFolder = (folder: string) => COLLECTIONS.map((path) => `${folder}/${path}`);

describe('files that are written over by the many', () => {
  it.each<[string, string, readonly string[], number, string]>([
    ['segments of write-ahead log', 'postgres-wal-wal', SEGMENTS, MIB, 'wal/'],
    ['a dump of a date', 'mongodump-dump-.', inFolder('dump-2026-11-24'), 400, ''],
    ['streams with dates in their names', 'stream-chain-pool:tank.zfs', STREAMS, 400, 'pool/'],
  ])('stop before their good copies are: %s', async (_, workload, paths, bytes, root) => {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    const copy = async (nowMs: number) => {
      const sessions = new LocalSessions([source, target]);
      return (await sessions.tryToCopy(JOB, nowMs)).tasks[0]!;
    };
    for (const path of paths) await source.put(path, Buffer.alloc(bytes, 1));
    expect((await copy(START_MS)).result).toBe('success');
    for (const path of paths) await source.put(path, Buffer.alloc(bytes, 2));
    expect(await copy(START_MS + 60_000)).toMatchObject({
      ...{ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' },
      reason: expect.stringContaining('6 were written to, although their kind never is') as string,
    });
    const copied = await filesBelow(target, `${chainFolder(JOB.id, workload)}/files`);
    expect([...copied.keys()].map((path) => root + path)).toEqual(paths);
    for (const content of copied.values()) expect(content.every((byte) => byte === 1)).toBe(true);
  });

  it('are copied anew where their tool writes them over each time', async () => {
    const source = new SimulatedRepository('primary');
    const sessions = new LocalSessions([source, new SimulatedRepository('offsite')]);
    for (const round of [1, 2]) {
      for (const path of inFolder('dump')) await source.put(path, Buffer.alloc(400, round));
      const { result } = await sessions.tryToCopy(JOB, START_MS + round * 60_000);
      expect(result).toBe(round === 1 ? 'success' : 'warning');
    }
  });
});

describe('a source whose stamps prove nothing', () => {
  async function weakWorld(): Promise<TreeWorld> {
    makeTreesKnown(toyStoreLayout);
    const world = new TreeWorld();
    Object.assign(world.source, {
      capabilities: { ...world.source.capabilities, stampsProve: false },
    });
    await world.write('STORE', 'v1');
    for (let number = 0; number < 9; number++) await world.write(`data/${number}`, `${number}`);
    await world.write('snapshots/s1.json', JSON.stringify({ at: world.nowMs }));
    await world.copy();
    return world;
  }

  it('is not called encrypted because all of its files are read each time', async () => {
    const world = await weakWorld();
    expect((await world.copy()).result).not.toBe('actionRequired');
    expect((await world.record()).guard.map(({ rewritten }) => rewritten)).toEqual([0]);
  });

  it('is called so when they were written to', async () => {
    const world = await weakWorld();
    for (let number = 0; number < 9; number++) await world.write(`data/${number}`, 'locked');
    const { tasks } = await world.copy();
    expect(tasks[0]).toMatchObject({ result: 'actionRequired', code: 'SOURCE_SUSPICIOUS' });
  });
});
