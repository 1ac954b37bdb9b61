import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob, GfsPolicy, StartOverrides } from '../../../src/domain/jobs/copy-job.js';
import { FileUnits, type PlacedSlots } from '../../../src/domain/targets/file-units.js';
import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { DEFAULT_COPY_SETTINGS } from '../../../src/domain/jobs/copy-settings.js';
import type { RemovalMode } from '../../../src/domain/retention/point-removal.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { BLOCK_DIRECT } from '../../../src/image/disk-image.js';
import { openLayer, targetLayer } from '../../../src/mover/blocks/layer-file.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import {
  WORKFLOW_REMOVE,
  type CopySessionInput,
  type RemoveInput,
  type VerifyInput,
} from '../../../workflows/messages.js';
import type { SettleAbsenceInput } from '../../../workflows/session/removed-workloads.js';
import { missForDays } from '../living/missed-looks.js';
import { InProcessMover } from '../mover/in-process-mover.js';
import { SimulatedRepository } from '../repository/simulated-repository.js';
import { testJob } from '../session/test-site.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { NOW_MS, type Change } from './change-run.js';
import {
  diskId,
  KIB,
  MACHINE,
  inFormat,
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
  TWO_DAYS_BEGUN,
  ZEROED,
} from './source-days.js';
import { OVIRT, type SourceFormat } from './source-format.js';
import type { Scenario } from './try-positions.js';
import type { Weekday } from '../../../src/domain/schedules/day-names.js';

/** Before the changes: when what is there was copied. */
const EARLIER_MS = Date.parse('2026-11-24T22:00:00Z');

type Prepared = Omit<Scenario, 'name'>;

type Prepare = (format: SourceFormat) => Promise<Prepared>;

const PREPARE = {
  'copy of a first full': (format) => copying(format, SIX_DAYS.slice(0, 1), 0),
  'copy of a chain of 2': (format) => copying(format, TWO_DAYS, 0),
  'copy of a chain of 6': (format) => copying(format, SIX_DAYS, 0),
  'copy of one increment': (format) => copying(format, SIX_DAYS, 5),
  'copy by digests': (format) => copying(format, FULLS, 1),
  'compare after a move': comparing,
  'copy again of what has grown': copyingAgain,
  'copy of two windows': (format) => copying(format, LARGE, 0),
  'copy with machine description files': (format) => copying(format, TWO_DAYS, 0, DESCRIPTIONS),
  'merge in a chain of 2': (format) => retaining(format, TWO_DAYS, jobOf(1)),
  'merge of zeros alone': (format) => retaining(format, ZEROED, jobOf(1)),
  'two merges in a chain of 6': (format) => retaining(format, SIX_DAYS, jobOf(4)),
  'GFS full in the middle, then delete': gfsInTheMiddle,
  'synthetic full and delete instead of a merge': (format) => insteadOfMerging(format, 3),
  'compact of a full': compacting,
  'delete of a chain': deleting,
  'delete of a removed workload': removing,
  'flag of a full that retention would take': flagging,
  'delete by an operator': (format) => removingByHand(format, 'delete'),
  'set aside by an operator': (format) => removingByHand(format, 'setAside'),
  'heal of damaged blocks': healing,
  'quarantine of what cannot be healed': settingAside,
  // Where nothing is merged, a full is built once as many points are outdated as are kept.
  'synthetic full and delete in a chain of 2, without merge': (format) =>
    retaining(format, TWO_DAYS, jobOf(1)),
  'synthetic full and delete of zeros alone, without merge': (format) =>
    retaining(format, ZEROED, jobOf(1)),
  'synthetic full and three deletes in a chain of 6, without merge': (format) =>
    retaining(format, SIX_DAYS, jobOf(3)),
  'synthetic full and delete of points with two digests': (format) => insteadOfMerging(format, 4),
} satisfies Record<string, Prepare>;

export type ScenarioName = keyof typeof PREPARE;

export const SCENARIO_NAMES = Object.keys(PREPARE) as readonly ScenarioName[];

/** @param format of the disks in the source */
export async function prepareScenario(
  name: ScenarioName,
  format: SourceFormat = OVIRT,
): Promise<Scenario> {
  return { name, ...(await PREPARE[name](format)) };
}

/** A job that keeps the newest points, by default all of them. */
export function jobOf(newest = 99, weekly: Weekday | null = null): CopyJob {
  const gfs =
    weekly === null
      ? null
      : ({
          weekly: { keep: 4, day: weekly },
          monthly: null,
          yearly: null,
          fullMethod: 'synthetic',
        } as const);
  return testJob({ gfs, retention: { type: 'restorePoints', value: newest } });
}

export function sessionOf(job: CopyJob, overrides: StartOverrides = {}): Change {
  const input: CopySessionInput = { job, overrides };
  return { workflowType: 'copySession', input, endsWith: ['success', 'nothingToCopy'] };
}

function sourceOf(
  format: SourceFormat,
  points: readonly SourcePoint[],
  descriptions: Readonly<Record<string, string>> = {},
): Promise<SourceChain> {
  return inFormat(makeSourceChain(points, { descriptions }), format);
}

interface Copied {
  readonly chain: string;
  readonly workload: { readonly id: string; readonly name: string; readonly type: 'olvm-rhv' };
  readonly target: SimulatedRepository;
  readonly pointIds: readonly string[];
}

/** A target that holds the first `count` points of the source, after a session of `job`. */
async function copied(
  source: SourceChain,
  count: number,
  {
    job = jobOf(),
    target = new SimulatedRepository('offsite'),
    overrides = {},
  }: { job?: CopyJob; target?: SimulatedRepository; overrides?: StartOverrides } = {},
): Promise<Copied> {
  const workload = await workloadOf(source.repository);
  const chain = chainFolder(job.id, workload.id);
  if (count > 0) {
    const repositories = [await withFirstPoints(source, count), target];
    await new LocalSessions(repositories).copy(job, EARLIER_MS, overrides);
    target.settleAll();
  }
  const record = count === 0 ? null : await readChainRecord(target, chain);
  return { workload, chain, target, pointIds: record?.points.map(({ id }) => id) ?? [] };
}

async function workloadOf(source: SourceRepository): Promise<Copied['workload']> {
  const [workload] = await listSourceWorkloads(source);
  if (workload === undefined) throw new Error('the source shows no workload');
  return { id: workload.id, name: workload.name, type: 'olvm-rhv' };
}

function scenario(
  { format, repository, truth, companions }: SourceChain,
  { chain, target }: Copied,
  change: Change,
): Prepared {
  return {
    ...{ format, source: repository, target, chain, truth, companions, change },
    ...{ corrupt: [], damaged: [] },
  };
}

async function copying(
  format: SourceFormat,
  points: readonly SourcePoint[],
  count: number,
  descriptions?: Readonly<Record<string, string>>,
): Promise<Prepared> {
  const source = await sourceOf(format, points, descriptions);
  return scenario(source, await copied(source, count), sessionOf(jobOf()));
}

async function bytesOf(repository: SourceRepository, path: string): Promise<Buffer> {
  return (await readWholeFile(repository, path, 64 * 1024 * KIB))!;
}

/** The files were moved away and brought back by a program that keeps no times: only a comparison of every block tells that it is what was copied. */
async function comparing(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, TWO_DAYS);
  const prepared = await copied(source, 2);
  const { repository } = source;
  for (const { path } of await repository.list(MACHINE)) {
    const bytes = await bytesOf(repository, path);
    await repository.remove(path);
    await repository.put(path, bytes);
  }
  repository.settleAll();
  return scenario(source, prepared, sessionOf(jobOf()));
}

/** The second day was copied while its tool was writing it: it is compared, copied again under its date, and then what was copied too early goes. */
async function copyingAgain(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, TWO_DAYS);
  const begun = await sourceOf(format, TWO_DAYS_BEGUN);
  const day = source.pointIds[1]!;
  const early = source.repository.clone();
  for (const { name, path } of await begun.repository.list(MACHINE))
    if (name.includes(day)) await early.put(path, await bytesOf(begun.repository, path));
  const prepared = await copied({ ...source, repository: early }, 2);
  const [first = '', second = ''] = prepared.pointIds;
  const truth = new Map([...source.truth, [second, begun.truth.get(day)!]]);
  const again = scenario({ ...source, truth }, prepared, sessionOf(jobOf()));
  return { ...again, end: { shown: [first, `${second}-2`], quarantined: [] } };
}

async function retaining(
  format: SourceFormat,
  points: readonly SourcePoint[],
  job: CopyJob,
): Promise<Prepared> {
  const source = await sourceOf(format, points);
  return scenario(source, await copied(source, points.length), sessionOf(job));
}

/** The first point carries a weekly flag; then the day of the week changes to the fourth point's. */
async function gfsInTheMiddle(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, SIX_DAYS);
  const { target } = await copied(source, 1, { job: jobOf(99, 'sunday') });
  const prepared = await copied(source, SIX_DAYS.length, { target });
  return scenario(source, prepared, sessionOf(jobOf(2, 'wednesday')));
}

/** A full cannot take up an increment whose digests are made another way. */
async function insteadOfMerging(format: SourceFormat, count: number): Promise<Prepared> {
  const source = await sourceOf(format, SIX_DAYS.slice(0, count));
  const { target } = await copied(source, 1);
  const job = { ...jobOf(), storage: { digest: 'blake3', verifyAfterCopy: 'cached' } } as const;
  const prepared = await copied(source, count, { target, job });
  return scenario(source, prepared, sessionOf({ ...job, retention: jobOf(2).retention }));
}

async function compacting(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, SIX_DAYS.slice(0, 3));
  const prepared = await copied(source, 3);
  const onWednesdays = { every: 'week', day: 'wednesday', time: '00:00', timeZone: 'UTC' } as const;
  return scenario(source, prepared, sessionOf({ ...jobOf(), compact: onWednesdays }));
}

/** Two chains; the older one goes. */
async function deleting(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, SIX_DAYS.slice(0, 4));
  const { target } = await copied(source, 2);
  const prepared = await copied(source, 4, { target, overrides: { activeFull: true } });
  return scenario(source, prepared, sessionOf(jobOf(2)));
}

/** No source has shown the workload for so long that its restore points go. */
async function removing(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, TWO_DAYS, DESCRIPTIONS);
  const prepared = await copied(source, 2);
  await missForDays(prepared.target, prepared.chain, NOW_MS);
  prepared.target.settleAll();
  const input: SettleAbsenceInput = {
    targetRepositoryId: prepared.target.id,
    jobId: jobOf().id,
    workload: prepared.workload,
    isSeen: false,
    afterDays: 1,
    settings: DEFAULT_COPY_SETTINGS,
  };
  const endsWith = ['success', 'nothingToCopy'];
  const change = { workflowType: 'settleAbsence', input, endsWith };
  return { ...scenario(source, prepared, change), end: { shown: [], quarantined: [] } };
}

/** The first day is the full of a week that is over, and becomes that of its month: by that alone it stays where only the newest point is to. */
async function flagging(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, TWO_DAYS);
  const { target } = await copied(source, 1, { job: jobOf(99, 'sunday') });
  const prepared = await copied(source, 2, { target });
  const gfs: GfsPolicy = {
    weekly: { keep: 1, day: 'sunday' },
    monthly: { keep: 12, week: 'first' },
    yearly: null,
    fullMethod: 'synthetic',
  };
  const flagged = scenario(source, prepared, sessionOf({ ...jobOf(1), gfs }));
  return { ...flagged, end: { shown: prepared.pointIds, quarantined: [] } };
}

/** The second of three days, and the third, which builds on it. The session behind it copies neither again. */
async function removingByHand(format: SourceFormat, mode: RemovalMode): Promise<Prepared> {
  const source = await sourceOf(format, THREE_DAYS, DESCRIPTIONS);
  const prepared = await copied(source, 3);
  const [first = '', ...going] = prepared.pointIds;
  const input: RemoveInput = {
    repositoryId: prepared.target.id,
    restorePointId: restorePointKey([jobOf().id, prepared.workload.id, going[0]!]),
    mode,
    withDependents: true,
  };
  // Asked for again once the record shows them no more, there is nothing to remove: the session finishes what was left.
  const endsWith = ['success', 'failed'];
  const change = { workflowType: WORKFLOW_REMOVE, input, endsWith, next: sessionOf(jobOf()) };
  const quarantined = mode === 'setAside' ? going : [];
  return { ...scenario(source, prepared, change), end: { shown: [first], quarantined } };
}

/** A block and a table of the full and a digest table are damaged; the points that show them read wrong until they are healed. */
async function healing(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, TWO_DAYS);
  const prepared = await copied(source, 2);
  const { target, chain } = prepared;
  const [oldest, newest] = (await readChainRecord(target, chain))?.points ?? [];
  const file = oldest?.disks[0];
  const table = newest?.disks[0]?.digests.path;
  if (oldest === undefined || newest === undefined || file === undefined || table === undefined)
    throw new Error('the copy has no two points');
  const slots = slotsOf(file);
  const units = new FileUnits(slots, file.sizeBytes);
  await damage(target, `${chain}/${file.path}`, slotOffset(slots, 0) + 100);
  await damage(target, `${chain}/${file.path}`, units.rangeOf(units.count - 1).offset);
  await damage(target, `${chain}/${table}`, 100);
  target.settleAll();
  const healed = scenario(source, prepared, verification(['warning', 'success']));
  return { ...healed, damaged: [oldest.id, newest.id] };
}

function verification(endsWith: Change['endsWith']): Change {
  const input: VerifyInput = { repositoryId: 'offsite', restorePointId: null };
  return { workflowType: 'verifyBackups', input, endsWith };
}

/** Two blocks for which there are no good bytes any more, not in the source either: one of the full, that the second point hides with its
 *  own, and one of the newest point. The full must stay for the second point's sake; the newest is set aside. */
async function settingAside(format: SourceFormat): Promise<Prepared> {
  const source = await sourceOf(format, THREE_DAYS);
  const prepared = await copied(source, 3);
  const { target, chain, pointIds } = prepared;
  const [oldest = '', second = '', newest = ''] = pointIds;
  const disk = diskId('system');
  const damageBlock = async (pointId: string, block: number) => {
    const file = (await readChainRecord(target, chain))!.points
      .find(({ id }) => id === pointId)!
      .disks.find((entry) => entry.disk === disk)!;
    const offset = await placeOfBlock(target, chain, file, block);
    await damage(target, `${chain}/${file.path}`, offset);
  };
  await damageBlock(oldest, 1);
  await damageBlock(newest, 4);
  target.settleAll();
  const truth = new Map(source.truth);
  const readsDamaged = (day: number, offset: number) => {
    const id = source.pointIds[day] ?? '';
    const bytes = Buffer.from(truth.get(id)?.get(disk) ?? []);
    bytes.write(DAMAGE, offset);
    truth.set(id, new Map([[disk, bytes]]));
  };
  readsDamaged(0, BLOCK);
  readsDamaged(2, 4 * BLOCK);
  for (const { path } of await source.repository.list(MACHINE))
    await source.repository.remove(path);
  // A source that shows nothing at all may not be mounted: then nothing is set aside.
  await source.repository.makeFolder('dump');
  await source.repository.put(
    'dump/vzdump-qemu-100-2026_11_01-01_00_00.vma.zst',
    Buffer.alloc(100),
  );
  const change = verification(['failed']);
  const aside = scenario({ ...source, truth }, prepared, change);
  const end = { shown: [oldest, second], quarantined: [newest] };
  return { ...aside, corrupt: [oldest, newest], end };
}

const BLOCK = 64 * KIB;

/** Where a file of the chain holds a block of the disk. */
async function placeOfBlock(
  target: SimulatedRepository,
  chain: string,
  file: TargetDisk,
  block: number,
): Promise<number> {
  const place = { targetRepositoryId: target.id, chain };
  const layer = await openLayer(new InProcessMover(target).context(), targetLayer(place, file));
  const { states, hostOffsets } = await layer.image.mapBlocks(block, 1);
  await layer.close();
  if (states[0] !== BLOCK_DIRECT) throw new Error(`${file.path} does not hold block ${block}`);
  return hostOffsets[0]!;
}

/** Of qcow2: behind the header. */
function slotsOf({ digests }: TargetDisk): PlacedSlots {
  return digests.slots ?? { headBytes: BLOCK, groupSlots: 0, prefixBytes: 0, slotCount: 0 };
}

const DAMAGE = 'damaged';

async function damage(target: SimulatedRepository, path: string, offset: number): Promise<void> {
  const file = await target.openWrite(path, 'existing');
  await file.write(Buffer.from(DAMAGE), offset);
  await file.close();
}
