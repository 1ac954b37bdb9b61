import { type RestoreReader, readStagedJson, stagedPath, writeStagedJson } from './copy-plan.js';
import { isLeaseHeld, LEASE_MS } from '../../chain/leases.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { modifiedAtMs } from '../../domain/file-stamp.js';
import { pathSegment } from '../../domain/targets/path-segment.js';
import { restoreStaging } from '../../domain/targets/staging-id.js';
import type {
  BackupRepository,
  RepositoryEntry,
  SourceRepository,
} from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { discardStaging } from './staging.js';

/** In the staging folder of a restore: who has ordered it, one file each, named by the lease. It is there before anything of an order before is taken up or away, and stays
 *  until the restore ends. */
export const ORDERS = 'orders';

type OrderEntry = RestoreReader & { readonly token: string };

interface OrderedRestore extends RestoreReader {
  readonly pointId: string;
  readonly destinationPath: string;
  readonly nowMs: number;
}

/** What one restore has written another one of that point would discard, or take for its own.
 *  @throws RESTORE_DESTINATION_INVALID when another restore into the folder holds its lease */
export async function assertNoneUnderWay(
  context: MoverContext,
  target: SourceRepository,
  input: OrderedRestore,
): Promise<void> {
  const { pointId } = input;
  const path = stagedPath.plan(restoreStaging(pointId));
  const left = await readStagedJson<{ token: string; of?: RestoreReader }>(target, path);
  const of = left?.of;
  if (of === undefined || of.leaseId === input.leaseId) return;
  if (await isReading(context, of, input)) throw underWay(input, path, of.leaseId);
}

function underWay(
  { pointId, destinationPath }: OrderedRestore,
  path: string,
  leaseId: string,
): BackupError {
  return new BackupError(
    'RESTORE_DESTINATION_INVALID',
    `a restore of ${pointId} is under way in ${destinationPath}`,
    {
      details: { path, leaseId },
      hint: 'Wait until it has ended, or name another folder. One that was killed counts as ended 15 minutes later; ordered again then, it goes on where it was stopped.',
    },
  );
}

/** Enters the order, and then looks for others, as they do: of two that begin at once at least one meets the other. Its lease is held by now.
 *  @throws RESTORE_DESTINATION_INVALID */
export async function enterOrder(
  context: MoverContext,
  target: BackupRepository,
  input: OrderedRestore,
): Promise<void> {
  const { repositoryId, chain, leaseId } = input;
  const orders = `${restoreStaging(input.pointId)}/${ORDERS}`;
  await target.makePlace(orders);
  const entry: OrderEntry = { token: leaseId, repositoryId, chain, leaseId };
  await writeStagedJson(target, orderPath(input), entry);
  for (const found of await target.list(orders)) {
    const { path } = found;
    if (path === orderPath(input)) continue;
    const other = await readStagedJson<OrderEntry>(target, path);
    if (other === null) await assertWithdrawnOrOld(target, input, found);
    else if (await isReading(context, other, input)) throw underWay(input, path, other.leaseId);
    else await target.remove(path);
  }
  await assertNoneUnderWay(context, target, input);
}

/** What cannot be read is somebody's order all the same, for as long as its lease may last without being renewed.
 *  @throws RESTORE_DESTINATION_INVALID */
async function assertWithdrawnOrOld(
  target: BackupRepository,
  input: OrderedRestore,
  { path, name, stamp }: RepositoryEntry,
): Promise<void> {
  if ((await target.stat(path)) === null) return;
  if (modifiedAtMs(stamp) + LEASE_MS < input.nowMs) return target.remove(path);
  throw underWay(input, path, name.slice(0, -'.json'.length));
}

/** Of an order that comes to nothing. What others have there stays. */
export async function withdrawOrder(
  target: BackupRepository,
  input: Pick<OrderedRestore, 'pointId' | 'leaseId'>,
): Promise<void> {
  if ((await target.stat(orderPath(input))) !== null) await discardUnlessOrdered(target, input);
}

/** Takes the staging folder away where there is no plan in it, but for what another one has begun there who has not planned yet. Done again it ends in the same state. */
export async function discardUnlessOrdered(
  target: BackupRepository,
  input: Pick<OrderedRestore, 'pointId' | 'leaseId'>,
): Promise<void> {
  const staging = restoreStaging(input.pointId);
  await target.remove(orderPath(input));
  if ((await target.stat(stagedPath.plan(staging))) !== null) return;
  // Last: who has entered his order meanwhile is seen.
  if ((await target.list(`${staging}/${ORDERS}`)).length > 0) return;
  await discardStaging(target, staging);
}

function orderPath({ pointId, leaseId }: Pick<OrderedRestore, 'pointId' | 'leaseId'>): string {
  return `${restoreStaging(pointId)}/${ORDERS}/${pathSegment(leaseId)}.json`;
}

/** What this worker does not know, no restore of it goes on here; nor, as far as can be told, from another target that is away: where it has died the point
 *  is restored from this one. */
async function isReading(
  context: MoverContext,
  of: RestoreReader,
  { repositoryId, nowMs }: { readonly repositoryId: string; readonly nowMs: number },
): Promise<boolean> {
  try {
    return await isLeaseHeld(await context.source(of.repositoryId), of.chain, of.leaseId, nowMs);
  } catch (error) {
    if (isBackupError(error, 'REPOSITORY_MISSING')) return false;
    const isAway = isBackupError(error) && error.kind === 'unavailable';
    if (isAway && of.repositoryId !== repositoryId) return false;
    throw error;
  }
}
