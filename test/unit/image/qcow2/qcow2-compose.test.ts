import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { PlannedContent } from '../../../../src/image/image-format.js';
import { composeQcow2, type Qcow2Shape } from '../../../../src/image/qcow2/compose.js';
import { openQcow2Image } from '../../../../src/image/qcow2/qcow2-image.js';
import { FileBytes, MemoryBytes } from '../../../support/image/byte-files.js';
import {
  qemuBytes,
  qemuCheck,
  qemuImg,
  requireTool,
  temporaryFolder,
} from '../../../support/image/qemu.js';
import { StopsAtOperation } from '../../../support/image/stopping-bytes.js';

const BLOCK = 65_536;

/** Guest clusters by number: `'zero'` or the byte that the whole cluster holds. Slots in that order; null: a hole. */
interface Disk {
  readonly virtualSizeBytes: number;
  readonly backing: { readonly name: string; readonly format: string } | null;
  readonly clusters: ReadonlyMap<number, number | 'zero'>;
  readonly holesBefore?: number;
}

type ComposePlan = Qcow2Shape & PlannedContent;

function planOf(disk: Disk): { plan: ComposePlan; data: { slot: number; byte: number }[] } {
  const values = new Map<number, number>();
  const data: { slot: number; byte: number }[] = [];
  let slot = disk.holesBefore ?? 0;
  for (const [cluster, content] of disk.clusters) {
    values.set(cluster, content === 'zero' ? 1 : 2 + slot);
    if (content !== 'zero') data.push({ slot, byte: content });
    slot += 1; // a cluster found to be zero leaves a hole
  }
  const used = new Set(data.map((item) => item.slot));
  const plan: ComposePlan = {
    virtualSizeBytes: disk.virtualSizeBytes,
    parent: disk.backing && { link: disk.backing.name, format: disk.backing.format },
    slotCount: slot,
    nextMapped: (block) => Promise.resolve(block),
    mapBlocks: (first, out) => {
      out.fill(0);
      for (const [cluster, value] of values)
        if (cluster >= first && cluster < first + out.length) out[cluster - first] = value;
      return Promise.resolve();
    },
    slotsInUse: (first, out) => {
      out.fill(0);
      for (const item of used)
        if (item >= first && item < first + out.length) out[item - first] = 1;
      return Promise.resolve();
    },
  };
  return { plan, data };
}

async function compose(path: string, disk: Disk) {
  const { plan, data } = planOf(disk);
  return FileBytes.with(path, 'w+', async (file) => {
    for (const { slot, byte } of data)
      await file.write(Buffer.alloc(BLOCK, byte), (1 + slot) * BLOCK);
    return composeQcow2(file, plan, plan);
  });
}

const SMALL: Disk = {
  virtualSizeBytes: 20 * BLOCK + 512,
  backing: null,
  clusters: new Map<number, number | 'zero'>([
    [3, 0x33],
    [0, 0x30],
    [5, 'zero'],
    [20, 0x50],
  ]),
};

describe.skipIf(!requireTool('qemu-img'))('composeQcow2', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  afterAll(() => folder.remove());

  it('makes a full that QEMU reads as planned, without errors and leaks', async () => {
    const made = await compose(at('full.qcow2'), SMALL);
    // header, 4 slots; L2 table, L1 table, reference counts, their table
    expect(made).toEqual({ metadataStart: 5 * BLOCK, sizeBytes: 9 * BLOCK });
    expect(await qemuCheck(at('full.qcow2'))).toEqual({ errors: 0, leaks: 0 });
    const expected = Buffer.alloc(SMALL.virtualSizeBytes);
    expected
      .fill(0x33, 3 * BLOCK, 4 * BLOCK)
      .fill(0x30, 0, BLOCK)
      .fill(0x50, 20 * BLOCK);
    expect((await qemuBytes(at('full.qcow2'), 'qcow2')).equals(expected)).toBe(true);
  });

  it('makes an increment whose zeros hide the parent and whose gaps do not', async () => {
    await writeFile(at('parent.raw'), Buffer.alloc(SMALL.virtualSizeBytes, 0xee));
    const backing = { name: 'parent.raw', format: 'raw' } as const;
    await compose(at('inc.qcow2'), { ...SMALL, backing });
    expect(await qemuCheck(at('inc.qcow2'))).toEqual({ errors: 0, leaks: 0 });
    const expected = Buffer.alloc(SMALL.virtualSizeBytes, 0xee);
    expected
      .fill(0x33, 3 * BLOCK, 4 * BLOCK)
      .fill(0x30, 0, BLOCK)
      .fill(0x50, 20 * BLOCK);
    expected.fill(0, 5 * BLOCK, 6 * BLOCK);
    expect((await qemuBytes(at('inc.qcow2'), 'qcow2')).equals(expected)).toBe(true);
    const image = await openQcow2Image(await MemoryBytes.load(at('inc.qcow2')));
    expect(image.header.backing).toEqual(backing);
  });

  it('keeps a parent name of 1,023 bytes and refuses one more', async () => {
    const name = (bytes: number) =>
      ({ name: 'é'.repeat(511) + 'x'.repeat(bytes - 1022), format: 'qcow2' }) as const;
    await compose(at('long.qcow2'), { ...SMALL, backing: name(1023) });
    const info: unknown = JSON.parse(
      await qemuImg('info', '--output=json', '-U', at('long.qcow2')),
    );
    expect(info).toMatchObject({
      'backing-filename': name(1023).name,
      'backing-filename-format': 'qcow2',
    });
    await expect(
      compose(at('longer.qcow2'), { ...SMALL, backing: name(1024) }),
    ).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
  });

  it('makes an empty disk', async () => {
    await compose(at('empty.qcow2'), { virtualSizeBytes: 0, backing: null, clusters: new Map() });
    expect(await qemuCheck(at('empty.qcow2'))).toEqual({ errors: 0, leaks: 0 });
  });

  it('makes a 10 TiB disk whose data lie in three corners', async () => {
    const clusters = new Map([
      [0, 0x01],
      [80_000_000, 0x02],
      [10 * 2 ** 24 - 1, 0x03],
    ]);
    const path = at('large.qcow2');
    const made = await compose(path, { virtualSizeBytes: 10 * 2 ** 40, backing: null, clusters });
    // header, 3 slots, 3 L2 tables, 3 clusters of L1 table (20,480 entries), reference counts, their table
    expect(made.sizeBytes).toBe(12 * BLOCK);
    expect(await qemuCheck(path)).toEqual({ errors: 0, leaks: 0 });
    const image = await openQcow2Image(await MemoryBytes.load(path));
    const { hostOffsets } = await image.mapBlocks(10 * 2 ** 24 - 1, 1);
    expect(hostOffsets[0]).toBe(3 * BLOCK);
  });

  it('counts references over several blocks, and holes not at all', async () => {
    const path = at('holes.qcow2');
    await compose(path, { ...SMALL, holesBefore: 70_000 });
    expect(await qemuCheck(path)).toEqual({ errors: 0, leaks: 0 });
    const expected = Buffer.alloc(SMALL.virtualSizeBytes);
    expected
      .fill(0x33, 3 * BLOCK, 4 * BLOCK)
      .fill(0x30, 0, BLOCK)
      .fill(0x50, 20 * BLOCK);
    expect((await qemuBytes(path, 'qcow2')).equals(expected)).toBe(true);
  });

  it('gives the same file after an attempt that was stopped at any operation', async () => {
    const { plan, data } = planOf(SMALL);
    const start = new MemoryBytes();
    for (const { slot, byte } of data)
      await start.write(Buffer.alloc(BLOCK, byte), (1 + slot) * BLOCK);
    const uninterrupted = new MemoryBytes(start.bytes);
    await composeQcow2(uninterrupted, plan, plan);
    for (let stopAt = 1; ; stopAt++) {
      const file = new MemoryBytes(start.bytes);
      const stopped = await composeQcow2(new StopsAtOperation(file, stopAt), plan, plan).then(
        () => false,
        () => true,
      );
      if (!stopped) break;
      const isUnfinished = file.bytes.readUInt32BE(0) === 0;
      const isWhole = file.bytes.equals(uninterrupted.bytes);
      expect(isUnfinished || isWhole, `magic, stopped at ${stopAt}`).toBe(true);
      await file.write(Buffer.alloc(10, 0xff), 20 * BLOCK); // longer than the result
      await composeQcow2(file, plan, plan);
      expect(file.bytes.equals(uninterrupted.bytes), `again after ${stopAt}`).toBe(true);
    }
  });

  it('writes the header cluster last, between two syncs', async () => {
    const { plan } = planOf({ ...SMALL, clusters: new Map() });
    const calls: string[] = [];
    await composeQcow2(
      {
        write: (_, offset) => Promise.resolve(void calls.push(`write ${offset}`)),
        truncate: (bytes) => Promise.resolve(void calls.push(`truncate ${bytes}`)),
        sync: () => Promise.resolve(void calls.push('sync')),
      },
      plan,
      plan,
    );
    expect(calls.slice(-4)).toEqual([`truncate ${4 * BLOCK}`, 'sync', 'write 0', 'sync']);
  });

  it('refuses a plan whose used slots and references differ in number', async () => {
    const { plan } = planOf(SMALL);
    const wrong = {
      ...plan,
      slotsInUse: (_: number, out: Uint8Array) => Promise.resolve(void out.fill(1)),
    };
    await expect(composeQcow2(new MemoryBytes(), wrong, wrong)).rejects.toThrow(
      '4 slots hold data, 3 are referred to',
    );
  });
});
