import { digestEntryOffset, HOLE, readDigestTableHeader } from '../../chain/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/digest.js';
import { BackupError } from '../../domain/errors.js';
import type { ReadableFile } from '../../repository/backup-repository.js';
import type { BlockPlace } from './block-reader.js';
import type { LayerFile } from './image-stack.js';
import type { MoverContext } from '../task/mover-context.js';

/** Digest tables of the files that are read, where they have some: a block that had gone bad is never carried on into a file that is
 *  called good. */
export class SourceDigests {
  private readonly expected = Buffer.alloc(DIGEST_BYTES);

  private constructor(
    private readonly layers: readonly LayerFile[],
    private readonly tables: readonly ({ file: ReadableFile; digest: UnitDigest } | null)[],
  ) {}

  static async open(context: MoverContext, layers: readonly LayerFile[]): Promise<SourceDigests> {
    const tables: ({ file: ReadableFile; digest: UnitDigest } | null)[] = [];
    for (const { repositoryId, digestsPath } of layers) {
      if (digestsPath === undefined) {
        tables.push(null);
        continue;
      }
      const repository = await context.repository(repositoryId);
      const file = await repository.openRead(digestsPath);
      tables.push({ file, digest: unitDigest((await readDigestTableHeader(file)).algorithm) });
    }
    return new SourceDigests(layers, tables);
  }

  /** @param known the blocks' digests by the algorithm `by`, where the caller has them: all zeros for a block of zeros
   *  @throws BLOCK_DIGEST_MISMATCH for the first of the blocks just read that is not what was written */
  async assertGood(
    places: readonly BlockPlace[],
    bytes: Buffer,
    known?: { readonly digests: Buffer; readonly by: UnitDigest },
  ): Promise<void> {
    for (const [i, { layer, hostOffset }] of places.entries()) {
      const table = this.tables[layer];
      if (table === null || table === undefined || hostOffset < 0) continue;
      await table.file.read(this.expected, digestEntryOffset(hostOffset / BLOCK_BYTES));
      const unit = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
      const digest =
        known?.by === table.digest
          ? known.digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES)
          : isZeroUnit(unit)
            ? HOLE
            : table.digest(unit);
      if (digest.equals(this.expected)) continue;
      const { path } = this.layers[layer]!;
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${path}: the block at byte ${hostOffset} does not have its digest`,
        { details: { path, offset: hostOffset } },
      );
    }
  }

  async close(): Promise<void> {
    for (const table of this.tables) await table?.file.close();
  }
}
