import { BackupError } from '../domain/errors.js';
import type { ByteSource } from '../image/byte-source.js';
import { checkCountedInside } from '../image/qcow2/counted-end.js';
import { checkInside, readQcow2Header, type Qcow2Header } from '../image/qcow2/header.js';
import type {
  BackupRepository,
  ReadableFile,
  RepositoryEntry,
} from '../repository/backup-repository.js';
import { faultOfError, type Finding } from './point-fault.js';

/** Most of the L1 table that is looked at: it covers 64 TiB of a disk with clusters of 64 KiB. */
const L1_READ_BYTES = 1024 * 1024;
const L2_OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

/** Parent name stored in the image (data, never opened); null: the image has no parent. */
export type BackingName = string | null;

/** Reads the header (one cluster, at most 2 MiB), the start of the L1 table and the end of the reference counts of a qcow2 file.
 *  A file whose tables pass its end is `incomplete`: it is still being written, or was cut off. That every entry of its L2 tables lies
 *  inside the file is seen when its copy is planned (IMAGE_TRUNCATED): a look at each of them would read far too much. */
export async function readBackingName(
  repository: BackupRepository,
  entry: RepositoryEntry,
): Promise<Finding<BackingName>> {
  try {
    const file = await repository.openRead(entry.path);
    try {
      const source = byteSource(file, (await file.stamp()).sizeBytes);
      const header = await readQcow2Header(source);
      await checkL2TablesInside(source, header);
      await checkCountedInside(source, header);
      return { value: header.backing?.name ?? null };
    } finally {
      await file.close();
    }
  } catch (error) {
    return faultOfError(error);
  }
}

async function checkL2TablesInside(source: ByteSource, header: Qcow2Header): Promise<void> {
  const l1 = new Uint8Array(Math.min(header.l1.entries * 8, L1_READ_BYTES));
  await source.read(l1, header.l1.offset);
  const view = new DataView(l1.buffer);
  for (let at = 0; at < l1.length; at += 8) {
    const offset = Number(view.getBigUint64(at) & L2_OFFSET_MASK);
    if (offset !== 0) checkInside(source, 'an L2 table', offset, 2 ** header.clusterBits);
  }
}

function byteSource(file: ReadableFile, sizeBytes: number): ByteSource {
  return {
    label: file.path,
    sizeBytes,
    async read(target, offset) {
      const count = await file.read(target, offset);
      if (count < target.length)
        throw new BackupError('IMAGE_TRUNCATED', `${file.path} ends at byte ${offset + count}`, {
          details: { path: file.path, offset: offset + count },
        });
    },
  };
}
