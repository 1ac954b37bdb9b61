import { execFileSync } from 'node:child_process';
import {
  ftruncateSync,
  mkdtempSync,
  openSync,
  writeSync,
  closeSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../src/image/byte-source.js';
import { OVA } from '../../../src/image/ova/ova-format.js';
import { readTarMembers } from '../../../src/image/ova/tar-members.js';
import { BackupError } from '../../../src/domain/errors.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'ova-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const DISK = Buffer.alloc(100_000, 0x5a);
const DESCRIPTOR = '<Envelope/>';
const LONG = `${'a'.repeat(150)}-disk1.vmdk`;

/** What GNU tar makes of these files, in their order. */
function tarOf(files: Readonly<Record<string, string | Buffer>>, ...options: string[]): Buffer {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return execFileSync('tar', ['-c', ...options, '-f', '-', '-C', folder, ...Object.keys(files)]);
}

function sourceOf(bytes: Buffer): ByteSource {
  return {
    label: 'web.ova',
    sizeBytes: bytes.length,
    read: (target, offset) => {
      const part = bytes.subarray(offset, offset + target.length);
      if (part.length < target.length) throw new BackupError('IMAGE_TRUNCATED', 'end');
      target.set(part);
      return Promise.resolve();
    },
  };
}

const FILES = { 'web.ovf': DESCRIPTOR, 'web.mf': 'SHA256(web.ovf)= 00\n', 'web-disk1.vmdk': DISK };

describe('readTarMembers', () => {
  it.each(['ustar', 'gnu', 'oldgnu', 'v7', 'posix'])(
    'finds what GNU tar put into a %s archive',
    async (form) => {
      const archive = tarOf(FILES, `--format=${form}`, '--blocking-factor=1');
      const members = await readTarMembers(sourceOf(archive));
      expect(members.map(({ name, type, sizeBytes }) => [name, type, sizeBytes])).toEqual([
        ['web.ovf', '0', 11],
        ['web.mf', '0', 20],
        ['web-disk1.vmdk', '0', 100_000],
      ]);
      const disk = members[2]!;
      expect(archive.subarray(disk.offset, disk.offset + disk.sizeBytes).equals(DISK)).toBe(true);
    },
  );

  it.each(['gnu', 'posix'])(
    'reads a name of more than 100 characters in a %s archive',
    async (form) => {
      const members = await readTarMembers(sourceOf(tarOf({ [LONG]: DISK }, `--format=${form}`)));
      expect(members.map(({ name }) => name)).toEqual([LONG]);
    },
  );

  it('reads sizes beyond 8 GiB in both ways of writing them', async () => {
    const header = Buffer.from(tarOf({ 'web.ovf': DESCRIPTOR }).subarray(0, 512));
    header.fill(0, 124, 136);
    header[124] = 0x80;
    header.writeUInt32BE(2, 128); // 2 × 2^32
    const sealed = withSum(header);
    const source: ByteSource = {
      ...{ label: 'x', sizeBytes: 2 ** 33 + 1_536 },
      read: (target, offset) => {
        target.fill(0);
        if (offset === 0) target.set(sealed);
        return Promise.resolve();
      },
    };
    expect((await readTarMembers(source)).map(({ sizeBytes }) => sizeBytes)).toEqual([2 ** 33]);
  });

  it('calls an archive unfinished wherever it was cut off', async () => {
    const archive = tarOf(FILES, '--blocking-factor=1');
    for (let end = archive.length - 1; end >= 0; end -= 511)
      await expect(readTarMembers(sourceOf(archive.subarray(0, end)))).rejects.toMatchObject({
        code: 'IMAGE_TRUNCATED',
      });
  });

  it('refuses headers that are none', async () => {
    const archive = Buffer.from(tarOf(FILES, '--blocking-factor=1'));
    await expect(readTarMembers(sourceOf(Buffer.alloc(2_048, 1)))).rejects.toMatchObject({
      code: 'IMAGE_MAGIC_MISSING',
    });
    archive[1_024] = 0xff; // in the name of the second member
    await expect(readTarMembers(sourceOf(archive))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
  });
});

describe('a sparse file of a tar', () => {
  /** 40 pieces of a disk of 8 MiB: more than fit into a header. */
  function sparseDisk(name: string): void {
    const file = openSync(join(folder, name), 'w');
    for (let piece = 0; piece < 40; piece++)
      writeSync(file, Buffer.alloc(4_096, piece + 1), 0, 4_096, piece * 200_704);
    ftruncateSync(file, 8 * 1024 * 1024);
    closeSync(file);
  }

  const FORMS = [
    ['--format=gnu'],
    ['--format=oldgnu'],
    ...['0.0', '0.1', '1.0'].map((version) => ['--format=posix', `--sparse-version=${version}`]),
  ];

  function packed(form: readonly string[]): Buffer {
    sparseDisk('disk.raw');
    writeFileSync(join(folder, 'web.ovf'), DESCRIPTOR);
    const files = ['disk.raw', 'web.ovf'];
    return execFileSync('tar', ['-c', '-S', '-b', '1', ...form, '-f', '-', '-C', folder, ...files]);
  }

  it.each(FORMS.map((form) => ({ form })))(
    'is passed over with its map ($form)',
    async ({ form }) => {
      const members = await readTarMembers(sourceOf(packed(form)));
      expect(members.map(({ name, type, isSparse }) => [name, type, isSparse])).toEqual([
        ['disk.raw', '0', true],
        ['web.ovf', '0', false],
      ]);
      expect(members[0]!.sizeBytes).toBeLessThan(200_000);
      expect((await OVA.readHead(sourceOf(packed(form)))).virtualSizeBytes).toBeGreaterThan(0);
    },
  );

  it('is refused when its map is one line without an end', async () => {
    const archive = Buffer.from(packed(['--format=posix', '--sparse-version=1.0']));
    const map = archive.indexOf('\n0\n4096\n') - 2;
    archive.fill('1', map, map + 512);
    await expect(readTarMembers(sourceOf(archive))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining('has no lines') as unknown,
    });
  });

  it.each([
    ['overlaps itself', 386 + 24, '00000000000'],
    ['leads behind the end of the file', 483, '00000000001'],
    ['holds something else than numbers', 386 + 24, 'x0000000000'],
  ])('is refused when its map %s', async (words, at, text) => {
    const archive = Buffer.from(packed(['--format=gnu']));
    archive.write(text, at, 'latin1');
    withSum(archive.subarray(0, 512));
    await expect(readTarMembers(sourceOf(archive))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining(words) as unknown,
    });
  });
});

function withSum(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

describe('an OVA', () => {
  it('is whole with its descriptor and all that its manifest names', async () => {
    await OVA.readHead(sourceOf(tarOf(FILES)));
    const named = {
      ...FILES,
      'web.mf': 'SHA1 (web-disk1.vmdk) = 00\nSHA1 (web-disk2.vmdk) = 00\n',
    };
    await expect(OVA.readHead(sourceOf(tarOf(named)))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining('"web-disk2.vmdk", which its manifest names') as unknown,
    });
    await expect(OVA.readHead(sourceOf(tarOf({ 'a.vmdk': DISK })))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining('no OVF descriptor') as unknown,
    });
  });

  it('may have been packed by hand, with the folder or a dot before its names', async () => {
    const whole = { ...FILES, 'web.mf': 'SHA1(web-disk1.vmdk)= 00\nSHA1(web.ovf)= 00\n' };
    const dots = tarOf(whole, '--transform=s,^,./,');
    const inFolder = Buffer.concat([
      execFileSync('tar', [
        '-c',
        '-b',
        '1',
        '--no-recursion',
        '--transform=s,.*,web,',
        '-f',
        '-',
        '-C',
        folder,
        '.',
      ]).subarray(0, 512),
      tarOf(whole, '--transform=s,^,web/,'),
    ]);
    for (const archive of [dots, inFolder])
      expect((await OVA.readHead(sourceOf(archive))).virtualSizeBytes).toBe(archive.length);
    const twice = tarOf(whole, '--transform=s,web-disk1.vmdk,./web.ovf,');
    await expect(OVA.readHead(sourceOf(twice))).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });
  });

  it('is refused with a link, a way out of it, or one name twice', async () => {
    symlinkSync('/etc/shadow', join(folder, 'link.vmdk'));
    const archives = [
      execFileSync('tar', ['-cf', '-', '-C', folder, 'web.ovf', 'link.vmdk']),
      tarOf(FILES, '--transform=s,web-disk,../../disk,'),
      tarOf(FILES, '-P', '--transform=s,^web-disk,/etc/disk,'),
      tarOf(FILES, '--transform=s,web-disk1.vmdk,web.ovf,'),
    ];
    for (const archive of archives)
      await expect(OVA.readHead(sourceOf(archive))).rejects.toMatchObject({
        code: 'IMAGE_CORRUPT',
      });
  });

  it.skipIf(REAL_FIXTURES === null)(
    'is taken as it is although a disk in it is damaged',
    async () => {
      const path = join(REAL_FIXTURES!, 'ova/2nd_disk-utf8-damaged.ova');
      const head = await OVA.readHead(sourceOf(readFileSync(path)));
      expect(head.virtualSizeBytes).toBe(202_309);
    },
  );
});
