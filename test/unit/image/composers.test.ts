import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dialect } from '../../../src/image/disk-image.js';
import type { ComposedFormat } from '../../../src/image/formats.js';
import type { FileShape, PlannedContent } from '../../../src/image/image-format.js';
import { QCOW2 } from '../../../src/image/qcow2/qcow2-format.js';
import { VHD } from '../../../src/image/vhd/vhd-format.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { VIRTNBD } from '../../../src/image/virtnbd/virtnbd-format.js';
import { VMDK } from '../../../src/image/vmdk/vmdk-format.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';

const BLOCK = 65_536;
/** 1.5 GiB and a block: composers ask for 512 MiB at once. */
const DISK_BYTES = 3 * 8_192 * BLOCK + BLOCK;
const STREAM: Dialect = {
  ...{ virtualSizeBytes: DISK_BYTES, date: '2026-11-24T06:29:49', diskName: 'vdb' },
  ...{ diskFormat: 'qcow2', checkpointName: 'virtnbdbackup.3' },
};

const ROWS: readonly (readonly [string, ComposedFormat, Dialect])[] = [
  ['qcow2', QCOW2, {}],
  ['vmdk', VMDK, {}],
  ['vhd', VHD, { isFixed: false }],
  ['vhdx', VHDX, { physicalSectorBytes: 512 }],
  ['virtnbd', VIRTNBD, STREAM],
];

/** Around the borders of what is asked for at once, with nothing in the second third, and to the end. */
const HELD = [0, 1, 31, 32, 8_191, 16_384, 16_415, 24_575, 24_576];

describe.each(ROWS)('files of %s', (_, { composer, open }, dialect) => {
  afterEach(() => vi.restoreAllMocks());

  const blocks = (seed: number) =>
    new Map(HELD.map((block) => [block, blockOf(block + seed)] as const));

  it('hold blocks that lie far apart where they belong, and nothing else', async () => {
    const full = { virtualSizeBytes: DISK_BYTES, blocks: blocks(0), dialect };
    const file = await composeDisk(composer, full);
    const { linkId } = await open(file);
    const format = dialect === STREAM ? 'virtnbd' : 'any';
    const parent = { link: 'full', format, linkId, virtualSizeBytes: DISK_BYTES };
    const increment = { ...full, blocks: blocks(7), parent, seed: 'f'.repeat(32) };
    for (const [seed, made] of [
      [0, file],
      [7, await composeDisk(composer, increment)],
    ] as const) {
      const image = await open(made);
      const { states } = await image.mapBlocks(0, 24_577);
      const granule = composer.traits(dialect, made === file ? 'full' : 'increment').granuleBlocks;
      // A full holds whole granules, an increment what the plan wants of each.
      const isHeld = (block: number) =>
        made === file
          ? HELD.some((held) => Math.floor(held / granule) === Math.floor(block / granule))
          : HELD.includes(block);
      expect([...states].findIndex((state, block) => (state !== 0) !== isHeld(block))).toBe(-1);
      const seen = Buffer.alloc(BLOCK);
      for (const block of HELD) {
        await image.read(seen, block * BLOCK, null);
        expect(seen.equals(blockOf(block + seed))).toBe(true);
      }
    }
  });

  it('get their head last, when all the rest is durable', async () => {
    const events: string[] = [];
    const { write, sync } = MemoryBytes.prototype;
    vi.spyOn(MemoryBytes.prototype, 'write').mockImplementation(function (
      this: MemoryBytes,
      ...args
    ) {
      events.push(args[1] === 0 ? 'head' : 'rest');
      return write.apply(this, args);
    });
    vi.spyOn(MemoryBytes.prototype, 'sync').mockImplementation(function (this: MemoryBytes) {
      events.push('sync');
      return sync.apply(this);
    });
    await composeDisk(composer, { virtualSizeBytes: DISK_BYTES, blocks: blocks(0), dialect });
    expect(events.slice(-3)).toEqual(['sync', 'head', 'sync']);
    expect(events.filter((event) => event === 'head')).toHaveLength(1);
  });

  it('get each of their bytes once, whoever writes it: the copy its blocks, the composer the rest', async () => {
    const written: { from: number; to: number }[] = [];
    const { write } = MemoryBytes.prototype;
    vi.spyOn(MemoryBytes.prototype, 'write').mockImplementation(function (
      this: MemoryBytes,
      ...args
    ) {
      written.push({ from: args[1], to: args[1] + args[0].length });
      return write.apply(this, args);
    });
    await composeDisk(composer, { virtualSizeBytes: DISK_BYTES, blocks: blocks(0), dialect });
    written.sort((a, b) => a.from - b.from);
    expect(written.length).toBeGreaterThan(HELD.length);
    expect(written.filter(({ from }, n) => from < (written[n - 1]?.to ?? 0))).toEqual([]);
  });

  it('are not made of a disk beyond what the format can hold', async () => {
    const { maxDiskBytes } = composer.traits(dialect, 'full');
    if (maxDiskBytes === Number.MAX_SAFE_INTEGER) return;
    const virtualSizeBytes = Math.floor(maxDiskBytes / 512) * 512 + 512;
    const made = composeDisk(composer, { virtualSizeBytes, blocks: new Map(), dialect });
    await expect(made).rejects.toMatchObject({ code: 'DISK_TOO_LARGE' });
  });
});

describe('a plan that contradicts itself', () => {
  const PARENT = { link: 'p', format: 'any', linkId: null, virtualSizeBytes: 4 * BLOCK };

  it.each<
    [string, ComposedFormat, Partial<FileShape>, Partial<Record<'mapped' | 'used', number>>, string]
  >([
    [
      'VHDX, data that no table names',
      VHDX,
      { slotCount: 32 },
      { used: 1 },
      '32 slots hold data, 0',
    ],
    ['VHD, data that no table names', VHD, { slotCount: 32 }, { used: 1 }, '32 slots hold data, 0'],
    ['VMDK, data that no table names', VMDK, { slotCount: 2 }, { used: 1 }, '2 slots hold data, 0'],
    ['VHDX, half a sector', VHDX, { virtualSizeBytes: 4 * BLOCK + 256 }, {}, 'no multiple of 512'],
    ['VHD, half a sector', VHD, { virtualSizeBytes: 4 * BLOCK + 256 }, {}, 'no multiple of 512'],
    ['VHDX, a parent without id', VHDX, { parent: PARENT }, {}, 'no DataWriteGuid'],
    ['VHD, a parent without id', VHD, { parent: PARENT }, {}, 'no uuid'],
    ['VMDK, a parent without id', VMDK, { parent: PARENT }, {}, 'null is no content id'],
    [
      'VMDK, zeros of an increment without a slot',
      VMDK,
      { parent: { ...PARENT, linkId: 'abcd0123' } },
      { mapped: 1 },
      'zeros without a slot at block 0',
    ],
  ])('is refused: %s', async (_, { composer }, shape, { mapped = 0, used = 0 }, reason) => {
    const file = new MemoryBytes(Buffer.alloc(0), 'composed.img');
    const whole: FileShape = {
      ...{ fileName: 'composed.img', virtualSizeBytes: 4 * BLOCK, slotCount: 0, parent: null },
      ...{ dialect: {}, seed: '00112233445566778899aabbccddeeff', linkId: null, ...shape },
    };
    const content: PlannedContent = {
      nextMapped: (block) => Promise.resolve(block),
      mapBlocks: (first, out) => Promise.resolve(void out.fill(first === 0 ? mapped : 0)),
      slotsInUse: (_first, out) => Promise.resolve(void out.fill(used)),
    };
    await expect(composer.compose(file, whole, content)).rejects.toThrow(reason);
  });
});
