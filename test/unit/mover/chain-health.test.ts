import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { Damage } from '../../../src/domain/targets/damage.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { breakSectors } from '../../support/repository/bad-sectors.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

const UNIT = 65_536;
const DAY_MS = 86_400_000;

let machine: CopiedMachine;
let disk: string;
beforeAll(async () => {
  machine = await CopiedMachine.make();
  disk = machine.before.points[0]!.disks[0]!.disk;
});

/** Structure and every block of one point. */
async function verify(copy: MachineCopy, point: number, mover = copy.mover): Promise<Damage[]> {
  const input = { ...copy.input, pointId: machine.idOf(point) };
  const prepared = await mover.run('prepareVerification', input);
  for (const { disk: name, windowCount } of prepared.disks)
    await mover.runWindows('verifyBlocks', { ...input, disk: name }, [
      { first: 0, count: windowCount },
    ]);
  const { damage } = await mover.run('collectDamage', { ...input, disks: prepared.disks });
  return [...prepared.damage, ...damage];
}

async function leases(copy: MachineCopy): Promise<string[]> {
  return (await copy.target.list(`${machine.chain}/.leases`)).map(({ name }) => name);
}

describe('verifying a restore point', () => {
  it.each<[string, (copy: MachineCopy) => Promise<void>, () => Damage[]]>([
    ['nothing', () => Promise.resolve(), () => []],
    [
      'one byte of a unit, the last of another',
      async (copy) => {
        await copy.spoil(copy.pathOf(0, 'image'), 2 * UNIT + 7);
        await copy.spoil(copy.pathOf(0, 'image'), 6 * UNIT - 1);
      },
      () => [{ type: 'units', disk, units: [2, 5], count: 2 }],
    ],
    [
      'a byte of its head',
      (copy) => copy.spoil(copy.pathOf(0, 'image'), 70),
      () => [{ type: 'units', disk, units: [0], count: 1 }],
    ],
    [
      'the last byte of the file',
      async (copy) => copy.spoil(copy.pathOf(0, 'image'), sizeOf(0) - 1),
      () => [{ type: 'units', disk, units: [Math.ceil(sizeOf(0) / UNIT) - 1], count: 1 }],
    ],
    [
      'a file that was cut',
      (copy) => copy.cut(copy.pathOf(0, 'image'), sizeOf(0) - 1),
      () => [
        {
          ...{ type: 'file', disk },
          reason: `${pathInChain(0)} has ${sizeOf(0) - 1} bytes instead of ${sizeOf(0)}`,
        },
      ],
    ],
    [
      'a file that is gone',
      async (copy) => void (await copy.target.remove(copy.pathOf(0, 'image'))),
      () => [{ type: 'file', disk, reason: `${pathInChain(0)} is missing` }],
    ],
    [
      'a sector that cannot be read',
      (copy) => cannotBeRead(copy, 'image', 2 * UNIT + 7),
      () => [{ type: 'units', disk, units: [2], count: 1 }],
    ],
    [
      'a sector of its head that cannot be read',
      (copy) => cannotBeRead(copy, 'image', 0),
      () => [{ type: 'units', disk, units: [0], count: 1 }],
    ],
    [
      'a sector of its digests that cannot be read',
      (copy) => cannotBeRead(copy, 'digests', 0),
      () => [{ type: 'digestTable', disk }],
    ],
    [
      'a byte of its digests',
      (copy) => copy.spoil(copy.pathOf(0, 'digests'), 100),
      () => [{ type: 'digestTable', disk }],
    ],
    [
      'its digests gone',
      async (copy) => void (await copy.target.remove(copy.pathOf(0, 'digests'))),
      () => [{ type: 'digestTable', disk }],
    ],
  ])('finds %s', async (_name, damage, expected) => {
    const copy = await machine.copy();
    await damage(copy);
    expect(await verify(copy, 0)).toEqual(expected());
    expect(await leases(copy)).toEqual([]);
  });

  it('asks for a new reading where its notes are gone, and keeps its lease', async () => {
    const copy = await machine.copy();
    const input = { ...copy.input, pointId: machine.idOf(0) };
    const { disks } = await copy.mover.run('prepareVerification', input);
    const collect = copy.mover.run('collectDamage', { ...input, disks });
    await expect(collect).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    expect(await leases(copy)).toHaveLength(1);
  });

  it.each([
    { passed: 'a moment', afterMs: 1, isGoneOnWith: true },
    { passed: 'almost a week', afterMs: 7 * DAY_MS - 1, isGoneOnWith: true },
    { passed: 'a week', afterMs: 7 * DAY_MS, isGoneOnWith: false },
    { passed: 'a week backwards', afterMs: -7 * DAY_MS, isGoneOnWith: false },
  ])('goes on where it was when $passed has passed: $isGoneOnWith', async (row) => {
    const copy = await machine.copy();
    const pointId = machine.idOf(0);
    const begun = { ...copy.input, pointId };
    await copy.mover.run('prepareVerification', begun);
    const windows = [{ first: 0, count: 1 }];
    await copy.mover.runWindows('verifyBlocks', { ...begun, disk }, windows);
    copy.nowMs += row.afterMs;
    const { disks } = await copy.mover.run('prepareVerification', { ...copy.input, pointId });
    const firstOpenWindow = row.isGoneOnWith ? 1 : 0;
    expect(disks).toMatchObject([{ windowCount: 1, firstOpenWindow }]);
  });

  it.each<[string, (points: TargetRestorePoint[]) => void, RegExp]>([
    [
      'another parent',
      (points) => {
        points[3] = { ...points[3]!, parentId: points[1]!.id };
      },
      /names the parent .+ instead of \.\.\/.+/,
    ],
    [
      'a parent where it is a full',
      ([, , , newest]) => {
        const [own] = newest!.disks;
        Object.assign(newest!, { disks: [{ ...own, kind: 'full' }] });
      },
      /names the parent .+ instead of none/,
    ],
  ])('finds a file that names %s', async (_name, change, reason) => {
    const copy = await machine.copy();
    const points = machine.before.points.map((point) => ({ ...point }));
    change(points);
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    expect(await verify(copy, 3)).toEqual([
      { type: 'file', disk, reason: expect.stringMatching(reason) as string },
    ]);
  });

  it('knows nothing of files that cannot be read just now', async () => {
    const copy = await machine.copy();
    const gone = new BackupError('REPOSITORY_UNREACHABLE', 'offsite does not answer');
    const path = copy.pathOf(3, 'image');
    const openRead = copy.target.openRead.bind(copy.target);
    copy.target.openRead = (asked) => (asked === path ? Promise.reject(gone) : openRead(asked));
    await expect(verify(copy, 3)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  it('knows nothing of a file whose storage reads it no more and does not answer for it either', async () => {
    const copy = await machine.copy();
    await cannotBeRead(copy, 'image', 2 * UNIT);
    const stat = copy.target.stat.bind(copy.target);
    const gone = new BackupError('REPOSITORY_UNREACHABLE', 'offsite does not answer');
    const input = { ...copy.input, pointId: machine.idOf(0) };
    await copy.mover.run('prepareVerification', input);
    const path = copy.pathOf(0, 'image');
    copy.target.stat = (asked) => (asked === path ? Promise.reject(gone) : stat(asked));
    const reading = copy.mover.runWindows('verifyBlocks', { ...input, disk }, [
      { first: 0, count: 1 },
    ]);
    await expect(reading).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });

  it('waits for a change of the chain, and leaves no lease meanwhile', async () => {
    const copy = await machine.copy();
    const pending = { type: 'merge', intoId: machine.idOf(0), fromId: machine.idOf(1) } as const;
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, pending });
    await expect(verify(copy, 3)).rejects.toMatchObject({ code: 'CHAIN_LOCKED' });
    expect(await leases(copy)).toEqual([]);
  });

  function cannotBeRead(copy: MachineCopy, file: 'image' | 'digests', offset: number) {
    breakSectors(copy.target, copy.pathOf(0, file), [offset]);
    return Promise.resolve();
  }

  const sizeOf = (point: number): number => machine.before.points[point]!.disks[0]!.sizeBytes;
  const pathInChain = (point: number): string => machine.before.points[point]!.disks[0]!.path;
});

describe('healing a backup file', () => {
  function heal(copy: MachineCopy, point: number, units: readonly number[], mover = copy.mover) {
    const input = { ...copy.input, pointId: machine.idOf(point), disk, units };
    return mover.run('healDisk', input);
  }

  it.each([
    { what: 'a guest block', point: 0, block: 4, from: 'the source' },
    { what: 'a guest block of an increment', point: 3, block: 9, from: 'the source' },
    { what: 'a table', point: 0, block: null, from: 'the copy of the tables' },
  ])('takes $what from $from', async ({ point, block, from }) => {
    const copy = await machine.copy();
    const path = copy.pathOf(point, 'image');
    const whole = await copy.read(path);
    const unit = block === null ? 0 : await copy.unitOf(point, block);
    await copy.spoil(path, unit * UNIT + 99);
    // A good one beside it is left alone, and not spoken of.
    const outcome = await heal(copy, point, [unit, unit + 1]);
    const place = block === null ? 'a table' : `guest block ${block} (byte ${block * UNIT})`;
    expect(outcome).toEqual({
      notes: [
        `disk ${disk} of ${machine.idOf(point)}: ${place} at byte ${unit * UNIT} of ${machine.before.points[point]!.disks[0]!.path} was corrupt and was healed from ${from}`,
      ],
      ...{ remaining: [], isSourceUnknown: false },
    });
    expect((await copy.read(path)).equals(whole)).toBe(true);
    expect(await verify(copy, point)).toEqual([]);
    expect(await copy.target.list(`${machine.chain}/.staging`)).toEqual([]);
  });

  it.each([
    { what: 'a guest block', block: 4, from: 'the source' },
    { what: 'a table', block: null, from: 'the copy of the tables' },
  ])('writes $what over a sector that cannot be read', async ({ block, from }) => {
    const copy = await machine.copy();
    const path = copy.pathOf(0, 'image');
    const whole = await copy.read(path);
    const unit = block === null ? 0 : await copy.unitOf(0, block);
    breakSectors(copy.target, path, [unit * UNIT + 5000]);
    const outcome = await heal(copy, 0, [unit]);
    expect(outcome).toMatchObject({ remaining: [], isSourceUnknown: false });
    expect(outcome.notes).toEqual([expect.stringContaining(`was healed from ${from}`)]);
    expect((await copy.read(path)).equals(whole)).toBe(true);
    expect(await verify(copy, 0)).toEqual([]);
  });

  it('leaves and names a unit whose sector can be neither read nor written', async () => {
    const copy = await machine.copy();
    const unit = await copy.unitOf(0, 4);
    breakSectors(copy.target, copy.pathOf(0, 'image'), [unit * UNIT], false);
    expect(await heal(copy, 0, [unit])).toEqual({
      notes: [expect.stringMatching(/is corrupt and cannot be written over: .*EIO/)],
      ...{ remaining: [unit], isSourceUnknown: false },
    });
  });

  it('leaves and names a unit that does not come back as it was written', async () => {
    const copy = await machine.copy();
    const unit = await copy.unitOf(0, 4);
    await copy.spoil(copy.pathOf(0, 'image'), unit * UNIT);
    const openRead = copy.target.openRead.bind(copy.target);
    copy.target.openRead = async (path) => {
      const file = await openRead(path);
      if (!path.endsWith('/unit')) return file;
      return Object.assign(file, { read: (target: Uint8Array) => target.fill(0xaa).length });
    };
    expect(await heal(copy, 0, [unit])).toEqual({
      notes: [
        expect.stringMatching(/cannot be written over: .*does not read back as it was written/),
      ],
      ...{ remaining: [unit], isSourceUnknown: false },
    });
  });

  it('opens the files of the source once, and those alone that hold what it heals', async () => {
    const copy = await machine.copy();
    const opened: string[] = [];
    let open = 0;
    const openRead = copy.source.openRead.bind(copy.source);
    copy.source.openRead = async (path) => {
      const file = await openRead(path);
      opened.push(path);
      open += 1;
      const close = file.close.bind(file);
      return Object.assign(file, { close: () => ((open -= 1), close()) });
    };
    const healed = async (...blocks: readonly number[]) => {
      const units = await Promise.all(blocks.map((block) => copy.unitOf(3, block)));
      for (const unit of units) await copy.spoil(copy.pathOf(3, 'image'), unit * UNIT + 99);
      opened.splice(0);
      expect(await heal(copy, 3, units)).toMatchObject({ remaining: [] });
      return [...opened];
    };
    // The first look at the source reads the heads of its files, too.
    await healed(9);
    const [newest] = await healed(9, 2, 7);
    expect(await healed(9, 2, 7)).toEqual([newest]);
    expect(open).toBe(0);
  });

  it('heals a table first where it hides which guest blocks the others are', async () => {
    const copy = await machine.copy();
    const path = copy.pathOf(0, 'image');
    const whole = await copy.read(path);
    const unit = await copy.unitOf(0, 4);
    const units = [0, unit];
    // Not even its head says any more what it is.
    for (const bad of units) await copy.spoil(path, bad * UNIT);
    const outcome = await heal(copy, 0, units);
    expect(outcome).toMatchObject({ remaining: [], isSourceUnknown: false });
    expect(outcome.notes).toEqual([
      expect.stringMatching(/a table .* was healed from the copy of the tables/),
      expect.stringMatching(/guest block 4 .* was healed from the source/),
    ]);
    expect((await copy.read(path)).equals(whole)).toBe(true);
  });

  it.each<[string, boolean, (copy: MachineCopy) => Promise<InProcessMover>]>([
    ['the source has other bytes under the same id', false, otherBytes],
    ['the source has lost it and has others', false, lostPoint],
    ['the source shows no backups at all', true, emptySource],
    ['a file of the source may not be read just now', true, unreadableFile],
    ['a folder of the source may not be listed just now', true, unreadableFolder],
    ['the source cannot be asked', true, unreachableSource],
    ['the source is not configured on this machine', true, unknownSource],
  ])('changes nothing when %s', async (_name, isSourceUnknown, spoilSource) => {
    const copy = await machine.copy();
    const path = copy.pathOf(0, 'image');
    const unit = await copy.unitOf(0, 4);
    await copy.spoil(path, unit * UNIT);
    const bad = await copy.read(path);
    const mover = await spoilSource(copy);
    expect(await heal(copy, 0, [unit], mover)).toEqual({
      notes: [expect.stringContaining('is corrupt and no good copy of it was found')],
      ...{ remaining: [unit], isSourceUnknown },
    });
    expect((await copy.read(path)).equals(bad)).toBe(true);
  });

  async function otherBytes({ source, target }: MachineCopy): Promise<InProcessMover> {
    const [folder] = await source.list('');
    for (const { path, stamp } of await source.list(folder!.path)) {
      const file = await source.openWrite(path, 'existing');
      const bytes = Buffer.alloc(stamp.sizeBytes);
      await file.read(bytes, 0);
      const at = bytes.indexOf(machine.block(0, 4));
      if (at >= 0) await file.write(Buffer.from('other'), at);
      await file.close();
    }
    return new InProcessMover(target, source);
  }

  async function lostPoint({ source, target }: MachineCopy): Promise<InProcessMover> {
    const [folder] = await source.list('');
    const [oldest] = await source.list(folder!.path);
    await source.remove(oldest!.path);
    return new InProcessMover(target, source);
  }

  /** A mount point without its share. */
  async function emptySource({ source, target }: MachineCopy): Promise<InProcessMover> {
    const [folder] = await source.list('');
    await source.removeAll(folder!.path);
    return new InProcessMover(target, source);
  }

  async function unreadableFile({ source, target }: MachineCopy): Promise<InProcessMover> {
    const [folder] = await source.list('');
    const [oldest] = await source.list(folder!.path);
    const openRead = source.openRead.bind(source);
    const denied = new BackupError('REPOSITORY_ACCESS_DENIED', 'permission is denied');
    source.openRead = (path) => (path === oldest!.path ? Promise.reject(denied) : openRead(path));
    return new InProcessMover(target, source);
  }

  async function unreadableFolder({ source, target }: MachineCopy): Promise<InProcessMover> {
    const [folder] = await source.list('');
    const list = source.list.bind(source);
    const denied = new BackupError('REPOSITORY_ACCESS_DENIED', 'permission is denied');
    source.list = (path) => (path === folder!.path ? Promise.reject(denied) : list(path));
    return new InProcessMover(target, source);
  }

  function unknownSource({ target }: MachineCopy): Promise<InProcessMover> {
    return Promise.resolve(new InProcessMover(target));
  }

  async function unreachableSource({ source, target }: MachineCopy): Promise<InProcessMover> {
    source.list = () =>
      Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'primary does not answer'));
    return Promise.resolve(new InProcessMover(target, source));
  }

  it.each([
    { isFileGood: true, healed: true },
    { isFileGood: false, healed: false },
    // It cannot be read.
    { isFileGood: null, healed: false },
  ])(
    'makes its digests anew from a file that is good: $isFileGood',
    async ({ isFileGood, healed }) => {
      const copy = await machine.copy();
      const path = copy.pathOf(0, 'digests');
      const whole = await copy.read(path);
      await copy.spoil(path, 100);
      const spoiled = await copy.read(path);
      if (isFileGood === false) await copy.spoil(copy.pathOf(0, 'image'), 3 * UNIT);
      if (isFileGood === null) breakSectors(copy.target, copy.pathOf(0, 'image'), [3 * UNIT]);
      const input = { ...copy.input, pointId: machine.idOf(0), disk };
      expect(await copy.mover.run('healDigestTable', input)).toEqual({ healed });
      expect((await copy.read(path)).equals(healed ? whole : spoiled)).toBe(true);
    },
  );
});

describe('digests that a merge has put in place since they were found damaged', () => {
  it('are left as they are', async () => {
    const copy = await machine.copy();
    const writes = copy.target.operations.length;
    const input = { ...copy.input, pointId: machine.idOf(0), disk };
    expect(await copy.mover.run('healDigestTable', input)).toEqual({ healed: true });
    const done = copy.target.operations.slice(writes);
    expect(done.filter(({ kind }) => kind !== 'syncFolder')).toEqual([]);
  });
});
