import { beforeAll, describe, expect, it } from 'vitest';
import { relativeParentLink } from '../../../src/chain/chain-paths.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import type { ByteSource } from '../../../src/image/byte-source.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import { fullFormat, IMAGE_FORMATS, incrementFormat } from '../../../src/image/formats.js';
import type { FileShape, ImageFormat, PlannedContent } from '../../../src/image/image-format.js';
import { RAW_COMPOSER } from '../../../src/image/raw/raw-composer.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import { readTargetHead, targetLayer } from '../../../src/mover/blocks/layer-file.js';
import { withVerifier } from '../../../src/mover/blocks/verify-units.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { SparseBytes } from '../../support/image/sparse-bytes.js';
import { makeSlabFormatKnown, SLAB } from '../../support/slab/slab-format.js';
import { FORMAT_ROWS, type FormatRow } from './format-rows.js';
import { CHAIN, CopiedDisk } from './mover-copy.js';
import { fullOf, incrementOf, readByMap, type Sample } from './sample-disks.js';

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
    await showsItsDisk(row, full, null);
    if (increment !== null) await showsItsDisk(row, increment, full.disk);
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

async function showsItsDisk({ format }: FormatRow, sample: Sample, below: Buffer | null) {
  const image = await format.open(sample.file);
  expect(image.virtualSizeBytes).toBe(sample.disk.length);
  expect(image.parent === null).toBe(below === null);
  expect(firstDifference(await readByMap(image, sample.file, below), sample.disk)).toBeNull();
  for (const { offset, bytes } of places(sample.disk.length)) {
    const target = Buffer.alloc(bytes, 0xee);
    await image.read(target, offset, below === null ? null : readOf(below));
    const expected = Buffer.alloc(bytes);
    sample.disk.subarray(offset, offset + bytes).copy(expected);
    expect(firstDifference(target, expected), `${bytes} bytes at ${offset}`).toBeNull();
  }
}

function readOf(below: Buffer) {
  return (target: Uint8Array, offset: number): Promise<void> => {
    target.fill(0);
    target.set(below.subarray(offset, offset + target.length));
    return Promise.resolve();
  };
}

/** Across borders of sectors, blocks, granules and the end of the disk; the rest is scattered. */
function places(sizeBytes: number): { offset: number; bytes: number }[] {
  const borders = [0, 1, 511, BLOCK - 1, BLOCK, 32 * BLOCK - 3, 33 * BLOCK, sizeBytes - 5];
  const scattered = Array.from({ length: 40 }, (_, i) => (i * 2_654_435_761) % sizeBytes);
  const lengths = [1, 5, 512, BLOCK, 3 * BLOCK + 17];
  return [...borders, ...scattered].flatMap((offset, i) =>
    (i < borders.length ? lengths : [lengths[i % lengths.length]!]).map((bytes) => ({
      offset,
      bytes,
    })),
  );
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

/** The file, cut off somewhere, or with other bytes in some places: mostly where its structures are. */
function brokenBytes(file: ByteSource, seed: number): ByteSource {
  const random = generator(seed);
  const sizeBytes = seed % 4 === 0 ? Math.floor(random() * file.sizeBytes) : file.sizeBytes;
  const patches = new Map<number, number>();
  for (let i = 0; i < 1 + (seed % 5) * 3; i++) {
    const isHead = random() < 0.7;
    const span = Math.min(isHead ? 4_096 : file.sizeBytes, file.sizeBytes);
    patches.set(Math.floor(random() * span), Math.floor(random() * 256));
  }
  return {
    label: file.label,
    sizeBytes,
    read: async (target, offset) => {
      if (offset + target.length > sizeBytes)
        throw new BackupError('IMAGE_TRUNCATED', `${file.label} ends at ${sizeBytes}`);
      await file.read(target, offset);
      for (const [at, byte] of patches)
        if (at >= offset && at < offset + target.length) target[at - offset] = byte;
    },
  };
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function expectRefusedOrRead(format: ImageFormat, file: ByteSource, seed: number) {
  try {
    await format.readHead(file);
    const image: DiskImage = await format.open(file);
    await image.mapBlocks(0, 128);
    await image.read(Buffer.alloc(16 * BLOCK), 0, null);
    await image.read(Buffer.alloc(BLOCK), Math.max(0, image.virtualSizeBytes - BLOCK), null);
  } catch (error) {
    expect(error, `seed ${seed}`).toBeInstanceOf(BackupError);
    expect((error as BackupError).code, `seed ${seed}`).toMatch(/^(IMAGE_|DISK_TOO_LARGE)/);
  }
}

/** Of what this process has more in use than at first, at the looks at it. */
class PeakMemory {
  private readonly before = PeakMemory.inUse();
  peakBytes = 0;

  look(): void {
    this.peakBytes = Math.max(this.peakBytes, PeakMemory.inUse() - this.before);
  }

  private static inUse(): number {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
}
