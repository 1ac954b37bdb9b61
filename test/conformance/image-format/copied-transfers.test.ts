import { describe, expect, it } from 'vitest';
import type { ComposedFormat } from '../../../src/image/formats.js';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { VIRTNBD } from '../../../src/image/virtnbd/virtnbd-format.js';
import {
  readStagedJson,
  stagedPath,
  writeStagedJson,
  type CopyPlan,
} from '../../../src/mover/staging/copy-plan.js';
import { blockOf, composeDisk, firstDifference } from '../../support/image/composed-disk.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { CHAIN, CopiedDisk } from './mover-copy.js';

const BLOCK = 65_536;
const PAYLOAD_BLOCKS = 16;
/** Line end and header of a frame (docs/FORMAT.md, Stream). */
const PREFIX = 42;

interface Transfer {
  readonly way: 'read' | 'write';
  readonly offset: number;
  readonly bytes: number;
}

/** A copy whose target notes what is read from and written to the file of the disk. */
class WatchedCopy extends CopiedDisk {
  readonly transfers: Transfer[] = [];
  /** Called with the path of the staged file when its windows were copied. */
  afterWindows: (path: string, again: () => Promise<void>) => Promise<void> = () =>
    Promise.resolve();
  private imagePath = '';

  constructor(extension: string) {
    super();
    const openWrite = this.target.openWrite.bind(this.target);
    this.target.openWrite = async (path, create) => {
      const file = await openWrite(path, create);
      if (!path.endsWith(`.${extension}`)) return file;
      this.imagePath = path;
      const note = (way: Transfer['way'], { length }: Uint8Array, offset: number) =>
        this.transfers.push({ way, offset, bytes: length });
      const [read, write] = [file.read.bind(file), file.write.bind(file)];
      file.read = (target, offset) => (note('read', target, offset), read(target, offset));
      file.write = (source, offset) => (note('write', source, offset), write(source, offset));
      return file;
    };
    const runWindows = this.mover.runWindows.bind(this.mover);
    this.mover.runWindows = async (name, input, windows) => {
      await runWindows(name, input, windows);
      await this.afterWindows(this.imagePath, () => runWindows(name, input, windows));
    };
  }

  /** @returns the file of the copy */
  async copied(image: MemoryBytes, format: ComposedFormat): Promise<MemoryBytes> {
    const { path } = await this.copy('1', image, format.id);
    const file = await this.target.openRead(`${CHAIN}/${path}`);
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    return new MemoryBytes(bytes, path);
  }
}

/** One block of data in each of two payload blocks: the others are stored, too, and are zeros. */
function sparseVhdx(): Promise<MemoryBytes> {
  const blocks = new Map([1, 20].map((block) => [block, blockOf(block)]));
  const disk = { virtualSizeBytes: 2 * PAYLOAD_BLOCKS * BLOCK, blocks, dialect: {} };
  return composeDisk(VHDX.composer, disk, 'source.vhdx');
}

describe('the copy of a disk with large blocks', () => {
  it('looks at the holes, too, where an earlier attempt may have written', async () => {
    const copy = new WatchedCopy('vhdx');
    const hole = 4 * 1024 * 1024 + 2 * BLOCK; // docs/FORMAT.md, VHDX: behind block 1
    copy.afterWindows = async (path, again) => {
      const file = await copy.target.openWrite(path, 'existing');
      await file.write(Buffer.from([1]), hole + 1000);
      await file.close();
      await again();
    };
    const copied = copy.copied(await sparseVhdx(), VHDX);
    await expect(copied).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { offset: hole },
    });
  });
});

describe('the copy of a stream', () => {
  const blocks = new Map([3, 4, 5, 9, 40].map((block) => [block, blockOf(block)]));
  blocks.set(6, new Uint8Array(BLOCK));
  const virtualSizeBytes = 64 * BLOCK;
  const stream = () =>
    composeDisk(
      VIRTNBD.composer,
      { virtualSizeBytes, blocks, dialect: { virtualSizeBytes, checkpointName: 'full' } },
      'source.data',
    );

  it('writes what stands before a block with it, and neither writes nor reads it again', async () => {
    const copy = new WatchedCopy('data');
    let inWindows: Transfer[] = [];
    copy.afterWindows = () => Promise.resolve(void (inWindows = copy.transfers.splice(0)));
    const source = await stream();
    const file = await copy.copied(source, VIRTNBD);
    const written = inWindows.filter(({ way }) => way === 'write').map(({ bytes }) => bytes);
    expect(written).toEqual([3 * (PREFIX + BLOCK), 2 * (PREFIX + BLOCK)]);
    // That of the block of zeros alone.
    const prefixes = copy.transfers.filter(({ bytes }) => bytes === PREFIX);
    expect(prefixes.map(({ way }) => way)).toEqual(['write', 'read']);
    await expectSame(VIRTNBD, file, source);
  });

  it('puts right what stands there when it is not what it should be, by a plan that does not say that it was written', async () => {
    const copy = new WatchedCopy('data');
    let offset = 0;
    copy.afterWindows = async (path) => {
      ({ offset } = copy.transfers.find(({ way }) => way === 'write')!);
      const file = await copy.target.openWrite(path, 'existing');
      await file.write(Buffer.from('as of a copy that was begun before'), offset);
      await file.close();
      const planPath = stagedPath.plan(path.slice(0, path.indexOf('/point/')));
      const plan = (await readStagedJson<CopyPlan>(copy.target, planPath))!;
      const disks = plan.disks.map(({ copiesPrefixes: _, ...disk }) => disk);
      const before: CopyPlan = { ...plan, disks };
      await writeStagedJson(copy.target, planPath, before);
    };
    const source = await stream();
    const file = await copy.copied(source, VIRTNBD);
    // Of block 3 (docs/FORMAT.md, Stream).
    const header = '\r\ndata 0000000000030000 0000000000010000\r\n';
    expect(file.bytes.subarray(offset, offset + PREFIX).toString('latin1')).toBe(header);
    await expectSame(VIRTNBD, file, source);
  });

  it('writes all of it again after a sync that failed, whatever the system shows by then', async () => {
    const copy = new WatchedCopy('data');
    const onDisk = Buffer.alloc(8 * 1024 * 1024);
    const { openWrite } = copy.target;
    let isComposing = false;
    let failures = 0;
    let dirty: { readonly offset: number; readonly bytes: Buffer }[] = [];
    copy.target.openWrite = async (path, create) => {
      const file = await openWrite.call(copy.target, path, create);
      if (!path.endsWith('.data')) return file;
      const [write, sync] = [file.write.bind(file), file.sync.bind(file)];
      file.write = (source, offset) => {
        dirty.push({ offset, bytes: Buffer.from(source) });
        return write(source, offset);
      };
      file.sync = async () => {
        const written = dirty;
        dirty = []; // fsync(2): also where it fails they count as clean, and are read as they were written
        if (isComposing && failures++ === 0) throw new Error('no space');
        for (const { offset, bytes } of written) bytes.copy(onDisk, offset);
        await sync();
      };
      return file;
    };
    const run = copy.mover.run.bind(copy.mover);
    copy.mover.run = (async (name, ...rest) => {
      isComposing = name === 'composeTargetFile';
      if (isComposing) await expect(run(name, ...rest)).rejects.toThrow('no space');
      return run(name, ...rest);
    }) as typeof run;
    const source = await stream();
    const { bytes } = await copy.copied(source, VIRTNBD);
    expect(failures).toBeGreaterThan(1);
    expect(firstDifference(onDisk.subarray(0, bytes.length), bytes)).toBeNull();
    await expectSame(VIRTNBD, new MemoryBytes(onDisk.subarray(0, bytes.length), 'disk'), source);
  });

  it.each([
    ['a block', PREFIX + 100],
    ['what stands before it', 5],
  ])('is refused where %s does not read back as it was written', async (_, at) => {
    const copy = new WatchedCopy('data');
    const { openWrite } = copy.target;
    copy.target.openWrite = async (path, create) => {
      const file = await openWrite.call(copy.target, path, create);
      const read = file.read.bind(file);
      if (path.endsWith('.data'))
        file.read = async (target, offset) => {
          const count = await read(target, offset);
          if (target.length > BLOCK) target[at]! ^= 1;
          return count;
        };
      return file;
    };
    await expect(copy.copied(await stream(), VIRTNBD)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
  });
});

async function expectSame(format: ComposedFormat, file: MemoryBytes, source: MemoryBytes) {
  expect(firstDifference(await shown(file, format), await shown(source, format))).toBeNull();
}

async function shown(file: MemoryBytes, format: ComposedFormat): Promise<Buffer> {
  const image = await format.open(file);
  const disk = Buffer.alloc(image.virtualSizeBytes);
  await image.read(disk, 0, null);
  return disk;
}
