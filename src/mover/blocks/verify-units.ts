import {
  digestEntryOffset,
  HOLE,
  readDigestTableHeader,
} from '../../chain/digests/digest-table.js';
import { isZeroUnit, unitDigest } from '../../chain/digests/digest.js';
import {
  BLOCK_BYTES,
  DIGEST_BYTES,
  WINDOW_BLOCKS,
  type DigestAlgorithm,
} from '../../domain/targets/digest.js';
import { isUnreadable } from '../../domain/errors.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, SourceRepository } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';

/** Reads units of a backup file and compares each with its digest. */
export class UnitVerifier {
  private readonly buffer = takeRunBuffer();
  private readonly digests = Buffer.alloc(RUN_BLOCKS * DIGEST_BYTES);
  private readonly digest;

  private constructor(
    private readonly opened: {
      readonly repository: SourceRepository;
      readonly image: ReadableFile;
      readonly table: ReadableFile;
    },
    algorithm: DigestAlgorithm,
    readonly units: FileUnits,
    private readonly files: OpenFiles,
  ) {
    this.digest = unitDigest(algorithm);
  }

  static async open(
    repository: SourceRepository,
    imagePath: string,
    digestsPath: string,
  ): Promise<UnitVerifier> {
    return openTogether(async (files) => {
      const image = files.add(await repository.openRead(imagePath));
      const table = files.add(await repository.openRead(digestsPath));
      const { algorithm, units } = await readDigestTableHeader(table);
      return new UnitVerifier({ repository, image, table }, algorithm, units, files);
    });
  }

  /** Numbers of the units in `first … first + count - 1` that do not have their digest.
   *  @throws REPOSITORY_IO_ERROR when the storage cannot read one of them */
  async badUnits(first: number, count: number): Promise<number[]> {
    const bad: number[] = [];
    for (let i = 0; i < count;) {
      const length = this.units.runFrom(first + i, Math.min(RUN_BLOCKS, count - i));
      const range = this.units.rangeOf(first + i);
      const unitBytes = this.units.digestedBytes(first + i);
      const bytes = this.buffer.subarray(0, length * unitBytes);
      const stored = length === 1 ? bytes.subarray(0, range.length) : bytes;
      const digests = this.digests.subarray(0, length * DIGEST_BYTES);
      bytes.fill(0, await this.opened.image.read(stored, range.offset));
      await this.readDigests(digests, first + i);
      for (let k = 0; k < length; k++) if (!this.isGood(bytes, digests, k)) bad.push(first + i + k);
      i += length;
    }
    return bad;
  }

  /** The same, with the units that the storage cannot read: a sector that went bad is damage like another. Storage that answers no more, or reads
   *  nothing of a whole window, says nothing about what is stored there.
   *  @throws REPOSITORY_IO_ERROR then, and when it is the digests that cannot be read */
  async damagedUnits(first: number, count: number): Promise<number[]> {
    const damaged: number[] = [];
    let unreadable = 0;
    for (let i = 0; i < count;) {
      const length = this.units.runFrom(first + i, Math.min(RUN_BLOCKS, count - i));
      try {
        damaged.push(...(await this.badUnits(first + i, length)));
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        await this.readDigests(this.digests.subarray(0, length * DIGEST_BYTES), first + i);
        for (let unit = first + i; unit < first + i + length; unit++) {
          const isRead = await this.canRead(unit);
          if (!isRead || (await this.badUnits(unit, 1)).length > 0) damaged.push(unit);
          if (!isRead) unreadable++;
        }
        if (unreadable === WINDOW_BLOCKS) throw error;
      }
      i += length;
    }
    return damaged;
  }

  /** @throws what the storage says when it does not answer for the file either */
  private async canRead(unit: number): Promise<boolean> {
    const { offset, length } = this.units.rangeOf(unit);
    try {
      await this.opened.image.read(this.buffer.subarray(0, length), offset);
      return true;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const { repository, image } = this.opened;
      if ((await repository.stat(image.path)) === null) throw error;
      return false;
    }
  }

  private async readDigests(digests: Buffer, first: number): Promise<void> {
    digests.fill(0, await this.opened.table.read(digests, digestEntryOffset(first)));
  }

  private isGood(bytes: Buffer, digests: Buffer, k: number): boolean {
    const unit = bytes.subarray(k * BLOCK_BYTES, (k + 1) * BLOCK_BYTES);
    const expected = digests.subarray(k * DIGEST_BYTES, (k + 1) * DIGEST_BYTES);
    return expected.equals(HOLE) ? isZeroUnit(unit) : this.digest(unit).equals(expected);
  }

  async close(): Promise<void> {
    giveRunBuffer(this.buffer);
    await this.files.close();
  }
}

/** Opens a disk's file and digest table; `use` gets a verifier of them. */
export async function withVerifier<T>(
  context: MoverContext,
  place: { readonly repositoryId: string; readonly chain: string },
  disk: TargetDisk,
  use: (verifier: UnitVerifier) => Promise<T>,
): Promise<T> {
  const repository = await context.source(place.repositoryId);
  const verifier = await UnitVerifier.open(
    repository,
    `${place.chain}/${disk.path}`,
    `${place.chain}/${disk.digests.path}`,
  );
  try {
    return await use(verifier);
  } finally {
    await verifier.close();
  }
}
