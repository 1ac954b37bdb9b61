import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SourceDisk, SourceExtent } from '../../../../src/domain/sources/source-workload.js';
import { sourceFingerprint } from '../../../../src/layout/images/source-fingerprint.js';
import { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import { openLayer, type LayerFile } from '../../../../src/mover/blocks/layer-file.js';
import type { BackupRepository } from '../../../../src/repository/backup-repository.js';
import { streamFile } from '../../../support/image/stream-file.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { extentName, makeSlabFormatKnown, slabFiles } from '../../../support/slab/slab-format.js';

const BLOCK = 65_536;

describe('an image whose blocks lie in an extent', () => {
  let source: SimulatedRepository;
  let counter: CallCounter;
  let full: LayerFile;
  beforeAll(makeSlabFormatKnown);
  beforeEach(async () => {
    source = new SimulatedRepository('primary');
    counter = new CallCounter(source);
    full = await store('full.slab', 1, null);
  });

  const context = () => new InProcessMover(source).context();

  async function put(path: string, bytes: Buffer) {
    const file = await source.openWrite(path, 'open-or-new');
    await file.write(bytes, 0);
    await file.close();
    return (await source.stat(path))!.stamp;
  }

  async function store(name: string, byte: number, parent: string | null): Promise<LayerFile> {
    const blocks = new Map([[0, Buffer.alloc(BLOCK, byte)]]);
    const { image, extent } = slabFiles(name, 4 * BLOCK, blocks, parent);
    const stamp = await put(name, image);
    const path = extentName(name);
    const extents: SourceExtent[] = [{ name: path, path, stamp: await put(path, extent) }];
    return { repositoryId: 'primary', path: name, format: 'slab', stamp, extents };
  }

  it('opens the extent that it asks for, and closes both', async () => {
    counter.reset();
    const { image, close } = await openLayer(context(), full);
    const bytes = Buffer.alloc(BLOCK);
    await image.read(bytes, 0, null);
    await close();
    expect(bytes.equals(Buffer.alloc(BLOCK, 1))).toBe(true);
    expect(counter.opened).toEqual(['full.slab', 'full.slots']);
  });

  it('keeps less of its tables the more layers its stack has open', async () => {
    const layers = [await store('increment.slab', 2, 'full.slab'), full];
    const stack = await ImageStack.open(context(), layers, 1);
    const keepTables = vi.fn();
    Object.assign(stack.images[0]!, { keepTables });
    await stack.ensure(2);
    await stack.close();
    expect(keepTables.mock.calls).toEqual([[16 * 1024 * 1024]]);
  });

  it('opens no extent for a format that has none', async () => {
    counter.reset();
    await (await openLayer(context(), { ...full, format: 'raw' })).close();
    expect(counter.opened).toEqual(['full.slab']);
  });

  it('opens the extent under the other spelling that its storage gave it', async () => {
    const [extent] = full.extents!;
    const { image, close } = await openLayer(context(), {
      ...full,
      extents: [{ ...extent!, name: extent!.name.toUpperCase() }],
    });
    const bytes = Buffer.alloc(BLOCK);
    await image.read(bytes, 0, null);
    await close();
    expect(bytes.equals(Buffer.alloc(BLOCK, 1))).toBe(true);
  });

  it('opens no file that the layout has not listed, wherever it lies', async () => {
    const { extents, ...alone } = full;
    expect(extents).toHaveLength(1);
    await expect(openLayer(context(), alone)).rejects.toMatchObject({
      code: 'IMAGE_EXTENT_MISSING',
      details: { path: 'full.slab', name: 'full.slots' },
    });
  });

  it('is a source that changed when its extent was written to, before it is opened and after', async () => {
    const stack = await ImageStack.open(context(), [full]);
    await stack.assertUnchanged(context());
    await put('full.slots', Buffer.alloc(4 * BLOCK, 2));
    const changed = { code: 'SOURCE_CHANGED', details: { path: 'full.slots' } };
    await expect(stack.assertUnchanged(context())).rejects.toMatchObject(changed);
    await stack.close();
    await expect(ImageStack.open(context(), [full])).rejects.toMatchObject(changed);
  });

  it('shows nothing through a parent that it was not made on', async () => {
    const child = await store('child.slab', 2, 'full.slab');
    const stack = await ImageStack.open(context(), [child, full]);
    await stack.close();
    const other = await store('other.slab', 3, null);
    await expect(ImageStack.open(context(), [child, other])).rejects.toMatchObject({
      code: 'IMAGE_BACKING_REFUSED',
    });
  });

  it('has another fingerprint when its extent, or one of an image below it, has another stamp', () => {
    const { path, format, extents } = full;
    const image = { path, format, stamp: full.stamp!, extents: extents! };
    const disk: SourceDisk = { ...image, disk: 'vda', kind: 'full', parentRestorePointId: null };
    const [extent] = disk.extents!;
    const touched = { ...extent!, stamp: { ...extent!.stamp, changedAtNs: '1' } };
    const before = sourceFingerprint([{ ...disk, below: [image] }], null);
    const others = [
      { ...disk, extents: [touched], below: [image] },
      { ...disk, below: [{ ...image, extents: [touched] }] },
      disk,
    ];
    for (const other of others) {
      const { byPath, byFile } = sourceFingerprint([other], null);
      expect([byPath === before.byPath, byFile === before.byFile]).toEqual([false, false]);
    }
  });
});

describe('a stream that was gone over', () => {
  const source = new SimulatedRepository('primary');
  const counter = new CallCounter(source);
  const frames = [0, 3, 9].map((block) => ({ start: block * BLOCK, data: Buffer.alloc(500, 1) }));

  async function stored(name: string): Promise<LayerFile> {
    const file = await source.openWrite(name, 'open-or-new');
    await file.write(streamFile({ virtualSize: 16 * BLOCK, frames }), 0);
    await file.close();
    const { stamp } = (await source.stat(name))!;
    return { repositoryId: 'primary', path: name, format: 'virtnbd', stamp };
  }

  async function readsToOpen(layer: LayerFile, repository: BackupRepository): Promise<number> {
    counter.reset();
    await (await openLayer(new InProcessMover(repository).context(), layer)).close();
    return counter.reads;
  }

  it('is not gone over again while its stamp is the same, where stamps prove', async () => {
    const layer = await stored('vda.full.data');
    const all = await readsToOpen(layer, source);
    expect(await readsToOpen(layer, source)).toBeLessThan(all - frames.length);
    expect(await readsToOpen(await stored('vda.full.data'), source)).toBe(all);
  });

  it('is gone over each time where they do not', async () => {
    const weak = Object.assign(Object.create(source) as SimulatedRepository, {
      capabilities: { ...source.capabilities, stampsProve: false },
    });
    const layer = await stored('vdb.full.data');
    const all = await readsToOpen(layer, weak);
    expect(await readsToOpen(layer, weak)).toBe(all);
  });
});
