import { stagingFolder } from '../../chain/chain-paths.js';
import { withNewChain, type ChainRecord, type PendingChange } from '../../chain/chain-record.js';
import { fullStagingId } from '../../domain/staging-id.js';
import type { TargetRestorePoint } from '../../domain/target-point.js';
import { stagedPath } from '../staging/copy-plan.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import { discardStaging } from '../staging/staging.js';

/** Staging folder of the full that is to replace the files of a point. */
export function replacementStaging(chain: string, pointId: string): string {
  return stagingFolder(chain, fullStagingId(pointId));
}

/** Gives the staged full the names of the point's files, each by one atomic rename: whoever opens the point sees its old file over its
 *  parents or the new full, and both show the same. The points that build on it keep their parent links. */
export async function replaceFiles(
  { repository, chain }: ChainPlace,
  record: ChainRecord,
  pending: Extract<PendingChange, { type: 'replace' }>,
): Promise<TargetRestorePoint[]> {
  const staging = replacementStaging(chain, pending.pointId);
  const moves = pending.disks.flatMap(({ disk, path, digests, tablesPath }) => [
    { from: stagedPath.image(staging, disk), to: `${chain}/${path}` },
    { from: stagedPath.digests(staging, disk), to: `${chain}/${digests.path}` },
    { from: stagedPath.tables(staging, disk), to: `${chain}/${tablesPath}` },
  ]);
  for (const { from, to } of moves)
    if ((await repository.stat(from)) !== null) await repository.rename(from, to);
  const stagedFolder = stagedPath.pointFolder(staging);
  if ((await repository.stat(stagedFolder)) !== null) await repository.syncFolder(stagedFolder);
  await repository.syncFolder(`${chain}/${pending.pointId}`);

  const point = record.points.find(({ id }) => id === pending.pointId);
  if (point === undefined) throw new Error(`restore point ${pending.pointId} is not listed`);
  const full: TargetRestorePoint = {
    ...point,
    kind: 'full',
    parentId: null,
    health: 'good',
    verifiedAt: pending.verifiedAt,
    flags: [...new Set([...point.flags, ...pending.flags])],
    disks: pending.disks,
  };
  await discardStaging(repository, staging);
  return withNewChain(record.points, full);
}
