import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import {
  FileUnits,
  NO_SLOTS,
  type PlacedSlots,
} from '../../../../src/domain/targets/file-units.js';
import { slotOffset } from '../../../../src/domain/targets/slot-placement.js';
import { openStored, StoredBytes } from '../../../../src/mover/blocks/stored-bytes.js';
import { TaskControl, TaskStopped } from '../../../../src/mover/task/task-control.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
const PAGE = 4_096;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** qcow2 and raw: slots one behind the other, from a multiple of 64 KiB on. A stream: a prefix before each slot, which then lies on no page. VHD: a bitmap
 *  before the 32 slots of a part. */
const PLACEMENTS: Record<string, PlacedSlots> = {
  plain: { headBytes: 2 * BLOCK, groupSlots: 0, prefixBytes: 0, slotCount: 40 },
  'each with a prefix': { headBytes: 1_050, groupSlots: 1, prefixBytes: 28, slotCount: 20 },
  'in groups': { headBytes: 70_000, groupSlots: 32, prefixBytes: 512, slotCount: 40 },
};
const TAIL_BYTES = 5_003;

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

function endOf(placed: PlacedSlots): number {
  return slotOffset(placed, placed.slotCount - 1) + BLOCK + TAIL_BYTES;
}

/** Bytes everywhere, but for each seventh slot. */
function fileOf(placed: PlacedSlots): Buffer {
  const file = Buffer.alloc(endOf(placed), 'head, tables and prefixes');
  for (let slot = 0; slot < placed.slotCount; slot++) {
    const at = slotOffset(placed, slot);
    file.subarray(at, at + BLOCK).fill(slot % 7 === 0 ? 0 : `slot ${slot}`);
  }
  return file;
}

/** Of slots from `first` on; 32 zero bytes where one is zeros (docs/FORMAT.md, Digest table). */
function digestsOf(placed: PlacedSlots, first: number, count: number): Buffer {
  const file = fileOf(placed);
  const entries = Array.from({ length: count }, (_, i) => {
    const at = slotOffset(placed, first + i);
    return (first + i) % 7 === 0 ? Buffer.alloc(32) : sha256(file.subarray(at, at + BLOCK));
  });
  return Buffer.concat(entries);
}

async function onStorage<T>(bytes: Buffer, use: (stored: StoredBytes) => Promise<T>): Promise<T> {
  await repository.put('disk', bytes);
  // Storage that is read past the cache is read in whole pages (`BackupRepository.openReadPastCache`).
  repository.openReadPastCache = async (path) => {
    const file = await repository.openRead(path);
    return {
      ...file,
      read: (target, offset) =>
        offset % PAGE === 0 && target.length % PAGE === 0
          ? file.read(target, offset)
          : Promise.reject(new Error('no whole pages')),
    };
  };
  const stored = await StoredBytes.open(repository, 'disk');
  try {
    return await use(stored);
  } finally {
    await stored.close();
  }
}

function spoilt(placed: PlacedSlots, at: number): Buffer {
  const file = fileOf(placed);
  file[at]! ^= 1;
  return file;
}

describe.each(Object.entries(PLACEMENTS))('slots that lie %s', (_, placed) => {
  const { slotCount } = placed;
  const assertAll = (bytes: Buffer) =>
    onStorage(bytes, (stored) =>
      stored.assertSlots(placed, 0, digestsOf(placed, 0, slotCount), sha256),
    );

  it('are on the storage as they were written', async () => {
    await assertAll(fileOf(placed));
    await onStorage(fileOf(placed), (stored) =>
      stored.assertSlots(placed, 5, digestsOf(placed, 5, slotCount - 5), sha256),
    );
  });

  // The first and the last; zeros; both sides of 15, which are read at once, and of 32.
  it.each([0, 1, 7, 14, 15, 16, slotCount - 1])(
    'are not when a byte of slot %d is another',
    async (slot) => {
      const offset = slotOffset(placed, slot);
      for (const at of [offset, offset + BLOCK - 1])
        await expect(assertAll(spoilt(placed, at))).rejects.toMatchObject({
          code: 'BLOCK_DIGEST_MISMATCH',
          details: { path: 'disk', offset },
        });
    },
  );

  it('are not when the file was cut', async () => {
    const last = slotOffset(placed, slotCount - 1);
    await expect(assertAll(fileOf(placed).subarray(0, last + 1))).rejects.toMatchObject({
      details: { offset: last },
    });
  });

  it('are each held against its own digest', async () => {
    const shifted = digestsOf(placed, 2, 3);
    await expect(
      onStorage(fileOf(placed), (stored) => stored.assertSlots(placed, 1, shifted, sha256)),
    ).rejects.toMatchObject({ details: { offset: slotOffset(placed, 1) } });
  });

  const assertTables = (bytes: Buffer, control = new TaskControl()) =>
    onStorage(bytes, async (stored) => {
      await repository.put('written', fileOf(placed));
      const written = await repository.openRead('written');
      await stored.assertTables(control, written, new FileUnits(placed, endOf(placed)));
    });

  it('leave what lies around them to be compared with what was written', async () => {
    await assertTables(fileOf(placed));
    // A slot is compared by its digest alone.
    await assertTables(spoilt(placed, slotOffset(placed, 3)));
    const { headBytes, prefixBytes } = placed;
    const tail = endOf(placed) - TAIL_BYTES;
    const around = [0, headBytes - 1, tail, endOf(placed) - 1];
    const prefixes =
      prefixBytes === 0 ? [] : [headBytes, slotOffset(placed, 0) - 1, tail - BLOCK - 1];
    for (const at of [...around, ...prefixes].filter((place) => place >= 0)) {
      if (prefixBytes > 0 && at === tail - BLOCK - 1 && placed.groupSlots > 1) continue;
      await expect(assertTables(spoilt(placed, at)), String(at)).rejects.toMatchObject({
        code: 'BLOCK_DIGEST_MISMATCH',
      });
    }
  });

  it('leave it, and what is lacking of it, to be said with its place', async () => {
    const tail = endOf(placed) - TAIL_BYTES;
    await expect(assertTables(fileOf(placed).subarray(0, -1))).rejects.toMatchObject({
      details: { path: 'disk', offset: tail },
    });
  });

  it('are compared no further by a task that was stopped', async () => {
    const control = new TaskControl();
    control.stop();
    await expect(assertTables(fileOf(placed), control)).rejects.toThrow(TaskStopped);
  });
});

describe('a file without slots', () => {
  it('is compared whole', async () => {
    const bytes = Buffer.alloc(3 * BLOCK + 1, 'tables');
    const compare = (stored: Buffer) =>
      onStorage(stored, async (file) => {
        await repository.put('written', bytes);
        const units = new FileUnits(NO_SLOTS, bytes.length);
        await file.assertTables(new TaskControl(), await repository.openRead('written'), units);
      });
    await compare(bytes);
    for (const at of [0, BLOCK, 2 * BLOCK + 9, 3 * BLOCK]) {
      const other = Buffer.from(bytes);
      other[at]! ^= 1;
      await expect(compare(other)).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
    }
  });
});

describe('storage that cannot be read past the cache', () => {
  it('is refused with what to do', async () => {
    const unsuited = new BackupError('REPOSITORY_UNSUITED', 'no', { details: { path: 'disk' } });
    repository.openReadPastCache = () => Promise.reject(unsuited);
    await expect(openStored(repository, 'disk')).rejects.toMatchObject({
      code: 'REPOSITORY_UNSUITED',
      details: { path: 'disk' },
      hint: expect.stringContaining('verifyAfterCopy') as unknown,
    });
  });

  it('is not what a file that is missing is told as', async () => {
    await expect(openStored(repository, 'disk')).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});
