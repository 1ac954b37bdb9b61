import { describe, expect, it } from 'vitest';
import { composerOf } from '../../../../src/image/formats.js';
import { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import type { ReadableFile } from '../../../../src/repository/backup-repository.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const MIB = 1024 * 1024;
const BLOCK = 65_536;

interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Files that differ in little: `<number>.<extension>` is `full` or `increment` with patches. As many whole ones would take gigabytes. */
class PatchedFiles extends SimulatedRepository {
  constructor(
    private readonly count: number,
    private readonly patches: (number: number) => readonly Patch[],
  ) {
    super('primary');
  }

  override async openRead(path: string): Promise<ReadableFile> {
    const number = Number(path.split('.')[0]);
    const file = await super.openRead(number === this.count - 1 ? 'full' : 'increment');
    const patches = this.patches(number);
    return {
      path,
      stamp: () => file.stamp(),
      close: () => file.close(),
      read: async (target, offset) => {
        const count = await file.read(target, offset);
        for (const { offset: at, bytes } of patches) {
          const from = Math.max(at, offset);
          const to = Math.min(at + bytes.length, offset + target.length);
          if (from < to) target.set(bytes.subarray(from - at, to - at), from - offset);
        }
        return count;
      },
    };
  }
}

function word(value: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  if (isLittle) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

interface LongChain {
  readonly format: 'vhd' | 'vmdk';
  readonly layers: number;
  readonly virtualSizeBytes: number;
  /** Id that an increment names its parent by: all files have the same one. */
  readonly linkId: string;
  /** Places in the table of what each layer holds. */
  readonly step: number;
  readonly blocksPerEntry: number;
  /** Moves the only entry of the table of a file, that of the first place, to another one. */
  readonly moved: (file: Buffer, place: number) => readonly Patch[];
  /** Where the first guest block lies. */
  readonly dataAt: (file: Buffer) => number;
}

/** Virtual Hard Disk Image Format Specification 1.0: the offset of the table is at 16 of the header, which follows the copy of the footer; an entry is the sector of the
 *  bitmap of a block of 2 MiB, one sector long, before its data. */
const VHD_TABLE_FIELD = 512 + 16;
const vhdTable = (file: Buffer): number => Number(file.readBigUInt64BE(VHD_TABLE_FIELD));
/** Virtual Disk Format 5.0: the sector of the grain directory is at 56, an entry is the sector of a table of 512 grains. */
const vmdkDirectory = (file: Buffer): number => Number(file.readBigUInt64LE(56)) * 512;

const CHAINS: LongChain[] = [
  {
    format: 'vhd',
    layers: 400,
    virtualSizeBytes: 2040 * 2 ** 30,
    linkId: '00112233-4455-6677-8899-aabbccddeeff',
    step: 2_600,
    blocksPerEntry: 32,
    moved: (file, place) => [
      { offset: vhdTable(file), bytes: word(0xffff_ffff, false) },
      {
        offset: vhdTable(file) + 4 * place,
        bytes: file.subarray(vhdTable(file), vhdTable(file) + 4),
      },
    ],
    dataAt: (file) => (file.readUInt32BE(vhdTable(file)) + 1) * 512,
  },
  {
    format: 'vmdk',
    layers: 100,
    virtualSizeBytes: 62 * 2 ** 40,
    linkId: '0badcafe',
    step: 20_000,
    blocksPerEntry: 512,
    moved: (file, place) => [
      { offset: vmdkDirectory(file), bytes: word(0, true) },
      {
        offset: vmdkDirectory(file) + 4 * place,
        bytes: file.subarray(vmdkDirectory(file), vmdkDirectory(file) + 4),
      },
    ],
    dataAt: (file) => {
      const table = file.readUInt32LE(vmdkDirectory(file)) * 512;
      return file.readUInt32LE(table) * 512;
    },
  },
];

async function openChain(chain: LongChain): Promise<ImageStack> {
  const { format, layers, virtualSizeBytes, linkId } = chain;
  const disk = {
    ...{ virtualSizeBytes, linkId, dialect: {} },
    blocks: new Map([[0, blockOf(0)]]),
  };
  const parent = { link: 'parent', format, linkId, virtualSizeBytes };
  const full = await composeDisk(composerOf(format), disk);
  const increment = await composeDisk(composerOf(format), { ...disk, parent });
  const source = new PatchedFiles(layers, (number) => {
    const file = number === layers - 1 ? full.bytes : increment.bytes;
    return [
      ...chain.moved(file, number * chain.step),
      { offset: chain.dataAt(file), bytes: blockOf(number) },
    ];
  });
  await source.put('full', full.bytes);
  await source.put('increment', increment.bytes);
  const files = Array.from({ length: layers }, (_, number) => ({
    ...{ repositoryId: 'primary', path: `${number}.${format}`, format, stamp: null },
  }));
  return ImageStack.open(new InProcessMover(source).context(), files);
}

describe.each(CHAINS)('$layers $format images of one disk, each with little in it', (chain) => {
  it('are read as one disk, and take memory for what they hold', async () => {
    const stack = await openChain(chain);
    const part = Buffer.alloc(BLOCK);
    let held = 0;
    for (let layer = 0; layer < chain.layers; layer++) {
      const block = layer * chain.step * chain.blocksPerEntry;
      expect(stack.nextHeldBlock(held)).toBe(block);
      held = block + chain.blocksPerEntry;
      await stack.read(part, block * BLOCK);
      expect(part.equals(blockOf(layer))).toBe(true);
    }
    await stack.read(part, (chain.step * chain.blocksPerEntry - 1) * BLOCK);
    expect(part.equals(Buffer.alloc(BLOCK))).toBe(true);
    const tableBytes = stack.images.reduce((sum, image) => sum + image.tableBytes!, 0);
    await stack.close();
    // Tables that come and go have 32 MiB of a stack; the table of one file takes 4 MB as a VHD has it, 8 MB as a VMDK does.
    expect(tableBytes).toBeLessThan(40 * MIB);
  });
});
