import type { PointRestore } from './point-restore.js';
import { isLeaseHeld, isLeaseThere } from '../../chain/leases.js';
import {
  isBeingChanged,
  lineageOf,
  offeredPoint,
  type ChainRecord,
} from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { assertAtHome } from '../../chain/record-store.js';
import { pathSegment } from '../../domain/targets/path-segment.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { restoreStaging } from '../../domain/targets/staging-id.js';
import { convertedFormat } from '../../domain/targets/restore-format.js';
import { type FormatId } from '../../domain/sources/source-workload.js';
import type {
  TargetCompanion,
  TargetDisk,
  TargetRestorePoint,
} from '../../domain/targets/target-point.js';
import { WHOLE_FILE } from '../../image/formats.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { folderRepositoryId } from '../../repository/open-repository.js';
import { endLease, takeLease } from '../staging/restore-lease.js';
import { assertFolderHolds } from './restore-room.js';
import { restoredFiles, type RestoredFile } from './restored-files.js';
import { wantedDisks, type WantedDisks } from './wanted-disks.js';
import {
  readStagedJson,
  stagedPath,
  type ComposedPoint,
  type CopyPlan,
  type DiskPlan,
} from '../staging/copy-plan.js';
import {
  assertNoneUnderWay,
  discardUnlessOrdered,
  enterOrder,
  withdrawOrder,
} from '../staging/restore-under-way.js';
import { HeldWindows } from '../staging/held-windows.js';
import { diskWork, rawRestoreJournal } from '../staging/journals.js';
import type { DiskWork, PlanReference } from '../../domain/targets/disk-work.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { isVouchedAndGone } from '../task/window-journal.js';
import { assertRoom, nameTaken } from '../task/restore-destination.js';
import { planFull } from '../change/plan-full.js';
import { assertKeepsKeys } from '../copy/disk-limit.js';
import { discardStaging } from '../staging/staging.js';

/** Takes a lease on the point and plans the restore into the destination. Run again after a stop it takes up what is there.
 *  @throws CHAIN_LOCKED while a change of its files is under way, RESTORE_FORMAT_UNSUITED, REQUEST_INVALID when it has no disk of a wanted name, RESTORE_POINT_MISSING, RESTORE_DESTINATION_INVALID when the folder holds something else, or a file of a name that is needed */
export async function prepareRestore(
  context: MoverContext,
  input: PointRestore,
): Promise<{ reference: PlanReference; disks: DiskWork[]; unleased: string | null }> {
  const source = await context.source(input.repositoryId);
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  const staging = restoreStaging(input.pointId);
  await assertNoneUnderWay(context, target, input);
  const isResumed = (await target.stat(stagedPath.plan(staging))) !== null;
  const leased = await leasedPoint(context, source, input, isResumed);
  try {
    return {
      ...(await planLeased(context, source, target, input, { ...leased, isResumed })),
      unleased: leased.unleased,
    };
  } catch (error) {
    // What may pass is tried again under this very lease.
    if (!isBackupError(error) || error.kind !== 'unavailable') {
      await withdrawOrder(target, input).catch(() => undefined);
      await endLease(context, input).catch(() => undefined);
    }
    throw error;
  }
}

async function planLeased(
  context: MoverContext,
  source: SourceRepository,
  target: BackupRepository,
  input: PointRestore,
  { record, point, wanted, isResumed }: LeasedPoint & { readonly isResumed: boolean },
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const staging = restoreStaging(input.pointId);
  await assertDestination(target, input, point, wanted);
  await enterOrder(context, target, input);
  const places = restoredFiles({ disks: wanted.disks, companions: [] }, input);
  const nameAt = (index: number) =>
    places[index]!.name.slice(places[index]!.name.lastIndexOf('/') + 1);
  const plan = await planFull(context, {
    source,
    chain: input.chain,
    record,
    point,
    disks: [...wanted.disks.map(({ disk }) => disk), ...wanted.within.keys()],
    fileNames: new Map(wanted.disks.map(({ disk }, index) => [disk, nameAt(index)])),
    formats: input.layout === true ? formatsInTree(wanted.disks) : new Map(),
    within: wanted.within,
    target,
    staging,
    epoch: 0,
    convertedTo: convertedFormat(input.format),
    withCompanions: input.format === 'same',
    takesItsPlace: false,
    of: { repositoryId: input.repositoryId, chain: input.chain, leaseId: input.leaseId },
  });
  // Of two that began at once each sees the folder of the other now.
  await assertRoom(target, input).catch(async (error: unknown) => {
    if (!isResumed) await discardStaging(target, staging);
    throw error;
  });
  const stored = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  let { disks } = plan;
  if (input.format === 'raw') {
    disks = [];
    for (const disk of stored?.disks ?? [])
      disks.push(await prepareRaw(context, target, staging, disk, plan.reference.token));
  }
  if (stored !== null && disks.every(({ firstOpenWindow }) => firstOpenWindow === 0))
    await assertFolderHolds(context, target, staging, stored);
  return { reference: plan.reference, disks };
}

/** A tool may keep a disk in another format than its copy has. */
function formatsInTree(disks: readonly TargetDisk[]): ReadonlyMap<string, FormatId> {
  return new Map(
    disks.flatMap(({ disk, asFormat }) => (asFormat === undefined ? [] : [[disk, asFormat]])),
  );
}

/** The raw file in its full size, all holes, and the windows that are to be written: all, where the file that some were written into is gone, or where they
 *  were numbered by another list, as of an earlier build (docs/FORMAT.md, Order, D4). */
async function prepareRaw(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  { disk, layers, virtualSizeBytes }: DiskPlan,
  token: string,
): Promise<DiskWork> {
  const stack = await ImageStack.open(context, layers);
  const { blockCount } = stack;
  let windows: HeldWindows;
  try {
    assertKeepsKeys(stack, null);
    windows = HeldWindows.of(blockCount, (block) => stack.nextHeldBlock(block));
  } finally {
    await stack.close();
  }
  const journal = rawRestoreJournal(staging, disk, token);
  const numbered = await HeldWindows.readIfSound(target, staging, { disk, blockCount }, token);
  const isNumberedSo = numbered?.isSame(windows) === true;
  if (!isNumberedSo || (await isVouchedAndGone(target, journal, rawPath(staging, disk))))
    await target.remove(journal.path);
  if (!isNumberedSo) await windows.write(target, staging, disk, token);
  await target.settle([stagedPath.workFolder(staging)]);
  await withOpenFiles(async (files) => {
    const raw = files.add(await target.openWork(rawPath(staging, disk), token));
    await raw.truncate(virtualSizeBytes);
    await raw.sync();
  });
  await target.settle([stagedPath.pointFolder(staging)]);
  const { heldBlocks } = windows;
  return diskWork(target, journal, disk, heldBlocks);
}

/** @throws RESTORE_DESTINATION_INVALID */
async function assertDestination(
  target: SourceRepository,
  input: PointRestore,
  point: TargetRestorePoint,
  { disks, within }: WantedDisks,
): Promise<void> {
  await assertRoom(target, input);
  const inside = [...within].flatMap(([path, held]) =>
    held.map(({ disk }) => ({ disk, path, format: WHOLE_FILE })),
  );
  const companions = wantedCompanions(point, input);
  for (const { name } of restoredFiles({ disks: [...disks, ...inside], companions }, input))
    if ((await target.stat(name)) !== null) throw nameTaken(input.destinationPath, name);
}

function wantedCompanions(
  { companions }: TargetRestorePoint,
  { format }: Pick<PointRestore, 'format'>,
): readonly TargetCompanion[] {
  return format === 'same' ? companions : [];
}

/** A name that came up since the restore was planned is somebody else's file. */
async function giveName(
  target: BackupRepository,
  input: PointRestore,
  staged: string,
  { name, traits }: RestoredFile,
): Promise<void> {
  if ((await target.stat(name)) !== null) throw nameTaken(input.destinationPath, name);
  if (input.layout === true) await target.setFileTraits?.(staged, traits);
  await target.move([{ from: staged, to: name }], '');
}

interface LeasedPoint {
  readonly record: ChainRecord;
  readonly point: TargetRestorePoint;
  readonly wanted: WantedDisks;
  /** Why there is no lease; null: there is one. */
  readonly unleased: string | null;
}

/** The point, with a lease on it from before its record was read. Where there is none to be read, or it is just being changed, none is left: it would
 *  keep a change of the chain waiting for nobody.
 *  @param isResumed with its lease still running a change waits for this very restore, which may merge the point away */
async function leasedPoint(
  context: MoverContext,
  source: SourceRepository,
  input: PointRestore,
  isResumed: boolean,
): Promise<LeasedPoint> {
  const { chain, pointId, leaseId, nowMs } = input;
  const isWaitedFor = isResumed && (await isLeaseHeld(source, chain, leaseId, nowMs));
  const unleased = await takeLease(context, input);
  try {
    const record = await readChainRecord(source, chain);
    if (record === null)
      throw new BackupError('RESTORE_POINT_MISSING', `there is no chain in ${chain}`);
    assertAtHome(chain, record);
    const point = isWaitedFor ? lineageOf(record, pointId)[0]! : offeredPoint(record, pointId);
    if (!isWaitedFor && input.isChangeStuck !== true) assertUnchanging(input, record);
    return { record, point, unleased, wanted: await wantedDisks(context, input, record, point) };
  } catch (error) {
    await endLease(context, input);
    throw error;
  }
}

/** @throws CHAIN_LOCKED when files that show the point are about to become others */
function assertUnchanging({ chain, pointId }: PointRestore, record: ChainRecord): void {
  if (!isBeingChanged(record, pointId)) return;
  throw new BackupError(
    'CHAIN_LOCKED',
    `a ${record.pending!.type} is under way in ${chain}: its files can be read when it is finished`,
    { details: { folder: chain } },
  );
}

interface FinishInput extends PointRestore {
  readonly reference: PlanReference;
  /** `endRestore` follows: done again, this says the same until then. Absent: it ends the restore itself, as a build before has ordered it. */
  readonly endsApart?: boolean;
}

/** Gives the finished disks their names, and ends lease and staging where nothing follows, in this order: where the plan is gone and the lease is not, it was
 *  not this restore that has ended it.
 *  @param input.reference of the plan whose windows were done
 *  @returns paths of the restored files in the destination
 *  @throws STAGING_INVALID when another restore has planned in the same folder since, or has ended there, RESTORE_DESTINATION_INVALID when a file of such a name came up meanwhile; it stays, and so does the staging folder */
export async function finishRestore(
  context: MoverContext,
  input: FinishInput,
): Promise<{ files: string[] }> {
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  const staging = restoreStaging(input.pointId);
  const plan = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  const source = await context.source(input.repositoryId);
  const isOthers =
    plan === null
      ? input.endsApart === true || (await isLeaseThere(source, input.chain, input.leaseId))
      : plan.token !== input.reference.token;
  if (isOthers)
    throw new BackupError(
      'STAGING_INVALID',
      `another restore of ${input.pointId} was begun in ${input.destinationPath}: what this one wrote is gone`,
      { details: { path: staging } },
    );
  const disks = plan?.disks ?? [];
  // A restore as other files than those of the copy has none.
  const composed = await readStagedJson<ComposedPoint>(target, stagedPath.composed(staging));
  const companions = composed === null || composed.token !== plan?.token ? [] : composed.companions;
  const staged = [
    ...disks.map((disk) =>
      input.format === 'raw' ? rawPath(staging, disk.disk) : stagedPath.image(staging, disk),
    ),
    ...companions.map(({ path }) => `${stagedPath.pointFolder(staging)}/${withinPoint(path)}`),
  ];
  const files: string[] = [];
  for (const [index, file] of restoredFiles({ disks, companions }, input).entries()) {
    const path = staged[index]!;
    // Gone: an attempt before this one has named it.
    if ((await target.stat(path)) !== null) await giveName(target, input, path, file);
    files.push(`${input.destinationPath}/${file.name}`);
  }
  await target.settle(['']);
  if (input.endsApart !== true) {
    await endLease(context, input);
    if (plan === null) await discardUnlessOrdered(target, input);
    else await discardStaging(target, staging);
  }
  return { files };
}

/** Takes the staging folder away, but for what another restore has begun there, and gives the lease back. Done again it ends in the same state. */
export async function endRestore(context: MoverContext, input: FinishInput): Promise<void> {
  const { repositoryId, chain, destinationPath, pointId, leaseId, reference } = input;
  const target = await context.repository(folderRepositoryId(destinationPath));
  const staging = restoreStaging(pointId);
  const plan = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  if (plan === null) await discardUnlessOrdered(target, input);
  else if (plan.token === reference.token) await discardStaging(target, staging);
  await endLease(context, { repositoryId, chain, leaseId });
}

/** Raw restore: the disk as it is, holes where it is zero. */
export function rawPath(staging: string, disk: string): string {
  return `${stagedPath.pointFolder(staging)}/${pathSegment(disk)}.raw`;
}

/** `config/…` of a path in the folder of a point. */
function withinPoint(path: string): string {
  return path.slice(path.indexOf('/') + 1);
}
