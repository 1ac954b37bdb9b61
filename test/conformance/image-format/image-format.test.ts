import { beforeAll, describe, expect, it } from 'vitest';
import { relativeParentLink } from '../../../src/chain/chain-paths.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { fullFormat, IMAGE_FORMATS, incrementFormat } from '../../../src/image/formats.js';
import type { FileShape, PlannedContent } from '../../../src/image/image-format.js';
import { RAW_COMPOSER } from '../../../src/image/raw/raw-composer.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { readTargetHead, targetLayer } from '../../../src/mover/blocks/layer-file.js';
import { withVerifier } from '../../../src/mover/blocks/verify-units.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { SparseBytes } from '../../support/image/sparse-bytes.js';
import { makeSlabFormatKnown, SLAB } from '../../support/slab/slab-format.js';
import { FORMAT_ROWS, type FormatRow } from './format-rows.js';
import { CHAIN, CopiedDisk } from './mover-copy.js';
import { brokenBytes, expectRefusedOrRead, expectShown, PeakMemory } from './reading.js';
import { fullOf, incrementOf, type Sample } from './sample-disks.js';

const BLOCK = 65_536;

beforeAll(makeSlabFormatKnown);

it('has a row for every format whose files are composed in a way of their own', () => {
  const composed = IMAGE_FORMATS.filter(({ composer }) => composer !== null);
  const own = composed.filter(({ composer }) => composer !== RAW_COMPOSER).map(({ id }) => id);
  expect(FORMAT_ROWS.map(({ format }) => format.id)).toEqual(expect.arrayContaining(own));
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
      for (let seed = 0; seed < 80; seed++)
        await expectRefusedOrRead(format, brokenBytes(file, seed), seed);
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
    const file = new SparseBytes(() => memory.look());
    if (slotOrder === 'guest') await composeEmpty(row, { virtualSizeBytes }, file);
    else await composeEmpty(row, { virtualSizeBytes, slotCount: 0 }, file);
    const image = await format.open(file);
    expect(image.virtualSizeBytes).toBe(virtualSizeBytes);
    const part = Buffer.alloc(BLOCK, 1);
    await image.read(part, virtualSizeBytes - BLOCK, null);
    expect(part.equals(Buffer.alloc(BLOCK))).toBe(true);
    const blockCount = virtualSizeBytes / BLOCK;
    for (const first of [0, Math.floor(blockCount / 2), blockCount - 100])
      await image.mapBlocks(Math.min(first, image.nextHeldBlock(first)), 8_192);
    memory.look();
    expect(memory.peakBytes).toBeLessThan(192 * 1024 * 1024);
  });
});

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
