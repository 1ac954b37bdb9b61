import {
  digestEntryOffset,
  HOLE,
  readDigestTableHeader,
} from '../../chain/digests/digest-table.js';
import { isZeroUnit, unitDigest } from '../../chain/digests/digest.js';
import { BLOCK_BYTES, DIGEST_BYTES, type DigestAlgorithm } from '../../domain/targets/digest.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import { giveRunBuffer, RUN_BLOCKS, takeRunBuffer } from '../../image/run-buffer.js';
import type { BackupRepository, ReadableFile } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { openTogether, type OpenFiles } from '../task/open-files.js';

/** Reads units of a backup file and compares each with its digest. */
export class UnitVerifier {
  private readonly buffer = takeRunBuffer();
  private readonly digests = Buffer.alloc(RUN_BLOCKS * DIGEST_BYTES);
  private readonly digest;

  private constructor(
    private readonly opened: { readonly image: ReadableFile; readonly table: ReadableFile },
    algorithm: DigestAlgorithm,
    readonly units: FileUnits,
    private readonly files: OpenFiles,
  ) {
    this.digest = unitDigest(algorithm);
  }

  static async open(
    repository: BackupRepository,
    imagePath: string,
    digestsPath: string,
  ): Promise<UnitVerifier> {
    return openTogether(async (files) => {
      const image = files.add(await repository.openRead(imagePath));
      const table = files.add(await repository.openRead(digestsPath));
      const { algorithm, units } = await readDigestTableHeader(table);
      return new UnitVerifier({ image, table }, algorithm, units, files);
    });
  }

  /** Numbers of the units in `first … first + count - 1` that do not have their digest. */
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
      digests.fill(0, await this.opened.table.read(digests, digestEntryOffset(first + i)));
      for (let k = 0; k < length; k++) if (!this.isGood(bytes, digests, k)) bad.push(first + i + k);
      i += length;
    }
    return bad;
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
  const repository = await context.repository(place.repositoryId);
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
