import { digestEntryOffset, HOLE } from '../../chain/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED, BLOCK_ZERO } from '../../image/disk-image.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';
import { placeOf, readBlocks, type BlockPlace } from '../blocks/block-reader.js';
import { writeChangeBits } from '../blocks/change-map.js';
import { type CopyBlocksInput } from './copy-blocks.js';
import { readStagedJson, stagedPath } from '../staging/copy-plan.js';
import { ImageStack, type StackMap } from '../blocks/image-stack.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';
import { HeldWindows } from '../staging/held-windows.js';
import type { BlockScan, OwnLayers } from './scan-plan.js';
import { markDone } from '../task/window-cursor.js';
import type { WindowWorker } from '../task/window-loop.js';

/** Compares windows of guest blocks of the source with the digests of a point of the target and notes which differ.
 *  @throws SOURCE_CHANGED, STAGING_INVALID, STALE_EPOCH */
export async function openScanWorker(
  context: MoverContext,
  input: CopyBlocksInput,
): Promise<WindowWorker> {
  const target = await context.repository(input.targetRepositoryId);
  const scan = await readStagedJson<BlockScan>(target, stagedPath.scan(input.staging));
  const disk = scan?.disks.find((entry) => entry.disk === input.disk);
  if (scan === null || disk === undefined || scan.token !== input.reference.token)
    throw new BackupError('STAGING_INVALID', `the scan in ${input.staging} is not there any more`);
  return openTogether(async (files) => {
    const source = files.add(await ImageStack.open(context, disk.sourceLayers));
    const base = files.add(await ImageStack.open(context, disk.targetLayers));
    const windows = await HeldWindows.read(target, input.staging, disk, scan.token);
    const tables: ReadableFile[] = [];
    for (const layer of disk.targetLayers)
      tables.push(files.add(await target.openRead(layer.digestsPath)));
    const open = async (path: string): Promise<WritableFile> =>
      files.add(await target.openWrite(path, 'open-or-new'));
    const changeMap = await open(stagedPath.changeMap(input.staging, disk.disk));
    // The cursor must never vouch for a file whose name a power cut can take away.
    await target.syncFolder(stagedPath.workFolder(input.staging));
    return new ScanWorker(
      context,
      windows,
      disk.ownLayers,
      source,
      base,
      tables,
      changeMap,
      await open(stagedPath.scanCursor(input.staging, disk.disk)),
      unitDigest(scan.algorithm),
      files,
    );
  });
}

class ScanWorker implements WindowWorker {
  private readonly buffer = takeRunBuffer();

  constructor(
    private readonly context: MoverContext,
    private readonly windows: HeldWindows,
    private readonly ownLayers: OwnLayers | null,
    private readonly source: ImageStack,
    private readonly base: ImageStack,
    private readonly tables: readonly ReadableFile[],
    private readonly changeMap: WritableFile,
    private readonly cursor: WritableFile,
    private readonly digest: UnitDigest,
    private readonly files: OpenFiles,
  ) {}

  async process(window: number): Promise<() => Promise<void>> {
    const { control } = this.context;
    const { firstBlock: first, count } = this.windows.blocksOf(window);
    const now = await this.source.mapBlocks(first, count);
    const before = await this.digestsBefore(first, count);
    const isCompared = await this.comparedBlocks(first, count);
    const changed = new Uint8Array(count);
    const places: BlockPlace[] = [];
    for (let i = 0; i < count; i++) {
      if (!isCompared(i)) continue;
      if (isEmpty(now.states[i]!)) changed[i] = isHole(before, i) ? 0 : 1;
      else places.push(placeOf(now, i, first));
    }
    for (let i = 0; i < places.length; i += RUN_BLOCKS) {
      control.throwIfStopped();
      await this.compareRun(places.slice(i, i + RUN_BLOCKS), first, before, changed);
    }
    await writeChangeBits(this.changeMap, first, changed);
    return async () => {
      await markDone(this.cursor, window);
      control.add('processedBlocks', count);
      control.add(
        'foundBlocks',
        changed.reduce((sum, bit) => sum + bit, 0),
      );
    };
  }

  async sync(): Promise<void> {
    await this.source.assertUnchanged(this.context);
    await this.changeMap.sync();
  }

  /** Blocks that neither side's own layers hold come from layers that show the same. */
  private async comparedBlocks(first: number, count: number): Promise<(i: number) => boolean> {
    const { ownLayers } = this;
    if (ownLayers === null) return () => true;
    const now = await this.source.mapBlocks(first, count, ownLayers.source);
    const before = await this.base.mapBlocks(first, count, ownLayers.target);
    return (i) => now.states[i] !== BLOCK_UNALLOCATED || before.states[i] !== BLOCK_UNALLOCATED;
  }

  private async compareRun(
    places: readonly BlockPlace[],
    first: number,
    before: Buffer,
    changed: Uint8Array,
  ): Promise<void> {
    await readBlocks(this.source, places, this.buffer, this.context.control);
    for (const [k, { guestBlock }] of places.entries()) {
      const unit = this.buffer.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
      const i = guestBlock - first;
      const expected = before.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES);
      const isSame = isZeroUnit(unit) ? expected.equals(HOLE) : this.digest(unit).equals(expected);
      changed[i] = isSame ? 0 : 1;
    }
  }

  /** Digests of the guest blocks as the target shows them; all zero for a block of zeros. A block that only an image reader could get
   *  has none here and gets an impossible one, so that it counts as changed. */
  private async digestsBefore(first: number, count: number): Promise<Buffer> {
    const map = await this.base.mapBlocks(first, count);
    const digests = Buffer.alloc(count * DIGEST_BYTES);
    for (let i = 0; i < count;) {
      const length = map.states[i] === BLOCK_DIRECT ? tableRun(map, i) : 1;
      const part = digests.subarray(i * DIGEST_BYTES, (i + length) * DIGEST_BYTES);
      if (map.states[i] === BLOCK_DIRECT)
        await this.tables[map.layers[i]!]!.read(
          part,
          digestEntryOffset(map.hostOffsets[i]! / BLOCK_BYTES),
        );
      else if (!isEmpty(map.states[i]!)) part.fill(0xff);
      i += length;
    }
    return digests;
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    await this.files.close();
  }
}

/** Neighbouring blocks that lie side by side in one file have neighbouring entries in its digest table. */
function tableRun(map: StackMap, first: number): number {
  let length = 1;
  while (
    first + length < map.states.length &&
    map.states[first + length] === BLOCK_DIRECT &&
    map.layers[first + length] === map.layers[first] &&
    map.hostOffsets[first + length] === map.hostOffsets[first]! + length * BLOCK_BYTES
  )
    length++;
  return length;
}

function isEmpty(state: number): boolean {
  return state === BLOCK_UNALLOCATED || state === BLOCK_ZERO;
}

function isHole(digests: Buffer, i: number): boolean {
  return digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES).equals(HOLE);
}
