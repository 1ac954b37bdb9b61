import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import type { SourceRestorePoint } from '../../domain/sources/source-workload.js';
import { UNDATED_ID } from '../../domain/sources/source-identity.js';
import type { SourceJudgement, TargetRestorePoint } from '../../domain/targets/target-point.js';
import { BLOCK_UNALLOCATED, MAP_BLOCKS } from '../../image/disk-image.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import { BlockBits } from '../blocks/block-bits.js';
import { ImageStack } from '../blocks/image-stack.js';
import type { BlockScan, ScanDisk } from '../copy/scan-plan.js';
import { HeldWindows } from '../staging/held-windows.js';
import { comparisonJournal } from '../staging/journals.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { WindowJournal } from '../task/window-journal.js';

type Difference = Pick<SourceJudgement, 'verdict' | 'reason' | 'isFilled'>;

/** What a finished comparison says; null: the point is what was copied.
 *
 *  `grown` when all that was copied is still there and only what was empty has been filled: a block that the copy's own file does not hold, a
 *  sector that was zeros, a disk that was not there. Anything else is other content, and the copy may be the only good one: it is kept. Of an undated
 *  point, which may as well be the next backup of its machine, the copy must be the beginning, byte for byte. Where what the point builds on was written to after
 *  it, that alone may have filled it: the copy is what the machine had, or was taken before all of that had arrived, so both are kept. */
export async function differenceOf(
  context: MoverContext,
  target: BackupRepository,
  staging: string,
  scan: BlockScan,
  { point, copy }: { readonly point: SourceRestorePoint; readonly copy: TargetRestorePoint },
): Promise<Difference | null> {
  const found: string[] = [];
  const known = new Set(copy.disks.map(({ disk }) => disk));
  if (!point.disks.some(({ disk }) => known.has(disk)))
    return { verdict: 'replaced', reason: 'it has none of the disks that were copied' };
  for (const { disk } of point.disks)
    if (!known.has(disk)) found.push(`its disk ${disk} was not there when it was copied`);
  for (const disk of scan.disks) {
    const { virtualSizeBytes } = copy.disks.find((entry) => entry.disk === disk.disk)!;
    const place = { target, staging, token: scan.token };
    const isAppended = point.id === UNDATED_ID;
    const isOnLater = point.isOnLater === true;
    const copied = { sizeBytes: virtualSizeBytes, isAppended, isOnLater };
    const difference = await diskDifference(context, place, disk, copied);
    if (difference?.verdict === 'replaced') return difference;
    if (difference !== null) found.push(difference.reason);
  }
  if (found.length === 0) return null;
  const reason = found.join(', ');
  return point.isOnLater === true
    ? {
        verdict: 'replaced',
        reason: `${reason}, and what it builds on was written to after it`,
        isFilled: true,
      }
    : { verdict: 'grown', reason };
}

interface CopiedDisk {
  readonly sizeBytes: number;
  /** Nothing before its end may be different. */
  readonly isAppended: boolean;
  /** What lies below its own file may be different, too. */
  readonly isOnLater: boolean;
}

async function diskDifference(
  context: MoverContext,
  place: { readonly target: BackupRepository; readonly staging: string; readonly token: string },
  disk: ScanDisk,
  { sizeBytes: copiedSizeBytes, isAppended, isOnLater }: CopiedDisk,
): Promise<Difference | null> {
  const { target, staging, token } = place;
  return withOpenFiles(async (files) => {
    const source = files.add(await ImageStack.open(context, disk.sourceLayers));
    const base = files.add(await ImageStack.open(context, disk.targetLayers));
    const journal = comparisonJournal(staging, disk.disk, token);
    const file = files.add(await target.openWork(journal.path, token, 'existing'));
    const windows = await HeldWindows.read(target, staging, disk, token);
    const differing = new BlockBits(new WindowJournal(file, journal), windows);
    if (source.virtualSizeBytes < copiedSizeBytes)
      return { verdict: 'replaced', reason: `its disk ${disk.disk} is smaller than its copy` };
    const filled = await withRunBuffer((buffer) =>
      countFilled(
        context,
        { source, base, windows, differing, copiedSizeBytes, isAppended, isOnLater },
        buffer,
      ),
    );
    if (filled === null)
      return {
        verdict: 'replaced',
        reason: `blocks of its disk ${disk.disk} that were copied hold something else now`,
      };
    if (filled > 0)
      return {
        verdict: 'grown',
        reason: `${filled} blocks of its disk ${disk.disk} were written after it was copied`,
      };
    return source.virtualSizeBytes === copiedSizeBytes
      ? null
      : { verdict: 'grown', reason: `its disk ${disk.disk} is larger than its copy` };
  });
}

/** Number of changed blocks; null as soon as one of them holds something else than before. */
async function countFilled(
  context: MoverContext,
  compared: {
    readonly source: ImageStack;
    readonly base: ImageStack;
    readonly windows: HeldWindows;
    readonly differing: BlockBits;
    readonly copiedSizeBytes: number;
    readonly isAppended: boolean;
    readonly isOnLater: boolean;
  },
  buffer: Buffer,
): Promise<number | null> {
  const { source, base, windows, differing, copiedSizeBytes, isAppended, isOnLater } = compared;
  let filled = 0;
  const before = buffer.subarray(0, BLOCK_BYTES);
  const now = buffer.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES);
  for (
    let first = windows.nextBlock(0);
    first < source.blockCount;
    first = windows.nextBlock(first + MAP_BLOCKS)
  ) {
    context.control.throwIfStopped();
    const count = Math.min(MAP_BLOCKS, source.blockCount - first);
    const changed = await differing.read(first, count);
    if (!changed.includes(1)) continue;
    const own = await base.mapBlocks(first, count, 1);
    for (let i = 0; i < count; i++) {
      if (changed[i] === 0) continue;
      filled++;
      const copiedBytes = copiedSizeBytes - (first + i) * BLOCK_BYTES;
      const isOfBelow = !isOnLater && own.states[i] === BLOCK_UNALLOCATED;
      if (isAppended ? copiedBytes <= 0 : isOfBelow) continue;
      await base.read(before, (first + i) * BLOCK_BYTES);
      await source.read(now, (first + i) * BLOCK_BYTES);
      const isLeft = isAppended
        ? startsAlike(before, now, copiedBytes)
        : isFilled(before, now, copiedBytes);
      if (!isLeft) return null;
    }
  }
  return filled;
}

function startsAlike(before: Buffer, now: Buffer, bytes: number): boolean {
  return before.subarray(0, bytes).equals(now.subarray(0, bytes));
}

/** What a disk writes at once. */
const SECTOR_BYTES = 512;
const ZERO_SECTOR = Buffer.alloc(SECTOR_BYTES);

/** @param copiedBytes of the block on that the copied disk has: a file that is copied as it is may end within a sector */
function isFilled(before: Buffer, now: Buffer, copiedBytes: number): boolean {
  for (let at = 0; at < Math.min(BLOCK_BYTES, copiedBytes); at += SECTOR_BYTES) {
    const end = Math.min(at + SECTOR_BYTES, copiedBytes);
    const sector = before.subarray(at, end);
    const isEmpty = sector.equals(ZERO_SECTOR.subarray(0, sector.length));
    if (!isEmpty && !sector.equals(now.subarray(at, end))) return false;
  }
  return true;
}
