import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { UnrecognisedFiles } from '../../../../src/domain/sources/unrecognised.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { treeOf } from '../../../support/layout/tree.js';
import { CallCounter } from '../../../support/repository/count-calls.js';
import { streamFixture } from '../../../support/image/stream-fixture.js';
import { requireTool } from '../../../support/image/qemu.js';

async function strangersIn({ repository }: RepositoryCopy): Promise<UnrecognisedFiles[]> {
  const strangers: UnrecognisedFiles[] = [];
  await scanRepository(repository, { onUnrecognised: (files) => strangers.push(files) });
  return strangers;
}

const start = (text: string, byteLength = 65_536): Buffer =>
  Buffer.concat([Buffer.from(text, 'latin1')], byteLength);

describe('a backup under a name that no layout knows', () => {
  it.each([
    // `qemu-img create -f qcow`
    ['QFI\xfb\0\0\0\x01', 'a machine as a disk image (qcow, which came before qcow2)'],
    ['QFI\xfb\0\0\0\x03', 'a machine as a disk image (qcow2)'],
    ['vhdxfile', 'a machine as a disk image (VHDX)'],
    ['KDMV', 'a machine as a disk image (VMDK)'],
    ['<<< Oracle VM VirtualBox Disk Image >>>', 'a machine as a disk image (VDI)'],
    ['PGDMP', 'pg_dump'],
    ['--\n-- PostgreSQL database cluster dump', 'pg_dump or pg_dumpall'],
    ['-- MariaDB dump 10.19', 'mysqldump'],
    ['/*M!999999\\- enable the sandbox mode */', 'mysqldump'],
    ['XBSTCK01\0P', 'XtraBackup or Mariabackup'],
    ['SQLite format 3\0', 'SQLite'],
    ['REDIS0010', 'Redis or Valkey'],
    ['dn: cn=config', 'LDAP (LDIF)'],
    ['\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0', 'etcd or another program with bbolt'],
    ['MSSQLBAK', 'SQL Server'],
  ])('is told by its first bytes: %j', async (bytes, tool) => {
    const copy = await treeOf({ 'vms/notes': 'x', 'vms/a picture': 70_000 });
    writeFileSync(copy.at('vms/web01'), start(bytes));
    expect(await strangersIn(copy)).toEqual([
      { folder: 'vms', fileCount: 3, examples: ['web01', 'a picture', 'notes'], tool },
    ]);
  });

  it.each(['gzip', 'zstd', 'lz4'])(
    'is told by the first bytes of what %s packed',
    async (packer) => {
      if (!requireTool(packer)) return;
      const packed = (bytes: string) =>
        execFileSync(packer, ['-c'], {
          input: Buffer.concat([Buffer.from(bytes), randomBytes(70_000)]),
          maxBuffer: 1e6,
        });
      const copy = await treeOf({ 'dumps/nightly': packed('--\n-- PostgreSQL database dump\n') });
      expect(await strangersIn(copy)).toEqual([
        { folder: 'dumps', fileCount: 1, examples: ['nightly'], tool: 'pg_dump or pg_dumpall' },
      ]);
      const others = await treeOf({ 'dumps/nightly': packed('notes') });
      expect((await strangersIn(others))[0]!.tool).toBeUndefined();
    },
  );

  const mebibyte = (head: Uint8Array): Buffer =>
    Buffer.concat([head, randomBytes(Math.max(0, 70_000 - head.length))]);
  const archive = Buffer.from('6de29981', 'hex');
  /** Nine words, a checksum follows: as of a volume of `backup -i`. */
  const ofAix = Buffer.concat([Buffer.from('09006bea', 'hex')], 64);
  it.each<[string, string, Buffer]>([
    ...['one.zfs', 'big-endian.zfs', 'replicated.zfs', 'increment.zfs'].map(
      (name): [string, string, Buffer] => [name, 'zfs send', streamFixture(name)],
    ),
    ...['one.dump', 'sparc.dump', 'packed.dump', 'level-1.dump', 'multi-terabyte.dump'].map(
      (name): [string, string, Buffer] => [name, 'dump or ufsdump', streamFixture(name)],
    ),
    ['a volume of AIX', 'AIX (backup, mksysb, savevg)', ofAix],
    ['an archive of vma', 'Proxmox VE (vma)', Buffer.from('VMA\0\0\0\0\x01')],
    ['an archive of mongodump', 'mongodump', archive],
  ])('is told by the magic number of %s, plain and packed', async (_, tool, head) => {
    const copy = await treeOf({});
    mkdirSync(copy.at('a'));
    mkdirSync(copy.at('b'));
    writeFileSync(copy.at('a/tank_home@nightly'), mebibyte(head));
    writeFileSync(copy.at('b/backup file'), gzipSync(mebibyte(head), { level: 0 }));
    expect((await strangersIn(copy)).map((files) => files.tool)).toEqual([tool, tool]);
  });

  it.each([
    ['a fixed VHD, as Azure hands it out', 'a machine as a disk image (VHD)', 'conectix', 512],
    ['one of Virtual PC', 'a machine as a disk image (VHD)', 'conectix', 511],
    ['an image of a Mac', 'a Mac (dmg)', 'koly\0\0\0\x04', 512],
  ])('is told by the last sector of %s', async (_, tool, magic, endBytes) => {
    const copy = await treeOf({});
    mkdirSync(copy.at('azure'));
    const disk = Buffer.concat([Buffer.alloc(1_048_576, 3), start(magic, endBytes)]);
    writeFileSync(copy.at('azure/abcd'), disk);
    expect((await strangersIn(copy)).map((files) => files.tool)).toEqual([tool]);
    // Not by the word within it.
    writeFileSync(copy.at('azure/abcd'), Buffer.concat([disk, Buffer.alloc(512)]));
    expect((await strangersIn(copy)).map((files) => files.tool)).toEqual([undefined]);
  });

  it('is looked for with one opening of a file', async () => {
    const copy = await treeOf({});
    mkdirSync(copy.at('azure'));
    writeFileSync(copy.at('azure/abcd'), Buffer.alloc(1_048_576, 3));
    const counter = new CallCounter(copy.repository);
    expect(await strangersIn(copy)).toHaveLength(1);
    expect(counter.opened).toEqual(['azure/abcd']);
  });

  it('is not told by what a packed file that is damaged may have held', async () => {
    const copy = await treeOf({});
    mkdirSync(copy.at('dumps'));
    for (const bytes of ['\x1f\x8b\x08', '\x28\xb5\x2f\xfd', '\x04\x22\x4d\x18'])
      writeFileSync(copy.at(`dumps/${String(bytes.charCodeAt(0))}`), start(bytes, 70_000));
    expect(await strangersIn(copy)).toMatchObject([{ fileCount: 3 }]);
    expect((await strangersIn(copy))[0]!.tool).toBeUndefined();
  });

  it('is not told by the first bytes of what is too small for one, of the smallest of many, or of the disk that a machine runs on', async () => {
    const copy = await treeOf({ 'vms/b': 80_000, 'vms/c': 80_000, 'vms/d': 80_000 });
    writeFileSync(copy.at('vms/e'), start('conectix', 80_000));
    writeFileSync(copy.at('vms/web01'), start('QFI\xfb', 70_000));
    expect(await strangersIn(copy)).toMatchObject([{ tool: 'a machine as a disk image (VHD)' }]);
    rmSync(copy.at('vms/e'));
    writeFileSync(copy.at('vms/f'), Buffer.alloc(80_000));
    writeFileSync(copy.at('vms/small'), start('QFI\xfb', 60_000));
    expect(await strangersIn(copy)).toMatchObject([{ fileCount: 6 }]);
    expect((await strangersIn(copy))[0]!.tool).toBeUndefined();
    const running = await treeOf({});
    mkdirSync(running.at('libvirt/images'), { recursive: true });
    writeFileSync(running.at('libvirt/images/web01.qcow2'), start('QFI\xfb'));
    expect((await strangersIn(running))[0]).toMatchObject({ runBy: 'libvirt' });
    expect((await strangersIn(running))[0]!.tool).toBeUndefined();
  });
});

describe('a start', () => {
  it('is told of the files that it is among, not of others in their folder', async () => {
    const ovfOf = (disk: string) =>
      `<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References><File ovf:id="f" ovf:href="${disk}"/></References>` +
      '<DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection><VirtualSystem/></Envelope>';
    const copy = await treeOf({
      ...{ 'vms/web.ovf': ovfOf('web.vmdk'), 'vms/web.vmdk': 512, 'vms/notes': 'x' },
      ...{ 'vms/db.ovf': ovfOf('db.vmdk'), 'vms/db.vmdk': 512 },
    });
    writeFileSync(copy.at('vms/web-spare.vmdk'), start('KDMV'));
    expect(await strangersIn(copy)).toEqual([
      { folder: 'vms', fileCount: 1, examples: ['notes'] },
      {
        ...{ folder: 'vms', fileCount: 1, examples: ['web-spare.vmdk'] },
        tool: 'a machine as a disk image (VMDK)',
      },
    ]);
  });

  it.each([
    ['VMware', ['web.vmx', 'web.vmdk', 'web.vmx.lck/M1.lck']],
    ['libvirt', ['web.qcow2', 'web.qcow2.1764201234']],
  ])('is told of what lies beside disks that machines of %s run on', async (runBy, names) => {
    const disk = start('QFI\xfb', 512);
    const copy = await treeOf(Object.fromEntries(names.map((name) => [`vms/${name}`, disk])));
    writeFileSync(copy.at('vms/sales'), start('PGDMP'));
    expect((await strangersIn(copy)).filter((files) => files.runBy === undefined)).toEqual([
      { folder: 'vms', fileCount: 1, examples: ['sales'], tool: 'pg_dump' },
    ]);
    expect(await strangersIn(copy)).toContainEqual(
      expect.objectContaining({ folder: 'vms', runBy }),
    );
  });
});

describe.skipIf(!requireTool('qemu-img'))(
  'external snapshots under the names that libvirt gives them',
  () => {
    it('are told, for the disk beside them is older than what the machine has', async () => {
      const copy = await treeOf({});
      mkdirSync(copy.at('vms'));
      const qemu = (...args: string[]) =>
        execFileSync('qemu-img', args, { cwd: copy.at('vms'), stdio: 'pipe' });
      qemu('create', '-f', 'qcow2', 'web01.qcow2', '8M');
      // `virsh snapshot-create-as web01 before-update --disk-only`
      qemu(...['create', '-f', 'qcow2', '-b', 'web01.qcow2', '-F', 'qcow2', 'web01.before-update']);
      expect(await strangersIn(copy)).toEqual([
        {
          ...{ folder: 'vms', fileCount: 1, examples: ['web01.before-update'] },
          tool: 'a machine as a disk image (qcow2)',
        },
      ]);
    });
  },
);
