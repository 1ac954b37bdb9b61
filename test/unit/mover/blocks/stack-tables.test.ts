import { describe, expect, it, vi } from 'vitest';
import type { TargetDisk } from '../../../../src/domain/targets/target-point.js';
import type { DiskImage } from '../../../../src/image/disk-image.js';
import { QCOW2 } from '../../../../src/image/qcow2/qcow2-format.js';
import { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import { targetLayer } from '../../../../src/mover/blocks/layer-file.js';
import { StackTables } from '../../../../src/mover/blocks/stack-tables.js';
import { blockOf, composeDisk } from '../../../support/image/composed-disk.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const MIB = 1024 * 1024;
const BLOCK = 65_536;

/** An image that keeps what it has read, as far as it may, and always the last table. */
class Layer {
  label = 'top.qcow2';
  private kept = 0;
  private most = Infinity;

  constructor(
    private readonly staysBytes: number,
    private readonly oneTableBytes: number,
  ) {}

  get tableBytes(): number {
    return this.staysBytes + this.kept;
  }

  keepTables(maxBytes: number): void {
    this.most = maxBytes;
    if (this.kept > maxBytes) this.kept = 0;
  }

  read(): void {
    this.kept = Math.max(this.oneTableBytes, Math.min(this.kept + this.oneTableBytes, this.most));
  }
}

describe('the tables of all layers of a stack', () => {
  it('never take more together than their limit and one table, however many layers there are', () => {
    const tables = new StackTables(false, 100 * MIB);
    const layers = Array.from({ length: 90 }, () => new Layer(MIB, 5 * MIB));
    for (const layer of layers) tables.add(layer);
    let peak = 0;
    for (let round = 0; round < 3; round++)
      for (const [index, layer] of layers.entries()) {
        layer.read();
        peak = Math.max(
          peak,
          layers.reduce((sum, { tableBytes }) => sum + tableBytes, 0),
        );
        tables.used(index);
      }
    expect(peak).toBeGreaterThan(95 * MIB);
    expect(peak).toBeLessThanOrEqual(105 * MIB);
  });

  it('refuse a further layer where what stays for as long as they are open is too much', () => {
    const tables = new StackTables(false, 10 * MIB);
    for (let count = 0; count < 10; count++) tables.add(new Layer(MIB, MIB));
    expect(() => tables.add(new Layer(MIB, MIB))).toThrow(
      expect.objectContaining({ code: 'IMAGE_LIMIT_EXCEEDED' }),
    );
  });

  it('of a chain that Longhaul has written are let go after use, and never refused', () => {
    const tables = new StackTables(true, 10 * MIB);
    const layers = Array.from({ length: 20 }, () => new Layer(MIB, 5 * MIB));
    for (const [index, layer] of layers.entries()) {
      tables.add(layer);
      layer.read();
      tables.used(index);
    }
    expect(layers.slice(10).map(({ tableBytes }) => tableBytes)).toEqual(Array(10).fill(MIB));
  });

  it('are counted with what was read before a layer came that needs the room', () => {
    const tables = new StackTables(false, 10 * MIB);
    const read = [new Layer(MIB, 4 * MIB), new Layer(MIB, 4 * MIB)];
    for (const [index, layer] of read.entries()) {
      tables.add(layer);
      layer.read();
      tables.used(index);
    }
    tables.add(new Layer(8 * MIB, 0));
    expect(read.map(({ tableBytes }) => tableBytes)).toEqual([MIB, MIB]);
  });
});

describe('a chain whose tables take more than a stack may have', () => {
  it('is read where a record of a chain lists its files, and refused where it is anybody’s', async () => {
    const repository = new SimulatedRepository('nas');
    const disk = { virtualSizeBytes: 4 * BLOCK, dialect: {} };
    const full = await composeDisk(QCOW2.composer, { ...disk, blocks: new Map([[0, blockOf(1)]]) });
    const increment = await composeDisk(QCOW2.composer, {
      ...disk,
      blocks: new Map([[1, blockOf(2)]]),
      parent: { link: 'full.qcow2', format: 'qcow2', linkId: null, virtualSizeBytes: 4 * BLOCK },
    });
    await repository.put('chain/full.qcow2', full.bytes);
    await repository.put('chain/increment.qcow2', increment.bytes);
    const place = { targetRepositoryId: 'nas', chain: 'chain' };
    const files = ['increment.qcow2', 'full.qcow2'].map((path) =>
      targetLayer(place, { path, format: 'qcow2' } as TargetDisk),
    );
    const context = new InProcessMover(repository).context();
    const image = Object.getPrototypeOf(await QCOW2.open(full)) as DiskImage;
    // As of a disk of petabytes.
    const tableBytes = vi.spyOn(image, 'tableBytes', 'get').mockReturnValue(600 * MIB);
    try {
      const stack = await ImageStack.open(context, files);
      const part = Buffer.alloc(2 * BLOCK);
      await stack.read(part, 0);
      expect(part.equals(Buffer.concat([blockOf(1), blockOf(2)]))).toBe(true);
      await stack.close();
      const others = files.map((file) => ({ ...file, isOwn: undefined }));
      await expect(ImageStack.open(context, others)).rejects.toMatchObject({
        code: 'IMAGE_LIMIT_EXCEEDED',
      });
    } finally {
      tableBytes.mockRestore();
    }
  });
});

describe('a chain of qcow2 images of a disk of 60 TB, each with little in it', () => {
  const LAYERS = 40;
  const sizeBytes = Math.floor(60e12 / BLOCK) * BLOCK;

  it('takes memory for what they hold, not for the size of the disk', async () => {
    const source = new SimulatedRepository('primary');
    const layers = [];
    for (let layer = 0; layer < LAYERS; layer++) {
      const name = `${layer}.qcow2`;
      const blocks = new Map([[layer * 10_000_000, blockOf(layer)]]);
      const disk = { virtualSizeBytes: sizeBytes, dialect: {}, blocks };
      const parent = { link: `${layer + 1}.qcow2`, format: 'qcow2' as const, linkId: null };
      const isFull = layer === LAYERS - 1;
      const { bytes } = await composeDisk(
        QCOW2.composer,
        isFull ? disk : { ...disk, parent: { ...parent, virtualSizeBytes: sizeBytes } },
      );
      await source.put(name, bytes);
      const { stamp } = (await source.stat(name))!;
      layers.push({ repositoryId: 'primary', path: name, format: 'qcow2' as const, stamp });
    }
    const stack = await ImageStack.open(new InProcessMover(source).context(), layers);
    const part = Buffer.alloc(BLOCK);
    for (let layer = 0; layer < LAYERS; layer++) {
      await stack.read(part, layer * 10_000_000 * BLOCK);
      expect(part.equals(blockOf(layer))).toBe(true);
    }
    const tableBytes = stack.images.reduce((sum, image) => sum + image.tableBytes!, 0);
    await stack.close();
    // An L1 table of such a disk takes 0.9 MB as it stands in the file; one decoded L2 table is kept of each.
    expect(tableBytes).toBeLessThan(LAYERS * 0.3 * MIB);
  });
});
