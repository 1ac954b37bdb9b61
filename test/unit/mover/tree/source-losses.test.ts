import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { FaultList } from '../../../../src/domain/trees/file-faults.js';
import { pgBackRestLayout } from '../../../../src/layout/postgres/pgbackrest.js';
import { SourceLosses } from '../../../../src/mover/tree/plan/source-losses.js';
import { folderRepositoryId } from '../../../../src/repository/open-repository.js';
import type { FileEntry } from '../../../../src/tree/file-index.js';
import type { CopySessionOutcome } from '../../../../workflows/messages.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { blobFile, chunkPath, fixedIndexFile } from '../../../support/tree/datastore.js';
import { shareJob } from '../../../support/tree/live-stores.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const LOST = /^1 file is gone from the source that its tool did not remove, and stays in the copy/;

/** Whether a session tells that the source has lost one file. */
function tellsLoss({ tasks }: CopySessionOutcome): boolean {
  return tasks.some(({ notes }) => notes.some((note) => LOST.test(note)));
}

async function has(world: TreeWorld, path: string): Promise<boolean> {
  return (await world.copied()).has(path);
}

/** How many files of a class count as removed by the source. */
async function goneCount(world: TreeWorld, name: string): Promise<number> {
  return (await world.record()).index.find((one) => one.class === name)!.goneCount;
}

/** `hints.N` of so many segments (15 at most) with an object each, as MessagePack has maps, short texts and small numbers. */
function hintsOf(segments: number): Buffer {
  const text = (one: string) => [0xa0 | one.length, ...Buffer.from(one)];
  const counts = Array.from({ length: segments }, (_, segment) => [segment, 1]).flat();
  const map = [0x82, ...text('version'), 2, ...text('segments'), 0x80 | segments, ...counts];
  return Buffer.from(map);
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a segment of borg', () => {
  const LOST_ONE = 'data/0/3';

  async function lacking(): Promise<TreeWorld> {
    const world = new TreeWorld('store', 'borg', shareJob('borg-store'), 'borg-store');
    await world.write('README', 'This is a Borg Backup repository.\n');
    await world.write('config', '[repository]\nversion = 1\nid = 00\n');
    for (let i = 0; i < 12; i++) await world.write(`data/0/${i}`, `BORG_SEG${i}`);
    for (const name of ['integrity.11', 'hints.11', 'index.11', 'nonce'])
      await world.write(name, name);
    expect((await world.copy()).result).toBe('success');
    await world.remove(LOST_ONE);
    return world;
  }

  async function commit(world: TreeWorld): Promise<void> {
    await world.write('data/0/12', 'BORG_SEG12');
    for (const name of ['integrity', 'hints', 'index']) {
      await world.write(`${name}.12`, `${name}.12`);
      await world.remove(`${name}.11`);
    }
  }

  it('that is missing without a transaction stays, and is told for as long as it is missing', async () => {
    const world = await lacking();
    for (let look = 0; look < 3; look++) {
      const outcome = await world.copy();
      expect([outcome.result, tellsLoss(outcome)]).toEqual(['warning', true]);
      expect(await has(world, LOST_ONE)).toBe(true);
      world.nowMs += DAY_MS;
    }
    await world.write(LOST_ONE, 'BORG_SEG3');
    expect(tellsLoss(await world.copy())).toBe(false);
  });

  it('that a compaction has removed goes at once', async () => {
    const world = await lacking();
    await commit(world);
    expect(tellsLoss(await world.copy())).toBe(false);
    expect(await has(world, LOST_ONE)).toBe(false);
  });

  it('that hints count as in use stays through a commit, and is given back with the state that needs it', async () => {
    const world = await lacking();
    await commit(world);
    await world.write('hints.12', hintsOf(13));
    await world.copy();
    expect(await has(world, LOST_ONE)).toBe(true);
    expect(await goneCount(world, 'segments')).toBe(1);
    const destination = new SimulatedRepository(folderRepositoryId('/tmp'));
    const shown = (await world.record()).points.at(-1)!.source.restorePointId;
    expect(await world.restore(destination, shown)).toMatchObject({ result: 'success' });
    expect(await filesBelow(destination, '')).toEqual(await world.copied());
  });

  it('that is missing a moment before the compaction has replaced its index goes with that', async () => {
    const world = await lacking();
    await world.write('data/0/12', 'BORG_SEG12');
    await world.write('index.12', 'index.12');
    expect(tellsLoss(await world.copy())).toBe(true);
    await world.remove('index.11');
    expect(tellsLoss(await world.copy())).toBe(false);
    expect(await has(world, LOST_ONE)).toBe(false);
  });

  it('goes when an operator says so', async () => {
    const world = await lacking();
    expect(tellsLoss(await world.copy())).toBe(true);
    const agreed = { workloads: ['borg-store'], acceptChanges: true };
    expect(tellsLoss(await world.copy(agreed))).toBe(false);
    expect(await has(world, LOST_ONE)).toBe(false);
  });
});

describe('a pack of restic', () => {
  async function repository(): Promise<{ world: TreeWorld; packs: string[] }> {
    const world = new TreeWorld('store', 'restic', shareJob('restic-store'), 'restic-store');
    await world.write('config', 'config');
    await world.write(`keys/${digestOf('key')}`, 'key');
    const packs: string[] = [];
    for (let i = 0; i < 20; i++) {
      const digest = digestOf(`pack ${i}`);
      packs.push(`data/${digest.slice(0, 2)}/${digest}`);
      await world.write(packs[i]!, `pack ${i}`);
    }
    await world.write(index('all'), 'all');
    await backUp(world, 0);
    expect((await world.copy()).result).toBe('success');
    return { world, packs };
  }

  const index = (text: string) => `index/${digestOf(text)}`;

  async function backUp(world: TreeWorld, day: number): Promise<void> {
    await world.write(`snapshots/${digestOf(`snapshot ${day}`)}`, `snapshot ${day}`);
  }

  async function prune(world: TreeWorld): Promise<void> {
    await world.write(index('rest'), 'rest');
    await world.remove(index('all'));
  }

  async function days(world: TreeWorld, first: number, count: number): Promise<boolean[]> {
    const told: boolean[] = [];
    for (let day = first; day < first + count; day++) {
      world.nowMs += DAY_MS;
      await backUp(world, day);
      told.push(tellsLoss(await world.copy()));
    }
    return told;
  }

  it('that is missing beside the same index stays', async () => {
    const { world, packs } = await repository();
    await world.remove(packs[4]!);
    expect(new Set(await days(world, 1, 9))).toEqual(new Set([true]));
    expect(await goneCount(world, 'data')).toBe(0);
  });

  it('counts as gone for the guard against a wipe, with or without other changes', async () => {
    const { world, packs } = await repository();
    for (const path of packs.slice(0, 15)) await world.remove(path);
    for (const day of [null, 1]) {
      if (day !== null) await backUp(world, day);
      const [task] = (await world.copy()).tasks;
      const reason: unknown = expect.stringMatching(/^of 24 files .* 15 are gone/);
      expect(task).toMatchObject({ result: 'actionRequired', reason });
    }
    expect(await has(world, packs[4]!)).toBe(true);
  });

  it.each([
    ['at the look that sees its new index', 0],
    ['at the look after that', 1],
  ])('that a prune has removed counts as gone: %s', async (_, looks) => {
    const { world, packs } = await repository();
    await prune(world);
    await days(world, 1, looks);
    await world.remove(packs[4]!);
    expect(await days(world, 10, 3)).toEqual([false, false, false]);
    expect(await goneCount(world, 'data')).toBe(1);
  });
});

it.each([
  ['stays, for maintenance has not run', false],
  ['counts as gone, for maintenance has run', true],
])('a pack of kopia that is missing %s', async (_, isMaintained) => {
  const world = new TreeWorld('store', 'kopia', shareJob('kopia-store'), 'kopia-store');
  for (const name of ['kopia.repository.f', 'kopia.maintenance.f', 'n01.f', 'q01.f'])
    await world.write(name, name);
  for (let i = 0; i < 9; i++) await world.write(`p0${i}.f`, `pack ${i}`);
  expect((await world.copy()).result).toBe('success');
  world.nowMs += 2 * DAY_MS;
  await world.remove('p03.f');
  if (isMaintained) await world.write('kopia.maintenance.f', 'another run');
  for (let day = 0; day < 3; day++) {
    expect(tellsLoss(await world.copy())).toBe(!isMaintained);
    world.nowMs += DAY_MS;
  }
  expect(await goneCount(world, 'packs')).toBe(isMaintained ? 1 : 0);
});

describe('Proxmox Backup Server', () => {
  const JOB = testJob({ retention: { type: 'days', value: 7 }, compact: null });
  const FIRST = 'vm/100/2026-11-24T22:00:00Z';

  async function datastore(): Promise<{ world: TreeWorld; digests: string[] }> {
    const world = new TreeWorld('store', 'pbs', JOB, 'pbs-store');
    const digests: string[] = [];
    for (let i = 0; i < 20; i++) {
      const data = Buffer.alloc(900, `chunk ${i}`);
      digests.push(createHash('sha256').update(data).digest('hex'));
      await world.write(chunkPath(digests[i]!), blobFile(data));
    }
    await world.write('vm/100/owner', 'root@pam');
    await snapshot(world, FIRST, digests);
    expect((await world.copy()).result).toBe('success');
    return { world, digests };
  }

  async function snapshot(world: TreeWorld, folder: string, digests: string[]): Promise<void> {
    await world.write(`${folder}/drive-scsi0.img.fidx`, fixedIndexFile(digests));
    await world.write(`${folder}/index.json.blob`, blobFile('{}'));
  }

  async function days(world: TreeWorld, count: number, digests: string[]): Promise<boolean[]> {
    const told: boolean[] = [];
    for (let day = 0; day < count; day++) {
      world.nowMs += DAY_MS;
      const date = new Date(world.nowMs).toISOString().slice(0, 10);
      await snapshot(world, `vm/100/${date}T22:00:00Z`, digests);
      told.push(tellsLoss(await world.copy()));
    }
    return told;
  }

  it('keeps the good copy of a chunk that it found damaged, as long as it keeps that', async () => {
    const { world, digests } = await datastore();
    const path = chunkPath(digests[3]!);
    const rest = digests.filter((_, index) => index !== 3);
    await world.remove(path);
    await world.write(`${path}.0.bad`, 'rotten');
    expect(new Set(await days(world, 9, rest))).toEqual(new Set([true]));
    expect(await has(world, path)).toBe(true);
    const ids = (await world.record()).points.map(({ source }) => source.restorePointId);
    expect(ids).toHaveLength(10);
    // The snapshot is forgotten, and garbage collection has no use for the chunk.
    await world.remove(`${FIRST}/index.json.blob`);
    await world.remove(`${FIRST}/drive-scsi0.img.fidx`);
    await world.remove(`${path}.0.bad`);
    world.nowMs += DAY_MS;
    expect(new Set(await days(world, 8, rest))).toEqual(new Set([false]));
    expect(await has(world, path)).toBe(false);
  });

  it('counts a chunk as gone no more that was missed before it was seen under its other name', async () => {
    const { world, digests } = await datastore();
    const path = chunkPath(digests[3]!);
    await world.remove(path);
    await days(world, 5, digests);
    await world.write(`${path}.0.bad`, 'rotten');
    await days(world, 4, digests);
    expect(await has(world, path)).toBe(true);
  });

  const NEEDED = /^1 file is gone from the source that its own files need, and stays in the copy/;
  const CANNOT_TELL = /^nothing that others name was removed: .* of the copy /;

  /** The first snapshot needs a chunk that its server has not any more. */
  async function needing(): Promise<{ world: TreeWorld; path: string; rest: string[] }> {
    const { world, digests } = await datastore();
    const path = chunkPath(digests[3]!);
    await world.remove(path);
    return { world, path, rest: digests.filter((_, index) => index !== 3) };
  }

  async function notes(world: TreeWorld): Promise<readonly string[]> {
    return (await world.copy()).tasks.flatMap((task) => task.notes);
  }

  it('keeps a chunk that is nowhere at the source as long as an index in the copy names it', async () => {
    const { world, path, rest } = await needing();
    await days(world, 9, rest);
    expect(await has(world, path)).toBe(true);
    expect(await notes(world)).toContainEqual(expect.stringMatching(NEEDED));
    await world.remove(`${FIRST}/index.json.blob`);
    await world.remove(`${FIRST}/drive-scsi0.img.fidx`);
    expect((await notes(world)).filter((note) => NEEDED.test(note))).toEqual([]);
    await days(world, 6, rest);
    expect(await has(world, path)).toBe(true);
    await days(world, 3, rest);
    expect(await has(world, path)).toBe(false);
  });

  it('gives it back with the snapshot that needs it, also before it would be due', async () => {
    const { world, path, rest } = await needing();
    await days(world, 1, rest);
    expect(await has(world, path)).toBe(true);
    const destination = new SimulatedRepository(folderRepositoryId('/tmp'));
    expect(await world.restore(destination, FIRST)).toMatchObject({ result: 'success' });
    expect((await filesBelow(destination, '')).get(path)).toEqual((await world.copied()).get(path));
  });

  it('gives back nothing of what is gone that only other snapshots name', async () => {
    const { world, path, rest } = await needing();
    const data = Buffer.alloc(900, 'of another snapshot');
    const other = chunkPath(createHash('sha256').update(data).digest('hex'));
    await world.write(other, blobFile(data));
    const another = 'vm/100/2026-11-24T23:00:00Z';
    await snapshot(world, another, [createHash('sha256').update(data).digest('hex')]);
    await days(world, 1, rest);
    // Forgotten, and collected.
    for (const name of ['index.json.blob', 'drive-scsi0.img.fidx'])
      await world.remove(`${another}/${name}`);
    await world.remove(other);
    await days(world, 1, rest);
    expect(await has(world, other)).toBe(true);
    const destination = new SimulatedRepository(folderRepositoryId('/tmp'));
    // What nothing needs does not make a restore fail.
    await world.damage(other, 'rotten');
    expect(await world.restore(destination, FIRST)).toMatchObject({ result: 'success' });
    const given = await filesBelow(destination, '');
    expect([given.has(path), given.has(other)]).toEqual([true, false]);
  });

  it('keeps it while an index in the copy does not tell what it names', async () => {
    const { world, path, rest } = await needing();
    await days(world, 5, rest);
    const index = (await world.copied()).get(`${FIRST}/drive-scsi0.img.fidx`)!;
    const rotten = Buffer.from(index);
    rotten.fill(0, 0, 8);
    await world.damage(`${FIRST}/drive-scsi0.img.fidx`, rotten);
    await days(world, 4, rest);
    expect(await notes(world)).toContainEqual(expect.stringMatching(CANNOT_TELL));
    expect(await has(world, path)).toBe(true);
  });

  it('keeps it while the storage of the copy cannot read an index, and goes on', async () => {
    const { world, path, rest } = await needing();
    await days(world, 5, rest);
    const index = `${FIRST}/drive-scsi0.img.fidx`;
    const openRead = world.target.openRead.bind(world.target);
    const reads = vi.spyOn(world.target, 'openRead').mockImplementation(async (at: string) => {
      if (!at.endsWith(index)) return openRead(at);
      const details = { repositoryId: 'target', path: at, errno: 'EIO' };
      throw new BackupError('REPOSITORY_IO_ERROR', 'EIO', { details });
    });
    await days(world, 4, rest);
    const { result, tasks } = await world.copy();
    expect(result).toBe('warning');
    expect(tasks.flatMap((task) => task.notes)).toContainEqual(expect.stringMatching(CANNOT_TELL));
    reads.mockRestore();
    expect(await has(world, path)).toBe(true);
  });

  it('has not removed the manifest of a snapshot of which anything is there', async () => {
    const { world, digests } = await datastore();
    await world.write(`${FIRST}/qemu-server.conf.blob`, blobFile('conf'));
    expect((await world.copy()).result).toBe('success');
    const names = ['index.json.blob', 'drive-scsi0.img.fidx'];
    for (const name of names) await world.remove(`${FIRST}/${name}`);
    await days(world, 9, digests);
    for (const name of names) expect(await has(world, `${FIRST}/${name}`)).toBe(true);
    await world.remove(`${FIRST}/qemu-server.conf.blob`);
    await days(world, 9, digests);
    for (const name of names) expect(await has(world, `${FIRST}/${name}`)).toBe(false);
  });

  it('has not removed the index of a snapshot whose manifest is there', async () => {
    const { world, digests } = await datastore();
    await world.remove(`${FIRST}/drive-scsi0.img.fidx`);
    expect(new Set(await days(world, 9, digests))).toEqual(new Set([true]));
    expect(await has(world, `${FIRST}/drive-scsi0.img.fidx`)).toBe(true);
    await world.remove(`${FIRST}/index.json.blob`);
    expect(new Set(await days(world, 9, digests))).toEqual(new Set([false]));
    expect(await has(world, `${FIRST}/drive-scsi0.img.fidx`)).toBe(false);
  });
});

describe('files of pgBackRest', () => {
  const { rules } = pgBackRestLayout;
  const LISTED = '20261124-220000F';
  const BEING_REMOVED = '20261103-220000F';
  const stamp = { sizeBytes: 9, modifiedAtNs: '1000000', changedAtNs: '1', inode: '1' };
  const fileOf = (path: string): FileEntry => ({
    ...{ path, stamp, mode: null, digest: '', table: null, goneSinceMs: null },
  });

  it.each([
    ['data of a backup that is listed', `backup/main/${LISTED}/pg_data/base.bundle`, false, true],
    ['its manifest', `backup/main/${LISTED}/backup.manifest`, false, true],
    ['data of one that is being removed', `backup/main/${BEING_REMOVED}/bundle/1`, false, false],
    ['the same, while others expire', `backup/main/${LISTED}/pg_data/base.bundle`, true, true],
    ['data of one that is not', 'backup/main/20261101-220000F/bundle/1', false, false],
    ['log, and nothing has expired', 'archive/main/15-1/0000000100000000/a.gz', false, true],
    ['log, and backup.info is new', 'archive/main/15-1/0000000100000000/a.gz', true, false],
  ])('that are missing: %s', (_, path, isInfoNew, isLost) => {
    const point = { createdAtMs: 1, kind: 'full' as const, needs: [], files: null };
    const points = [
      { ...point, id: LISTED, state: 'complete' as const, reason: null },
      {
        ...point,
        id: BEING_REMOVED,
        state: 'incomplete' as const,
        reason: '',
        isUnlisted: true as const,
      },
    ];
    const lost = new FaultList();
    const changedAt = '2026-11-24T23:00:00.000Z';
    const losses = new SourceLosses({ rules, points, changedAt, isAgreed: false, lost });
    const info = 'backup/main/backup.info';
    const listed = { path: info, mode: null, stamp: { ...stamp, modifiedAtNs: '2000000' } };
    if (isInfoNew) losses.see('changed', listed, fileOf(info));
    const fileClass = rules.classes.find(({ match }) => match.test(path))!;
    expect(losses.has(fileClass, fileOf(path))).toBe(isLost);
    expect(lost.faults.count).toBe(isLost ? 1 : 0);
  });
});
