import { digestEntryOffset, readDigestTableHeader } from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import type { ChainRecord } from '../../chain/chain-record.js';
import { isBackupError, isStorageFault, isUnreadable } from '../../domain/errors.js';
import { DIGEST_BYTES } from '../../domain/targets/digest.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import type { TargetDisk } from '../../domain/targets/target-point.js';
import type { ReadableFile } from '../../repository/backup-repository.js';
import type { MoverContext } from '../task/mover-context.js';
import { OpenFiles } from '../task/open-files.js';

/** A unit whose bytes lie elsewhere, too. */
interface FoundUnit {
  readonly unit: number;
  readonly bytes: Buffer;
}

interface OtherFiles {
  readonly targetRepositoryId: string;
  readonly chain: string;
  readonly record: Pick<ChainRecord, 'points'>;
  /** Whose units they are: it is not among the files that are asked. */
  readonly diskFile: TargetDisk;
}

/** Looks for units in all other files of the chain by their digests: each table is read once, whatever is wanted, and none any more when all was
 *  found. A file that is gone, damaged itself or cannot be read is passed over.
 *  @param wanted the digest of each unit; none is that of zeros */
export async function* inOtherFiles(
  context: MoverContext,
  { targetRepositoryId, chain, record, diskFile }: OtherFiles,
  wanted: ReadonlyMap<number, Buffer>,
): AsyncGenerator<FoundUnit> {
  const repository = await context.source(targetRepositoryId);
  const missing = new MissingUnits(wanted);
  for (const disk of record.points.flatMap(({ disks }) => disks)) {
    if (missing.isEmpty) return;
    if (disk.path === diskFile.path || disk.digests.algorithm !== diskFile.digests.algorithm)
      continue;
    const files = new OpenFiles();
    try {
      const table = files.add(await repository.openRead(`${chain}/${disk.digests.path}`));
      const image = files.add(await repository.openRead(`${chain}/${disk.path}`));
      yield* inFile(context, { table, image, digest: unitDigest(disk.digests.algorithm) }, missing);
    } catch (error) {
      const isAway = isBackupError(error) && isStorageFault(error) && !isUnreadable(error);
      if (!isBackupError(error) || isAway) throw error;
    } finally {
      await files.close();
    }
  }
}

interface OtherFile {
  readonly table: ReadableFile;
  readonly image: ReadableFile;
  readonly digest: ReturnType<typeof unitDigest>;
}

/** Entries of a table that are read at once: 1 MiB. */
const TABLE_PART_ENTRIES = 32_768;

async function* inFile(
  context: MoverContext,
  { table, image, digest }: OtherFile,
  missing: MissingUnits,
): AsyncGenerator<FoundUnit> {
  const { units } = await readDigestTableHeader(table);
  for (let first = 0; first < units.count && !missing.isEmpty; first += TABLE_PART_ENTRIES) {
    context.control.throwIfStopped();
    const part = Buffer.alloc(Math.min(TABLE_PART_ENTRIES, units.count - first) * DIGEST_BYTES);
    await table.read(part, digestEntryOffset(first));
    for (let at = 0; at < part.length; at += DIGEST_BYTES) {
      if (!missing.mayHave(part, at)) continue;
      const expected = part.subarray(at, at + DIGEST_BYTES);
      const bytes = await readUnit(image, units, first + at / DIGEST_BYTES);
      // It may have gone bad itself.
      if (bytes === null || !digest(bytes).equals(expected)) continue;
      for (const unit of missing.take(expected)) yield { unit, bytes };
    }
  }
}

/** null: a sector of it cannot be read. */
async function readUnit(
  image: ReadableFile,
  units: FileUnits,
  unit: number,
): Promise<Buffer | null> {
  const bytes = Buffer.alloc(units.digestedBytes(unit));
  const { offset, length } = units.rangeOf(unit);
  try {
    await image.read(bytes.subarray(0, length), offset);
    return bytes;
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** What is still looked for. */
class MissingUnits {
  /** By digest in hexadecimal. */
  readonly #units = new Map<string, number[]>();
  /** Their first four bytes: most entries differ from all of them there. */
  readonly #starts = new Set<number>();

  constructor(wanted: ReadonlyMap<number, Buffer>) {
    for (const [unit, digest] of wanted) {
      const hex = digest.toString('hex');
      this.#units.set(hex, [...(this.#units.get(hex) ?? []), unit]);
      this.#starts.add(digest.readUInt32LE(0));
    }
  }

  get isEmpty(): boolean {
    return this.#units.size === 0;
  }

  /** Whether one of them has the digest that stands at this place. */
  mayHave(entries: Buffer, at: number): boolean {
    if (!this.#starts.has(entries.readUInt32LE(at))) return false;
    return this.#units.has(entries.toString('hex', at, at + DIGEST_BYTES));
  }

  /** Those with this digest, which are missing no more. */
  take(digest: Buffer): readonly number[] {
    const hex = digest.toString('hex');
    const units = this.#units.get(hex) ?? [];
    this.#units.delete(hex);
    return units;
  }
}
