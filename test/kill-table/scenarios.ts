import { chainFolder, diskPath } from '../../src/chain/chain-paths.js';
import { readChainRecord } from '../../src/chain/chain-store.js';
import type { CopyJob, GfsPolicy, Weekday } from '../../src/domain/copy-job.js';
import { listSourceWorkloads } from '../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { InProcessMover, type CopyOrder } from '../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../support/repository/simulated-repository.js';
import {
  diskId,
  KIB,
  makeSourceChain,
  withFirstPoints,
  type SourceChain,
  type SourcePoint,
} from './source-chain.js';
import {
  DESCRIPTIONS,
  FULLS,
  LARGE,
  SIX_DAYS,
  THREE_DAYS,
  TWO_DAYS,
  ZEROED,
} from './source-days.js';
import type { Scenario } from './try-positions.js';

type Policy = Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'timeZone'>;

export const NOW_MS = Date.parse('2026-11-25T00:00:00Z');
const KEEP_ALL = 99;

type Prepared = Omit<Scenario, 'name'>;

const PREPARE = {
  'copy of a first full': () => copying(SIX_DAYS.slice(0, 1), 0),
  'copy of a chain of 2': () => copying(TWO_DAYS, 0),
  'copy of a chain of 6': () => copying(SIX_DAYS, 0),
  'copy of one increment': () => copying(SIX_DAYS, 5),
  'copy by digests': () => copying(FULLS, 1),
  'copy of two windows': () => copying(LARGE, 0),
  'copy with machine description files': () => copying(TWO_DAYS, 0, DESCRIPTIONS),
  'merge in a chain of 2': () => retaining(TWO_DAYS, keep(1)),
  'merge of zeros alone': () => retaining(ZEROED, keep(1)),
  'two merges in a chain of 6': () => retaining(SIX_DAYS, keep(4)),
  'GFS full in the middle, then delete': gfsInTheMiddle,
  'synthetic full and delete instead of a merge': insteadOfMerging,
  'compact of a full': compacting,
  'delete of a chain': deleting,
  'delete of a removed workload': removing,
  'heal of damaged blocks': healing,
  'quarantine of what cannot be healed': settingAside,
} satisfies Record<string, () => Promise<Prepared>>;

export type ScenarioName = keyof typeof PREPARE;

export const SCENARIO_NAMES = Object.keys(PREPARE) as readonly ScenarioName[];

export async function prepareScenario(name: ScenarioName): Promise<Scenario> {
  return { name, ...(await PREPARE[name]()) };
}

export function keep(value: number, weekly: Weekday | null = null): Policy {
  const gfs: GfsPolicy | null =
    weekly === null
      ? null
      : { weekly: { keep: 4, day: weekly }, monthly: null, yearly: null, fullMethod: 'synthetic' };
  const retention = { type: 'restorePoints', value } as const;
  return { mode: 'periodic', gfs, retention, timeZone: 'UTC' };
}

export async function orderFor(source: BackupRepository): Promise<Omit<CopyOrder, 'owner'>> {
  const [workload] = await listSourceWorkloads(source);
  if (workload === undefined) throw new Error('the source shows no workload');
  return {
    jobId: 'nightly',
    workload: { id: workload.id, name: workload.name, type: 'olvm-rhv' },
    sourceRepositoryId: source.id,
    targetRepositoryId: 'offsite',
    restorePoints: 'all',
  };
}

interface Copied {
  readonly order: Omit<CopyOrder, 'owner'>;
  readonly chain: string;
  readonly target: SimulatedRepository;
  readonly pointIds: readonly string[];
}

/** A target that holds the first `count` points of the source. */
async function copied(
  source: SourceChain,
  count: number,
  target = new SimulatedRepository('offsite'),
): Promise<Copied> {
  const order = await orderFor(source.repository);
  const chain = chainFolder(order.jobId, order.workload.id);
  if (count > 0) {
    const mover = new InProcessMover(await withFirstPoints(source, count), target);
    await mover.copy({ ...order, owner: 'earlier' });
    target.settle();
  }
  const record = count === 0 ? null : await readChainRecord(target, chain);
  return { order, chain, target, pointIds: record?.points.map(({ id }) => id) ?? [] };
}

function scenario(
  { repository, truth, companions }: SourceChain,
  { chain, target }: Copied,
  run: Scenario['run'],
): Prepared {
  return { source: repository, target, chain, truth, companions, corrupt: [], damaged: [], run };
}

async function copying(
  points: readonly SourcePoint[],
  count: number,
  descriptions?: Readonly<Record<string, string>>,
): Promise<Prepared> {
  const source = makeSourceChain(points, descriptions);
  const prepared = await copied(source, count);
  return scenario(source, prepared, async (mover, owner) => {
    await mover.copy({ ...prepared.order, owner });
  });
}

async function retaining(points: readonly SourcePoint[], policy: Policy): Promise<Prepared> {
  const source = makeSourceChain(points);
  const prepared = await copied(source, points.length);
  return scenario(source, prepared, async (mover, owner) => {
    await mover.maintain({ ...prepared.order, owner }, policy, NOW_MS);
  });
}

/** The first point carries a weekly flag; then the day of the week changes to the fourth point's. */
async function gfsInTheMiddle(): Promise<Prepared> {
  const source = makeSourceChain(SIX_DAYS);
  const first = await copied(source, 1);
  await new InProcessMover(first.target).maintain(
    { ...first.order, owner: 'earlier' },
    keep(KEEP_ALL, 'sunday'),
    NOW_MS,
  );
  const prepared = await copied(source, SIX_DAYS.length, first.target);
  return scenario(source, prepared, async (mover, owner) => {
    await mover.maintain({ ...prepared.order, owner }, keep(2, 'wednesday'), NOW_MS);
  });
}

/** What the workflow does when `mergeIncrement` refuses. */
async function insteadOfMerging(): Promise<Prepared> {
  const source = makeSourceChain(SIX_DAYS.slice(0, 3));
  const prepared = await copied(source, 3);
  const [oldest = '', second = ''] = prepared.pointIds;
  return scenario(source, prepared, async (mover, owner) => {
    const order = { ...prepared.order, owner };
    const { points } = await mover.chain(order);
    if (points.some(({ id, kind }) => id === second && kind === 'increment'))
      await mover.compact(order, second, NOW_MS);
    await mover.delete(order, [oldest], NOW_MS);
  });
}

async function compacting(): Promise<Prepared> {
  const source = makeSourceChain(SIX_DAYS.slice(0, 3));
  const prepared = await copied(source, 3);
  const [oldest = ''] = prepared.pointIds;
  return scenario(source, prepared, (mover, owner) =>
    mover.compact({ ...prepared.order, owner }, oldest, NOW_MS),
  );
}

/** Two chains; the older one goes. */
async function deleting(): Promise<Prepared> {
  const source = makeSourceChain(SIX_DAYS.slice(0, 4));
  const first = await copied(source, 2);
  const mover = new InProcessMover(source.repository, first.target);
  await mover.copy({ ...first.order, owner: 'earlier', activeFull: true });
  const prepared = await copied(source, 4, first.target);
  return scenario(source, prepared, async (again, owner) => {
    await again.maintain({ ...prepared.order, owner }, keep(2), NOW_MS);
  });
}

/** What the activity `settleAbsence` does when the workload is gone for good. */
async function removing(): Promise<Prepared> {
  const source = makeSourceChain(TWO_DAYS, DESCRIPTIONS);
  const prepared = await copied(source, 2);
  const ids = prepared.pointIds.toReversed();
  const removed = scenario(source, prepared, (mover, owner) =>
    mover.delete({ ...prepared.order, owner }, ids, NOW_MS),
  );
  return { ...removed, end: { shown: [], quarantined: [] } };
}

/** A block and a table of the full and a digest table are damaged; the points that show them read wrong until they are healed. */
async function healing(): Promise<Prepared> {
  const source = makeSourceChain(TWO_DAYS);
  const prepared = await copied(source, 2);
  const { target, chain, order } = prepared;
  const [oldest, newest] = (await readChainRecord(target, chain))?.points ?? [];
  const file = oldest?.disks[0];
  const table = newest?.disks[0]?.digests.path;
  if (oldest === undefined || newest === undefined || file === undefined || table === undefined)
    throw new Error('the copy has no two points');
  const lastUnit = Math.ceil(file.sizeBytes / (64 * KIB)) - 1;
  await damage(target, `${chain}/${file.path}`, 64 * KIB + 100);
  await damage(target, `${chain}/${file.path}`, lastUnit * 64 * KIB);
  await damage(target, `${chain}/${table}`, 100);
  target.settle();
  const healed = scenario(source, prepared, async (mover, owner) => {
    const { record } = await mover.run('inspectTargetChain', {
      ...order,
      chain,
      owner,
      nowMs: NOW_MS,
    });
    const place = { targetRepositoryId: target.id, chain, epoch: record.epoch, disk: file.disk };
    await mover.run('healDisk', { ...place, pointId: oldest.id, units: [1, lastUnit] });
    await mover.run('healDigestTable', { ...place, pointId: newest.id });
  });
  return { ...healed, damaged: [oldest.id, newest.id] };
}

/** Two blocks for which there are no good bytes any more: one of the full, that the second point hides with its own, and one of the newest
 *  point. The full must stay for the second point's sake; the newest is set aside. */
async function settingAside(): Promise<Prepared> {
  const source = makeSourceChain(THREE_DAYS);
  const prepared = await copied(source, 3);
  const { target, chain, order, pointIds } = prepared;
  const [oldest = '', second = '', newest = ''] = pointIds;
  const disk = diskId('system');
  const file = (pointId: string) => `${chain}/${diskPath(pointId, disk, 'qcow2')}`;
  // In the order of the disk, a header before them: the full holds blocks 0 and 1, the newest point block 4.
  await damage(target, file(oldest), 2 * BLOCK);
  await damage(target, file(newest), BLOCK);
  target.settle();
  const truth = new Map(source.truth);
  const readsDamaged = (day: number, offset: number) => {
    const id = source.pointIds[day] ?? '';
    const bytes = Buffer.from(truth.get(id)?.get(disk) ?? []);
    bytes.write(DAMAGE, offset);
    truth.set(id, new Map([[disk, bytes]]));
  };
  readsDamaged(0, BLOCK);
  readsDamaged(2, 4 * BLOCK);
  const aside = scenario({ ...source, truth }, prepared, async (mover, owner) => {
    const take = { ...order, chain, owner, nowMs: NOW_MS };
    const { record } = await mover.run('inspectTargetChain', take);
    await mover.run('markDamage', {
      targetRepositoryId: target.id,
      chain,
      epoch: record.epoch,
      nowMs: NOW_MS,
      damage: [
        { pointId: oldest, disk, units: [2] },
        { pointId: newest, disk, units: [1] },
      ],
      mayQuarantine: true,
    });
  });
  const end = { shown: [oldest, second], quarantined: [newest] };
  return { ...aside, corrupt: [oldest, newest], end };
}

const BLOCK = 64 * KIB;
const DAMAGE = 'damaged';

async function damage(target: SimulatedRepository, path: string, offset: number): Promise<void> {
  const file = await target.openWrite(path, 'existing');
  await file.write(Buffer.from(DAMAGE), offset);
  await file.close();
}
