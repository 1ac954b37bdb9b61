import { describe, expect, it } from 'vitest';
import { imageFormat } from '../../../src/image/formats.js';
import { dmgFile } from '../../support/image/dmg-file.js';
import { aixBackupFile } from '../../support/image/aix-backup-file.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { streamFixture } from '../../support/image/stream-fixture.js';
import { SeededRandom } from '../../support/fuzz/seeded-random.js';

const random = new SeededRandom(12);
const noise = (bytes: number) =>
  Buffer.from(Uint8Array.from({ length: bytes }, () => random.below(256)));

/** null: it counts as whole. */
const faultOf = (format: string, bytes: Buffer): Promise<string | null> =>
  imageFormat(format)
    .readHead(new MemoryBytes(bytes))
    .then(
      () => null,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'IMAGE_TRUNCATED' });
        return (error as Error).message;
      },
    );

/** At the borders of records and blocks, and between them. */
function cutsOf(bytes: Buffer, recordBytes: number): number[] {
  const middle = Math.floor(bytes.length / 2 / recordBytes) * recordBytes;
  const last = bytes.length - recordBytes;
  return [
    16,
    recordBytes,
    middle - 1,
    middle,
    middle + 8,
    last,
    bytes.length - 8,
    bytes.length - 1,
  ];
}

const AIX = { './bosinst.data': Buffer.from('control_flow:\n'), './usr/lib': noise(70_001) };

describe('a stream that a Unix system wrote', () => {
  const files: Record<string, { format: string; bytes: Buffer; recordBytes: number }> = {
    'zfs send': { format: 'zfs-stream', bytes: streamFixture('one.zfs'), recordBytes: 312 },
    'zfs send -R': {
      ...{ format: 'zfs-stream', bytes: streamFixture('replicated.zfs'), recordBytes: 312 },
    },
    'zfs send, big-endian': {
      ...{ format: 'zfs-stream', bytes: streamFixture('big-endian.zfs'), recordBytes: 312 },
    },
    dump: { format: 'dump', bytes: streamFixture('one.dump'), recordBytes: 1_024 },
    'ufsdump, big-endian': {
      ...{ format: 'dump', bytes: streamFixture('sparc.dump'), recordBytes: 1_024 },
    },
    'ufsdump above 2 TB': {
      ...{ format: 'dump', bytes: streamFixture('multi-terabyte.dump'), recordBytes: 4_096 },
    },
    'backup -i of AIX': { format: 'aix-backup', bytes: aixBackupFile(AIX), recordBytes: 8 },
    'backup -i of AIX, its later magic number': {
      ...{ format: 'aix-backup', bytes: aixBackupFile(AIX, { firstMagic: 60_015 }) },
      recordBytes: 8,
    },
  };

  it.each(Object.keys(files))('is whole with its end (%s)', async (name) => {
    const { format, bytes } = files[name]!;
    expect(await faultOf(format, bytes)).toBeNull();
  });

  it.each(Object.keys(files).filter((name) => !name.includes('AIX')))(
    'is not whole when it was cut anywhere (%s)',
    async (name) => {
      const { format, bytes, recordBytes } = files[name]!;
      const counted = [];
      for (const end of cutsOf(bytes, recordBytes))
        if ((await faultOf(format, bytes.subarray(0, end))) === null) counted.push(end);
      // Of a dump as many end headers as a tape block has lie one behind the other: the first says it all.
      const isMeant = (end: number) => format === 'dump' && end === bytes.length - recordBytes;
      expect(counted.filter((end) => !isMeant(end))).toEqual([]);
    },
  );

  it.each(Object.keys(files).filter((name) => name.includes('AIX')))(
    'is not whole before its last header, which memory fills up to a block (%s)',
    async (name) => {
      const { format, bytes } = files[name]!;
      const end = bytes.lastIndexOf(Buffer.from([9, 7, 0x6b, 0xea]));
      for (const at of [16, 72, end - 60_000, end - 8, end, end + 8])
        expect(await faultOf(format, bytes.subarray(0, at))).toMatch(/first header|FS_END/);
    },
  );

  it.each(['zfs-stream', 'dump', 'aix-backup'])(
    'is taken as it is when it does not begin as one (%s)',
    async (format) => {
      expect(await faultOf(format, noise(70_001))).toBeNull();
    },
  );
});

describe('a stream of zfs send', () => {
  it('of several is not whole when the tool ended it after the last one within had failed', async () => {
    const bytes = streamFixture('replicated.zfs');
    const conclusion = bytes.subarray(-312);
    for (const cutBytes of [312, 313, 2_000]) {
      const failed = Buffer.concat([bytes.subarray(0, -312 - cutBytes), conclusion]);
      expect(await faultOf('zfs-stream', failed)).toMatch(/before the last stream in it was whole/);
    }
  });

  it('of several is not whole when nothing follows its list', async () => {
    const bytes = streamFixture('replicated.zfs');
    const listEnd = 312 + bytes.readUInt32LE(4);
    const list = bytes.subarray(0, listEnd + 312);
    expect(list.readUInt32LE(listEnd)).toBe(5);
    const nothing = Buffer.concat([list, bytes.subarray(-312)]);
    expect(await faultOf('zfs-stream', nothing)).toMatch(/before the last stream in it was whole/);
    expect(await faultOf('zfs-stream', list)).toMatch(/DRR_END of all its streams/);
  });

  it('may have another behind it', async () => {
    const one = streamFixture('one.zfs');
    const two = Buffer.concat([one, one]);
    expect(await faultOf('zfs-stream', two)).toBeNull();
    expect(await faultOf('zfs-stream', two.subarray(0, -312))).toMatch(/DRR_END/);
  });

  it('is not whole because its data look a little like its end', async () => {
    const one = streamFixture('one.zfs');
    const likeEnd = Buffer.alloc(312);
    likeEnd.writeUInt32LE(5);
    expect(await faultOf('zfs-stream', Buffer.concat([one.subarray(0, -312), likeEnd]))).toMatch(
      /DRR_END/,
    );
  });

  it('of a maker that keeps its features to itself is taken as it is', async () => {
    const bytes = Buffer.from(streamFixture('one.zfs').subarray(0, 5_000));
    bytes.writeUInt8(bytes.readUInt8(16) | 0x20, 16);
    expect(await faultOf('zfs-stream', bytes)).toBeNull();
  });
});

describe('an image of a Mac', () => {
  const image = dmgFile(noise(20_000));

  it('that is packed is whole with its trailer, and not when it was cut anywhere', async () => {
    expect(await faultOf('dmg', image)).toBeNull();
    for (const end of [2, 700, image.length - 512, image.length - 1])
      expect(await faultOf('dmg', image.subarray(0, end))).toMatch(/its trailer \(koly\)/);
  });

  it('in several segments is whole in none of them', async () => {
    const first = Buffer.from(image);
    first.writeUInt32BE(3, image.length - 512 + 60);
    expect(await faultOf('dmg', first)).toMatch(/is one of 3 segments/);
  });

  it('lacks what its trailer lists when its start is missing', async () => {
    expect(await faultOf('dmg', image.subarray(512))).toMatch(/lacks a part of what its trailer/);
  });

  it.each([
    ['as it is', Buffer.concat([Buffer.from('ER'), Buffer.alloc(2_046)])],
    ['encrypted', Buffer.concat([Buffer.from('encrcdsa'), noise(4_000)])],
    ['of later tools', noise(70_001)],
  ])('is taken as it is when it is %s', async (_, bytes) => {
    expect(await faultOf('dmg', bytes)).toBeNull();
  });
});

describe('a dump', () => {
  it('over several volumes is whole in none of them', async () => {
    expect(await faultOf('dump', streamFixture('volume-1.dump'))).toMatch(/TS_END/);
    expect(await faultOf('dump', streamFixture('volume-2.dump'))).toMatch(/is volume 2 of a dump/);
  });

  it('that was packed as it was written is taken as it is', async () => {
    const packed = streamFixture('packed.dump');
    expect(await faultOf('dump', packed)).toBeNull();
    expect(await faultOf('dump', packed.subarray(0, 4_000))).toBeNull();
  });

  it('whose last header was spoilt is not whole', async () => {
    const bytes = streamFixture('one.dump');
    bytes.writeUInt8(7, bytes.length - 500);
    expect(await faultOf('dump', bytes)).toMatch(/TS_END/);
  });
});
