import { stagingFolder } from '../../chain/chain-paths.js';
import { holdLease, isLeaseHeld, LEASE_MS, releaseLease } from '../../chain/leases.js';
import { lineageOf, type ChainRecord } from '../../chain/chain-record.js';
import { readChainRecord } from '../../chain/chain-store.js';
import { assertAtHome } from '../../chain/record-store.js';
import { readDigestTableHeader } from '../../chain/digests/digest-table.js';
import type { Damage } from '../../domain/targets/damage.js';
import { BackupError, isBackupError, isSenselessImage, isUnreadable } from '../../domain/errors.js';
import { verifyStagingId } from '../../domain/targets/staging-id.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { relativeParentLink } from '../../chain/chain-paths.js';
import type { ImageHead } from '../../image/disk-image.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { openLayer, targetLayer } from '../blocks/layer-file.js';
import { hashFile } from '../blocks/file-digest.js';
import { withVerifier } from '../blocks/verify-units.js';
import { readStagedJson, stagedPath, writeStagedJson } from '../staging/copy-plan.js';
import { diskWork, verificationJournal } from '../staging/journals.js';
import type { DiskWork } from '../../domain/targets/disk-work.js';
import type { MoverContext } from '../task/mover-context.js';
import type { TaskControl } from '../task/task-control.js';
import { discardStaging, makeHealedDurable } from '../staging/staging.js';
import { DAY_MS } from '../../domain/elapsed.js';

interface VerifyPointInput {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly pointId: string;
  /** From which the lease on the point runs. Epoch milliseconds. */
  readonly nowMs: number;
  /** The health check: another one of the same point waits. Absent: a build before has begun it. */
  readonly operation?: string;
}

/** Of a verification that was prepared. */
export interface BegunVerification extends VerifyPointInput {
  /** `verificationToken` of the point when its verification was prepared; absent: a build before has prepared it. */
  readonly token?: string;
}

/** Keeps merge, replacement and deletion away from the point's files; called before they are looked at, and again before it ends. Once for
 *  a task, not in each of its threads. */
export async function leaseForVerification(
  context: MoverContext,
  input: VerifyPointInput,
): Promise<void> {
  const repository = await context.repository(input.targetRepositoryId);
  await holdLease(repository, input.chain, verifyStagingId(input.pointId), {
    restorePointId: input.pointId,
    purpose: 'verify',
    expiresAtMs: input.nowMs + LEASE_MS,
  });
}

/** Looks at the structure of a point's own files (sizes, parent links, headers, digest tables, machine description files) and prepares the
 *  reading of every block. Run again after a stop, it goes on where the last one was, as long as the files are the same and it is not long ago.
 *  @throws RESTORE_POINT_MISSING, CHECK_UNDER_WAY, CHAIN_LOCKED while a change of the chain's files is under way, REPOSITORY_UNREACHABLE: what cannot be
 *    read just now is unknown, not damaged; what the storage answers that it cannot read (REPOSITORY_IO_ERROR) is */
export async function prepareVerification(
  context: MoverContext,
  input: VerifyPointInput,
): Promise<{ disks: DiskWork[]; damage: Damage[]; token: string }> {
  const repository = await context.repository(input.targetRepositoryId);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const existing = await readStagedJson<VerificationNotes>(repository, stagedPath.scan(staging));
  await assertNobodyElses(repository, input, existing);
  await leaseForVerification(context, input);
  const { record, point } = await settledPoint(repository, input);
  await makeHealedDurable(repository, input.chain, point);
  const token = verificationToken(point);
  if (
    existing === null ||
    existing.found !== undefined ||
    !isGoneOnWith(existing, token, input.nowMs)
  ) {
    await discardStaging(repository, staging);
    await repository.makePlace(stagedPath.workFolder(staging));
  }
  const { operation, nowMs: takenUpAtMs } = input;
  const notes: VerificationNotes = {
    ...{ token, takenUpAtMs },
    ...(operation === undefined ? {} : { operation }),
  };
  await writeStagedJson(repository, stagedPath.scan(staging), notes);
  const damage: Damage[] = [];
  const disks: DiskWork[] = [];
  for (const disk of point.disks) {
    const found = await structuralDamage(context, repository, input, record, point, disk);
    if (found.damage !== null) damage.push(found.damage);
    const journal = verificationJournal(staging, disk.disk, token);
    disks.push(await diskWork(repository, journal, disk.disk, found.unitCount));
  }
  for (const companion of point.companions)
    if (
      !(await hasDigest(
        context.control,
        repository,
        `${input.chain}/${companion.path}`,
        companion.digest,
      ))
    )
      damage.push({ type: 'companion', path: companion.path });
  return { disks, damage, token };
}

/** What a finished verification found. */
export interface VerificationFound {
  readonly damage: readonly Damage[];
  /** `pointContent` of what was read. */
  readonly content: string;
}

/** Beside the notes of a verification. */
interface VerificationNotes {
  readonly token: string;
  /** Last. */
  readonly takenUpAtMs: number;
  /** By which health check. */
  readonly operation?: string;
  /** It has ended, and the notes are gone: for the check that did not get this answer. */
  readonly found?: VerificationFound;
}

/** What this check has found when it ended, in case nobody got the answer. null: it has not ended. */
export async function foundBefore(
  repository: SourceRepository,
  { chain, pointId, token, operation }: BegunVerification,
): Promise<VerificationFound | null> {
  if (token === undefined || operation === undefined) return null;
  const staging = stagingFolder(chain, verifyStagingId(pointId));
  const notes = await readStagedJson<VerificationNotes>(repository, stagedPath.scan(staging));
  return notes?.token === token && notes.operation === operation ? (notes.found ?? null) : null;
}

/** Ends the verification: the notes of its reading go, what it found stays until the chain is taken over or the point is verified again. */
export async function endVerification(
  repository: BackupRepository,
  { chain, pointId, nowMs, token, operation }: BegunVerification,
  found: VerificationFound,
): Promise<void> {
  const staging = stagingFolder(chain, verifyStagingId(pointId));
  // A check of a build before asks for nothing twice.
  if (token === undefined || operation === undefined) await discardStaging(repository, staging);
  else {
    const notes: VerificationNotes = { token, takenUpAtMs: nowMs, operation, found };
    await writeStagedJson(repository, stagedPath.scan(staging), notes);
    await repository.removeAll(stagedPath.workFolder(staging));
  }
  await releaseLease(repository, chain, verifyStagingId(pointId));
}

/** Gives the lease of a check back that reads no further, unless another has taken the point up since. */
export async function giveCheckBack(context: MoverContext, input: VerifyPointInput): Promise<void> {
  const repository = await context.repository(input.targetRepositoryId);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const notes = await readStagedJson<VerificationNotes>(repository, stagedPath.scan(staging));
  if (notes === null || isOfAnother(notes, input)) return;
  await releaseLease(repository, input.chain, verifyStagingId(input.pointId));
}

/** What another check of the point notes and holds is one with what this one would.
 *  @throws CHECK_UNDER_WAY while its lease lasts */
async function assertNobodyElses(
  repository: SourceRepository,
  input: VerifyPointInput,
  notes: VerificationNotes | null,
): Promise<void> {
  if (!isOfAnother(notes, input)) return;
  const { chain, pointId, nowMs } = input;
  if (!(await isLeaseHeld(repository, chain, verifyStagingId(pointId), nowMs))) return;
  throw new BackupError(
    'CHECK_UNDER_WAY',
    `another health check reads restore point ${pointId} of ${chain} just now`,
    { details: { folder: chain, restorePointId: pointId } },
  );
}

function isOfAnother(notes: VerificationNotes | null, { operation }: VerifyPointInput): boolean {
  return notes?.operation !== undefined && operation !== undefined && notes.operation !== operation;
}

/** A week: what was good when it was noted may have gone bad since. */
const NOTES_LAST_MS = 7 * DAY_MS;

function isGoneOnWith(notes: VerificationNotes, token: string, nowMs: number): boolean {
  return notes.token === token && Math.abs(nowMs - notes.takenUpAtMs) < NOTES_LAST_MS;
}

/** Names the content of the point's files. */
export function verificationToken({ disks }: TargetRestorePoint): string {
  return disks.map(({ digests }) => digests.tableDigest).join('.');
}

/** The point, as it was when its verification was prepared. Between two batches the lease may have been over, and the files may have become others: a merge
 *  and a compact leave the id.
 *  @throws STAGING_INVALID, RESTORE_POINT_MISSING */
export async function preparedPoint(
  repository: SourceRepository,
  input: BegunVerification,
): Promise<TargetRestorePoint> {
  const { point } = await pointToVerify(repository, input);
  const staging = stagingFolder(input.chain, verifyStagingId(input.pointId));
  const notes = await readStagedJson<VerificationNotes>(repository, stagedPath.scan(staging));
  if (isOfAnother(notes, input))
    throw new BackupError(
      'STAGING_INVALID',
      `another health check has taken up the reading of restore point ${input.pointId}`,
      { details: { restorePointId: input.pointId } },
    );
  if (input.token === undefined || input.token === verificationToken(point)) return point;
  throw new BackupError(
    'STAGING_INVALID',
    `the files of restore point ${input.pointId} are others than those whose verification was begun`,
    { details: { restorePointId: input.pointId } },
  );
}

/** The point of a chain in which no change is under way. Otherwise no lease is left: the change would wait for it in vain. */
async function settledPoint(
  repository: BackupRepository,
  input: VerifyPointInput,
): Promise<{ record: ChainRecord; point: TargetRestorePoint }> {
  try {
    const found = await pointToVerify(repository, input);
    const { pending } = found.record;
    if (pending === null) return found;
    throw new BackupError(
      'CHAIN_LOCKED',
      `a ${pending.type} is under way in ${input.chain}: its files can be judged when it is finished`,
    );
  } catch (error) {
    await releaseLease(repository, input.chain, verifyStagingId(input.pointId));
    throw error;
  }
}

async function pointToVerify(
  repository: SourceRepository,
  input: VerifyPointInput,
): Promise<{ record: ChainRecord; point: TargetRestorePoint }> {
  const record = await readChainRecord(repository, input.chain);
  if (record === null)
    throw new BackupError('RESTORE_POINT_MISSING', `there is no chain in ${input.chain}`);
  assertAtHome(input.chain, record);
  return { record, point: lineageOf(record, input.pointId)[0]! };
}

/** `unitCount` 0: the blocks cannot be read at all. */
export async function structuralDamage(
  context: MoverContext,
  repository: SourceRepository,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  record: ChainRecord,
  point: TargetRestorePoint,
  disk: TargetDisk,
): Promise<{ damage: Damage | null; unitCount: number }> {
  const { chain } = place;
  const entry = await repository.stat(`${chain}/${disk.path}`);
  if (entry?.type !== 'file' || entry.stamp.sizeBytes !== disk.sizeBytes) {
    const reason =
      entry === null
        ? `${disk.path} is missing`
        : `${disk.path} has ${entry.stamp.sizeBytes} bytes instead of ${disk.sizeBytes}`;
    return { damage: { type: 'file', disk: disk.disk, reason }, unitCount: 0 };
  }
  const unitCount = await soundTable(
    context.control,
    repository,
    `${chain}/${disk.digests.path}`,
    disk,
  );
  if (unitCount === null) return { damage: { type: 'digestTable', disk: disk.disk }, unitCount: 0 };
  const link = await wrongLink(context, place, record, point, disk);
  return {
    damage: link === null ? null : { type: 'file', disk: disk.disk, reason: link },
    unitCount,
  };
}

/** Number of units; null when the table is missing, cannot be read or is not what was written. */
export async function soundTable(
  control: TaskControl,
  repository: SourceRepository,
  path: string,
  disk: TargetDisk,
): Promise<number | null> {
  if ((await repository.stat(path)) === null) return null;
  const table = await repository.openRead(path);
  try {
    if ((await hashFile(table, control)) !== disk.digests.tableDigest) return null;
    return (await readDigestTableHeader(table)).units.count;
  } catch (error) {
    if (isBackupError(error, 'CHAIN_RECORD_CORRUPT') || isUnreadable(error)) return null;
    throw error;
  } finally {
    await table.close();
  }
}

/** A header that cannot be read shows in the digest of its unit as well and is healed there; a sound header with another parent is a file
 *  that was put there by something else. */
async function wrongLink(
  context: MoverContext,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  record: ChainRecord,
  point: TargetRestorePoint,
  disk: TargetDisk,
): Promise<string | null> {
  const parent = record.points.find(({ id }) => id === point.parentId);
  const parentDisk =
    disk.kind === 'full' ? undefined : parent?.disks.find((entry) => entry.disk === disk.disk);
  const expected = parentDisk === undefined ? null : relativeParentLink(parentDisk.path);
  const head = await headIfSound(context, place, disk);
  if (head === null) return null;
  const { name: actual, linkId } = head.parent ?? { name: null, linkId: null };
  // What one bit made another name is healed with its unit.
  if (actual !== expected && !(await isHeadAsWritten(context, place, disk))) return null;
  if (actual !== expected)
    return `${disk.path} names the parent ${actual ?? 'none'} instead of ${expected ?? 'none'}`;
  if (parentDisk === undefined || linkId === null) return null;
  const below = await headIfSound(context, place, parentDisk);
  if (below === null || below.linkId === linkId) return null;
  return `${disk.path} was made on a parent with the id ${linkId}, and ${parentDisk.path} has ${below.linkId ?? 'none'}`;
}

function isHeadAsWritten(
  context: MoverContext,
  { targetRepositoryId: repositoryId, chain }: { targetRepositoryId: string; chain: string },
  disk: TargetDisk,
): Promise<boolean> {
  return withVerifier(
    context,
    { repositoryId, chain },
    disk,
    async (verifier) => (await verifier.damagedUnits(0, 1)).length === 0,
  );
}

async function headIfSound(
  context: MoverContext,
  place: { readonly targetRepositoryId: string; readonly chain: string },
  disk: TargetDisk,
): Promise<ImageHead | null> {
  try {
    const layer = await openLayer(context, targetLayer(place, disk));
    await layer.close();
    return layer.image;
  } catch (error) {
    if (isUnreadable(error) || isSenselessImage(error) || isBackupError(error, 'FILE_MISSING'))
      return null;
    throw error;
  }
}

async function hasDigest(
  control: TaskControl,
  repository: SourceRepository,
  path: string,
  digest: string,
): Promise<boolean> {
  if ((await repository.stat(path)) === null) return false;
  const file = await repository.openRead(path);
  try {
    return (await hashFile(file, control)) === digest;
  } catch (error) {
    if (isUnreadable(error)) return false;
    throw error;
  } finally {
    await file.close();
  }
}
