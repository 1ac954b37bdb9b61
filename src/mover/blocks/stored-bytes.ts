import { isZeroUnit, type UnitDigest } from '../../chain/digests/digest.js';
import { HOLE } from '../../chain/digests/digest-table.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/targets/digest.js';
import { BackupError, isBackupError } from '../../domain/errors.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import { slotOffset, slotRun, type SlotPlacement } from '../../domain/targets/slot-placement.js';
import { giveRunBuffer, RUN_BYTES, takeRunBuffer, withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, SourceRepository } from '../../repository/backup-repository.js';
import type { TaskControl } from '../task/task-control.js';

/** In which the storage is read (`BackupRepository.openReadPastCache`). */
const PAGE_BYTES = 4096;
/** With the pages at both ends they fill a buffer of 1 MiB. */
const SLOTS_AT_ONCE = RUN_BYTES / BLOCK_BYTES - 1;

/** @throws REPOSITORY_UNSUITED where the storage cannot be read past the cache */
export async function openStored(
  repository: SourceRepository,
  path: string,
): Promise<ReadableFile> {
  try {
    return await repository.openReadPastCache(path);
  } catch (error) {
    if (!isBackupError(error, 'REPOSITORY_UNSUITED')) throw error;
    throw new BackupError('REPOSITORY_UNSUITED', error.message, {
      details: { ...error.details },
      cause: error,
      hint: 'Set storage.verifyAfterCopy of the job to "cached", and let a health check read the copies later.',
    });
  }
}

/** A staged file as the storage holds it, read past the page cache: what is durable is compared with what was written. */
export class StoredBytes {
  private readonly buffer = takeRunBuffer();

  private constructor(private readonly file: ReadableFile) {}

  /** @throws REPOSITORY_UNSUITED where the storage cannot be read past the cache */
  static async open(repository: SourceRepository, path: string): Promise<StoredBytes> {
    return new StoredBytes(await openStored(repository, path));
  }

  /** @param digests of the slots from `firstSlot` on; a hole where a slot is zeros
   *  @throws BLOCK_DIGEST_MISMATCH */
  async assertSlots(
    placement: SlotPlacement,
    firstSlot: number,
    digests: Buffer,
    digest: UnitDigest,
  ): Promise<void> {
    const count = digests.length / DIGEST_BYTES;
    for (let i = 0; i < count;) {
      const run = slotRun(placement, firstSlot + i, Math.min(SLOTS_AT_ONCE, count - i));
      const offset = slotOffset(placement, firstSlot + i);
      const bytes = await this.read(offset, run * BLOCK_BYTES);
      for (let k = 0; k < run; k++) {
        const unit = bytes.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
        const entry = digests.subarray((i + k) * DIGEST_BYTES, (i + k + 1) * DIGEST_BYTES);
        const isSame = entry.equals(HOLE) ? isZeroUnit(unit) : digest(unit).equals(entry);
        if (!isSame) throw this.mismatch(offset + k * BLOCK_BYTES);
      }
      i += run;
    }
  }

  /** Everything but the slots: head, tables, what lies behind.
   *  @param written the same file, read through the cache
   *  @throws BLOCK_DIGEST_MISMATCH */
  async assertTables(control: TaskControl, written: ReadableFile, units: FileUnits): Promise<void> {
    await withRunBuffer(async (buffer) => {
      for (let unit = 0; unit < units.count;) {
        control.throwIfStopped();
        if (units.slotOf(unit) !== null) {
          unit += units.runFrom(unit, units.count - unit);
          continue;
        }
        const { offset, length } = units.rangeOf(unit);
        const bytes = buffer.subarray(0, length);
        await written.read(bytes, offset);
        if (!bytes.equals(await this.read(offset, length))) throw this.mismatch(offset);
        unit++;
      }
    });
  }

  /** Until the next call; what lies behind the end of the file is zeros. */
  private async read(offset: number, length: number): Promise<Buffer> {
    const start = offset - (offset % PAGE_BYTES);
    const end = Math.ceil((offset + length) / PAGE_BYTES) * PAGE_BYTES;
    const pages = this.buffer.subarray(0, end - start);
    pages.fill(0, await this.file.read(pages, start));
    return pages.subarray(offset - start, offset - start + length);
  }

  private mismatch(offset: number): BackupError {
    const { path } = this.file;
    return new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${path}: the block at byte ${offset} is not on the storage as it was written`,
      { details: { path, offset } },
    );
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    await this.file.close();
  }
}
