import { createHash } from 'node:crypto';
import { digestEntryOf, digestTableHeader, HOLE } from '../../chain/digests/digest-table.js';
import { unitDigest } from '../../chain/digests/digest.js';
import { DIGEST_BYTES, type Digest, type DigestAlgorithm } from '../../domain/targets/digest.js';
import type { FileUnits } from '../../domain/targets/file-units.js';
import { withRunBuffer } from '../../image/run-buffer.js';
import type { ReadableFile, WritableFile } from '../../repository/backup-repository.js';
import type { TaskControl } from '../task/task-control.js';
import { AppendedBytes } from './appended-bytes.js';
import type { TablesCopyWriter } from './tables-copy.js';

/** Digests of `count` slots from `firstSlot`, as they were noted when the slots were written. */
type SlotDigests = (firstSlot: number, count: number) => Promise<Buffer>;

/** What stands before a slot, where it was noted; null: it is read like everything else. */
type SlotPrefix = (slot: number) => Promise<Buffer | null>;

/** Slots whose digests are taken at once. */
const SLOTS_AT_ONCE = 8_192;

/** Writes the digest table of a backup file from its first byte to its last; durable when it returns.
 *  @param input.slotDigests null: the slots are read and digested like everything else
 *  @param input.prefix absent: none was noted
 *  @param input.tables gets a copy of every unit that is no noted slot and is not zeros
 *  @returns SHA-256 of the table */
export async function writeDigestTable(
  control: TaskControl,
  input: {
    readonly image: ReadableFile;
    readonly units: FileUnits;
    readonly algorithm: DigestAlgorithm;
    readonly slotDigests: SlotDigests | null;
    readonly prefix?: SlotPrefix | undefined;
    readonly table: WritableFile;
    readonly tables: TablesCopyWriter | null;
  },
): Promise<Digest> {
  const { image, units, algorithm, slotDigests, tables } = input;
  const digest = unitDigest(algorithm);
  const slots = slotDigests && new NotedDigests(slotDigests, units.slots.slotCount);
  const table = new AppendedTable(input.table);
  try {
    await table.append(digestTableHeader({ algorithm, units }));
    await withRunBuffer(async (buffer) => {
      for (let unit = 0; unit < units.count;) {
        control.throwIfStopped();
        const slot = slots === null ? null : units.slotOf(unit);
        if (slot !== null) {
          const count = units.runFrom(unit, SLOTS_AT_ONCE);
          await table.append(await slots!.from(slot, count));
          unit += count;
          continue;
        }
        const behind = input.prefix === undefined ? null : units.slotBehind(unit);
        const noted = behind === null ? null : await input.prefix!(behind);
        const bytes = noted ?? (await readUnit(image, units, unit, buffer));
        const entry = digestEntryOf(bytes, digest);
        await table.append(entry);
        if (entry !== HOLE) await tables?.add(unit, bytes);
        unit++;
      }
    });
    return await table.finish();
  } finally {
    table.close();
  }
}

/** As it is digested. */
async function readUnit(
  image: ReadableFile,
  units: FileUnits,
  unit: number,
  buffer: Buffer,
): Promise<Buffer> {
  const { offset, length } = units.rangeOf(unit);
  const bytes = buffer.subarray(0, units.digestedBytes(unit));
  bytes.fill(0, await image.read(bytes.subarray(0, length), offset));
  return bytes;
}

/** Asks for many at once, also where the slots lie in small groups: a part of the journal is read and proven whole, whatever is wanted of it. */
class NotedDigests {
  private first = 0;
  private held: Buffer = Buffer.alloc(0);

  constructor(
    private readonly slotDigests: SlotDigests,
    private readonly slotCount: number,
  ) {}

  async from(slot: number, count: number): Promise<Buffer> {
    const at = (slot - this.first) * DIGEST_BYTES;
    if (at >= 0 && at + count * DIGEST_BYTES <= this.held.length)
      return this.held.subarray(at, at + count * DIGEST_BYTES);
    this.first = slot;
    this.held = await this.slotDigests(slot, Math.min(SLOTS_AT_ONCE, this.slotCount - slot));
    return this.held.subarray(0, count * DIGEST_BYTES);
  }
}

/** A file that is written once, in order, and digested on the way. */
class AppendedTable {
  private readonly hash = createHash('sha256');
  private readonly bytes: AppendedBytes;

  constructor(private readonly file: WritableFile) {
    this.bytes = new AppendedBytes(file, 0);
  }

  async append(bytes: Buffer): Promise<void> {
    this.hash.update(bytes);
    await this.bytes.append(bytes);
  }

  async finish(): Promise<Digest> {
    await this.file.truncate(await this.bytes.flush());
    await this.file.sync();
    return this.hash.digest('hex');
  }

  close(): void {
    this.bytes.close();
  }
}
