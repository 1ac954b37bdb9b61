import { isDeepStrictEqual } from 'node:util';
import { stagingFolder } from '../../chain/chain-paths.js';
import { availablePoints, goingPoints, type ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { forgettablePoints } from '../../chain/known-source-points.js';
import { setUncommittedAside } from '../../chain/quarantine.js';
import type { VerifyAfterCopy } from '../../domain/jobs/copy-job.js';
import type { DigestAlgorithm } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { newPointFolder } from '../../domain/targets/path-segment.js';
import type {
  SourceDisk,
  SourceRestorePoint,
  SourceWorkload,
} from '../../domain/sources/source-workload.js';
import { settlePoints, type SettleRule } from '../../domain/sources/settle.js';
import {
  isCopyable,
  isKnownAndChanged,
  judgedShort,
  type IdentifiedPoint,
} from '../../domain/sources/source-identity.js';
import type { KnownSourcePoint, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { PLAIN_DIALECT } from '../../image/disk-image.js';
import { canIncrement, incrementFormat } from '../../image/formats.js';
import { growingDisks } from '../../domain/sources/fulls-only.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import {
  readStagedJson,
  stagedPath,
  writeStagedJson,
  type CopyPlan,
  type DiskPlan,
  newToken,
} from '../staging/copy-plan.js';
import { areUnwritten, type LayerFile } from '../blocks/layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { fullBelow, lostKeysOf, type LostKeys } from './lost-keys.js';
import { planDisk, restoredAs, type ChangedBy } from './plan-disk.js';
import { assertSourceSums } from './source-sums.js';
import { finishedScan, prepareScan, sameLayers, type BlockScan } from './scan-plan.js';
import { copyWork } from '../staging/journals.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import { isSoundPlan } from '../staging/sound-plan.js';
import { discardCopied, discardStaging, makeStaging } from '../staging/staging.js';
import { identifiedPoints } from '../source/source-points.js';
import { assertGoodBase } from './good-base.js';
import { pointFiles } from '../source/point-files.js';
import { fullFormatsOf } from '../source/full-formats.js';
import { sourceWorkload, requireCompletePoint, sourceLayers } from '../source/source-catalogue.js';
import type { CopyPlace } from '../source/copy-place.js';
import { provenSource } from '../source/proven-source.js';

export interface PlanCopyInput extends CopyPlace {
  readonly epoch: number;
  readonly restorePointId: string;
  readonly kind: 'full' | 'increment';
  readonly changedBy: ChangedBy;
  /** Source restore point that the target's newest point was copied from; set with `lineage`. */
  readonly lineageFrom: string | null;
  readonly digest: DigestAlgorithm;
  readonly verifyAfterCopy: VerifyAfterCopy;
  /** False: the look has left no new point out, so that one which is new now came to be whole since, and waits for the next look. */
  readonly passesOver?: boolean;
  /** Of a source that is looked at anew; absent: what is there is taken for whole. */
  readonly settle?: SettleRule;
}

/** `scan`: the blocks must be compared first (`scanBlocks`), then the copy is planned again. */
export type PlanCopyOutcome =
  | {
      readonly state: 'scan';
      readonly reference: PlanReference;
      readonly pointId: string;
      readonly disks: DiskWork[];
    }
  | {
      readonly state: 'ready';
      readonly reference: PlanReference;
      readonly pointId: string;
      readonly kind: 'full' | 'increment';
      readonly disks: DiskWork[];
      /** Of copies that were made before. Absent: nothing. */
      readonly lostKeys?: LostKeys;
    };

/** Plans the copy of one source restore point into the staging folder of the chain. Run again after a stop it takes up the plan that is
 *  there, as long as the source files are still the same; otherwise it plans anew. Reads tables only, and of data what its tool has noted the sum of.
 *  @throws SOURCE_CHANGED, RESTORE_POINT_MISSING, RESTORE_POINT_BROKEN, STALE_EPOCH, IMAGE_… */
export async function planCopy(
  context: MoverContext,
  input: PlanCopyInput,
): Promise<PlanCopyOutcome> {
  const target = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(target, input.chain, input.epoch);
  const workload = await sourceWorkload(context, input);
  const point = requireCompletePoint(workload, input.restorePointId);
  const parent = input.kind === 'full' ? null : newestPoint(record);
  const identified = identifiedPoints(workload, record, input.sourceRepositoryId, input.epoch);
  if (input.changedBy === 'lineage') requireProvenBase(identified, parent!, input.lineageFrom);
  if (parent !== null) await assertGoodBase(context, input, record, parent);
  const pointId = newPointId(record, point);
  const staging = stagingFolder(input.chain, pointId);
  const files = await pointFiles(await context.source(input.sourceRepositoryId), point);
  const disks = [...point.disks.map(({ disk }) => disk), ...files.companionDisks.keys()];
  const growing = disksToCompare(point, parent);
  const layersOf = (disk: string) => {
    const file = files.companionDisks.get(disk);
    if (file !== undefined) return [{ restorePointId: point.id, file }];
    return sourceLayers(input.sourceRepositoryId, workload, point, disk);
  };

  const now = { disks, companions: files.companions, layersOf, short: point.short };
  const existing = await existingPlan(context, staging, input, parent, now);
  if (existing !== null) return ready(context, record, { ...input, staging }, existing);
  await makeRoom(target, input.chain, record, pointId);
  const place = { record, staging, parent, disks: growing, layersOf };
  const prepared = await prepareStaging(context, input, place);
  if (prepared.state === 'scan') return { state: 'scan', pointId, ...prepared.work };
  const { scan } = prepared;
  const read = disks.flatMap((disk) => upTo(layersOf(disk), input.lineageFrom));
  await assertSourceSums(context, read);
  const token = newToken();
  const planned: DiskPlan[] = [];
  for (const disk of disks) {
    const plan = await planDisk(context, {
      target,
      chain: input.chain,
      staging,
      token,
      disk,
      layers: layersOf(disk),
      ...{ parent, parentFull: fullBelow(input, record, parent, disk) },
      changedBy: input.changedBy,
      lineageFrom: input.lineageFrom,
      scanToken: scan?.disks.some((entry) => entry.disk === disk) ? scan.token : null,
    });
    planned.push({
      ...restoredAs(files.traits.get(disk) ?? {}, plan),
      ...plan,
      ...reuseOf(record, input, plan),
    });
  }
  const known = dealtWith(input, record, workload, identified, point);
  const { companions } = files;
  const plan = assemblePlan(input, { token, pointId, point, parent, planned, companions, known });
  await writeStagedJson(target, stagedPath.plan(staging), plan);
  return ready(context, record, { ...input, staging }, plan);
}

/** Those of which the point may hold increments: where the size of a disk allows none, it is a full whatever a comparison finds. */
function disksToCompare(point: SourceRestorePoint, parent: TargetRestorePoint | null): string[] {
  const mayGrow = ({ disk, format }: SourceDisk): boolean => {
    const sizeBytes = parent?.disks.find((entry) => entry.disk === disk)?.virtualSizeBytes;
    return incrementFormat(format, PLAIN_DIALECT, sizeBytes) !== null;
  };
  const growing = growingDisks(point, fullFormatsOf([point]));
  return growing.filter(mayGrow).map(({ disk }) => disk);
}

/** What lies below the point that was copied last is not read. */
function upTo(
  layers: readonly { readonly restorePointId: string; readonly file: LayerFile }[],
  lineageFrom: string | null,
): LayerFile[] {
  const end = layers.findIndex(({ restorePointId }) => restorePointId === lineageFrom);
  return layers.slice(0, end < 0 ? layers.length : end).map(({ file }) => file);
}

/** Where the target's newest point has the disk as a full, too, and always will. */
function reuseOf(
  record: ChainRecord,
  { chain, digest }: PlanCopyInput,
  plan: DiskPlan,
): Pick<DiskPlan, 'reuse'> {
  const source = plan.layers[0]!.format;
  if (plan.kind !== 'full' || canIncrement(source)) return {};
  const newest = availablePoints(record).at(-1);
  const file = newest?.disks.find(({ disk }) => disk === plan.disk);
  const isAlike =
    file?.kind === 'full' && file.format === plan.format && file.digests.algorithm === digest;
  return isAlike ? { reuse: { digestsPath: `${chain}/${file.digests.path}` } } : {};
}

/** What a plan would be made of now. */
interface PointNow {
  readonly disks: readonly string[];
  readonly companions: CopyPlan['companions'];
  readonly layersOf: LayersOf;
  /** It was taken too early; undefined: nothing says that. */
  readonly short: string | undefined;
}

/** The plan that is there, taken over, when it can be gone on with; null: there is none. */
async function existingPlan(
  context: MoverContext,
  staging: string,
  input: PlanCopyInput,
  parent: TargetRestorePoint | null,
  now: PointNow,
): Promise<CopyPlan | null> {
  const target = await context.repository(input.targetRepositoryId);
  const existing = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  if (existing === null || !isSamePlan(existing, input, parent, now)) return null;
  if (!(await isSoundPlan(target, staging, existing))) return null;
  for (const { layers } of existing.disks) if (!(await areUnwritten(context, layers))) return null;
  // What was known of it when it was planned may be known no more, or something else.
  const { judged: before, ...proven } = existing.source;
  const source = { ...proven, ...judgedShort(now.short, input.epoch) };
  const plan = { ...existing, epoch: input.epoch, source };
  if (existing.epoch !== input.epoch || before !== undefined || now.short !== undefined)
    await writeStagedJson(target, stagedPath.plan(staging), plan);
  return plan;
}

/** Takes away what a plan that cannot be gone on with left at the place of the next one. */
async function makeRoom(
  target: BackupRepository,
  chain: string,
  record: ChainRecord,
  pointId: string,
): Promise<void> {
  // Its commit may have named the folder before it was stopped: without the staging nothing would tell that.
  if ((await target.stat(`${chain}/${pointId}`)) !== null)
    await setUncommittedAside(target, chain, record, pointId);
  // Its lists, cursors and digests must not meet those of the next plan.
  const staging = stagingFolder(chain, pointId);
  if ((await target.stat(stagedPath.plan(staging))) !== null) await discardStaging(target, staging);
}

function assemblePlan(
  input: PlanCopyInput,
  parts: {
    readonly token: string;
    readonly pointId: string;
    readonly point: SourceRestorePoint;
    readonly parent: TargetRestorePoint | null;
    readonly planned: readonly DiskPlan[];
    readonly companions: CopyPlan['companions'];
    readonly known: Pick<CopyPlan, 'passedOver' | 'forgotten'>;
  },
): CopyPlan {
  const { token, pointId, point, parent, planned, companions, known } = parts;
  const isFull = planned.every(({ kind }) => kind === 'full');
  return {
    token,
    epoch: input.epoch,
    pointId,
    createdAt: new Date(point.createdAtMs).toISOString(),
    kind: isFull ? 'full' : 'increment',
    parentId: isFull ? null : parent!.id,
    parentCopyId: isFull ? null : parent!.copyId,
    chainId: isFull ? pointId : parent!.chainId,
    digest: input.digest,
    verifyAfterCopy: input.verifyAfterCopy,
    disks: planned,
    companions,
    source: provenSource(input, point),
    ...known,
  };
}

/** What the source's increments hold is all that changed only as long as the point below them is what the newest copy shows.
 *  @throws SOURCE_CHANGED */
function requireProvenBase(
  identified: readonly IdentifiedPoint[],
  parent: TargetRestorePoint,
  lineageFrom: string | null,
): void {
  const identity = identified.find(({ id }) => id === lineageFrom)?.identity;
  if (identity?.is === 'copied' && identity.copiedId === parent.id) return;
  throw new BackupError(
    'SOURCE_CHANGED',
    `restore point ${lineageFrom ?? ''} is not what was copied any more`,
    { details: { restorePointId: lineageFrom } },
  );
}

/** What the record is to know of the source once the point is copied. */
function dealtWith(
  input: PlanCopyInput,
  record: ChainRecord,
  workload: SourceWorkload,
  identified: readonly IdentifiedPoint[],
  point: SourceRestorePoint,
): Pick<CopyPlan, 'passedOver' | 'forgotten'> {
  const passedOver = pointsPassedOver(input, workload, identified, point);
  const forgotten = forgettablePoints(record, input.sourceRepositoryId, workload.restorePoints);
  return { passedOver, ...(forgotten.length === 0 ? {} : { forgotten }) };
}

/** New points that stand before the one that is copied and that the look had no use for: with this copy they are dealt with. Not those that may
 *  still be written: they are wanted when they are whole. And those that were dealt with before and were written to since: the look has told of them. */
function pointsPassedOver(
  { sourceRepositoryId, passesOver = true, settle }: PlanCopyInput,
  workload: SourceWorkload,
  identified: readonly IdentifiedPoint[],
  point: SourceRestorePoint,
): KnownSourcePoint[] {
  if (!passesOver) return [];
  const judged =
    settle === undefined ? workload.restorePoints : settlePoints(workload.restorePoints, settle);
  const whole = new Set(judged.filter(isCopyable).map(({ id }) => id));
  const place = identified.findIndex(({ id }) => id === point.id);
  return identified
    .filter(
      ({ id, identity }, index) =>
        isKnownAndChanged(identity) || (index < place && identity.is === 'new' && whole.has(id)),
    )
    .map(({ id, createdAtMs, fingerprint, copyId }) => ({
      repositoryId: sourceRepositoryId,
      restorePointId: id,
      createdAt: new Date(createdAtMs).toISOString(),
      fingerprint,
      ...(copyId === undefined ? {} : { copyId }),
    }));
}

/** An empty staging folder, or one with the scan that the plan is made from; `scan`: there is one to be done first. */
async function prepareStaging(
  context: MoverContext,
  input: PlanCopyInput,
  place: {
    readonly record: ChainRecord;
    readonly staging: string;
    readonly parent: TargetRestorePoint | null;
    /** Those of which the point may hold increments. */
    readonly disks: readonly string[];
    readonly layersOf: LayersOf;
  },
): Promise<
  | { state: 'ready'; scan: BlockScan | null }
  | { state: 'scan'; work: { reference: PlanReference; disks: DiskWork[] } }
> {
  const target = await context.repository(input.targetRepositoryId);
  const { record, staging, parent, disks, layersOf } = place;
  let scan: BlockScan | null = null;
  if (input.changedBy === 'digest' && parent !== null) {
    scan = await finishedScan(context, target, staging, { parent, disks, layersOf });
    if (scan === null) {
      const ownLayersOf = () => null; // nothing is known to be the same
      const order = { record, staging, parent, disks, layersOf, ownLayersOf };
      const work = await prepareScan(context, input, order);
      if (work.disks.length > 0) return { state: 'scan', work };
    }
  }
  if (scan === null) await discardStaging(target, staging);
  else await discardCopied(target, staging);
  await makeStaging(target, staging);
  return { state: 'ready', scan };
}

function newestPoint(record: ChainRecord): TargetRestorePoint {
  const newest = availablePoints(record).at(-1);
  if (newest === undefined)
    throw new BackupError('STAGING_INVALID', 'the chain has no restore point to build on');
  if (newest.health === 'corrupt')
    throw new BackupError(
      'STAGING_INVALID',
      `restore point ${newest.id} is corrupt: no increment is built on it`,
    );
  return newest;
}

function newPointId(record: ChainRecord, point: SourceRestorePoint): string {
  const taken = new Set(record.points.map(({ id }) => id));
  // Their folders are still read by somebody, and go when that ends.
  for (const id of goingPoints(record.pending)) taken.add(id);
  return newPointFolder(point.createdAtMs, (id) => taken.has(id));
}

type LayersOf = (disk: string) => { restorePointId: string; file: LayerFile }[];

/** A plan can be taken up when it is for the same point in the same role and every file it reads is still the same. A full stands for itself,
 *  also where an increment was asked for: none of the disks could be one. */
function isSamePlan(
  plan: CopyPlan,
  input: PlanCopyInput,
  parent: TargetRestorePoint | null,
  now: PointNow,
): boolean {
  return (
    plan.source.restorePointId === input.restorePointId &&
    plan.source.repositoryId === input.sourceRepositoryId &&
    plan.digest === input.digest &&
    plan.verifyAfterCopy === input.verifyAfterCopy &&
    (plan.kind === 'full' ||
      (input.kind !== 'full' &&
        plan.parentId === parent?.id &&
        plan.parentCopyId === parent?.copyId)) &&
    isDeepStrictEqual(
      plan.disks.map(({ disk }) => disk),
      now.disks,
    ) &&
    isDeepStrictEqual(plan.companions, now.companions) &&
    plan.disks.every((disk) => sameLayers(disk.layers, now.layersOf(disk.disk)))
  );
}

async function ready(
  context: MoverContext,
  record: ChainRecord,
  place: Pick<PlanCopyInput, 'targetRepositoryId' | 'chain'> & { readonly staging: string },
  plan: CopyPlan,
): Promise<PlanCopyOutcome> {
  const target = await context.repository(place.targetRepositoryId);
  const lostKeys = await lostKeysOf(context, place, record, plan.disks);
  return {
    state: 'ready',
    reference: { token: plan.token, epoch: plan.epoch },
    pointId: plan.pointId,
    kind: plan.kind,
    disks: await copyWork(target, place.staging, plan),
    ...(lostKeys === null ? {} : { lostKeys }),
  };
}
