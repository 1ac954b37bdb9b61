import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import {
  FileUnits,
  NO_SLOTS,
  type PlacedSlots,
} from '../../../../src/domain/targets/file-units.js';
import { provenBytes } from '../../../../src/mover/blocks/proven-bytes.js';
import type { ByteSource } from '../../../../src/image/byte-source.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** By docs/FORMAT.md, Digest table: a unit is digested as 64 KiB, filled up with zeros, a prefix as it is; zeros have 32 zero bytes. */
function tableOf(file: Buffer, slots: PlacedSlots): Buffer {
  const units = new FileUnits(slots, file.length);
  const entries = Array.from({ length: units.count }, (_, unit) => {
    const { offset, length } = units.rangeOf(unit);
    const bytes = Buffer.alloc(units.digestedBytes(unit));
    file.copy(bytes, 0, offset, offset + length);
    return bytes.every((byte) => byte === 0) ? Buffer.alloc(32) : sha256(bytes);
  });
  return Buffer.concat([digestTableHeader({ algorithm: 'sha256', units }), ...entries]);
}

/** Every byte tells where it lies; the third unit is zeros. */
function fileOf(bytes: number): Buffer {
  const file = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4)
    if (Math.floor(at / UNIT) !== 2) file.writeUInt32LE(at + 1, at);
  return file;
}

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

async function proven(source: ByteSource, table: Buffer): Promise<ByteSource> {
  await repository.put('disk.digests', table);
  return provenBytes(source, await repository.openRead('disk.digests'));
}

const GROUPS: PlacedSlots = { headBytes: 70_000, groupSlots: 3, prefixBytes: 100, slotCount: 5 };

describe.each([
  ['in units alone', NO_SLOTS, 9 * UNIT + 1_001],
  ['with slots in groups', GROUPS, 70_000 + 5 * UNIT + 200 + 3_000],
] as const)('a file %s', (_, slots, sizeBytes) => {
  const file = fileOf(sizeBytes);
  const table = tableOf(file, slots);

  it('is read as it is, wherever a read begins and ends', async () => {
    const bytes = await proven(new MemoryBytes(file), table);
    for (const offset of [0, 1, UNIT - 1, UNIT, 70_001, 3 * UNIT + 5, sizeBytes - 7])
      for (const length of [0, 1, 2, 511, UNIT, UNIT + 1, 3 * UNIT].filter(
        (wanted) => offset + wanted <= sizeBytes,
      )) {
        const target = Buffer.alloc(length, 0xcc);
        await bytes.read(target, offset);
        expect(target.equals(file.subarray(offset, offset + length)), `${offset}`).toBe(true);
      }
  });

  it('is not read where a byte of it is another, and everywhere else', async () => {
    const units = new FileUnits(slots, sizeBytes);
    for (let unit = 0; unit < units.count; unit++) {
      const { offset, length } = units.rangeOf(unit);
      const spoilt = Buffer.from(file);
      spoilt[offset + length - 1]! ^= 1;
      const bytes = await proven(new MemoryBytes(spoilt, 'disk'), table);
      const first = Buffer.alloc(1);
      await expect(bytes.read(first, offset)).rejects.toMatchObject({
        code: 'BLOCK_DIGEST_MISMATCH',
        details: { path: 'disk', offset },
      });
      // Asked again it is not believed either.
      await expect(bytes.read(first, offset)).rejects.toThrow('digest');
      const rest = Buffer.alloc(sizeBytes - offset - length);
      await bytes.read(rest, offset + length);
      expect(rest.equals(file.subarray(offset + length))).toBe(true);
    }
  });

  it('is not read behind its end', async () => {
    const bytes = await proven(new MemoryBytes(file), table);
    await bytes.read(Buffer.alloc(2), sizeBytes - 2);
    await expect(bytes.read(Buffer.alloc(2), sizeBytes - 1)).rejects.toMatchObject({
      code: 'IMAGE_TRUNCATED',
    });
  });
});

describe('what was proven', () => {
  it('is kept for four units, in their order, and no unit is read again for its second half', async () => {
    const file = fileOf(9 * UNIT);
    const memory = new MemoryBytes(file);
    const reads: number[] = [];
    const source: ByteSource = {
      label: 'disk',
      sizeBytes: file.length,
      read: (target, offset) => (reads.push(offset / UNIT), memory.read(target, offset)),
    };
    const bytes = await proven(source, tableOf(file, NO_SLOTS));
    const touch = async (...units: number[]) => {
      for (const unit of units) await bytes.read(Buffer.alloc(1), unit * UNIT + 9);
    };
    await touch(0, 0, 1, 3, 4, 0, 4);
    expect(reads).toEqual([0, 1, 3, 4]);
    await touch(5, 1, 3, 4, 5, 0);
    expect(reads).toEqual([0, 1, 3, 4, 5, 0]);
  });

  /** Of a file of 2 GiB and two units, of which all but the last two are zeros: 32,768 entries of the table are read at once. */
  it('is held against its own entry, also far behind in the table', async () => {
    const count = 32_768 + 2;
    const block = (unit: number) => Buffer.alloc(UNIT, `unit ${unit}`);
    const isData = (unit: number) => unit >= 32_767;
    const units = new FileUnits(NO_SLOTS, count * UNIT);
    const entries = Array.from({ length: count }, (_, unit) =>
      isData(unit) ? sha256(block(unit)) : Buffer.alloc(32),
    );
    const source: ByteSource = {
      label: 'disk',
      sizeBytes: count * UNIT,
      read: (target, offset) => {
        target.set(isData(offset / UNIT) ? block(offset / UNIT) : Buffer.alloc(UNIT));
        return Promise.resolve();
      },
    };
    const header = digestTableHeader({ algorithm: 'sha256', units });
    const bytes = await proven(source, Buffer.concat([header, ...entries]));
    for (const unit of [0, 32_767, 32_768, 32_769, 1]) {
      const target = Buffer.alloc(UNIT);
      await bytes.read(target, unit * UNIT);
      expect(target.equals(isData(unit) ? block(unit) : Buffer.alloc(UNIT))).toBe(true);
    }
  });

  it('needs a table that is whole', async () => {
    const file = fileOf(UNIT);
    const table = tableOf(file, NO_SLOTS);
    await expect(proven(new MemoryBytes(file), table.subarray(1))).rejects.toMatchObject({
      code: 'CHAIN_RECORD_CORRUPT',
    });
  });
});
