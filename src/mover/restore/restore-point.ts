import { holdLease, LEASE_MS, releaseLease } from '../../chain/leases.js';
import { lineageOf, offeredPoint, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { pathSegment } from '../../domain/path-segment.js';
import { BackupError } from '../../domain/errors.js';
import type { RestoreFormat } from '../../domain/restore-point.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/target-point.js';
import { PLAIN_DIALECT } from '../../image/disk-image.js';
import { fullFormat } from '../../image/formats.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { folderRepositoryId } from '../../repository/open-repository.js';
import type { PlanReference } from '../staging/copy-plan.js';
import { readStagedJson, stagedPath, type CopyPlan, type DiskPlan } from '../staging/copy-plan.js';
import { HeldWindows } from '../staging/held-windows.js';
import { diskWork, rawRestoreJournal } from '../staging/journals.js';
import type { DiskWork } from '../../domain/disk-work.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { planFull } from '../change/plan-full.js';
import { discardStaging } from '../staging/staging.js';

export interface RestoreInput {
  /** Repository that holds the copy. */
  readonly repositoryId: string;
  readonly chain: string;
  readonly pointId: string;
  /** Absolute path of an existing folder on the worker's machine, outside every repository. */
  readonly destinationPath: string;
  readonly format: RestoreFormat;
  /** null: all. */
  readonly disks: readonly string[] | null;
  /** Whether the folder may hold other files; none of them is ever overwritten. */
  readonly intoExisting: boolean;
  /** Keeps the point's files from being merged or deleted; renewed with `renewLease`. */
  readonly leaseId: string;
  readonly nowMs: number;
}

/** Staging folder in the destination; also what tells a restore that was stopped. */
export function restoreStaging(pointId: string): string {
  return `.longhaul-restore-${pointId}`;
}

/** Takes a lease on the point and plans the restore into the destination. Run again after a stop it takes up what is there.
 *  @throws RESTORE_POINT_MISSING, RESTORE_DESTINATION_INVALID when the folder holds something else, or a file of a name that is needed */
export async function prepareRestore(
  context: MoverContext,
  input: RestoreInput,
): Promise<{ reference: PlanReference; disks: DiskWork[] }> {
  const source = await context.repository(input.repositoryId);
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  const staging = restoreStaging(input.pointId);
  const isResumed = (await target.stat(stagedPath.plan(staging))) !== null;
  const { record, point } = await leasedPoint(context, source, input, isResumed);
  await assertDestination(target, input, point);
  const plan = await planFull(context, {
    source,
    chain: input.chain,
    record,
    point,
    disks: input.disks,
    target,
    staging,
    epoch: 0,
    withCompanions: true,
    takesItsPlace: false,
  });
  if (input.format === 'same') return plan;
  const stored = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  const disks: DiskWork[] = [];
  for (const disk of stored?.disks ?? [])
    disks.push(await prepareRaw(context, target, staging, disk, plan.reference.token));
  return { reference: plan.reference, disks };
}

/** The raw file in its full size, all holes, and the windows that are to be written. */
async function prepareRaw(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  { disk, layers, virtualSizeBytes }: DiskPlan,
  token: string,
): Promise<DiskWork> {
  const stack = await ImageStack.open(context, layers);
  const windows = HeldWindows.of(stack.blockCount, (block) => stack.nextHeldBlock(block));
  await stack.close();
  await windows.write(target, staging, disk, token);
  await target.syncFolder(stagedPath.workFolder(staging));
  await withOpenFiles(async (files) => {
    const raw = files.add(await target.openWrite(rawPath(staging, disk), 'open-or-new'));
    await raw.truncate(virtualSizeBytes);
    await raw.sync();
  });
  await target.syncFolder(stagedPath.pointFolder(staging));
  const { heldBlocks } = windows;
  return diskWork(target, rawRestoreJournal(staging, disk, token), disk, heldBlocks);
}

/** @throws RESTORE_DESTINATION_INVALID */
async function assertDestination(
  target: BackupRepository,
  input: RestoreInput,
  point: TargetRestorePoint,
): Promise<void> {
  const others = (await target.list(''))
    .map(({ name }) => name)
    .filter((name) => name !== restoreStaging(input.pointId))
    .sort();
  if (!input.intoExisting && others.length > 0)
    throw new BackupError(
      'RESTORE_DESTINATION_INVALID',
      `${input.destinationPath} is not empty: it holds ${JSON.stringify(others[0])}${others.length === 1 ? '' : ` and ${others.length - 1} more`}`,
      {
        details: { path: others[0] ?? '' },
        hint: 'Name an empty or new folder, or allow other files beside the restored ones (`--into-existing`); none is overwritten.',
      },
    );
  const disks = point.disks.filter(({ disk }) => input.disks?.includes(disk) ?? true);
  const names = [
    ...disks.map((disk) => restoredName(disk, input.format)),
    ...point.companions.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
  ];
  for (const name of names) if (others.includes(name)) throw isThere(input, name);
}

function isThere({ destinationPath }: RestoreInput, name: string): BackupError {
  return new BackupError(
    'RESTORE_DESTINATION_INVALID',
    `${destinationPath} holds ${JSON.stringify(name)} already`,
    { details: { path: name } },
  );
}

/** A name that came up since the restore was planned is somebody else's file. */
async function giveName(
  target: BackupRepository,
  input: RestoreInput,
  staged: string,
  name: string,
): Promise<void> {
  if ((await target.stat(name)) !== null) throw isThere(input, name);
  await target.rename(staged, name);
}

/** The point, with a lease on it from before its record was read. Where there is none to be read, none is left: it would keep a change of the
 *  chain waiting for nobody.
 *  @param isResumed it may be about to be merged away, by a change that waits for this very restore */
async function leasedPoint(
  context: MoverContext,
  source: BackupRepository,
  input: RestoreInput,
  isResumed: boolean,
): Promise<{ record: ChainRecord; point: TargetRestorePoint }> {
  await renewLease(context, input);
  try {
    const record = await readChainRecord(source, input.chain);
    if (record === null)
      throw new BackupError('RESTORE_POINT_MISSING', `there is no chain in ${input.chain}`);
    const point = isResumed
      ? lineageOf(record, input.pointId)[0]!
      : offeredPoint(record, input.pointId);
    return { record, point };
  } catch (error) {
    await releaseLease(source, input.chain, input.leaseId);
    throw error;
  }
}

/** Called more often than a lease lasts. */
export async function renewLease(
  context: MoverContext,
  input: Pick<RestoreInput, 'repositoryId' | 'chain' | 'pointId' | 'leaseId' | 'nowMs'>,
): Promise<void> {
  await holdLease(await context.repository(input.repositoryId), input.chain, input.leaseId, {
    restorePointId: input.pointId,
    purpose: 'restore',
    expiresAtMs: input.nowMs + LEASE_MS,
  });
}

/** Gives the finished disks their names, and ends staging and lease.
 *  @returns paths of the restored files in the destination
 *  @throws RESTORE_DESTINATION_INVALID when a file of such a name came up meanwhile; it stays, and so does the staging folder */
export async function finishRestore(
  context: MoverContext,
  input: RestoreInput,
): Promise<{ files: string[] }> {
  const target = await context.repository(folderRepositoryId(input.destinationPath));
  const staging = restoreStaging(input.pointId);
  const plan = await readStagedJson<CopyPlan>(target, stagedPath.plan(staging));
  const files: string[] = [];
  for (const disk of plan?.disks ?? []) {
    const name = restoredName(disk, input.format);
    const staged =
      input.format === 'same' ? stagedPath.image(staging, disk) : rawPath(staging, disk.disk);
    if ((await target.stat(staged)) !== null) await giveName(target, input, staged, name);
    files.push(`${input.destinationPath}/${name}`);
  }
  const config = `${stagedPath.pointFolder(staging)}/config`;
  for (const entry of await target.list(config)) {
    await giveName(target, input, entry.path, entry.name);
    files.push(`${input.destinationPath}/${entry.name}`);
  }
  await target.syncFolder('');
  await discardStaging(target, staging);
  await releaseLease(await context.repository(input.repositoryId), input.chain, input.leaseId);
  return { files };
}

/** Raw restore: the disk as it is, holes where it is zero. */
export function rawPath(staging: string, disk: string): string {
  return `${stagedPath.pointFolder(staging)}/${pathSegment(disk)}.raw`;
}

function restoredName(
  { disk, format }: Pick<TargetDisk, 'disk' | 'format'>,
  as: RestoreFormat,
): string {
  const extension = as === 'raw' ? 'raw' : fullFormat(format, PLAIN_DIALECT).extension;
  return `${pathSegment(disk)}.${extension}`;
}
