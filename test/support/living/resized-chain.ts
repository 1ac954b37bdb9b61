import fc from '../properties.js';
import {
  noise,
  type DiskBackup,
  type DiskWrite,
  type SourcePoint,
} from '../kill-table/source-chain.js';

const SECTOR_BYTES = 512;
const BLOCK_BYTES = 65_536;
const MAX_SECTORS = 20 * 128;
/** The one disk of the machine, as a `SourcePoint` names it. */
export const DISK = 'system';

/** Sizes of the disk day by day, in sectors: whole blocks, or any number of sectors. */
const drawnSectors = fc.oneof(
  fc.integer({ min: 1, max: MAX_SECTORS / 128 }).map((blocks) => blocks * 128),
  fc.integer({ min: 1, max: MAX_SECTORS }),
);

const drawnWrite = fc.record({
  /** Thousandths of the disk. A double would nearly always be next to 0. */
  place: fc.integer({ min: 0, max: 1000 }),
  sectors: fc.integer({ min: 1, max: 300 }),
  isZero: fc.boolean(),
});

const drawnDay = fc.record({
  sectors: drawnSectors,
  /** Rarely a full among the increments. */
  isFull: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  options: fc.constantFrom(undefined, undefined, 'cluster_size=4k', 'extended_l2=on'),
  writes: fc.array(drawnWrite, { maxLength: 4 }),
});

/** A machine whose disk gets another size with each of its backups. */
export const drawnDays: fc.Arbitrary<readonly SourcePoint[]> = fc
  .array(drawnDay, { minLength: 3, maxLength: 7 })
  .map((days) =>
    days.map(({ sectors, isFull, options, writes }, day): SourcePoint => {
      const sizeBytes = sectors * SECTOR_BYTES;
      const backup: DiskBackup = {
        kind: day === 0 || isFull ? 'full' : 'incremental',
        sizeBytes,
        ...(options === undefined ? {} : { options }),
        writes: writes.map((write, n): DiskWrite => {
          const at = Math.floor((write.place * (sectors - 1)) / 1000) * SECTOR_BYTES;
          const bytes = Math.min(write.sectors * SECTOR_BYTES, sizeBytes - at);
          return write.isZero ? { zeroAt: at, bytes } : { noise: day * 10 + n + 1, at, bytes };
        }),
      };
      return { [DISK]: backup };
    }),
  );

/** A disk of these sizes day by day, written to from end to end but for the last two days, which write its first blocks only. */
export function resized(sizesBytes: readonly number[]): readonly SourcePoint[] {
  return sizesBytes.map((sizeBytes, day): SourcePoint => {
    const isLate = day >= sizesBytes.length - 2;
    const writes = Array.from({ length: isLate ? 1 : 20 }, (_, n) => ({
      noise: 100 + day * 100 + n,
      at: (n * 9 + day * 2) * BLOCK_BYTES,
    }));
    return {
      [DISK]: {
        kind: day === 0 ? 'full' : 'incremental',
        sizeBytes,
        writes: writes
          .filter(({ at }) => at < sizeBytes)
          .map((write) => ({ ...write, bytes: Math.min(90_112, sizeBytes - write.at) })),
      },
    };
  });
}

/** What the disk holds at each backup, reckoned with plain byte arrays: a shrunk disk loses its end, a grown one goes on with zeros. */
export function modelOf(days: readonly SourcePoint[]): readonly Buffer[] {
  let bytes = Buffer.alloc(0);
  return days.map((day) => {
    const { kind, sizeBytes, writes } = day[DISK]!;
    const next = Buffer.alloc(sizeBytes);
    if (kind === 'incremental') bytes.copy(next);
    for (const write of writes) {
      if ('noise' in write) noise(write.noise, write.bytes).copy(next, write.at);
      else if ('zeroAt' in write) next.fill(0, write.zeroAt, write.zeroAt + write.bytes);
      else next.fill(write.compressed, write.at, write.at + write.bytes);
    }
    bytes = next;
    return next;
  });
}
