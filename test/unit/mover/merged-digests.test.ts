import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../src/domain/targets/file-units.js';
import { BLOCK_DIRECT, PLAIN_DIALECT, type DiskImage } from '../../../src/image/disk-image.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { TablesCopyReader, TablesCopyWriter } from '../../../src/mover/blocks/tables-copy.js';
import { writeMergedDigests } from '../../../src/mover/change/merged-digests.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { blockOf, composeDisk, type DiskToCompose } from '../../support/image/composed-disk.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
/** Two tables of qcow2 and a part of a third one. */
const BLOCK_COUNT = 2 * 8_192 + 100;
const VIRTUAL_BYTES = BLOCK_COUNT * BLOCK - 512;
const qcow2 = imageFormat('qcow2');
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const HOLE = Buffer.alloc(32);

type Blocks = DiskToCompose['blocks'];
const blocks = (seed: number, ...numbers: number[]): Blocks =>
  new Map(numbers.map((block) => [block, content(seed, block)]));

/** Behind the end of the disk a slot holds zeros. */
function content(seed: number, block: number): Uint8Array {
  return Buffer.from(blockOf(seed + block)).fill(
    0,
    block === BLOCK_COUNT - 1 ? BLOCK - 512 : BLOCK,
  );
}

async function compose(held: Blocks, isIncrement: boolean): Promise<Buffer> {
  const parent = {
    link: 'full.qcow2',
    format: 'qcow2',
    linkId: null,
    virtualSizeBytes: VIRTUAL_BYTES,
  } as const;
  const disk = { virtualSizeBytes: VIRTUAL_BYTES, blocks: held, dialect: PLAIN_DIALECT };
  const { bytes } = await composeDisk(composerOf('qcow2'), {
    ...disk,
    ...(isIncrement ? { parent } : {}),
  });
  return bytes;
}

function unitOf(file: Buffer, unit: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  file.copy(bytes, 0, unit * BLOCK);
  return bytes;
}

const entryOf = (bytes: Buffer): Buffer =>
  bytes.every((byte) => byte === 0) ? HOLE : sha256(bytes);

function tableOf(file: Buffer): Buffer {
  const units = new FileUnits(NO_SLOTS, file.length);
  const entries = Array.from({ length: units.count }, (_, unit) => entryOf(unitOf(file, unit)));
  return Buffer.concat([digestTableHeader({ algorithm: 'sha256', units }), ...entries]);
}

/** Where each guest block lies in a file, in units. */
async function unitsOfBlocks(file: Buffer): Promise<Map<number, number>> {
  const image = await qcow2.open(new MemoryBytes(file));
  const { states, hostOffsets } = await image.mapBlocks(0, BLOCK_COUNT);
  const found = new Map<number, number>();
  for (const [block, state] of states.entries())
    if (state === BLOCK_DIRECT) found.set(block, hostOffsets[block]! / BLOCK);
  return found;
}

let target: SimulatedRepository;
beforeEach(() => {
  target = new SimulatedRepository('offsite');
});

const OF_FULL = blocks(1, 0, 1, 2, 3, 8_192, 8_193);
const OF_INCREMENT: Blocks = new Map([
  ...blocks(500, 2, 3, 4, 5, 6, 8_193, 8_300, 2 * 8_192, BLOCK_COUNT - 1),
  [1, 'zero'],
]);

/** What the table of the merged file says of each unit.
 *  @param bad blocks of which the tables had other digests: they had gone bad before */
async function merged(bad: { full?: number; increment?: number } = {}) {
  const [full, increment] = [await compose(OF_FULL, false), await compose(OF_INCREMENT, true)];
  const tables = { full: tableOf(full), increment: tableOf(increment) };
  for (const [name, file] of [
    ['full', full],
    ['increment', increment],
  ] as const) {
    const unit = (await unitsOfBlocks(file)).get(bad[name] ?? -1);
    if (unit !== undefined) tables[name].fill(0xbd, 64 + 32 * unit, 96 + 32 * unit);
  }
  const into = new MemoryBytes(full);
  const slots = await qcow2.merger!.merge(into, new MemoryBytes(increment), () => undefined);
  await target.put('merged', into.bytes);
  await target.put('full.digests', tables.full);
  await target.put('increment.digests', tables.increment);
  const table = await target.openWrite('merged.digests', 'new');
  // What an attempt before has left.
  await table.write(Buffer.alloc(500_000, 0x11), 0);
  const copies = await target.openWrite('merged.tables', 'new');
  const image: DiskImage = await qcow2.open(new MemoryBytes(increment));
  const control = new TaskControl();
  await writeMergedDigests(new InProcessMover(target).context(control), {
    ...{ merged: await target.openRead('merged'), format: qcow2, slots, increment: image },
    ...{ fullTable: await target.openRead('full.digests'), table, algorithm: 'sha256' },
    ...{
      incrementTable: await target.openRead('increment.digests'),
      tables: new TablesCopyWriter(copies),
    },
  });
  const bytes = Buffer.alloc((await table.stamp()).sizeBytes);
  await table.read(bytes, 0);
  return { file: into.bytes, table: bytes };
}

describe('the digests of a merged file', () => {
  it('are those of what lies in it', async () => {
    const { file, table } = await merged();
    expect(table.equals(tableOf(file))).toBe(true);
    // The oracle is one: the file has what both had.
    const where = await unitsOfBlocks(file);
    expect([...where.keys()]).toEqual([
      0,
      2,
      3,
      4,
      5,
      6,
      8_192,
      8_193,
      8_300,
      2 * 8_192,
      BLOCK_COUNT - 1,
    ]);
  });

  it.each([
    ['full', 0],
    ['full', 8_192],
    ['increment', 3],
    ['increment', 8_300],
    ['increment', BLOCK_COUNT - 1],
  ] as const)(
    'never make a block good that had gone bad: of the %s, block %d',
    async (of, block) => {
      const { file, table } = await merged({ [of]: block });
      const unit = (await unitsOfBlocks(file)).get(block)!;
      const right = tableOf(file);
      right.fill(0xbd, 64 + 32 * unit, 96 + 32 * unit);
      expect(table.equals(right)).toBe(true);
    },
  );

  it('come with copies of all that is no block', async () => {
    const { file } = await merged();
    const stored = new Set((await unitsOfBlocks(file)).values());
    const copies = await target.openRead('merged.tables');
    for (let unit = 0; unit < Math.ceil(file.length / BLOCK); unit++) {
      const copy = await (await TablesCopyReader.open(copies, [unit])).read(unit, BLOCK);
      const bytes = unitOf(file, unit);
      const isCopied = !stored.has(unit) && !entryOf(bytes).equals(HOLE);
      expect(copy === null ? null : copy.equals(bytes), String(unit)).toBe(isCopied ? true : null);
    }
  });
});
