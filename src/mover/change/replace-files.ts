import { stagingFolder } from '../../chain/chain-paths.js';
import { withNewChain, type ChainRecord, type PendingChange } from '../../chain/chain-record.js';
import { sourceAlone } from '../../domain/sources/source-identity.js';
import { disksWithoutKeys, markedWithoutKeys } from '../../domain/targets/lost-keys.js';
import { fullStagingId } from '../../domain/targets/staging-id.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { hashFile } from '../blocks/file-digest.js';
import { fileFault } from '../copy/good-base.js';
import { stagedPath } from '../staging/copy-plan.js';
import type { ChainPlace } from '../../chain/chain-place.js';
import type { Move, SourceRepository } from '../../repository/backup-repository.js';
import { discardStaging } from '../staging/staging.js';
import type { MoverContext } from '../task/mover-context.js';

/** Staging folder of the full that is to replace the files of a point. */
export function replacementStaging(chain: string, pointId: string): string {
  return stagingFolder(chain, fullStagingId(pointId));
}

/** Gives the staged full the names of the point's files, each by one atomic rename: whoever opens the point sees its old file over its
 *  parents or the new full, and both show the same. The points that build on it keep their parent links. Where the staged files are lost the
 *  point keeps what it has, and is no full. */
export async function replaceFiles(
  context: MoverContext,
  { repository, chain }: ChainPlace,
  record: ChainRecord,
  pending: ReplaceChange,
): Promise<TargetRestorePoint[]> {
  const point = record.points.find(({ id }) => id === pending.pointId);
  if (point === undefined) throw new Error(`restore point ${pending.pointId} is not listed`);
  const staging = replacementStaging(chain, pending.pointId);
  const disks: TargetDisk[] = [];
  const moves: Move[] = [];
  for (const disk of pending.disks) {
    const old = point.disks.find((entry) => entry.disk === disk.disk);
    const ofDisk = await movesOfDisk(context, { repository, chain }, staging, disk);
    moves.push(...(ofDisk ?? []));
    disks.push(ofDisk !== null || old === undefined ? disk : old);
  }
  await repository.move(moves, chain);

  const isWhole = disks.every((disk, index) => disk === pending.disks[index]);
  await discardStaging(repository, staging);
  return isWhole
    ? withNewChain(record.points, {
        ...asFull(point, pending),
        source: sourceAlone(record.points, point),
      })
    : record.points.map((other) => (other === point ? { ...point, disks } : other));
}

type ReplaceChange = Extract<PendingChange, { type: 'replace' }>;

/** What the point should have become, and whether it did. Pure. */
export function isReplaced(record: ChainRecord, { pointId, disks }: ReplaceChange): boolean {
  const point = record.points.find(({ id }) => id === pointId);
  return disks.every(({ disk, digests }) =>
    point?.disks.some(
      (other) => other.disk === disk && other.digests.tableDigest === digests.tableDigest,
    ),
  );
}

function asFull(point: TargetRestorePoint, pending: ReplaceChange): TargetRestorePoint {
  return {
    ...point,
    kind: 'full',
    parentId: null,
    health: 'good',
    verifiedAt: pending.verifiedAt,
    flags: [...new Set([...point.flags, ...pending.flags])],
    disks: markedWithoutKeys(pending.disks, disksWithoutKeys(point.disks)),
  };
}

/** The image first, and nothing of a disk whose new image or digest table is lost: what is in place stays then. Each may be staged still or
 *  in place already, whatever the other is: a power cut takes renames in any order.
 *  @returns null: the full is lost */
async function movesOfDisk(
  context: MoverContext,
  place: ChainPlace,
  staging: string,
  full: TargetDisk,
): Promise<Move[] | null> {
  const { repository, chain } = place;
  const staged = {
    image: stagedPath.image(staging, full),
    digests: stagedPath.digests(staging, full.disk),
  };
  const hasImage = (await repository.stat(staged.image)) !== null;
  const digests =
    (await repository.stat(staged.digests)) === null
      ? `${chain}/${full.digests.path}`
      : staged.digests;
  if (!(await isDigestTableOf(context, repository, digests, full))) return null;
  if (!hasImage && !(await isImageInPlace(context, place, full, digests))) return null;
  return [
    { from: staged.image, to: `${chain}/${full.path}` },
    { from: staged.digests, to: `${chain}/${full.digests.path}` },
    { from: stagedPath.tables(staging, full.disk), to: `${chain}/${full.tablesPath}` },
  ];
}

async function isDigestTableOf(
  context: MoverContext,
  repository: SourceRepository,
  path: string,
  { digests }: TargetDisk,
): Promise<boolean> {
  if ((await repository.stat(path)) === null) return false;
  const table = await repository.openRead(path);
  try {
    return (await hashFile(table, context.control)) === digests.tableDigest;
  } finally {
    await table.close();
  }
}

/** Whether an earlier attempt has moved the image.
 *  @param digests where its digest table is now */
async function isImageInPlace(
  context: MoverContext,
  { repository, chain }: ChainPlace,
  full: TargetDisk,
  digests: string,
): Promise<boolean> {
  const path = digests.slice(`${chain}/`.length);
  const file = { ...full, digests: { ...full.digests, path } };
  return (await fileFault(context, { targetRepositoryId: repository.id, chain }, file)) === null;
}
