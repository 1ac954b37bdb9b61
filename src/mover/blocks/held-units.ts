import {
  HOLE,
  readDigestTableHeader,
  readEntriesAt,
  type OpenDigestTable,
} from '../../chain/digests/digest-table.js';
import { DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { openTogether } from '../task/open-files.js';

/** What a backup file holds already, unit by unit, by its digest table: what the next file of its kind has at the same place need not be sent. */
export class HeldUnits {
  private constructor(
    private readonly table: OpenDigestTable,
    readonly close: () => Promise<void>,
  ) {}

  /** null: nothing can be said, for the table is not there any more, or not one of these digests. */
  static async open(
    repository: SourceRepository,
    path: string,
    algorithm: DigestAlgorithm,
  ): Promise<HeldUnits | null> {
    try {
      return await openTogether(async (files) => {
        const file = files.add(await repository.openRead(path));
        const header = await readDigestTableHeader(file);
        if (header.algorithm !== algorithm)
          throw new BackupError('STAGING_INVALID', `${path} is a table of other digests`);
        return new HeldUnits({ file, units: header.units }, () => files.close());
      });
    } catch (error) {
      if (isBackupError(error)) return null;
      throw error;
    }
  }

  /** How many of the blocks of `digests`, which lie side by side from `offset` on, the file has there. Holes count for nothing.
   *  @param digests one each; 32 zero bytes for a hole */
  async countSame(offset: number, digests: Buffer): Promise<number> {
    if (offset >= this.table.units.fileSizeBytes) return 0;
    const held = Buffer.alloc(digests.length);
    await readEntriesAt(this.table, offset, held);
    let same = 0;
    for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
      const digest = digests.subarray(at, at + DIGEST_BYTES);
      if (!digest.equals(HOLE) && digest.equals(held.subarray(at, at + DIGEST_BYTES))) same++;
    }
    return same;
  }
}
