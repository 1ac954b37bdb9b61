import {
  HOLE,
  readDigestTableHeader,
  readEntriesAt,
  type OpenDigestTable,
} from '../../chain/digests/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../../chain/digests/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import { BLOCK_DIRECT, BLOCK_UNALLOCATED } from '../../image/disk-image.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { BlockPlace } from './block-reader.js';
import type { ImageStack } from './image-stack.js';
import type { LayerFile } from './layer-file.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';

interface DigestTable extends OpenDigestTable {
  readonly algorithm: DigestAlgorithm;
  readonly digest: UnitDigest;
}

/** Digests that are read at once: a request each on storage that is far away. */
const RUN_UNITS = 64;

/** Digest tables of the files that are read, where they have some: a block that had gone bad is never carried on into a file that is
 *  called good. */
export class SourceDigests {
  private readonly expected = Buffer.alloc(RUN_UNITS * DIGEST_BYTES);
  private readonly tables = new Map<number, Promise<DigestTable | null>>();

  private constructor(
    private readonly context: MoverContext,
    private readonly layers: readonly LayerFile[],
    private readonly files: OpenFiles,
  ) {}

  /** Each table is opened when a block of its layer is read. */
  static open(context: MoverContext, layers: readonly LayerFile[]): Promise<SourceDigests> {
    return openTogether((files) => Promise.resolve(new SourceDigests(context, layers, files)));
  }

  /** null: a backup tool wrote that file, and none. */
  private table(layer: number): Promise<DigestTable | null> {
    const known = this.tables.get(layer) ?? this.openTable(layer);
    this.tables.set(layer, known);
    return known;
  }

  private async openTable(layer: number): Promise<DigestTable | null> {
    const { repositoryId, digestsPath } = this.layers[layer]!;
    if (digestsPath === undefined) return null;
    const repository = await this.context.source(repositoryId);
    const file = this.files.add(await repository.openRead(digestsPath));
    const { algorithm, units } = await readDigestTableHeader(file);
    return { file, algorithm, digest: unitDigest(algorithm), units };
  }

  /** @param unitAt the bytes of a block, by its index in `places`
   *  @param known the blocks' digests by the algorithm `by`, where the caller has them: all zeros for a block of zeros
   *  @throws BLOCK_DIGEST_MISMATCH for the first of the blocks just read that is not what was written */
  async assertGood(
    stack: ImageStack,
    places: readonly BlockPlace[],
    unitAt: (index: number) => Buffer,
    known?: { readonly digests: Buffer; readonly by: DigestAlgorithm },
  ): Promise<void> {
    for (let i = 0; i < places.length;) {
      const { guestBlock, layer, hostOffset } = places[i]!;
      const table = hostOffset < 0 ? null : await this.table(layer);
      if (hostOffset < 0) await this.assertGoodParts(stack, guestBlock);
      const length = table === null ? 1 : neighbours(table.units, places, i);
      if (table !== null) await this.readExpected(table, hostOffset, length);
      for (let at = i; table !== null && at < i + length; at++) {
        const digest =
          known?.by === table.algorithm
            ? known.digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)
            : digestOf(table, unitAt(at));
        this.assertUnit(layer, places[at]!.hostOffset, digest, at - i);
      }
      i += length;
    }
  }

  /** A block that was put together (the last one of a disk that is no whole number of blocks, one across the end of a shorter layer) has no
   *  digest of its own; the units of the files that it comes from have. */
  private async assertGoodParts(stack: ImageStack, guestBlock: number): Promise<void> {
    const endBytes = Math.min((guestBlock + 1) * BLOCK_BYTES, stack.virtualSizeBytes);
    for (let layer = 0; layer < this.layers.length; layer++) {
      if (this.layers[layer]!.digestsPath === undefined) continue;
      const image = await stack.image(layer);
      const table = await this.table(layer);
      if (image === null || table === null) return;
      if (guestBlock * BLOCK_BYTES >= image.virtualSizeBytes) return;
      const { states, hostOffsets } = await image.mapBlocks(guestBlock, 1);
      if (states[0] === BLOCK_DIRECT) {
        const digest = await withRunBuffer(async (buffer) => {
          const unit = buffer.subarray(0, BLOCK_BYTES);
          const file = await stack.file(layer);
          unit.fill(0, await file.read(unit, hostOffsets[0]!));
          return digestOf(table, unit);
        });
        await this.readExpected(table, hostOffsets[0]!, 1);
        this.assertUnit(layer, hostOffsets[0]!, digest, 0);
      }
      // What lies below is not seen.
      if (states[0] !== BLOCK_UNALLOCATED && image.virtualSizeBytes >= endBytes) return;
    }
  }

  private async readExpected(table: DigestTable, hostOffset: number, count: number) {
    const entries = this.expected.subarray(0, count * DIGEST_BYTES);
    entries.fill(0, await readEntriesAt(table, hostOffset, entries));
  }

  /** @param index among the digests that were read last */
  private assertUnit(layer: number, hostOffset: number, digest: Buffer, index: number): void {
    const at = index * DIGEST_BYTES;
    if (digest.equals(this.expected.subarray(at, at + DIGEST_BYTES))) return;
    const { path } = this.layers[layer]!;
    throw new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${path}: the block at byte ${hostOffset} does not have its digest`,
      { details: { path, offset: hostOffset } },
    );
  }

  async close(): Promise<void> {
    await this.files.close();
  }
}

/** How many blocks from this one on lie in neighbouring units of one file. */
function neighbours(units: FileUnits, places: readonly BlockPlace[], from: number): number {
  const first = places[from]!;
  const unit = units.unitAt(first.hostOffset);
  let length = 1;
  for (; length < RUN_UNITS && from + length < places.length; length++) {
    const { layer, hostOffset } = places[from + length]!;
    if (layer !== first.layer || hostOffset < 0 || units.unitAt(hostOffset) !== unit + length)
      break;
  }
  return length;
}

function digestOf(table: DigestTable, unit: Buffer): Buffer {
  return isZeroUnit(unit) ? HOLE : table.digest(unit);
}
