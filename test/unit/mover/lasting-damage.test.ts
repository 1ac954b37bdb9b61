import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { BackupError } from '../../../src/domain/errors.js';
import { DEFAULT_COPY_SETTINGS } from '../../../src/domain/jobs/copy-settings.js';
import {
  CopiedMachine,
  NOW_MS,
  type LeaseOf,
  type MachineCopy,
} from '../../support/living/copied-machine.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

let machine: CopiedMachine;
let disk: string;
beforeAll(async () => {
  machine = await CopiedMachine.make();
  disk = machine.before.points[0]!.disks[0]!.disk;
});

describe('damage that lasts', () => {
  interface Row {
    /** Guest block; null: the whole file; `table`: its header. */
    readonly damage: [point: number, block: number | null | 'table'][];
    readonly corrupt: number[];
    readonly quarantined: number[];
  }

  // By hand from what the increments hold: block 7; 2 and 7; 9, 2 and 7.
  it.each<Row>([
    { damage: [[0, 4]], corrupt: [0, 1, 2, 3], quarantined: [3, 2, 1, 0] },
    { damage: [[0, 2]], corrupt: [0, 1], quarantined: [] },
    { damage: [[1, 7]], corrupt: [1], quarantined: [] },
    { damage: [[2, 2]], corrupt: [2], quarantined: [] },
    { damage: [[3, 9]], corrupt: [3], quarantined: [3] },
    { damage: [[2, null]], corrupt: [2, 3], quarantined: [3, 2] },
    { damage: [[0, 'table']], corrupt: [0, 1, 2, 3], quarantined: [3, 2, 1, 0] },
    {
      damage: [
        [1, 7],
        [3, 9],
      ],
      corrupt: [1, 3],
      quarantined: [3],
    },
    { damage: [], corrupt: [], quarantined: [] },
    { damage: [[99, null]], corrupt: [], quarantined: [] },
  ])('in $damage shows in points $corrupt', async ({ damage, corrupt, quarantined }) => {
    for (const mayQuarantine of [true, false]) {
      const copy = await machine.copy();
      const outcome = await mark(copy, damage, mayQuarantine);
      const leaving = mayQuarantine ? quarantined : [];
      expect(outcome).toEqual({
        corrupt: corrupt.map((point) => machine.idOf(point)),
        quarantined: leaving.map((point) => machine.idOf(point)),
        sound: [],
      });
      const left = [0, 1, 2, 3].filter((point) => !leaving.includes(point));
      expect(await copy.folders()).toEqual(left);
      const { points } = await copy.record();
      expect(points.map(({ id, health }) => [id, health])).toEqual(
        left.map((point) => [machine.idOf(point), corrupt.includes(point) ? 'corrupt' : 'good']),
      );
    }
  });

  it('of a disk that the machine lost later shows in no point without it', async () => {
    const copy = await machine.copy();
    const points = machine.before.points.map((point, place) =>
      place < 2 ? point : { ...point, disks: [{ ...point.disks[0]!, disk: 'another' }] },
    );
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    const { corrupt } = await mark(copy, [[0, null]], false);
    expect(corrupt).toEqual([machine.idOf(0), machine.idOf(1)]);
  });

  it.each<[string, boolean, (copy: MachineCopy) => Promise<InProcessMover>]>([
    [
      'is not configured on this machine',
      false,
      ({ target }) => Promise.resolve(new InProcessMover(target)),
    ],
    [
      'does not answer',
      false,
      ({ source, target }) => {
        const away = new BackupError('REPOSITORY_UNREACHABLE', 'primary does not answer');
        source.list = () => Promise.reject(away);
        return Promise.resolve(new InProcessMover(target, source));
      },
    ],
    [
      'shows another machine alone',
      true,
      async ({ target }) => {
        const others = new SimulatedRepository('primary');
        await new GrowingSource(others, 'web01', { blockCount: 2 }).backUp(NOW_MS, 'full');
        return new InProcessMover(target, others);
      },
    ],
  ])('of a whole file is set aside when the source %s: %s', async (_, isSetAside, moverOf) => {
    const copy = await machine.copy();
    const mover = await moverOf(copy);
    const damage = [{ pointId: machine.idOf(2), disk, units: null }];
    const outcome = await mover.run('markDamage', { ...copy.input, damage, mayQuarantine: true });
    const [second, third] = [machine.idOf(2), machine.idOf(3)];
    const quarantined = isSetAside ? [third, second] : [];
    expect(outcome).toEqual({ corrupt: [second, third], quarantined, sound: [] });
    expect(await copy.folders()).toEqual(isSetAside ? [0, 1] : [0, 1, 2, 3]);
  });

  it('takes the memory of what was dealt with along when no copy is left', async () => {
    const copy = await machine.copy();
    const known = { repositoryId: 'primary', restorePointId: machine.sourceId(4) };
    const knownSourcePoints = [{ ...known, createdAt: new Date(NOW_MS).toISOString() }];
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, knownSourcePoints });
    await mark(copy, [[3, 9]], true);
    expect((await copy.record()).knownSourcePoints).toEqual(knownSourcePoints);
    await mark(copy, [[0, 4]], true);
    expect(await copy.record()).toMatchObject({ points: [], knownSourcePoints: [] });
  });

  it.each([{ isCut: true }, { isCut: false }])(
    'of a whole file is marked when the file is still cut: $isCut',
    async ({ isCut }) => {
      const copy = await machine.copy();
      if (isCut) await copy.cut(copy.pathOf(3, 'image'), 65_536);
      const pointId = machine.idOf(3);
      const damage = [{ pointId, disk, units: null, isStructural: true }] as const;
      const outcome = copy.mover.run('markDamage', { ...copy.input, damage, mayQuarantine: true });
      expect(await outcome).toEqual({
        corrupt: isCut ? [pointId] : [],
        quarantined: isCut ? [pointId] : [],
        sound: isCut ? [] : [{ pointId, disk }],
      });
    },
  );

  it.each<{ lease: LeaseOf; waits: boolean }>([
    { lease: [3, 'restore'], waits: true },
    { lease: [3, 'verify'], waits: false },
  ])('is marked also while $lease keeps the point: $waits', async ({ lease, waits }) => {
    const copy = await machine.copy(lease);
    const marked = mark(copy, [[3, 9]], true);
    if (waits) await expect(marked).rejects.toMatchObject({ code: 'POINT_IN_USE' });
    else await marked;
    expect(await copy.folders()).toEqual(waits ? [0, 1, 2, 3] : [0, 1, 2]);
    if (waits) expect((await copy.record()).points[3]?.health).toBe('corrupt');
  });

  it('is of one disk, and ends where a point has that disk whole', async () => {
    const copy = await machine.copy();
    // As a disk that is copied as a full each time, before the one that is not.
    const other = { ...machine.before.points[0]!.disks[0]!, disk: 'other' };
    const points = machine.before.points.map((point) => ({
      ...point,
      disks: [other, ...point.disks],
    }));
    await writeChainRecord(copy.target, machine.chain, { ...machine.before, points });
    const units = [await copy.unitOf(0, 4)];
    const mark = async (damaged: string) => {
      const damage = [{ pointId: machine.idOf(0), disk: damaged, units }];
      const order = { ...copy.input, damage, mayQuarantine: false };
      return (await copy.mover.run('markDamage', order)).corrupt;
    };
    expect(await mark('other')).toEqual([machine.idOf(0)]);
    expect(await mark(disk)).toEqual([0, 1, 2, 3].map((place) => machine.idOf(place)));
  });

  async function mark(copy: MachineCopy, damage: Row['damage'], mayQuarantine: boolean) {
    const lasting = [];
    for (const [point, block] of damage) {
      const units =
        block === null ? null : block === 'table' ? [0] : [await copy.unitOf(point, block)];
      lasting.push({ pointId: machine.idOf(point), disk, units });
    }
    return copy.mover.run('markDamage', { ...copy.input, damage: lasting, mayQuarantine });
  }
});

it('too much damage to be listed is marked although no unit of it is named, and not set aside before the source is asked', async () => {
  const copy = await machine.copy();
  const { id: workloadId, ...workload } = machine.before.workload;
  const damage = { type: 'units', disk, units: [], count: 1500 } as const;
  const sessions = new LocalSessions([copy.source, copy.target]);
  const { notes, unhealed } = await sessions.repair(
    {
      ...{ targetRepositoryId: 'offsite', jobId: 'nightly' },
      workload: { id: workloadId, ...workload },
      damage: [{ pointId: machine.idOf(3), damage }],
      ...{ verified: [], since: new Date(NOW_MS).toISOString() },
      settings: DEFAULT_COPY_SETTINGS,
    },
    NOW_MS,
  );
  expect(unhealed).toBe(1);
  expect(notes).toEqual([
    expect.stringContaining('1500 damaged units are too many'),
    expect.stringMatching(/^corrupt restore points/),
  ]);
  expect(await copy.folders()).toEqual([0, 1, 2, 3]);
});
