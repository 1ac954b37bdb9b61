import type { ByteSource } from '../byte-source.js';
import { checkInside, imageFault, limit } from '../image-fault.js';
import { MIB } from './numbers.js';
import { LOG_SECTOR_BYTES, activeSequence, logWrites, type LogWrite } from './log-entries.js';

/** Hyper-V and QEMU make logs of 1 MiB. */
const MAX_LOG_BYTES = 32 * MIB;
/** Runs of zeros are looked through sector by sector. */
const MAX_ZERO_WRITES = 4_096;

/** The file as it would be after its log was replayed. Nothing is written: what the log holds lies in memory, at most the size of the log. */
export interface ReplayedSource extends ByteSource {
  /** Whether the log changes any byte of the range: then the file itself does not show it. */
  changes(offset: number, length: number): boolean;
  /** What of the log lies in memory. */
  readonly logBytes: number;
}

/** A file whose log holds nothing. */
export function withoutLog(source: ByteSource): ReplayedSource {
  const { label, sizeBytes } = source;
  const read = (target: Uint8Array, offset: number) => source.read(target, offset);
  return { label, sizeBytes, read, changes: () => false, logBytes: 0 };
}

/** @throws IMAGE_CORRUPT, IMAGE_LIMIT_EXCEEDED; IMAGE_TRUNCATED when the file has less than it had when the log was written, or the log writes
 *  behind its end. Source: [MS-VHDX] 2.3.3 */
export async function replayLog(
  source: ByteSource,
  log: { readonly offset: number; readonly length: number; readonly guid: string },
): Promise<ReplayedSource> {
  limit(source, 'log length', log.offset, log.length, MIB, MAX_LOG_BYTES);
  const bytes = new Uint8Array(log.length);
  await source.read(bytes, log.offset);
  const entries = activeSequence(source, bytes, log.guid);
  const overlay = new SectorOverlay(source);
  for (const entry of entries) {
    checkInside(source, 'what was there when the log was written', 0, entry.flushedBytes);
    for (const write of logWrites(source, entry)) {
      checkInside(source, 'a write of the log', write.offset, write.length);
      overlay.add(write);
    }
  }
  return overlay;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

class SectorOverlay implements ReplayedSource {
  readonly label: string;
  readonly sizeBytes: number;
  readonly #source: ByteSource;
  /** By the number of the sector. Later than any zeros. */
  readonly #sectors = new Map<number, Uint8Array>();
  readonly #zeros: Range[] = [];

  constructor(source: ByteSource) {
    this.#source = source;
    this.label = source.label;
    this.sizeBytes = source.sizeBytes;
  }

  get logBytes(): number {
    return this.#sectors.size * LOG_SECTOR_BYTES;
  }

  add({ offset, length, bytes }: LogWrite): void {
    const from = offset / LOG_SECTOR_BYTES;
    if (bytes !== null) {
      this.#sectors.set(from, bytes);
      return;
    }
    const to = from + length / LOG_SECTOR_BYTES;
    if (this.#zeros.length === MAX_ZERO_WRITES)
      throw imageFault(
        this.#source,
        'IMAGE_LIMIT_EXCEEDED',
        `its log writes zeros more than ${MAX_ZERO_WRITES} times`,
      );
    this.#zeros.push({ from, to });
    for (const sector of this.#sectors.keys())
      if (sector >= from && sector < to) this.#sectors.delete(sector);
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    await this.#source.read(target, offset);
    const end = offset + target.length;
    for (const { from, to } of this.#zeros) {
      const start = Math.max(from * LOG_SECTOR_BYTES, offset);
      const stop = Math.min(to * LOG_SECTOR_BYTES, end);
      if (start < stop) target.fill(0, start - offset, stop - offset);
    }
    const first = Math.floor(offset / LOG_SECTOR_BYTES);
    for (let sector = first; sector * LOG_SECTOR_BYTES < end; sector++) {
      const bytes = this.#sectors.get(sector);
      if (bytes === undefined) continue;
      const at = sector * LOG_SECTOR_BYTES - offset;
      const skip = Math.max(0, -at);
      target.set(bytes.subarray(skip, end - sector * LOG_SECTOR_BYTES), at + skip);
    }
  }

  changes(offset: number, length: number): boolean {
    const end = offset + length;
    const touched = this.#zeros.some(
      ({ from, to }) => from * LOG_SECTOR_BYTES < end && to * LOG_SECTOR_BYTES > offset,
    );
    if (touched) return true;
    const first = Math.floor(offset / LOG_SECTOR_BYTES);
    for (let sector = first; sector * LOG_SECTOR_BYTES < end; sector++)
      if (this.#sectors.has(sector)) return true;
    return false;
  }
}
