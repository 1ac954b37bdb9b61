import { beforeAll, describe, expect, it } from 'vitest';
import { relativeParentLink } from '../../../src/chain/chain-paths.js';
import { slotOffset } from '../../../src/domain/targets/slot-placement.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { fullFormat, IMAGE_FORMATS, incrementFormat } from '../../../src/image/formats.js';
import {
  FIRST_SLOT,
  NOT_STORED,
  type FileShape,
  type PlannedContent,
} from '../../../src/image/image-format.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { readTargetHead, targetLayer } from '../../../src/mover/blocks/layer-file.js';
import { withVerifier } from '../../../src/mover/blocks/verify-units.js';
import { blockOf, firstDifference } from '../../support/image/composed-disk.js';
import { SparseBytes } from '../../support/image/sparse-bytes.js';
import { makeSlabFormatKnown, SLAB } from '../../support/slab/slab-format.js';
import { DISK_ROWS } from './disk-rows.js';
import { FORMAT_ROWS, type FormatRow } from './format-rows.js';
import { CHAIN, CopiedDisk } from './mover-copy.js';
import { OPAQUE_ROWS } from './opaque-rows.js';
import { brokenBytes, expectRefusedOrRead, expectShown, PeakMemory } from './reading.js';
import { fullOf, incrementOf, type Sample } from './sample-disks.js';

const BLOCK = 65_536;

beforeAll(makeSlabFormatKnown);

it('has a row for every format: composed, or kept as it is and read as such', () => {
  const known = [
    ...FORMAT_ROWS.map(({ format }) => format.id),
    ...OPAQUE_ROWS.map(({ reader }) => reader.id),
  ];
  expect(IMAGE_FORMATS.map(({ id }) => id).filter((id) => !known.includes(id))).toEqual([]);
  const holding = IMAGE_FORMATS.filter(({ heldDisks }) => heldDisks !== undefined);
  const held = new Set(DISK_ROWS.map(({ heldIn }) => heldIn));
  expect(holding.map(({ id }) => id).filter((id) => !held.has(id))).toEqual([]);
});

/** What every format of disk images keeps that Longhaul composes files of. */
describe.each(FORMAT_ROWS)('$name', (row) => {
  const { format, dialect } = row;
  const hasIncrements = format.composer.traits(dialect, 'increment').kinds.includes('increment');
  let full: Sample;
  let increment: Sample | null;
  beforeAll(async () => {
    full = await fullOf(row);
    increment = hasIncrements ? await incrementOf(row, full) : null;
  });

  it('has traits that the mover can plan with, whatever a dialect says', () => {
    for (const odd of [{}, dialect, { blockBytes: -1, isFixed: 'no', color: null, ddb: [] }])
      for (const kind of ['full', 'increment'] as const) {
        const { granuleBlocks, kinds, maxDiskBytes } = format.composer.traits(odd, kind);
        expect(Number.isInteger(Math.log2(granuleBlocks))).toBe(true);
        expect(granuleBlocks).toBeLessThanOrEqual(8_192);
        expect(kinds.includes('full') || !kinds.includes('increment')).toBe(true);
        expect(maxDiskBytes).toBeGreaterThan(2 ** 30);
      }
  });

  it('shows its disk by the map and by reads at any place', async () => {
    await expectShown(format, full, null);
    if (increment !== null) await expectShown(format, increment, full.disk);
  });

  it('says the same of a file in its head as when it is opened', async () => {
    for (const { file } of increment === null ? [full] : [full, increment]) {
      const { virtualSizeBytes, parent, linkId } = await format.open(file);
      const image = await format.open(file);
      const head = { virtualSizeBytes, parent, linkId, dialect: image.dialect };
      expect(await format.readHead(file)).toEqual(head);
      expect(JSON.parse(JSON.stringify(head))).toEqual(head);
    }
  });

  it('is copied by the mover: same bytes, same dialect, linked, with its digests', async () => {
    const copied = new CopiedDisk();
    const first = await copied.copy('1', full.file, format.id);
    await expectCopied(copied, [first], full, row);
    if (increment === null) return;
    const second = await copied.copy('2', increment.file, format.id);
    await expectCopied(copied, [second, first], increment, row);
    const parent = await headOf(copied, first);
    expect((await headOf(copied, second)).parent).toEqual({
      name: relativeParentLink(first.path),
      linkId: parent.linkId,
    });
  });

  it('carries on the id of the file whose place it takes, and else has one of its own', async () => {
    const ids = new Set<string | null>();
    for (const seed of ['1'.repeat(32), '2'.repeat(32)]) {
      const file = await composeEmpty(row, { seed });
      const { linkId } = await format.readHead(file);
      ids.add(linkId);
      const again = await composeEmpty(row, { seed: '3'.repeat(32), linkId });
      expect((await format.readHead(again)).linkId).toBe(linkId);
    }
    expect(ids.has(null) || ids.size === (row.keepsLinkId === true ? 1 : 2)).toBe(true);
  });

  it('refuses what is broken in it, with a code, and never fails otherwise', async () => {
    for (const { file } of increment === null ? [full] : [full, increment])
      for (let seed = 0; seed < 30; seed++)
        await expectRefusedOrRead(format, brokenBytes(file, format.id, seed), seed);
  });

  it('is left to another one for a disk of which a file has no room for every block', () => {
    const { maxDiskBytes } = format.composer.traits(dialect, 'full');
    const virtualSizeBytes = Math.floor(Math.min(60e12, maxDiskBytes) / BLOCK) * BLOCK;
    const { composer } =
      format.id === SLAB.id ? format : fullFormat(format.id, dialect, virtualSizeBytes);
    const shape = { ...emptyShape(row, virtualSizeBytes), slotCount: virtualSizeBytes / BLOCK };
    expect(() => composer.place(shape)).not.toThrow();
    const increment = incrementFormat(format.id, dialect, virtualSizeBytes);
    if (increment === null) return;
    const { kinds, maxDiskBytes: most } = increment.composer.traits(dialect, 'increment');
    expect(kinds).toContain('increment');
    expect(most).toBeGreaterThanOrEqual(virtualSizeBytes);
  });

  it('takes a bounded memory for the largest disk that it may have, of up to 60 TB', async () => {
    const memory = new PeakMemory();
    const { maxDiskBytes, slotOrder } = format.composer.traits(dialect, 'full');
    const virtualSizeBytes = Math.floor(Math.min(60e12, maxDiskBytes) / BLOCK) * BLOCK;
    const blockCount = virtualSizeBytes / BLOCK;
    const file = new SparseBytes(() => memory.look());
    const blocks = spreadOver(blockCount);
    await composeSpread(row, virtualSizeBytes, blocks, file);
    const image = await format.open(file);
    expect(image.virtualSizeBytes).toBe(virtualSizeBytes);
    const part = Buffer.alloc(BLOCK);
    for (const block of blocks) {
      await image.read(part, block * BLOCK, null);
      expect(part.equals(blockOf(block)), `block ${block} of ${blockCount}`).toBe(true);
      const held = image.nextHeldBlock(block);
      expect(held, 'the next one that is held').toBe(block);
      if (block + 1 === blockCount) continue;
      await image.read(part, (block + 1) * BLOCK, null);
      expect(part.equals(Buffer.alloc(BLOCK))).toBe(true);
    }
    for (const first of [0, Math.floor(blockCount / 2), blockCount - 100]) {
      const held = slotOrder === 'guest' ? first : Math.min(first, image.nextHeldBlock(first));
      await image.mapBlocks(held, 8_192);
    }
    memory.look();
    expect(memory.peakBytes).toBeLessThan(192 * 1024 * 1024);
  });
});

const SPREAD_BLOCKS = 200;

/** From the first to the last block of a disk. */
function spreadOver(blockCount: number): number[] {
  return Array.from({ length: SPREAD_BLOCKS }, (_, i) =>
    Math.floor((i * (blockCount - 1)) / (SPREAD_BLOCKS - 1)),
  );
}

/** A full that holds these blocks, each alone in its granule. */
async function composeSpread(
  { format, dialect }: FormatRow,
  virtualSizeBytes: number,
  blocks: readonly number[],
  file: SparseBytes,
): Promise<void> {
  const { composer, extension } = format;
  const { granuleBlocks, slotOrder } = composer.traits(dialect, 'full');
  const slotOf = (block: number): number =>
    slotOrder === 'guest' ? block : blocks.indexOf(block) * granuleBlocks + (block % granuleBlocks);
  const blockOfSlot = new Map(blocks.map((block) => [slotOf(block), block]));
  const shape: FileShape = {
    ...{ fileName: `spread.${extension}`, virtualSizeBytes, dialect, parent: null },
    slotCount: slotOrder === 'guest' ? virtualSizeBytes / BLOCK : blocks.length * granuleBlocks,
    ...{ seed: '0'.repeat(32), linkId: null },
  };
  const placement = composer.place(shape);
  for (const block of blocks)
    await file.write(blockOf(block), slotOffset(placement, slotOf(block)));
  const held = new Set(blocks);
  const isGuest = slotOrder === 'guest';
  await composer.compose(file, shape, {
    nextMapped: (from) =>
      Promise.resolve(isGuest ? from : (blocks.find((block) => block >= from) ?? Infinity)),
    mapBlocks: (first, out) => {
      for (let i = 0; i < out.length; i++)
        out[i] = isGuest || held.has(first + i) ? FIRST_SLOT + slotOf(first + i) : NOT_STORED;
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      for (let i = 0; i < out.length; i++) out[i] = blockOfSlot.has(first + i) ? 1 : 0;
      return Promise.resolve();
    },
  });
}

async function expectCopied(
  copied: CopiedDisk,
  files: readonly TargetDisk[],
  { disk, file }: Sample,
  { format, dialect }: FormatRow,
) {
  const context = copied.mover.context();
  const place = { targetRepositoryId: 'offsite', chain: CHAIN };
  const stack = await ImageStack.open(
    context,
    files.map((entry) => targetLayer(place, entry)),
  );
  const bytes = Buffer.alloc(disk.length);
  await stack.read(bytes, 0);
  await stack.close();
  expect(firstDifference(bytes, disk)).toBeNull();
  expect(files[0]!.format).toBe(format.id);
  const source = await format.readHead(file);
  expect((await headOf(copied, files[0]!)).dialect).toEqual(source.dialect);
  if (files.length === 1) expect(source.dialect).toMatchObject(dialect);
  const target = { repositoryId: 'offsite', chain: CHAIN };
  const bad = await withVerifier(context, target, files[0]!, (verifier) =>
    verifier.badUnits(0, verifier.units.count),
  );
  expect(bad).toEqual([]);
}

function headOf({ mover }: CopiedDisk, file: TargetDisk) {
  return readTargetHead(mover.context(), { targetRepositoryId: 'offsite', chain: CHAIN }, file);
}

const NOTHING: PlannedContent = {
  nextMapped: () => Promise.resolve(Infinity),
  mapBlocks: (_, out) => Promise.resolve(void out.fill(0)),
  slotsInUse: (_, out) => Promise.resolve(void out.fill(0)),
};

/** A full of a disk of zeros. */
async function composeEmpty(
  row: FormatRow,
  part: Partial<FileShape>,
  file = new SparseBytes(),
): Promise<SparseBytes> {
  const { format, sizeBytes } = row;
  const virtualSizeBytes = part.virtualSizeBytes ?? sizeBytes;
  await format.composer.compose(file, { ...emptyShape(row, virtualSizeBytes), ...part }, NOTHING);
  return file;
}

function emptyShape({ format, dialect }: FormatRow, virtualSizeBytes: number): FileShape {
  const isGapless = format.composer.traits(dialect, 'full').slotOrder === 'guest';
  return {
    ...{ fileName: `empty.${format.extension}`, virtualSizeBytes, dialect, parent: null },
    slotCount: isGapless ? Math.ceil(virtualSizeBytes / BLOCK) : 0,
    ...{ seed: '0'.repeat(32), linkId: null },
  };
}
