import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ByteSink, ByteSource } from '../../../../src/image/byte-source.js';
import { mergeInPlace, type MergeOptions } from '../../../../src/image/qcow2/merge-in-place.js';
import { openQcow2Image, type Qcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { qemuImg, qemuIo, requireTool, temporaryFolder } from '../../../support/image/qemu.js';
import {
  PowerCut,
  StoppedByTest,
  StopsAtOperation,
} from '../../../support/image/stopping-bytes.js';

const BLOCK = 65_536;
const MIB = 1024 * 1024;
/** Ends within a cluster. */
const FULL_BYTES = MIB + 512;
/** Needs a second L2 table, which begins at block 8192. */
const INCREMENT_BYTES = 513 * MIB + 1024;

const FULL_WRITES = [
  'write -P 0x11 0 192k',
  'write -P 0x12 512k 64k',
  'write -P 0x13 640k 64k',
  'write -P 0x14 1M 512',
];
const INCREMENT_WRITES = [
  'write -P 0x21 64k 64k', // over data
  'write -P 0x22 132k 4k', // QEMU fills up the rest from the full
  'write -z 512k 64k', // over data
  'write -z 768k 64k', // over nothing
  'write -P 0x23 256k 128k',
  'write -P 0x24 448k 64k',
  'write -P 0x25 512M 64k', // new table
  'write -P 0x26 513M 1024', // the last, short block
];
/** Worked out by hand: what a guest sees in each block that holds something, as runs of one byte. */
const EXPECTED = {
  0: '11*65536',
  1: '21*65536',
  2: '11*4096 22*4096 11*57344',
  4: '23*65536',
  5: '23*65536',
  7: '24*65536',
  10: '13*65536',
  16: '14*512 00*65024',
  8192: '25*65536',
  8208: '26*1024',
};

/** What the merge of `qcow2-merge.test.ts` decides, in memory: the same stops in milliseconds. */
describe.skipIf(!requireTool('qemu-img'))('a merge of small disks', () => {
  const folder = temporaryFolder();
  let full: Buffer;
  let increment: MemoryBytes;
  let image: Qcow2Image;

  beforeAll(async () => {
    const [base, over] = [join(folder.path, 'full.qcow2'), join(folder.path, 'inc.qcow2')];
    await qemuImg('create', '-q', '-f', 'qcow2', base, String(FULL_BYTES));
    await qemuIo(base, 'qcow2', FULL_WRITES);
    full = (await MemoryBytes.load(base)).bytes;
    const size = String(INCREMENT_BYTES);
    await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, over, size);
    await qemuIo(over, 'qcow2', INCREMENT_WRITES);
    increment = await MemoryBytes.load(over);
    image = await openQcow2Image(increment);
  });
  afterAll(() => folder.remove());

  const merge = (base: ByteSource & ByteSink, options: MergeOptions = {}) =>
    mergeInPlace(base, { image, source: increment }, { batchBlocks: 1, ...options });

  it('shows what the chain showed, and counts what it refers to', async () => {
    const base = new MemoryBytes(full);
    await merge(base);
    const merged = await openQcow2Image(base);
    expect(merged.virtualSizeBytes).toBe(INCREMENT_BYTES);
    expect(await shown(merged, null)).toEqual(EXPECTED);
    expect(uncounted(base.bytes)).toEqual([]);
    // Data: 1 over block 1, 1 over block 2, 2 + 1 new ones, 1 + 1 in the new table. Appended: the last five and the table.
    expect(base.sizeBytes).toBe(full.length + 6 * BLOCK);
  });

  it('writes all at once when the batch is large', async () => {
    const [bySteps, base] = [new MemoryBytes(full), new MemoryBytes(full)];
    const syncs = [vi.spyOn(bySteps, 'sync'), vi.spyOn(base, 'sync')] as const;
    await merge(bySteps);
    await merge(base, { batchBlocks: 8 });
    // Each of two batches: data, counts and entries. Header and end: 3.
    expect(syncs.map(({ mock }) => mock.calls.length)).toEqual([9, 6]);
    expect(await shown(await openQcow2Image(base), null)).toEqual(EXPECTED);
    expect(uncounted(base.bytes)).toEqual([]);
  });

  it('writes the same again', async () => {
    const base = new MemoryBytes(full);
    await merge(base);
    const once = Buffer.from(base.bytes);
    await merge(base);
    expect(base.bytes.equals(once)).toBe(true);
  });

  it('keeps the view and the counts, stopped at any operation', async () => {
    const uninterrupted = new MemoryBytes(full);
    await merge(uninterrupted);
    let stopAt = 1;
    for (; ; stopAt++) {
      const base = new MemoryBytes(full);
      if (!(await isStopped(() => merge(new StopsAtOperation(base, stopAt))))) break;
      await expectView(base, `stopped at ${stopAt}`);
      await merge(base);
      expect(base.bytes.equals(uninterrupted.bytes), `again after ${stopAt}`).toBe(true);
    }
    // Two batches, each with data, counts and entries, and a sync after each.
    expect(stopAt).toBeGreaterThan(20);
  });

  it.each(['none', 'newest'] as const)(
    'keeps the view at any power cut, of the writes since the last sync %s left',
    async (survivor) => {
      for (let stopAt = 1; ; stopAt++) {
        const cut = new PowerCut(new MemoryBytes(full), stopAt);
        if (!(await isStopped(() => merge(cut)))) break;
        const base = await cut.afterCut(survivor);
        await expectView(base, `cut at ${stopAt}`);
        await merge(base);
        expect(await shown(await openQcow2Image(base), null), `again after ${stopAt}`).toEqual(
          EXPECTED,
        );
        expect(uncounted(base.bytes), `again after ${stopAt}`).toEqual([]);
      }
    },
  );

  it('is durable when it returns', async () => {
    const base = new PowerCut(new MemoryBytes(full), Infinity);
    await merge(base);
    expect((await base.afterCut('none')).bytes.equals(base.file.bytes)).toBe(true);
  });

  it('is asked at every table, window and piece of data whether it may go on', async () => {
    let asked = 0;
    await merge(new MemoryBytes(full), { look: () => void (asked += 1) });
    expect(asked).toBeGreaterThan(8);
    for (let stopAt = 1; stopAt <= asked; stopAt++) {
      let left = stopAt;
      const look = (): void => {
        left -= 1;
        if (left === 0) throw new StoppedByTest();
      };
      await expect(merge(new MemoryBytes(full), { look })).rejects.toThrow(StoppedByTest);
    }
  });

  it('tells where storage does not give back what was written', async () => {
    const base = new MemoryBytes(full);
    const write = base.write.bind(base);
    base.write = (source, offset) =>
      write(source.length < BLOCK ? source : Buffer.alloc(source.length, 0x77), offset);
    await expect(merge(base)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
      details: { path: 'memory.img' },
    });
  });

  async function expectView(base: MemoryBytes, when: string): Promise<void> {
    const below = await openQcow2Image(base);
    expect(await shown(image, below), `view, ${when}`).toEqual(EXPECTED);
    expect(uncounted(base.bytes), `counts, ${when}`).toEqual([]);
  }
});

/** Around all that was ever written. */
const WATCHED = [0, 8192].flatMap((first) => Array.from({ length: 24 }, (_, i) => first + i));

/** Blocks that do not read as zeros, as runs of one byte. */
async function shown(top: Qcow2Image, base: Qcow2Image | null): Promise<Record<number, string>> {
  const seen: Record<number, string> = {};
  const below =
    base === null ? null : (target: Uint8Array, offset: number) => base.read(target, offset, null);
  for (const block of WATCHED) {
    const rest = top.virtualSizeBytes - block * BLOCK;
    if (rest <= 0) continue;
    const bytes = Buffer.alloc(Math.min(BLOCK, rest), 0xee);
    await top.read(bytes, block * BLOCK, below);
    if (!bytes.equals(Buffer.alloc(bytes.length))) seen[block] = runsOf(bytes);
  }
  return seen;
}

function runsOf(bytes: Buffer): string {
  const runs: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at]!;
    const next = bytes.subarray(at).findIndex((other) => other !== byte);
    const end = next < 0 ? bytes.length : at + next;
    runs.push(`${byte.toString(16).padStart(2, '0')}*${end - at}`);
    at = end;
  }
  return runs.join(' ');
}

/** Clusters that the file refers to and does not count exactly once. Source: qcow2.rst, Refcount management */
function uncounted(file: Buffer): number[] {
  const pointer = (at: number): number => Number(file.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n);
  const l1 = pointer(40);
  const tables = Array.from({ length: file.readUInt32BE(36) }, (_, index) =>
    pointer(l1 + index * 8),
  ).filter((table) => table !== 0);
  const clusters = tables.flatMap((table) =>
    Array.from({ length: BLOCK / 8 }, (_, index) => pointer(table + index * 8)),
  );
  const counts = pointer(Number(file.readBigUInt64BE(48)));
  return [...tables, ...clusters].filter(
    (cluster) => cluster !== 0 && file.readUInt16BE(counts + (cluster / BLOCK) * 2) !== 1,
  );
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
