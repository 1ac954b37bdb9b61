import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ByteSink, ByteSource } from '../../../../src/image/byte-source.js';
import { composeQcow2 } from '../../../../src/image/qcow2/compose.js';
import { mergeInPlace } from '../../../../src/image/qcow2/merge-in-place.js';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { FileBytes, MemoryBytes } from '../../../support/image/byte-files.js';
import {
  PowerCut,
  StoppedByTest,
  StopsAtOperation,
} from '../../../support/image/stopping-bytes.js';
import {
  qemuCheck,
  qemuImg,
  qemuIo,
  qemuReadsTheSame,
  requireTool,
  temporaryFolder,
} from '../../../support/image/qemu.js';

const BLOCK = 65_536;
const MIB = 1024 * 1024;
/** Ends within a cluster; the increment's disk is larger and needs a third L2 table. */
const FULL_BYTES = 600 * MIB + 512;
const INCREMENT_BYTES = 1100 * MIB + 1024;

const FULL_WRITES = [
  'write -P 0x11 0 640k',
  'write -P 0x12 100M 64k',
  'write -P 0x13 130M 128k',
  'write -P 0x14 600M 512',
];
const INCREMENT_WRITES = [
  'write -P 0x21 64k 128k', // over data
  'write -P 0x22 4k 4k', // part of a cluster: QEMU fills up the rest from the full
  'write -z 256k 128k', // zeros over data
  'write -z 20M 128k', // zeros over nothing
  'write -P 0x23 64M 192k', // new clusters in an existing table
  'write -z 130M 64k',
  'write -P 0x24 200M 64k',
  'write -P 0x25 700M 64k', // new cluster behind the end of the full
  'write -P 0x26 1030M 128k', // new table
  'write -P 0x27 1100M 1024', // last, short block
];

describe.skipIf(!requireTool('qemu-img'))('mergeInPlace', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  const full = at('made.qcow2');
  /** The name by which the increment knows the full. */
  const parent = at('full.qcow2');
  const increment = at('inc.qcow2');
  /** The guest disk of the chain, as `qemu-img convert` reads it. */
  const expected = at('view.qcow2');

  beforeAll(async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', parent, String(FULL_BYTES));
    await qemuIo(parent, 'qcow2', FULL_WRITES);
    await copyFile(parent, full);
    const size = String(INCREMENT_BYTES);
    await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', parent, increment, size);
    await qemuIo(increment, 'qcow2', INCREMENT_WRITES);
    await qemuImg('convert', '-f', 'qcow2', '-O', 'qcow2', increment, expected);
  });
  afterAll(() => folder.remove());

  async function merge(base: ByteSource & ByteSink) {
    return FileBytes.with(increment, 'r', async (source) => {
      const image = await openQcow2Image(source);
      return mergeInPlace(base, { image, source }, { batchBlocks: 1 });
    });
  }

  it('leaves a full that QEMU reads like the chain and finds free of errors and leaks', async () => {
    const merged = at('merged.qcow2');
    await copyFile(full, merged);
    await FileBytes.with(merged, 'r+', merge);
    expect(await qemuCheck(merged)).toEqual({ errors: 0, leaks: 0 });
    expect(await qemuReadsTheSame(merged, expected)).toBe(true);
    // Data: block 0, 2 at 64k, 3 at 64M, 1 at 200M, 1 at 700M, 2 at 1030M, the last one. New: all of them but
    // the first 3, and the third L2 table.
    expect((await stat(merged)).size).toBe((await stat(full)).size + 9 * BLOCK);
  });

  it('changes nothing when it is run again', async () => {
    const base = await MemoryBytes.load(full);
    await merge(base);
    const once = Buffer.from(base.bytes);
    await merge(base);
    expect(base.bytes.equals(once)).toBe(true);
  });

  it('clears the bitmap flag, because bitmaps do not describe the merged content', async () => {
    const marked = at('bitmap.qcow2');
    await copyFile(full, marked);
    await qemuImg('bitmap', '--add', marked, 'b0');
    const base = await MemoryBytes.load(marked);
    expect((await openQcow2Image(base)).header.hasBitmaps).toBe(true);
    await merge(base);
    expect((await openQcow2Image(base)).header).toMatchObject({
      hasBitmaps: false,
      virtualSizeBytes: INCREMENT_BYTES,
    });
  });

  it('keeps the view through the increment and can be run again, stopped at any operation', async () => {
    const uninterrupted = await MemoryBytes.load(full);
    await merge(uninterrupted);
    let stopAt = 1;
    for (; ; stopAt++) {
      const base = await MemoryBytes.load(full);
      if (!(await isStopped(() => merge(new StopsAtOperation(base, stopAt))))) break;
      await writeFile(parent, base.bytes);
      expect(await qemuReadsTheSame(increment, expected), `view, stopped at ${stopAt}`).toBe(true);
      expect((await qemuCheck(parent)).errors, `errors, stopped at ${stopAt}`).toBe(0);
      await merge(base);
      expect(base.bytes.equals(uninterrupted.bytes), `run again after ${stopAt}`).toBe(true);
    }
    expect(stopAt).toBeGreaterThan(30);
  });

  it.each([
    ['everything since the last sync is lost', 'none'],
    ['only the newest write since the last sync survives', 'newest'],
  ] as const)('keeps the view at any power cut when %s', async (_, survivor) => {
    let last = Buffer.alloc(0);
    for (let stopAt = 1; ; stopAt++) {
      const cut = new PowerCut(await MemoryBytes.load(full), stopAt);
      if (!(await isStopped(() => merge(cut)))) break;
      const base = await cut.afterCut(survivor);
      if (base.bytes.equals(last)) continue;
      last = Buffer.from(base.bytes);
      await writeFile(parent, base.bytes);
      expect(await qemuReadsTheSame(increment, expected), `view, cut at ${stopAt}`).toBe(true);
      expect((await qemuCheck(parent)).errors, `errors, cut at ${stopAt}`).toBe(0);
      await merge(base);
      await writeFile(parent, base.bytes);
      expect((await qemuCheck(parent)).errors, `run again after ${stopAt}`).toBe(0);
      expect(await qemuReadsTheSame(parent, expected), `run again after ${stopAt}`).toBe(true);
    }
  });

  it.each([
    ['data and zeros', INCREMENT_WRITES],
    ['zeros alone', ['write -z 256k 128k', 'write -z 130M 64k']],
  ])(
    'is durable when it returns, with what an attempt that was killed had written, for %s',
    async (title, writes) => {
      const over = at(`${title.replaceAll(' ', '-')}.qcow2`);
      const size = String(INCREMENT_BYTES);
      await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', full, over, size);
      await qemuIo(over, 'qcow2', writes);
      const mergeOver = (base: ByteSource & ByteSink) =>
        FileBytes.with(over, 'r', async (source) =>
          mergeInPlace(base, { image: await openQcow2Image(source), source }, { batchBlocks: 1 }),
        );
      for (let stopAt = 1, stopped = true; stopped; stopAt++) {
        const killed = new PowerCut(await MemoryBytes.load(full), stopAt);
        stopped = await isStopped(() => mergeOver(killed));
        const next = killed.restarted();
        await mergeOver(next);
        const durable = await next.afterCut('none');
        expect(durable.bytes.equals(next.file.bytes), `killed at ${stopAt}`).toBe(true);
      }
    },
  );

  it('adds a block of reference counts where one ends, stopped at any operation', async () => {
    const [near, over, view] = [at('near.qcow2'), at('over.qcow2'), at('over-view.qcow2')];
    const makeFull = (): Promise<void> => FileBytes.with(near, 'w+', writeNearlyFullBlock);
    const mergeOver = (base: ByteSource & ByteSink) =>
      FileBytes.with(over, 'r', async (source) =>
        mergeInPlace(base, { image: await openQcow2Image(source), source }),
      );
    await makeFull();
    await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', near, over, '4G');
    await qemuIo(over, 'qcow2', ['write -P 0x42 0 64k', 'write -P 0x41 3G 2M']);
    await qemuImg('convert', '-f', 'qcow2', '-O', 'qcow2', over, view);
    for (let stopAt = 1, stopped = true; stopped; stopAt++) {
      await makeFull();
      stopped = await FileBytes.with(near, 'r+', (file) =>
        isStopped(() => mergeOver(new StopsAtOperation(file, stopAt))),
      );
      expect(await qemuReadsTheSame(over, view), `view, stopped at ${stopAt}`).toBe(true);
      expect((await qemuCheck(near)).errors, `errors, stopped at ${stopAt}`).toBe(0);
      await FileBytes.with(near, 'r+', mergeOver);
      expect(await qemuCheck(near), `run again after ${stopAt}`).toEqual({ errors: 0, leaks: 0 });
      expect(await qemuReadsTheSame(near, view), `run again after ${stopAt}`).toBe(true);
    }
    // 32 data clusters, an L2 table and the new block.
    expect((await stat(near)).size).toBe((NEARLY_FULL_CLUSTERS + 34) * BLOCK);
  });

  it('refuses storage that does not give back what was written', async () => {
    const base = await MemoryBytes.load(full);
    const write = base.write.bind(base);
    base.write = (source, offset) =>
      write(source.length < BLOCK ? source : Buffer.alloc(source.length, 0x77), offset);
    await expect(merge(base)).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
  });

  it('stops with what its look throws', async () => {
    const base = await MemoryBytes.load(full);
    const look = (): void => {
      throw new Error('cancelled');
    };
    await FileBytes.with(increment, 'r', async (source) => {
      const image = await openQcow2Image(source);
      await expect(mergeInPlace(base, { image, source }, { look })).rejects.toThrow('cancelled');
    });
  });

  it('shows zeros behind the end of the old disk, whatever its last cluster held there', async () => {
    const base = await MemoryBytes.load(full);
    const { hostOffsets } = await (await openQcow2Image(base)).mapBlocks(9600, 1);
    await base.write(Buffer.alloc(BLOCK - 512, 0x99), (hostOffsets[0] ?? 0) + 512);
    await merge(base);
    await writeFile(at('tail.qcow2'), base.bytes);
    expect(await qemuReadsTheSame(at('tail.qcow2'), expected)).toBe(true);
  });
});

/** One block of reference counts is for 32,768 clusters. */
const NEARLY_FULL_CLUSTERS = 32_756;

/** 2 GiB disk of which slot 0 is used; behind the slots: L2 table, L1 table, reference counts, their table. */
async function writeNearlyFullBlock(file: FileBytes): Promise<void> {
  await file.write(Buffer.alloc(BLOCK, 0x40), BLOCK);
  const shape = {
    virtualSizeBytes: 2048 * MIB,
    parent: null,
    slotCount: NEARLY_FULL_CLUSTERS - 5,
  };
  await composeQcow2(file, shape, {
    nextMapped: (block) => Promise.resolve(block),
    mapBlocks: (first, out) => Promise.resolve(void out.fill(0).fill(2, 0, first === 0 ? 1 : 0)),
    slotsInUse: (first, out) => Promise.resolve(void out.fill(0).fill(1, 0, first === 0 ? 1 : 0)),
  });
}

async function isStopped(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return false;
  } catch (error) {
    if (error instanceof StoppedByTest) return true;
    throw error;
  }
}
