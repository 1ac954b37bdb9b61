import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { walkExtents, type StoredCluster } from '../../../../src/image/vma/vma-extents.js';
import { VMA } from '../../../../src/image/vma/vma-format.js';
import { readVmaHeader } from '../../../../src/image/vma/vma-header.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { REAL_FIXTURES } from '../../../support/image/real-fixtures.js';
import { sign, vmaFile } from '../../../support/image/vma-file.js';

const CLUSTER = 65_536;
const disk = (bytes: number, seed: number): Buffer =>
  Buffer.from(
    Uint8Array.from({ length: bytes }, (_, i) => ((i >> 12) % 3 === 0 ? 0 : (i * seed) & 255)),
  );

const CONFIG =
  'boot: order=scsi0\nname: web01\nscsi0: local:vm-100-disk-0,size=4M\n[snap]\nname: old\n';
const whole = vmaFile({
  devices: [
    { name: 'drive-scsi0', disk: disk(70 * CLUSTER, 3) },
    { name: 'drive-scsi1', disk: disk(3 * CLUSTER + 5_120, 5) },
  ],
  config: CONFIG,
});

const head = (bytes: Buffer) => VMA.readHead(new MemoryBytes(bytes));

/** Bytes of the one device of an archive, as far as the extents that are there hold them.
 *  @returns of the device, from one byte to before another */
async function clustersIn(bytes: Buffer): Promise<(from: number, to: number) => Buffer> {
  const source = new MemoryBytes(bytes);
  const disk = new Map<number, Buffer>();
  const take = (extent: number, clusters: readonly StoredCluster[]) => {
    for (const { cluster, mask, at } of clusters) {
      const content = Buffer.alloc(CLUSTER);
      let from = extent + 512 + at;
      for (let block = 0; block < 16; block++) {
        if (((mask >> block) & 1) === 0) continue;
        bytes.copy(content, block * 4_096, from, from + 4_096);
        from += 4_096;
      }
      disk.set(cluster, content);
    }
  };
  await walkExtents(source, await readVmaHeader(source), take).catch(() => undefined);
  return (from, to) => {
    const parts: Buffer[] = [];
    for (let at = from / CLUSTER; at < to / CLUSTER; at++)
      parts.push(disk.get(at) ?? Buffer.alloc(CLUSTER));
    return Buffer.concat(parts);
  };
}

describe('a VMA archive', () => {
  it('says which machine it is of, and is a file like any other', async () => {
    expect(await head(whole.bytes)).toMatchObject({
      virtualSizeBytes: whole.bytes.length,
      parent: null,
      dialect: { machineName: 'web01' },
    });
    const image = await VMA.open(new MemoryBytes(whole.bytes));
    const bytes = Buffer.alloc(1_000);
    await image.read(bytes, 12_500, null);
    expect(bytes.equals(whole.bytes.subarray(12_500, 13_500))).toBe(true);
  });

  it('may name no machine', async () => {
    const { bytes } = vmaFile({ devices: [{ name: 'drive-ide0', disk: disk(CLUSTER, 3) }] });
    expect((await head(bytes)).dialect).toEqual({});
  });

  it('that Proxmox made is whole, and is none where it was cut between two extents', async ({
    skip,
  }) => {
    const packed = join(REAL_FIXTURES ?? '', '..', 'proxmox-vma.tar.zst');
    if (!existsSync(packed)) skip('the archive of Proxmox is not here');
    const tar = execFileSync('zstd', ['-dcq', packed], { maxBuffer: 2 ** 28 });
    const inTar = tar.indexOf(Buffer.from('28b52ffd', 'hex'));
    const size = parseInt(tar.toString('latin1', inTar - 512 + 124, inTar - 512 + 135), 8);

    const archive = tar.subarray(inTar, inTar + size);
    const bytes = execFileSync('zstd', ['-dcq'], { input: archive, maxBuffer: 2 ** 28 });
    await expect(head(bytes)).resolves.toMatchObject({ virtualSizeBytes: bytes.length });
    let last = bytes.length;
    do last = bytes.lastIndexOf('VMAE', last - 1);
    while (last % 512 !== 0);
    await expect(head(bytes.subarray(0, last))).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
  });

  it('with only the first of its extents is not whole, though all its checksums are right', async ({
    skip,
  }) => {
    const path = join(REAL_FIXTURES ?? '', 'vma', 'vzdump-head-cut.vma.gz');
    if (!existsSync(path)) skip('the archive of Proxmox is not here');
    const bytes = gunzipSync(readFileSync(path));
    await expect(head(bytes)).rejects.toThrow(/116 of 163840 clusters/);
    // Where its clusters lie is told all the same: README of the fixtures.
    const seen = await clustersIn(bytes);
    const of = (from: number, to: number) =>
      createHash('sha256').update(seen(from, to)).digest('hex');
    expect(of(0, CLUSTER)).toBe('cf4adcf1933a8c9a0a3ff5588e1400e6beea8a32212b3a35ba08c7b08e4e6b1f');
    expect(of(16 * CLUSTER, 23 * CLUSTER)).toBe(
      '8c989a3aa590795fa919ccb7d1f28651c85f8a0d9ba00ab22cdd9fb760fa7955',
    );
  });
});

/** An archive of two disks of 256 TiB, as large as extents can number, of which these clusters are told to be zeros. */
function zeros(clusters: Iterable<readonly [device: number, cluster: number]>): Buffer {
  const devices = ['drive-scsi0', 'drive-scsi1'].map((name) => ({ name, disk: Buffer.alloc(1) }));
  const header = vmaFile({ devices }).bytes.subarray(0, 12_800);
  for (const device of [1, 2]) header.writeBigUInt64BE(2n ** 48n, 4_096 + device * 32 + 8);
  sign(header, 32);
  const parts = [header];
  let used = 59;
  for (const [device, cluster] of clusters) {
    if (used === 59) {
      used = 0;
      const extent = Buffer.alloc(512);
      extent.write('VMAE', 0, 'latin1');
      extent.fill(7, 8, 24);
      parts.push(extent);
    }
    parts.at(-1)!.writeUInt16BE(device, 40 + used * 8 + 2);
    parts.at(-1)!.writeUInt32BE(cluster, 40 + used * 8 + 4);
    used++;
  }
  for (const extent of parts.slice(1)) sign(extent, 24);
  return Buffer.concat(parts);
}

describe('a VMA archive whose clusters begin many stretches', () => {
  const STRETCH = 65_536;
  const MOST = 16_384;
  function* begun(count: number): Generator<[number, number]> {
    for (let n = 0; n < count; n++) yield [1 + (n % 2), Math.floor(n / 2) * STRETCH + 1];
  }

  it('takes no memory for each of them: begun in 16,385 stretches of 4 GiB is refused', async () => {
    await expect(head(zeros(begun(MOST)))).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
    await expect(head(zeros(begun(MOST + 1)))).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
  });

  it('does not count those of which all clusters came', async () => {
    const all = [...begun(MOST)];
    for (let n = 0; n < STRETCH; n++) if (n !== 1) all.push([1, n]);
    const one = [1, (MOST / 2 + 1) * STRETCH] as const;
    await expect(head(zeros([...all, one]))).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
    const another = [2, (MOST / 2 + 1) * STRETCH] as const;
    await expect(head(zeros([...all, one, another]))).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
  });
});

describe('a VMA archive that cannot be trusted', () => {
  const [first, second] = whole.extents as [number, number];
  const header = (poke: (bytes: Buffer) => unknown): Buffer => {
    const bytes = Buffer.from(whole.bytes);
    poke(bytes);
    sign(bytes.subarray(0, 12_800), 32);
    return bytes;
  };
  const extent = (poke: (bytes: Buffer) => unknown): Buffer => {
    const bytes = Buffer.from(whole.bytes);
    poke(bytes.subarray(first));
    sign(bytes.subarray(first, first + 512), 24);
    return bytes;
  };

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'IMAGE_MAGIC_MISSING'],
    ['another file', Buffer.alloc(20_000, 1), 'IMAGE_MAGIC_MISSING'],
    ['half a header', whole.bytes.subarray(0, 5_000), 'IMAGE_TRUNCATED'],
    ['only its header', whole.bytes.subarray(0, 12_800), 'IMAGE_TRUNCATED'],
    ['cut between two extents', whole.bytes.subarray(0, second), 'IMAGE_TRUNCATED'],
    ['cut within an extent', whole.bytes.subarray(0, second + 5_000), 'IMAGE_TRUNCATED'],
    ['cut within the header of one', whole.bytes.subarray(0, second + 100), 'IMAGE_TRUNCATED'],
    ['bytes behind its end', Buffer.concat([whole.bytes, Buffer.alloc(512)]), 'IMAGE_CORRUPT'],
    ['version 2', header((b) => b.writeUInt32BE(2, 4)), 'IMAGE_VERSION_UNKNOWN'],
    ['a header of 4 GiB', header((b) => b.writeUInt32BE(0xffff_fe00, 56)), 'IMAGE_LIMIT_EXCEEDED'],
    ['a header of no sector', header((b) => b.writeUInt32BE(12_801, 56)), 'IMAGE_CORRUPT'],
    ['a header with another MD5', Buffer.from(whole.bytes).fill(1, 9_000, 9_001), 'IMAGE_CORRUPT'],
    ['blobs elsewhere', header((b) => b.writeUInt32BE(1 << 20, 48)), 'IMAGE_CORRUPT'],
    ['a name elsewhere', header((b) => b.writeUInt32BE(1 << 20, 4_128)), 'IMAGE_CORRUPT'],
    ['a config elsewhere', header((b) => b.writeUInt32BE(511, 3_068)), 'IMAGE_CORRUPT'],
    [
      'a device of 2^63',
      header((b) => b.writeBigUInt64BE(1n << 63n, 4_136)),
      'IMAGE_LIMIT_EXCEEDED',
    ],
    ['no extent', extent((b) => b.write('VMAX')), 'IMAGE_CORRUPT'],
    ['an extent of another archive', extent((b) => b.fill(8, 8, 24)), 'IMAGE_CORRUPT'],
    ['a device that is none', extent((b) => b.writeUInt16BE(200, 42)), 'IMAGE_CORRUPT'],
    ['a cluster that is none', extent((b) => b.writeUInt32BE(70, 44)), 'IMAGE_CORRUPT'],
    ['a cluster twice', extent((b) => b.writeUInt32BE(1, 44)), 'IMAGE_CORRUPT'],
    ['another mask', extent((b) => b.writeUInt16BE(0, 40)), 'IMAGE_CORRUPT'],
    ['another count', extent((b) => b.writeUInt16BE(1, 6)), 'IMAGE_CORRUPT'],
    [
      'an extent with another MD5',
      Buffer.from(whole.bytes).fill(1, first + 500, first + 501),
      'IMAGE_CORRUPT',
    ],
  ])('%s is refused', async (_, bytes, code) => {
    const error = await head(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackupError);
    expect((error as BackupError).code).toBe(code);
  });
});
