import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
} from '../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../support/image/libvhdi.js';
import { libvmdkBytes } from '../../support/image/libvmdk.js';
import { qemuBytes, qemuImg, qemuIo, qemuPart, requireTool } from '../../support/image/qemu.js';
import { hasRealImage, realImage } from '../../support/image/real-images.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const BLOCK = 65_536;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + 10 * DAY_MS;
const CHECKPOINTS = [
  '49C4BAF3-4B25-4406-8C4B-D39E65C32385',
  '5D2E1F60-4B25-4406-8C4B-D39E65C32385',
];

describe.skipIf(!requireTool('qemu-img'))('images of one folder that build on one another', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('lone-chains', ['restored']));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const source = (name: string) => join(folder, 'primary', name);

  async function written(name: string, day: number): Promise<void> {
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(source(name), date, date);
  }

  async function session(day = 0): Promise<readonly TargetRestorePoint[]> {
    const job = testJob({
      restorePoints: 'all',
      retention: { type: 'restorePoints', value: 99 },
    });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    const { chains } = await findChains(offsite);
    expect(chains).toHaveLength(1);
    chain = chains[0]!.folder;
    return chains[0]!.record.points;
  }
  let chain = '';

  const fileOf = ({ disks }: TargetRestorePoint) => join(folder, 'offsite', chain, disks[0]!.path);

  async function restored(pointId: string): Promise<Buffer> {
    const to = await openDirectoryRepository({
      id: folderRepositoryId(join(folder, 'restored')),
      rootPath: join(folder, 'restored'),
      readOnly: false,
    });
    const order = { chain, pointId, intoExisting: true, format: 'raw' } as const;
    const [raw] = await restoreInto(to, offsite, order);
    const bytes = await readFile(raw!);
    await rm(raw!);
    return bytes;
  }

  const kindsOf = (points: readonly TargetRestorePoint[]) =>
    points.map(({ kind, disks }) => `${kind} ${disks[0]!.format}`);

  it.each([
    ['qcow2', 'qcow2', 'web.qcow2', 'web.snap1.qcow2', 'web.snap2.qcow2'],
    ['vmdk', 'monolithicSparse', 'web.vmdk', 'web-000001.vmdk', 'web-000002.vmdk'],
    ['vmdk', 'monolithicFlat', 'web.vmdk', 'web-000001.vmdk', 'web-000002.vmdk'],
    ['vmdk', 'twoGbMaxExtentSparse', 'web.vmdk', 'web-000001.vmdk', 'web-000002.vmdk'],
  ])('are a full and increments of %s (%s), as QEMU reads them', async (format, kind, ...names) => {
    const options = format === 'vmdk' ? ['-o', `subformat=${kind}`] : [];
    const [base = '', first = '', second = ''] = names;
    const seen: Buffer[] = [];
    await qemuImg('create', '-q', '-f', format, ...options, source(base), '8M');
    await qemuIo(source(base), format, ['write -P 0x11 0 3M', 'write -P 0x12 5M 70k']);
    seen.push(await qemuBytes(source(base), format));
    for (const [name, below, pattern] of [
      [first, base, 0x21],
      [second, first, 0x31],
    ] as const) {
      await qemuImg('create', '-q', '-f', format, '-F', format, '-b', below, source(name));
      await qemuIo(source(name), format, [
        `write -P ${pattern} ${pattern}k 130k`,
        `write -P ${pattern + 1} 6M ${pattern}k`,
      ]);
      seen.push(await qemuBytes(source(name), format));
    }
    for (const [day, name] of names.entries()) await written(name, day);
    if (kind === 'monolithicFlat') await written('web-flat.vmdk', 0);
    if (kind === 'twoGbMaxExtentSparse') await written('web-s001.vmdk', 0);

    const points = await session();
    expect(kindsOf(points)).toEqual([
      `full ${format}`,
      `increment ${format}`,
      `increment ${format}`,
    ]);
    for (const [index, point] of points.entries()) {
      const copied = await qemuBytes(fileOf(point), format);
      expect(firstDifference(copied, seen[index]!), `point ${index}`).toBeNull();
      expect(firstDifference(await restored(point.id), seen[index]!), `${index}`).toBeNull();
      if (format === 'vmdk') {
        const read = await libvmdkBytes(...points.slice(0, index + 1).map(fileOf));
        expect(firstDifference(read, seen[index]!), `libvmdk, ${index}`).toBeNull();
      }
    }
    // Nothing new: nothing is copied.
    expect(await session(1)).toHaveLength(3);
  });

  // Written full it would be more than the 2 TiB that a VMDK of one file has room for.
  it('of 3 TiB of VMDK are a full and an increment of qcow2, as QEMU reads them', async () => {
    // QEMU would make a table for each 32 MiB of such a disk, and read them all.
    const virtualSizeBytes = 3072 * GIB;
    const far = (2900 * GIB) / BLOCK;
    const full = { virtualSizeBytes, dialect: {}, seed: '1'.repeat(32) };
    const base = await composeDisk(composerOf('vmdk'), {
      ...full,
      blocks: new Map([
        [0, blockOf(1)],
        [far, blockOf(2)],
      ]),
    });
    const { linkId } = await imageFormat('vmdk').readHead(base);
    const top = await composeDisk(composerOf('vmdk'), {
      ...{ ...full, seed: '2'.repeat(32) },
      parent: { link: 'web.vmdk', format: 'vmdk', linkId, virtualSizeBytes },
      blocks: new Map([
        [far, blockOf(3)],
        [(1024 * GIB) / BLOCK, blockOf(4)],
      ]),
    });
    const names = ['web.vmdk', 'web-000001.vmdk'] as const;
    await writeFile(source(names[0]), base.bytes);
    await writeFile(source(names[1]), top.bytes);
    for (const [day, name] of names.entries()) await written(name, day);
    const points = await session();
    expect(kindsOf(points)).toEqual(['full qcow2', 'increment qcow2']);
    for (const [index, name] of names.entries())
      for (const offset of [0, 1024 * GIB, 2900 * GIB, 3072 * GIB - MIB]) {
        const seen = await qemuPart('qcow2')(offset, MIB, fileOf(points[index]!));
        const expected = await qemuPart('vmdk')(offset, MIB, source(name));
        expect(firstDifference(seen, expected), `${name} at ${offset}`).toBeNull();
      }
    expect(await session(1)).toHaveLength(2);
  });

  it.each(['vhdx', 'vhd'])(
    'are a full and differencing files of %s, as libvhdi reads them',
    async (format) => {
      const virtualSizeBytes = 6 * MIB;
      const days: Map<number, Uint8Array | 'zero'>[] = [
        new Map([
          [0, blockOf(1)],
          [50, blockOf(2)],
        ]),
      ];
      const names = ['web.' + format, ...CHECKPOINTS.map((id) => `web_${id}.a${format}`)];
      let parent: {
        link: string;
        format: string;
        linkId: string | null;
        virtualSizeBytes: number;
      } | null = null;
      for (const [day, name] of names.entries()) {
        const blocks =
          day === 0
            ? days[0]!
            : new Map([
                [day, blockOf(10 * day)],
                [50, blockOf(20 * day)],
              ]);
        if (day > 0) days.push(new Map([...days[day - 1]!, ...blocks]));
        const shape = { virtualSizeBytes, dialect: {}, seed: `${day}`.repeat(32), blocks };
        const image = await composeDisk(
          composerOf(format),
          parent === null ? shape : { ...shape, parent },
        );
        await writeFile(source(name), image.bytes);
        await written(name, day);
        const { linkId } = await imageFormat(format).readHead(image);
        // A path of the host that made it, which is nowhere here.
        parent = { link: `C:\\VMs\\web01\\${name}`, format, linkId, virtualSizeBytes };
      }
      const points = await session();
      expect(kindsOf(points)).toEqual([
        `full ${format}`,
        `increment ${format}`,
        `increment ${format}`,
      ]);
      for (const [index, point] of points.entries()) {
        const expected = guestBytes(virtualSizeBytes, days[index]!);
        const files = points
          .slice(0, index + 1)
          .map(fileOf)
          .reverse();
        expect(firstDifference(await libvhdiBytes(...files), expected), `${index}`).toBeNull();
        expect(firstDifference(await restored(point.id), expected), `${index}`).toBeNull();
      }
    },
  );

  // Digests: `ntfs-parent`, `ntfs-differential`, `fat-parent` and `fat-differential` of the fixtures' README, read by libvhdi, dissect and a program of its own.
  it.skipIf(!hasRealImage('vhdx/ntfs-chain/ntfs-parent.vhdx.gz')).each([
    [
      'vhdx/ntfs-chain/ntfs-parent.vhdx',
      'vhdx/ntfs-chain/ntfs-differential.vhdx',
      'c5523065bc6ef82267be56c5f8888e2876ead8ba7edba2a65a3da8b076231b68',
      '1ef1fb5360247aa7d36a38415bc7bf6e1e52f62af5e6bd1283815e82584c7efc',
    ],
    [
      'vhd/fat-chain/fat-parent.vhd',
      'vhd/fat-chain/fat-differential.vhd',
      'bbdb657bc5aa2fde44e2456149f9257a862cb84f4668e338b90e357b0fbdf118',
      'f4b61a33ee2f7e8c19f737792a4107e46340026a9a829e4169b751901cc3ef02',
    ],
  ])('of Windows are copied with their links (%s)', async (base, child, ...digests) => {
    const format = base.slice(base.lastIndexOf('.') + 1);
    for (const [day, path] of [base, child].entries()) {
      const stem = base.slice(base.lastIndexOf('/') + 1, -format.length - 1);
      // As Hyper-V names it.
      const name = day === 0 ? `${stem}.${format}` : `${stem}_${CHECKPOINTS[0]}.a${format}`;
      await writeFile(source(name), realImage(`${path}.gz`).bytes);
      await written(name, day);
    }
    const points = await session();
    expect(kindsOf(points)).toEqual([`full ${format}`, `increment ${format}`]);
    const found = [];
    for (const { id } of points)
      found.push(
        createHash('sha256')
          .update(await restored(id))
          .digest('hex'),
      );
    expect(found).toEqual(digests);
  });

  it('go on as increments after a base that was copied when it lay alone', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', source('web.qcow2'), '8M');
    await qemuIo(source('web.qcow2'), 'qcow2', ['write -P 0x11 0 3M']);
    await written('web.qcow2', 0);
    expect(kindsOf(await session())).toEqual(['full qcow2']);
    const backing = ['-F', 'qcow2', '-b', 'web.qcow2'];
    await qemuImg('create', '-q', '-f', 'qcow2', ...backing, source('web.snap.qcow2'));
    await qemuIo(source('web.snap.qcow2'), 'qcow2', ['write -P 0x22 1M 64k']);
    await written('web.snap.qcow2', 5);
    const points = await session(1);
    expect(kindsOf(points)).toEqual(['full qcow2', 'increment qcow2']);
    const expected = await qemuBytes(source('web.snap.qcow2'), 'qcow2');
    expect(firstDifference(await qemuBytes(fileOf(points[1]!), 'qcow2'), expected)).toBeNull();
    expect(points[1]!.disks[0]!.sizeBytes).toBeLessThan(MIB);
  });

  it('begin anew in VMDK after a base that was copied byte for byte', async () => {
    await qemuImg('create', '-q', '-f', 'vmdk', source('web.vmdk'), '8M');
    await qemuIo(source('web.vmdk'), 'vmdk', ['write -P 0x11 0 3M']);
    await written('web.vmdk', 0);
    expect(kindsOf(await session())).toEqual(['full vmdk-stream']);
    for (const [day, [name, below]] of [
      ['web-000001.vmdk', 'web.vmdk'],
      ['web-000002.vmdk', 'web-000001.vmdk'],
    ].entries()) {
      await qemuImg('create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', below!, source(name!));
      await qemuIo(source(name!), 'vmdk', [`write -P ${day + 40} ${day}M 64k`]);
      await written(name!, 5 + day);
    }
    const points = await session(1);
    expect(kindsOf(points)).toEqual(['full vmdk-stream', 'full vmdk', 'increment vmdk']);
    for (const [index, name] of ['web.vmdk', 'web-000001.vmdk', 'web-000002.vmdk'].entries()) {
      const expected = await qemuBytes(source(name), 'vmdk');
      expect(firstDifference(await qemuBytes(fileOf(points[index]!), 'vmdk'), expected)).toBeNull();
    }
  });

  it('stay one workload when the newest is committed into the base', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', source('web.qcow2'), '8M');
    await qemuIo(source('web.qcow2'), 'qcow2', ['write -P 0x11 0 3M']);
    const backing = ['-F', 'qcow2', '-b', 'web.qcow2'];
    await qemuImg('create', '-q', '-f', 'qcow2', ...backing, source('web.snap.qcow2'));
    await qemuIo(source('web.snap.qcow2'), 'qcow2', ['write -P 0x22 1M 64k']);
    await written('web.qcow2', 0);
    await written('web.snap.qcow2', 1);
    const [, before] = await session();
    const seen = await qemuBytes(fileOf(before!), 'qcow2');
    await qemuImg('commit', '-q', source('web.snap.qcow2'));
    await rm(source('web.snap.qcow2'));
    await qemuIo(source('web.qcow2'), 'qcow2', ['write -P 0x33 5M 64k']);
    await written('web.qcow2', 5);
    const points = await session(1);
    const newest = await qemuBytes(source('web.qcow2'), 'qcow2');
    expect(firstDifference(await qemuBytes(fileOf(points.at(-1)!), 'qcow2'), newest)).toBeNull();
    expect(firstDifference(await qemuBytes(fileOf(points[1]!), 'qcow2'), seen)).toBeNull();
    expect(points).toHaveLength(3);
  });

  it('are one machine each where several build on one, and each is whole', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', source('template.qcow2'), '8M');
    await qemuIo(source('template.qcow2'), 'qcow2', ['write -P 0x11 0 3M']);
    for (const [name, pattern] of [
      ['db.qcow2', '0x21'],
      ['web.qcow2', '0x31'],
    ] as const) {
      const backing = ['-F', 'qcow2', '-b', 'template.qcow2'];
      await qemuImg('create', '-q', '-f', 'qcow2', ...backing, source(name));
      await qemuIo(source(name), 'qcow2', [`write -P ${pattern} 1M 64k`]);
    }
    for (const name of ['template.qcow2', 'db.qcow2', 'web.qcow2']) await written(name, 0);
    await new LocalSessions([primary, offsite]).copy(testJob({ restorePoints: 'all' }), NOW_MS);
    const found = [];
    for (const { folder: at, record } of (await findChains(offsite)).chains) {
      const [point, ...others] = record.points;
      const copied = await qemuBytes(join(folder, 'offsite', at, point!.disks[0]!.path), 'qcow2');
      const expected = await qemuBytes(source(record.workload.name), 'qcow2');
      found.push([
        record.workload.name,
        point!.kind,
        others.length,
        firstDifference(copied, expected),
      ]);
    }
    expect(found.sort()).toEqual([
      ['db.qcow2', 'full', 0, null],
      ['template.qcow2', 'full', 0, null],
      ['web.qcow2', 'full', 0, null],
    ]);
  });

  it('keep their data when the base is called otherwise now, where its id tells its content', async () => {
    const shape = { virtualSizeBytes: 2 * MIB, dialect: {}, seed: '1'.repeat(32) };
    const base = await composeDisk(composerOf('vhdx'), {
      ...shape,
      blocks: new Map([[0, blockOf(1)]]),
    });
    await writeFile(source('renamed.vhdx'), base.bytes);
    const { linkId } = await imageFormat('vhdx').readHead(
      await MemoryBytes.load(source('renamed.vhdx')),
    );
    const parent = { link: 'C:\\VMs\\web.vhdx', format: 'vhdx', linkId, virtualSizeBytes: 2 * MIB };
    const blocks = new Map([[1, blockOf(2)]]);
    const child = await composeDisk(composerOf('vhdx'), {
      ...shape,
      seed: '2'.repeat(32),
      blocks,
      parent,
    });
    await writeFile(source('new.avhdx'), child.bytes);
    await rename(source('new.avhdx'), source(`web_${CHECKPOINTS[0]}.avhdx`));
    for (const [day, name] of ['renamed.vhdx', `web_${CHECKPOINTS[0]}.avhdx`].entries())
      await written(name, day);
    const points = await session();
    expect(kindsOf(points)).toEqual(['full vhdx', 'increment vhdx']);
    const expected = guestBytes(
      2 * MIB,
      new Map([
        [0, blockOf(1)],
        [1, blockOf(2)],
      ]),
    );
    expect(firstDifference(await restored(points[1]!.id), expected)).toBeNull();
  });

  it('keeps the copy of an overlay whose base was written to afterwards', async () => {
    await qemuImg('create', '-q', '-f', 'qcow2', source('web.qcow2'), '8M');
    const overlay = source('web.snap1.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'web.qcow2', overlay);
    await qemuIo(overlay, 'qcow2', ['write -P 0x21 1M 64k']);
    await written('web.qcow2', 0);
    await written('web.snap1.qcow2', 1);
    const job = testJob({ restorePoints: 'all', retention: { type: 'restorePoints', value: 99 } });
    const copied = async () =>
      (await findChains(offsite)).chains.flatMap(({ record }) =>
        record.points.map(({ id, source: { restorePointId } }) => ({ id, restorePointId })),
      );
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS);
    const [, overlayCopy] = await copied();
    expect(overlayCopy?.restorePointId).toBe('web.snap1.qcow2');

    await qemuIo(source('web.qcow2'), 'qcow2', ['write -P 0x77 3M 64k']);
    await written('web.qcow2', 5);
    for (const day of [1, 2])
      await new LocalSessions([primary, offsite])
        .copy(job, NOW_MS + day * DAY_MS)
        .catch(() => undefined);
    expect(await copied()).toContainEqual(overlayCopy);
  });
});
