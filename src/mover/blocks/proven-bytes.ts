import {
  digestEntryOf,
  digestEntryOffset,
  readDigestTableHeader,
} from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import { DIGEST_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { readFully, type ByteSource } from '../../image/byte-source.js';
import type { ReadableFile } from '../../repository/backup-repository.js';

/** Who goes through a file from its start to its end has the second half of a unit next; its tables lie elsewhere. */
const KEPT_UNITS = 4;
/** 2 GiB of a file. */
const ENTRIES_AT_ONCE = 32_768;

/** The bytes of a file of a target, each unit compared with its digest when it is read, wherever in it a read begins and ends. Memory: 4 units and 1 MiB of
 *  the table. One reader at a time.
 *  @param digests its digest table
 *  @throws CHAIN_RECORD_CORRUPT; a read: BLOCK_DIGEST_MISMATCH */
export async function provenBytes(source: ByteSource, digests: ReadableFile): Promise<ByteSource> {
  const { algorithm, units } = await readDigestTableHeader(digests);
  const digest = unitDigest(algorithm);
  const kept = new Map<number, Buffer>();
  let entries = { first: 0, bytes: Buffer.alloc(0) };

  const expectedOf = async (unit: number): Promise<Buffer> => {
    const first = unit - (unit % ENTRIES_AT_ONCE);
    if (entries.first !== first || entries.bytes.length === 0) {
      const bytes = Buffer.alloc(Math.min(ENTRIES_AT_ONCE, units.count - first) * DIGEST_BYTES);
      await readFully(digests, bytes, digestEntryOffset(first));
      entries = { first, bytes };
    }
    const at = (unit - first) * DIGEST_BYTES;
    return entries.bytes.subarray(at, at + DIGEST_BYTES);
  };

  const readUnit = async (unit: number): Promise<Buffer> => {
    const known = kept.get(unit);
    if (known !== undefined) return known;
    const { offset, length } = units.rangeOf(unit);
    const bytes = Buffer.alloc(units.digestedBytes(unit));
    await source.read(bytes.subarray(0, length), offset);
    if (!digestEntryOf(bytes, digest).equals(await expectedOf(unit)))
      throw new BackupError(
        'BLOCK_DIGEST_MISMATCH',
        `${source.label}: the unit at byte ${offset} does not have its digest`,
        { details: { path: source.label, offset } },
      );
    for (const oldest of kept.keys()) {
      if (kept.size < KEPT_UNITS) break;
      kept.delete(oldest);
    }
    kept.set(unit, bytes);
    return bytes;
  };

  return {
    ...source,
    read: async (target, offset) => {
      if (offset + target.length > source.sizeBytes) return source.read(target, offset); // refuses
      for (let done = 0; done < target.length;) {
        const unit = units.unitAt(offset + done);
        const inUnit = offset + done - units.rangeOf(unit).offset;
        const part = (await readUnit(unit)).subarray(inUnit, units.rangeOf(unit).length);
        const bytes = part.subarray(0, target.length - done);
        target.set(bytes, done);
        done += bytes.length;
      }
    },
  };
}
