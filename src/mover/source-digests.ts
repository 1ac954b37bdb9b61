import { digestEntryOffset, readDigestTableHeader } from '../chain/digest-table.js';
import { isZeroUnit, unitDigest, type UnitDigest } from '../chain/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../domain/digest.js';
import { BackupError } from '../domain/errors.js';
import type { ReadableFile } from '../repository/backup-repository.js';
import type { BlockPlace } from './block-reader.js';
import type { LayerFile } from './image-stack.js';
import type { MoverContext } from './mover-context.js';

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

  /** @throws BLOCK_DIGEST_MISMATCH for the first of the blocks just read that is not what was written */
  async assertGood(places: readonly BlockPlace[], bytes: Buffer): Promise<void> {
    for (const [i, { layer, hostOffset }] of places.entries()) {
      const table = this.tables[layer];
      if (table === null || table === undefined || hostOffset < 0) continue;
      const unit = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
      await table.file.read(this.expected, digestEntryOffset(hostOffset / BLOCK_BYTES));
      if (table.digest(unit).equals(this.expected)) continue;
      if (isZeroUnit(unit) && this.expected.every((byte) => byte === 0)) continue;
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
