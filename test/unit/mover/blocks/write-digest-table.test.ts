import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  FileUnits,
  isPlain,
  NO_SLOTS,
  type PlacedSlots,
} from '../../../../src/domain/targets/file-units.js';
import { TablesCopyReader, TablesCopyWriter } from '../../../../src/mover/blocks/tables-copy.js';
import { writeDigestTable } from '../../../../src/mover/blocks/write-digest-table.js';
import { TaskControl, TaskStopped } from '../../../../src/mover/task/task-control.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

const LAYOUTS: Record<string, [PlacedSlots, sizeBytes: number]> = {
  'without slots': [NO_SLOTS, 5 * UNIT + 100],
  'with slots': [
    { headBytes: 2 * UNIT, groupSlots: 0, prefixBytes: 0, slotCount: 9 },
    12 * UNIT + 7,
  ],
  'with slots in groups': [
    { headBytes: 70_000, groupSlots: 3, prefixBytes: 40, slotCount: 7 },
    70_000 + 7 * UNIT + 3 * 40 + 900,
  ],
};

describe.each(Object.entries(LAYOUTS))('the digest table of a file %s', (_, [slots, sizeBytes]) => {
  const units = new FileUnits(slots, sizeBytes);
  const numbers = Array.from({ length: units.count }, (_unit, unit) => unit);
  /** Every third unit is zeros. */
  const file = Buffer.alloc(sizeBytes);
  for (const unit of numbers.filter((number) => number % 3 !== 1)) {
    const { offset, length } = units.rangeOf(unit);
    file.subarray(offset, offset + length).fill(`unit ${unit}`);
  }
  const digested = (unit: number): Buffer => {
    const { offset, length } = units.rangeOf(unit);
    const bytes = Buffer.alloc(units.digestedBytes(unit));
    file.copy(bytes, 0, offset, offset + length);
    return bytes;
  };
  const entryOf = (unit: number): Buffer =>
    unit % 3 === 1 ? Buffer.alloc(32) : sha256(digested(unit));

  /** By docs/FORMAT.md, Digest table. */
  function byHand(): Buffer {
    const header = Buffer.alloc(64);
    header.write('LHDIGEST', 'latin1');
    [1, 1, UNIT, 32].forEach((value, i) => header.writeUInt32LE(value, 8 + 4 * i));
    header.writeBigUInt64LE(BigInt(sizeBytes), 24);
    header.writeBigUInt64LE(BigInt(units.count), 32);
    if (!isPlain(slots)) {
      header.writeBigUInt64LE(BigInt(slots.slotCount), 40);
      header.writeUInt32LE(slots.headBytes, 48);
      header.writeUInt32LE(slots.groupSlots, 52);
      header.writeUInt32LE(slots.prefixBytes, 56);
    }
    return Buffer.concat([header, ...numbers.map(entryOf)]);
  }

  async function write(areSlotsKnown: boolean, control = new TaskControl()) {
    await repository.put('disk', file);
    const table = await repository.openWrite('disk.digests', 'open-or-new');
    await table.write(Buffer.alloc(100_000, 1), 0);
    const tables = new TablesCopyWriter(await repository.openWrite('disk.tables', 'new'));
    const read: number[] = [];
    const image = await repository.openRead('disk');
    const digest = await writeDigestTable(control, {
      image: {
        ...image,
        read: (target, offset) => (read.push(units.unitAt(offset)), image.read(target, offset)),
      },
      ...{ units, algorithm: 'sha256', table, tables },
      slotDigests: areSlotsKnown
        ? (first, count) =>
            Promise.resolve(
              Buffer.concat(
                numbers
                  .filter((unit) => units.slotOf(unit) !== null)
                  .slice(first, first + count)
                  .map(entryOf),
              ),
            )
        : null,
    });
    await tables.finish();
    const bytes = Buffer.alloc((await table.stamp()).sizeBytes);
    await table.read(bytes, 0);
    return { digest, bytes, read };
  }

  it.each([true, false])('is written as it is described, with slots known: %s', async (known) => {
    const { digest, bytes, read } = await write(known);
    expect(bytes.equals(byHand())).toBe(true);
    expect(digest).toBe(sha256(byHand()).toString('hex'));
    const others = numbers.filter((unit) => !known || units.slotOf(unit) === null);
    expect(read).toEqual(others);
    // What was read is copied, but for zeros.
    const tables = await repository.openRead('disk.tables');
    for (const unit of numbers) {
      const isCopied = others.includes(unit) && unit % 3 !== 1;
      const copy = await (
        await TablesCopyReader.open(tables, [unit])
      ).read(unit, units.digestedBytes(unit));
      expect(copy === null ? null : copy.equals(digested(unit)), String(unit)).toBe(
        isCopied ? true : null,
      );
    }
  });

  it('is written no further by a task that was stopped', async () => {
    const control = new TaskControl();
    control.stop();
    await expect(write(true, control)).rejects.toThrow(TaskStopped);
  });
});
