import { execFileSync } from 'node:child_process';
import {
  ftruncateSync,
  mkdirSync,
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

  it.each([
    ['gnu', 512],
    ['posix', 3 * 512],
  ])(
    'reads the size of a file of 8 GiB as GNU tar writes it into a %s archive',
    async (form, at) => {
      const name = 'large-disk1.vmdk';
      const file = openSync(join(folder, name), 'w');
      ftruncateSync(file, 2 ** 33);
      closeSync(file);
      const pack = `tar -c --format=${form} -f - -C ${folder} ${name} | head -c ${at}`;
      const headers = execFileSync('sh', ['-c', pack]);
      rmSync(join(folder, name));
      const source: ByteSource = {
        ...{ label: 'x', sizeBytes: at + 2 ** 33 + 1_024 },
        read: (target, offset) => {
          target.fill(0);
          if (offset < at) target.set(headers.subarray(offset, offset + target.length));
          return Promise.resolve();
        },
      };
      expect(await readTarMembers(source)).toMatchObject([
        { name, offset: at, sizeBytes: 2 ** 33 },
      ]);
    },
  );

  it.each([
    ['longer than all of them', ' path=', '999'],
    ['of no length', ' mtime=', '00'],
    ['of a length that is none', ' path=', ' xx'],
    ['cut off before its end', ' path=', '100'],
  ])('refuses a POSIX header with a record that is %s', async (_, key, length) => {
    const archive = Buffer.from(tarOf({ [LONG]: DISK }, '--format=posix'));
    archive.write(length, archive.indexOf(key) - length.length, 'latin1');
    await expect(readTarMembers(sourceOf(archive))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining('a record of an extended header is malformed') as unknown,
    });
  });

  it('is refused when its names together are more than 4 Mi characters', async () => {
    // A name of GNU in a header of its own: 65,000 characters, again and again.
    const [long, tail] = [`${'a'.repeat(249)}/`.repeat(260), '\0'];
    const header = (type: string, sizeBytes: number): Buffer => {
      const block = Buffer.alloc(512);
      block.write('././@LongLink', 0, 'latin1');
      block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
      block.write(`${type}ustar  \0`, 156, 'latin1');
      return withSum(block);
    };
    const name = Buffer.alloc(Math.ceil((long.length + 1) / 512) * 512);
    name.write(`${long}${tail}`, 'latin1');
    const member = Buffer.concat([header('L', long.length + 1), name, header('0', 0)]);
    const archive = (count: number) =>
      sourceOf(Buffer.concat([...Array<Buffer>(count).fill(member), Buffer.alloc(1_024)]));
    const most = Math.floor((4 * 1024 * 1024) / long.length);
    expect(await readTarMembers(archive(most))).toHaveLength(most);
    await expect(readTarMembers(archive(most + 1))).rejects.toMatchObject({
      code: 'IMAGE_LIMIT_EXCEEDED',
    });
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
  /** Of a disk of 8 MiB; 40 pieces are more than fit into a header. */
  function sparseDisk(name: string, pieces: number): void {
    const file = openSync(join(folder, name), 'w');
    for (let piece = 0; piece < pieces; piece++)
      writeSync(file, Buffer.alloc(4_096, piece + 1), 0, 4_096, piece * 200_704);
    ftruncateSync(file, 8 * 1024 * 1024);
    closeSync(file);
  }

  const FORMS = [
    ['--format=gnu'],
    ['--format=oldgnu'],
    ...['0.0', '0.1', '1.0'].map((version) => ['--format=posix', `--sparse-version=${version}`]),
  ];

  function packed(form: readonly string[], pieces = 40): Buffer {
    sparseDisk('disk.raw', pieces);
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

  it('may have few pieces, all of them in its header', async () => {
    const members = await readTarMembers(sourceOf(packed(['--format=gnu'], 2)));
    expect(members.map(({ name }) => name)).toEqual(['disk.raw', 'web.ovf']);
  });

  it.each([
    ['has half an entry', ',0\n', '00\n'],
    ['tells no size', 'GNU.sparse.size', 'GNU.sparse.sizf'],
  ])('is refused when its map in a record %s', async (words, text, poked) => {
    const archive = Buffer.from(packed(['--format=posix', '--sparse-version=0.1']));
    archive.write(poked, archive.indexOf(text), 'latin1');
    await expect(readTarMembers(sourceOf(archive))).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
      message: expect.stringContaining(words) as unknown,
    });
  });

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

  it('holds the disks that lie in it as they are, under their names without a dot before', async () => {
    const other = Buffer.alloc(4_096, 0x33);
    const files = {
      'web.ovf': DESCRIPTOR,
      'disk1.img': DISK,
      'disk2.raw': other,
      'disk3.gz': DISK,
    };
    mkdirSync(join(folder, 'folder.img'), { recursive: true });
    const sparse = openSync(join(folder, 'sparse.raw'), 'w');
    ftruncateSync(sparse, 1024 * 1024);
    closeSync(sparse);
    const options = ['-S', '--transform=s,^,./,', 'folder.img', 'sparse.raw'];
    const source = sourceOf(
      tarOf(files, ...options.slice(0, 2), '-C', folder, ...options.slice(2)),
    );
    const held = OVA.heldDisks!;
    expect(await held.list(source)).toEqual(['disk1.img', 'disk2.raw']);
    expect(await held.unread!(source)).toEqual(['sparse.raw', 'disk3.gz']);
    const first = await held.open(source, 'disk1.img');
    const seen = Buffer.alloc(DISK.length);
    await first.read(seen, 0, null);
    expect(seen.equals(DISK)).toBe(true);
    const second = await held.open(source, 'disk2.raw');
    expect(second.virtualSizeBytes).toBe(4_096);
    await second.read(seen.subarray(0, 4_096), 0, null);
    expect(seen.subarray(0, 4_096).equals(other)).toBe(true);
    for (const name of ['folder.img', 'sparse.raw', 'disk3.gz', 'disk4.img'])
      await expect(held.open(source, name)).rejects.toMatchObject({ code: 'IMAGE_EXTENT_MISSING' });
  });

  it('tells what may be a disk, too, and is not read where it lies', async () => {
    const own = ['web.ovf', 'web.mf', 'web.cert', 'web.nvram', 'setup.iso', 'notes.txt', 'a.vmdk'];
    const others = ['b.vmdk.gz', 'c.vdi', 'd.vmdk.000000000', 'e.vmdk.zst', 'f', 'g.hdd'];
    const files = Object.fromEntries([...own, ...others].map((name) => [name, 'x']));
    const source = sourceOf(tarOf(files, '--transform=s,^,./,'));
    expect(await OVA.heldDisks!.unread!(source)).toEqual(others);
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
