import type { ChainPlace } from '../../chain/chain-place.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { BackupError } from '../../domain/errors.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { imageFormat } from '../../image/formats.js';
import { fileByteSource } from '../../image/byte-source.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { ownedChain, type ChangeInput } from './change-points.js';
import { assertRoomToMerge } from './merge-room.js';
import { changeChain } from './pending-change.js';
import { proofOf, proveTables, type DiskProof } from './prove-blocks.js';

/** The oldest increment of a chain and the full that it builds on. */
interface MergeInput extends ChangeInput {
  readonly fullId: string;
  readonly incrementId: string;
}

/** `merged`: it is done already. `refused`: this pair needs a synthetic full instead, for the reason given. */
type MergePlan =
  | { readonly state: 'merged' }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'ready'; readonly proofs: readonly DiskProof[] };

/** Whether the pair can be merged in place, and what must be proven first (`proveBlocks`); proves the tables of the full. Merges nothing.
 *  @throws STAGING_INVALID, STALE_EPOCH; REPOSITORY_FULL before anything is proven in vain; BLOCK_DIGEST_MISMATCH */
export async function prepareMerge(context: MoverContext, input: MergeInput): Promise<MergePlan> {
  const { place, record } = await ownedChain(context, input);
  if (isMerged(record, input)) return { state: 'merged' };
  const { full, increment } = pairOf(record, input);
  const look = (): void => context.control.throwIfStopped();
  const reason = await refusalOf(place, full, increment, look);
  if (reason !== null) return { state: 'refused', reason };
  await assertRoomToMerge(place, full, increment, look);
  const proofs: DiskProof[] = [];
  for (const disk of increment.disks) {
    if (disk.kind !== 'increment') continue;
    await proveTables(
      context,
      place,
      full.disks.find((base) => base.disk === disk.disk)!,
    );
    proofs.push(await proofOf(place, disk));
  }
  return { state: 'ready', proofs };
}

/** Merges the increment into its full. All its windows must be proven: a block that went bad would take the full with it.
 *  Repeating it when it is done changes nothing.
 *  @throws POINT_IN_USE, STAGING_INVALID, STALE_EPOCH; REPOSITORY_FULL, where it can be told before, with everything left as it is */
export async function mergeIncrement(context: MoverContext, input: MergeInput): Promise<void> {
  const { place, record } = await ownedChain(context, input);
  if (isMerged(record, input)) return;
  const { full, increment } = pairOf(record, input);
  await assertRoomToMerge(place, full, increment, () => context.control.throwIfStopped());
  const points = record.points.map((point) =>
    point.id === full.id ? { ...point, state: 'retired' as const } : point,
  );
  await changeChain(
    context,
    place,
    record,
    { ...record, points },
    { type: 'merge', intoId: full.id, fromId: increment.id },
    [full.id, increment.id],
    input.nowMs,
  );
}

function isMerged({ points }: ChainRecord, { fullId, incrementId }: MergeInput): boolean {
  const increment = points.find(({ id }) => id === incrementId);
  return increment?.kind === 'full' && points.every(({ id }) => id !== fullId);
}

function pairOf(
  record: ChainRecord,
  { fullId, incrementId }: MergeInput,
): { full: TargetRestorePoint; increment: TargetRestorePoint } {
  const full = record.points.find(({ id }) => id === fullId);
  const increment = record.points.find(({ id }) => id === incrementId);
  if (full?.kind !== 'full' || increment?.parentId !== fullId)
    throw new BackupError(
      'STAGING_INVALID',
      `${incrementId} does not build on the full ${fullId} any more`,
    );
  return { full, increment };
}

async function refusalOf(
  { repository, chain }: ChainPlace,
  full: TargetRestorePoint,
  increment: TargetRestorePoint,
  look: () => void,
): Promise<string | null> {
  if (repository.openUpdate === null) return 'the repository cannot overwrite in place';
  for (const disk of increment.disks) {
    if (disk.kind === 'full') continue;
    const base = full.disks.find((entry) => entry.disk === disk.disk);
    if (base === undefined) return `the full has no disk ${disk.disk}`;
    if (base.digests.algorithm !== disk.digests.algorithm)
      return `disk ${disk.disk} changed its digest algorithm`;
    const refusal = await refusalOfDisk({ repository, chain }, base, disk, look);
    if (refusal !== null) return `disk ${disk.disk}: ${refusal}`;
  }
  return null;
}

async function refusalOfDisk(
  { repository, chain }: ChainPlace,
  base: TargetDisk,
  increment: TargetDisk,
  look: () => void,
): Promise<string | null> {
  const { merger } = imageFormat(base.format);
  if (merger === null || increment.format !== base.format)
    return `files of the format ${base.format} take up no increments in place`;
  return withOpenFiles(async (files) => {
    const open = async (path: string) =>
      fileByteSource(files.add(await repository.openRead(`${chain}/${path}`)));
    return merger.refusal(await open(base.path), await open(increment.path), look);
  });
}
