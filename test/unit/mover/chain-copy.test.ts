import { beforeAll, describe, expect, it } from 'vitest';
import { stagingFolder } from '../../../src/chain/chain-paths.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { pathSegment } from '../../../src/domain/targets/path-segment.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';
import {
  COPIED_AT,
  DIGEST,
  FULL,
  LINEAGE,
  commit,
  copyPoint,
  place,
  plan,
  runWindows,
  type Order,
} from '../../support/living/copy-steps.js';

const UNIT = 65_536;
/** The first point that only the source has, and the one after it. */
const [NEXT, NEWEST] = [4, 5];

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

describe('copying a restore point', () => {
  // Blocks by hand: what the source's increments hold, what differs from the newest copy, or all that is not zeros.
  it.each<[string, number, Order, { kind: 'full' | 'increment'; blocks: number }]>([
    ['next by lineage', NEXT, LINEAGE, { kind: 'increment', blocks: 1 }],
    ['newest by lineage', NEWEST, LINEAGE, { kind: 'increment', blocks: 2 }],
    ['next by digest', NEXT, DIGEST, { kind: 'increment', blocks: 1 }],
    ['newest by digest', NEWEST, DIGEST, { kind: 'increment', blocks: 2 }],
    ['next as a full', NEXT, FULL, { kind: 'full', blocks: 9 }],
    [
      'newest with storage asked',
      NEWEST,
      { verifyAfterCopy: 'direct' },
      { kind: 'increment', blocks: 2 },
    ],
    ['next with other digests', NEXT, { ...FULL, digest: 'blake3' }, { kind: 'full', blocks: 9 }],
  ])('the %s reads bit for bit', async (_name, number, order, { kind, blocks }) => {
    const copy = await machine.copy();
    const { outcome, point } = await copyPoint(copy, number, order);
    expect(outcome).toMatchObject({ kind, disks: [{ blockCount: blocks }] });
    const [id, parentId, chainId] = [outcome.pointId, machine.idOf(3), machine.idOf(0)];
    expect(point).toMatchObject({
      ...{ id, kind, copiedAt: COPIED_AT, verifiedAt: COPIED_AT, flags: ['weekly'] },
      ...(kind === 'full' ? { parentId: null, chainId: id } : { parentId, chainId }),
      source: { repositoryId: 'primary', restorePointId: machine.sourceId(number) },
    });
    const record = await copy.record();
    expect(record.points).toEqual([...machine.before.points, point]);
    expect(record.compactedAt).toBe(kind === 'full' ? COPIED_AT : machine.before.compactedAt);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
    expect(await copy.target.list(`${machine.chain}/.staging`)).toEqual([]);
  });

  it('enters the points that it passed over', async () => {
    const copy = await machine.copy();
    await copyPoint(copy, NEWEST, LINEAGE);
    const known = JSON.stringify((await copy.record()).knownSourcePoints);
    expect(known).toContain(machine.sourceId(NEXT));
  });

  it('forgets what was dealt with longest ago of the points that the source shows no more', async () => {
    const copy = await machine.copy();
    const gone = Array.from({ length: 4_001 }, (_, n) => ({
      ...{ repositoryId: 'primary', restorePointId: `gone-${n}` },
      createdAt: new Date(n * 3_600_000).toISOString(),
    }));
    await writeChainRecord(copy.target, machine.chain, {
      ...machine.before,
      knownSourcePoints: gone,
    });
    await copyPoint(copy, NEWEST, LINEAGE);
    const known = (await copy.record()).knownSourcePoints!.map((point) => point.restorePointId);
    expect(known).toEqual([
      ...gone.slice(1).map((point) => point.restorePointId),
      machine.sourceId(NEXT),
    ]);
  });

  it('goes on with the next one', async () => {
    const copy = await machine.copy();
    await copyPoint(copy, NEXT, LINEAGE);
    await copyPoint(copy, NEWEST, { ...LINEAGE, lineageFrom: machine.sourceId(NEXT) });
    expect((await copy.record()).points).toHaveLength(6);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('finds by digest what changed since, where some files of the chain have digests of another algorithm', async () => {
    const copy = await machine.copy();
    await copyPoint(copy, NEXT, { ...DIGEST, digest: 'blake3' });
    // Blocks 6 and 11; the copy before has block 11 alone, and its digests by BLAKE3.
    const { outcome } = await copyPoint(copy, NEWEST, { ...DIGEST, digest: 'blake3' });
    expect(outcome).toMatchObject({ kind: 'increment', disks: [{ blockCount: 2 }] });
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it.each([LINEAGE, DIGEST])(
    'is no increment on a point that is known to be corrupt: $changedBy',
    async (order) => {
      const copy = await machine.copy();
      await markNewest(copy);
      await expect(plan(copy, NEXT, order)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
      expect((await copyPoint(copy, NEXT, FULL)).point).toMatchObject({
        ...{ kind: 'full', parentId: null, health: 'good' },
      });
    },
  );

  it('is not committed on a point that was found corrupt since', async () => {
    const copy = await machine.copy();
    const outcome = await plan(copy, NEXT, LINEAGE);
    await runWindows(copy, 'copyBlocks', outcome);
    await copy.mover.run('composeTargetFile', place(copy, outcome));
    await markNewest(copy);
    await expect(commit(copy, outcome)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
  });

  async function markNewest(copy: MachineCopy): Promise<void> {
    const record = await copy.record();
    const points = record.points.map((point, index) =>
      index === 3 ? { ...point, health: 'corrupt' as const } : point,
    );
    await writeChainRecord(copy.target, machine.chain, { ...record, points });
  }

  it('is refused before anything is copied where its file is larger than the target takes', async () => {
    const copy = await machine.copy();
    // Nine blocks in the full and seven in the synthetic one, one in the increment, each behind a head.
    Object.assign(copy.target, { limits: { ...copy.target.limits, maxFileBytes: 7 * UNIT } });
    await expect(plan(copy, NEXT, FULL)).rejects.toMatchObject({
      code: 'DISK_TOO_LARGE',
      message: expect.stringContaining(`repository offsite takes files of at most ${7 * UNIT}`),
    });
    expect((await copyPoint(copy, NEXT, LINEAGE)).point.kind).toBe('increment');
    const order = { ...copy.input, pointId: machine.idOf(2) };
    await expect(copy.mover.run('planSyntheticFull', order)).rejects.toMatchObject({
      code: 'DISK_TOO_LARGE',
    });
  });

  it('is committed once', async () => {
    const copy = await machine.copy();
    const { outcome, point } = await copyPoint(copy, NEXT, LINEAGE);
    const { revision } = await copy.record();
    expect(await commit(copy, outcome)).toEqual(point);
    expect((await copy.record()).revision).toBe(revision);
  });

  it('is composed when every window was copied, and committed when it was composed', async () => {
    const copy = await machine.copy();
    const outcome = await plan(copy, NEXT, LINEAGE);
    const compose = (token = outcome.reference.token) => {
      const reference = { ...outcome.reference, token };
      return copy.mover.run('composeTargetFile', { ...place(copy, outcome), reference });
    };
    await expect(compose()).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await runWindows(copy, 'copyBlocks', outcome);
    await expect(commit(copy, outcome)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    await expect(compose('00')).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await compose()).toMatchObject({ disks: 1 });
    expect(await copy.listed()).toEqual([0, 1, 2, 3]);
    await commit(copy, outcome);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it.each([
    ['plan.json', LINEAGE],
    ['work/DISK.blocks', LINEAGE],
    ['work/DISK.journal', LINEAGE],
    ['scan.json', DIGEST],
    ['work/DISK.windows', DIGEST],
    ['work/DISK.compared', DIGEST],
  ])('is done again where a sector of its staged %s cannot be read', async (name, order) => {
    const copy = await machine.copy();
    const outcome = await plan(copy, NEXT, order);
    await runWindows(copy, outcome.state === 'scan' ? 'scanBlocks' : 'copyBlocks', outcome);
    const { disk } = machine.before.points[0]!.disks[0]!;
    const path = `${place(copy, outcome).staging}/${name.replace('DISK', pathSegment(disk))}`;
    expect(await copy.target.stat(path)).not.toBeNull();
    breakSectors(copy.target, path, [0]);
    await copyPoint(copy, NEXT, order);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it.each(['work', 'point'])(
    'is done again where a file of its staging is gone from %s',
    async (folder) => {
      const whole = await machine.copy();
      const outcome = await plan(whole, NEXT, LINEAGE);
      await runWindows(whole, 'copyBlocks', outcome);
      const { staging } = place(whole, outcome);
      const files = await whole.target.list(`${staging}/${folder}`);
      expect(files).not.toEqual([]);
      for (const { path } of files) {
        const copy = whole.clone();
        await copy.target.remove(path);
        await copyPoint(copy, NEXT, LINEAGE);
        expect(await machine.wrongPoints(copy.target), path).toEqual([]);
      }
    },
  );

  it('is not committed on a point that is not the newest any more', async () => {
    const copy = await machine.copy();
    const outcome = await plan(copy, NEXT, LINEAGE);
    await runWindows(copy, 'copyBlocks', outcome);
    await copy.mover.run('composeTargetFile', place(copy, outcome));
    await copy.mover.run('deleteRestorePoints', { ...copy.input, ids: [machine.idOf(3)] });
    await expect(commit(copy, outcome)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await copy.listed()).toEqual([0, 1, 2]);
  });
});

describe('the plan of a copy', () => {
  it.each<[string, Order, boolean]>([
    ['the same order', {}, true],
    ['other digests', { digest: 'blake3' }, false],
    ['another way to verify', { verifyAfterCopy: 'direct' }, false],
    ['a full', FULL, false],
  ])('is gone on with for %s', async (_name, order, isTakenUp) => {
    const copy = await machine.copy();
    const first = await plan(copy, NEXT, LINEAGE);
    const again = await plan(copy, NEXT, order);
    expect(again.pointId).toBe(first.pointId);
    expect(again.reference.token === first.reference.token).toBe(isTakenUp);
  });

  it('is made anew when a file of the source was touched', async () => {
    const copy = await machine.copy();
    const first = await plan(copy, NEXT, DIGEST);
    const [folder] = await copy.source.list('');
    const [oldest] = (await copy.source.list(folder!.path)).map(({ path }) => path).sort();
    const file = await copy.source.openWrite(oldest!, 'existing');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0);
    await file.write(byte, 0);
    await file.close();
    const again = await plan(copy, NEXT, DIGEST);
    expect(again.reference.token).not.toBe(first.reference.token);
  });

  it.each([
    ['plan', LINEAGE],
    ['comparison', DIGEST],
  ])(
    'is made anew when the parent of its %s was copied anew under its old id',
    async (_what, order) => {
      const copy = await machine.copy();
      const first = await plan(copy, NEXT, order);
      const points = machine.before.points.map((point, place) =>
        place === 3 ? { ...point, copyId: 'f'.repeat(32) } : point,
      );
      await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
      const again = await plan(copy, NEXT, order);
      expect(again.state).toBe(first.state);
      expect(again.reference.token).not.toBe(first.reference.token);
    },
  );

  it('compares with the files that a merge has left of the newest copy', async () => {
    const copy = await machine.copy();
    const first = await plan(copy, NEXT, DIGEST);
    const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
    await copy.mover.run('mergeIncrement', { ...copy.input, ...pair });
    const again = await plan(copy, NEXT, DIGEST);
    expect(again.reference.token).not.toBe(first.reference.token);
    await copyPoint(copy, NEXT, DIGEST);
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('goes by lineage from the very point that the newest copy shows', async () => {
    const copy = await machine.copy();
    for (const lineageFrom of [machine.sourceId(2), machine.sourceId(NEXT), null])
      await expect(plan(copy, NEWEST, { lineageFrom })).rejects.toMatchObject({
        code: 'SOURCE_CHANGED',
      });
  });

  it('sets aside what a commit that was stopped left at its place', async () => {
    const copy = await machine.copy();
    const { pointId } = await plan(copy, NEXT, LINEAGE);
    await copy.target.removeAll(stagingFolder(machine.chain, pointId));
    await copy.target.makePlace(`${machine.chain}/${pointId}`);
    await copy.target.put(`${machine.chain}/${pointId}/x`, Buffer.from('x'));
    await plan(copy, NEXT, LINEAGE);
    const kept = await copy.target.list(`${machine.chain}/.quarantine`);
    expect(kept.map(({ name }) => name).join()).toContain(pointId);
    expect(await copy.target.stat(`${machine.chain}/${pointId}`)).toBeNull();
  });

  it('compares what was not compared yet, and again what another point was compared with', async () => {
    const copy = await machine.copy();
    const first = await plan(copy, NEWEST, DIGEST);
    expect(first).toMatchObject({ state: 'scan', disks: [{ firstOpenWindow: 0, windowCount: 1 }] });
    expect(await plan(copy, NEWEST, DIGEST)).toEqual(first);
    await runWindows(copy, 'scanBlocks', first);
    const older = copy.clone();
    expect((await plan(copy, NEWEST, DIGEST)).state).toBe('ready');
    await older.mover.run('deleteRestorePoints', { ...older.input, ids: [machine.idOf(3)] });
    const again = await plan(older, NEWEST, DIGEST);
    expect(again).toMatchObject({ state: 'scan', disks: [{ firstOpenWindow: 0 }] });
    expect(again.reference.token).not.toBe(first.reference.token);
  });

  it('is made anew when the point that it builds on is gone', async () => {
    const copy = await machine.copy();
    const first = await plan(copy, NEXT, LINEAGE);
    await copy.mover.run('deleteRestorePoints', { ...copy.input, ids: [machine.idOf(3)] });
    const again = await plan(copy, NEXT, { ...LINEAGE, lineageFrom: machine.sourceId(2) });
    expect(again.reference.token).not.toBe(first.reference.token);
    await runWindows(copy, 'copyBlocks', again);
    await copy.mover.run('composeTargetFile', place(copy, again));
    expect(await commit(copy, again)).toMatchObject({ parentId: machine.idOf(2) });
    expect(await machine.wrongPoints(copy.target)).toEqual([]);
  });

  it('is refused for an increment on a chain that has no point', async () => {
    const copy = await machine.copy();
    const ids = [3, 2, 1, 0].map((point) => machine.idOf(point));
    await copy.mover.run('deleteRestorePoints', { ...copy.input, ids });
    const order = { ...DIGEST, lineageFrom: null };
    await expect(plan(copy, NEXT, order)).rejects.toMatchObject({ code: 'STAGING_INVALID' });
  });

  it('names another folder than a point that has its date already', async () => {
    const copy = await machine.copy();
    const { pointId } = await plan(copy, NEXT, FULL);
    const [oldest, ...rest] = machine.before.points;
    const points = [{ ...oldest!, id: pointId }, ...rest];
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    expect((await plan(copy, NEXT, FULL)).pointId).not.toBe(pointId);
  });

  it('is for the session that owns the chain', async () => {
    const copy = await machine.copy();
    const stale = { code: 'STALE_EPOCH' };
    const epoch = machine.before.epoch - 1;
    await expect(plan(copy, NEXT, { epoch })).rejects.toMatchObject(stale);
  });
});

describe('the file that an increment is built on', () => {
  const last = () => machine.before.points[3]!.disks[0]!.sizeBytes;
  const cannotBeRead = (file: 'image' | 'digests') => (copy: MachineCopy) =>
    Promise.resolve(breakSectors(copy.target, copy.pathOf(3, file), [0]));

  it.each<[string, (copy: MachineCopy, path: string) => Promise<unknown>, string | null]>([
    ['its first unit spoilt', (copy, path) => copy.spoil(path, 50), 'STAGING_INVALID'],
    ['its last byte spoilt', (copy, path) => copy.spoil(path, last() - 1), 'STAGING_INVALID'],
    ['a bad sector in its head', cannotBeRead('image'), 'STAGING_INVALID'],
    ['a bad sector at the start of its digests', cannotBeRead('digests'), 'STAGING_INVALID'],
    [
      'the start of its digests spoilt',
      (copy) => copy.spoil(copy.pathOf(3, 'digests'), 3),
      'STAGING_INVALID',
    ],
    ['cut by a byte', (copy, path) => copy.cut(path, last() - 1), 'RESTORE_POINT_BROKEN'],
    ['grown by a byte', (copy, path) => copy.cut(path, last() + 1), 'RESTORE_POINT_BROKEN'],
    ['gone', (copy, path) => copy.target.remove(path), 'RESTORE_POINT_BROKEN'],
    [
      'without its digests',
      (copy) => copy.target.remove(copy.pathOf(3, 'digests')),
      'RESTORE_POINT_BROKEN',
    ],
    // Cheap, and so no proof: verification finds that.
    ['spoilt in its middle', (copy, path) => copy.spoil(path, 2 * UNIT), null],
  ])('with %s is told', async (_name, spoil, code) => {
    const copy = await machine.copy();
    const path = copy.pathOf(3, 'image');
    await spoil(copy, path);
    expect((await plan(copy, NEXT, FULL)).state).toBe('ready');
    const increment = plan(copy, NEXT, LINEAGE);
    if (code === null) expect((await increment).state).toBe('ready');
    else
      await expect(increment).rejects.toMatchObject({
        code,
        details: { restorePointId: machine.idOf(3), path },
        message: expect.stringContaining('nothing is built on restore point') as unknown,
      });
    // What is gone or cut may be a mount that lacks files.
    const health = (await copy.record()).points.map((point) => point.health);
    const newest = code === 'STAGING_INVALID' ? 'corrupt' : 'good';
    expect(health).toEqual(['good', 'good', 'good', newest]);
  });

  it('is not asked while a change of the chain is under way', async () => {
    const copy = await machine.copy();
    const pending = { type: 'merge', intoId: machine.idOf(0), fromId: machine.idOf(1) } as const;
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, pending });
    await copy.spoil(copy.pathOf(3, 'image'), last() - 1);
    expect((await plan(copy, NEXT, LINEAGE)).state).toBe('ready');
  });
});
