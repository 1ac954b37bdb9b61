import { chainFolder } from '../../src/chain/chain-paths.js';
import { readChainRecord } from '../../src/chain/chain-store.js';
import type { CopyJob, GfsPolicy, Weekday } from '../../src/domain/copy-job.js';
import { listSourceWorkloads } from '../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../src/repository/backup-repository.js';
import { InProcessMover, type CopyOrder } from '../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../support/repository/simulated-repository.js';
import {
  KIB,
  makeSourceChain,
  MIB,
  withFirstPoints,
  type SourceChain,
  type SourcePoint,
} from './source-chain.js';
import type { Scenario } from './try-positions.js';

type Policy = Pick<CopyJob, 'mode' | 'gfs' | 'retention' | 'schedule'>;

export const NOW_MS = Date.parse('2026-11-25T00:00:00Z');
const KEEP_ALL = 99;

/** Six days of a machine: two disks, one of which grows to a size that is no multiple of a cluster, and a third from the fourth day on;
 *  clusters of 4 KiB, 64 KiB and 2 MiB, subclusters, compressed and zero clusters. */
const SIX_DAYS: readonly SourcePoint[] = [
  {
    system: full(3 * MIB, [
      noise(1, 0, 192 * KIB),
      noise(2, MIB, 320 * KIB),
      { compressed: 0x51, at: 2 * MIB, bytes: 128 * KIB },
    ]),
    data: full(
      MIB + 5 * 512,
      [noise(3, 64 * KIB, 100 * KIB), noise(4, MIB, 5 * 512)],
      'cluster_size=4k',
    ),
  },
  {
    system: increment(
      3 * MIB,
      [noise(5, 64 * KIB, 64 * KIB), zero(MIB, 128 * KIB)],
      'cluster_size=4k',
    ),
    data: increment(2 * MIB + 512, [noise(6, MIB + 256 * KIB, 70 * KIB)], 'extended_l2=on'),
  },
  {
    system: increment(3 * MIB, [
      noise(7, MIB, 64 * KIB),
      { compressed: 0x52, at: 2 * MIB + 64 * KIB, bytes: 64 * KIB },
    ]),
    data: increment(
      2 * MIB + 512,
      [zero(64 * KIB, 64 * KIB), noise(8, 2 * MIB, 512)],
      'cluster_size=2M',
    ),
  },
  {
    system: increment(3 * MIB, []),
    data: increment(2 * MIB + 512, [noise(9, 128 * KIB, 192 * KIB)]),
    added: full(512 * KIB, [noise(10, 128 * KIB, 128 * KIB)]),
  },
  {
    system: increment(3 * MIB, [noise(11, 0, 64 * KIB), zero(64 * KIB, 64 * KIB)]),
    data: increment(2 * MIB + 512, []),
    added: increment(512 * KIB, [noise(12, 0, 64 * KIB)]),
  },
  {
    system: increment(3 * MIB, [noise(13, 2 * MIB + 512 * KIB, 300 * KIB)]),
    data: increment(2 * MIB + 512, [noise(14, 64 * KIB, 64 * KIB)]),
    added: increment(512 * KIB, [zero(128 * KIB, 64 * KIB)]),
  },
];

const TWO_DAYS: readonly SourcePoint[] = [
  { system: full(MIB, [noise(21, 0, 128 * KIB), noise(22, 512 * KIB, 64 * KIB)]) },
  { system: increment(MIB, [noise(23, 64 * KIB, 128 * KIB), zero(512 * KIB, 64 * KIB)]) },
];

/** Day by day a full, as a tool without increments makes them: the second is compared block by block. */
const FULLS: readonly SourcePoint[] = [
  { system: full(2 * MIB, [noise(31, 0, 256 * KIB), noise(32, MIB, 128 * KIB)]) },
  { system: full(2 * MIB, [noise(31, 0, 256 * KIB), noise(33, MIB, 64 * KIB)]) },
];

/** More than one window of 8 MiB. */
const LARGE: readonly SourcePoint[] = [
  {
    system: full(16 * MIB, [noise(41, 0, 8 * MIB), noise(42, 8 * MIB, MIB)]),
  },
];

type Prepared = Omit<Scenario, 'name'>;

const PREPARE = {
  'copy of a first full': () => copying(SIX_DAYS.slice(0, 1), 0),
  'copy of a chain of 2': () => copying(TWO_DAYS, 0),
  'copy of a chain of 6': () => copying(SIX_DAYS, 0),
  'copy of one increment': () => copying(SIX_DAYS, 5),
  'copy by digests': () => copying(FULLS, 1),
  'copy of two windows': () => copying(LARGE, 0),
  'merge in a chain of 2': () => retaining(TWO_DAYS, keep(1)),
  'two merges in a chain of 6': () => retaining(SIX_DAYS, keep(4)),
  'GFS full in the middle, then delete': gfsInTheMiddle,
  'synthetic full and delete instead of a merge': insteadOfMerging,
  'compact of a full': compacting,
  'delete of a chain': deleting,
  'heal of damaged blocks': healing,
} satisfies Record<string, () => Promise<Prepared>>;

export type ScenarioName = keyof typeof PREPARE;

export const SCENARIO_NAMES = Object.keys(PREPARE) as readonly ScenarioName[];

export async function prepareScenario(name: ScenarioName): Promise<Scenario> {
  return { name, ...(await PREPARE[name]()) };
}

function full(sizeBytes: number, writes: SourcePoint[string]['writes'], options?: string) {
  return { kind: 'full', sizeBytes, writes, options } as const;
}

function increment(sizeBytes: number, writes: SourcePoint[string]['writes'], options?: string) {
  return { kind: 'incremental', sizeBytes, writes, options } as const;
}

function noise(seed: number, at: number, bytes: number) {
  return { noise: seed, at, bytes };
}

function zero(zeroAt: number, bytes: number) {
  return { zeroAt, bytes };
}

export function keep(value: number, weekly: Weekday | null = null): Policy {
  const gfs: GfsPolicy | null =
    weekly === null
      ? null
      : { weekly: { keep: 4, day: weekly }, monthly: null, yearly: null, fullMethod: 'synthetic' };
  const retention = { type: 'restorePoints', value } as const;
  return { mode: 'periodic', gfs, retention, schedule: { type: 'manual' } };
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
  { repository, truth }: SourceChain,
  { chain, target }: Copied,
  run: Scenario['run'],
): Prepared {
  return { source: repository, target, chain, truth, damaged: [], run };
}

async function copying(points: readonly SourcePoint[], count: number): Promise<Prepared> {
  const source = makeSourceChain(points);
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
    const { record } = await mover.run('inspectTargetChain', { ...order, chain, owner, nowMs: NOW_MS });
    const place = { targetRepositoryId: target.id, chain, epoch: record.epoch, disk: file.disk };
    await mover.run('healDisk', { ...place, pointId: oldest.id, units: [1, lastUnit] });
    await mover.run('healDigestTable', { ...place, pointId: newest.id });
  });
  return { ...healed, damaged: [oldest.id, newest.id] };
}

async function damage(target: SimulatedRepository, path: string, offset: number): Promise<void> {
  const file = await target.openWrite(path, 'existing');
  await file.write(Buffer.from('damaged'), offset);
  await file.close();
}
