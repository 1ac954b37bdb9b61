import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type {
  SourceRestorePoint,
  SourceWorkload,
} from '../../../src/domain/sources/source-workload.js';
import type { UnrecognisedFiles } from '../../../src/domain/sources/unrecognised.js';
import type { UnseenPart } from '../../../src/domain/sources/unseen-part.js';
import { scanRepository, scanWorkload } from '../../../src/layout/scan-repository.js';
import { qemuImg, requireTool } from '../../support/image/qemu.js';
import { hasRealImage } from '../../support/image/real-images.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';
import type { RepositoryCopy } from '../../support/layout/repository-copy.js';
import { makeDisk, shown, treeOf, WRITTEN_AT } from '../../support/layout/tree.js';

const vmx = (...disks: string[]) =>
  disks.map((name, unit) => `scsi0:${unit}.fileName = "${name}"\n`).join('');

async function look({ repository }: RepositoryCopy) {
  const unrecognised: UnrecognisedFiles[] = [];
  const unseen: UnseenPart[] = [];
  const workloads = await scanRepository(repository, {
    onUnrecognised: (files) => unrecognised.push(files),
    onUnseen: (part) => unseen.push(part),
  });
  const points = shown(workloads).map(({ id, points: own }) => [
    id,
    ...own.map(([, , ...more]) => more),
  ]);
  return { points, unseen, workloads, left: unrecognised.flatMap(({ examples }) => examples) };
}

async function child({ at }: RepositoryCopy, path: string, base: string): Promise<void> {
  await qemuImg('create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', base, at(path));
}

describe.skipIf(!requireTool('qemu-img'))('folders of VMware machines', () => {
  it('are one workload with all disks of the definition and the files of the machine', async () => {
    const copy = await treeOf({
      'v/web/web.vmx': vmx('web.vmdk', 'C:\\vms\\web\\Data.vmdk'),
      ...{ 'v/web/web.nvram': 'x', 'v/web/web.vmsd': 'x', 'v/web/web.vmxf': 'x' },
      ...{ 'v/web/vmware.log': 'x', 'v/web/web-ctk.vmdk': 'x' },
    });
    await makeDisk(copy, 'v/web/web.vmdk', '-o', 'subformat=monolithicFlat');
    await makeDisk(copy, 'v/web/data.vmdk');
    await makeDisk(copy, 'v/web/other.vmdk');
    const { points, left, workloads } = await look(copy);
    expect(points).toEqual([
      ['disk-v:web:other.vmdk', ['complete', 'image vmdk-stream v/web/other.vmdk']],
      [
        'vmware-v:web:web',
        [
          ...['complete', 'scsi0-0 vmdk v/web/web.vmdk', 'scsi0-1 vmdk v/web/data.vmdk'],
          ...['web.vmx = v/web/web.vmx', 'web.nvram = v/web/web.nvram'],
          ...[
            'web.vmsd = v/web/web.vmsd',
            'web.vmxf = v/web/web.vmxf',
            'web.vmdk = v/web/web.vmdk',
          ],
        ],
      ],
    ]);
    expect(left).toEqual(['vmware.log', 'web-ctk.vmdk']);
    const [, web] = workloads;
    expect(
      web!.restorePoints.map(({ id, disks: [disk] }) => [id, disk!.as, disk!.asFormat]),
    ).toEqual([['undated', 'web-flat.vmdk', 'raw']]);
    expect(web!.otherIds).toEqual(['disk-v:web:web.vmdk', 'disk-v:web:data.vmdk']);
  });

  it('show each disk as it is now, and keep what its snapshots are of', async () => {
    const copy = await treeOf({ 'web/web.vmx': vmx('web-000002.vmdk') });
    await makeDisk(copy, 'web/web.vmdk');
    await child(copy, 'web/web-000001.vmdk', 'web.vmdk');
    await child(copy, 'web/web-000002.vmdk', 'web-000001.vmdk');
    // A snapshot that the machine was set back from.
    await child(copy, 'web/web-000003.vmdk', 'web.vmdk');
    const { points, left, workloads } = await look(copy);
    expect(points).toEqual([
      [
        'vmware-web:web',
        [
          ...['complete', 'scsi0-0 vmdk web/web-000002.vmdk', 'web.vmx = web/web.vmx'],
          ...['web.vmdk = web/web.vmdk', 'web-000001.vmdk = web/web-000001.vmdk'],
          'web-000003.vmdk = web/web-000003.vmdk',
        ],
      ],
    ]);
    expect(left).toEqual([]);
    const [disk] = workloads[0]!.restorePoints[0]!.disks;
    expect([disk!.kind, disk!.as, disk!.below?.map(({ path }) => path)]).toEqual([
      ...['full', 'web-000002.vmdk', ['web/web-000001.vmdk', 'web/web.vmdk']],
    ]);
  });

  it.each([
    ['a snapshot', 'v/web01', ['web01.vmdk', 'web01-000001.vmdk'], 'web01.vmdk'],
    ['a date in the name of a disk', 'v/web01', ['web01-2026-11-24.vmdk'], null],
    ['a date in the name of its folder', 'vms/web01_20240115', ['web01.vmdk'], null],
    ['a folder of a day', 'vms/2026-11-24', ['Web01.VMDK'], null],
  ])(
    'tell all ids that the disks have without their definition: %s',
    async (_, at, names, base) => {
      const copy = await treeOf({ [`${at}/web01.vmx`]: vmx(names.at(-1)!) });
      await makeDisk(copy, `${at}/new.vmdk`);
      await rename(copy.at(`${at}/new.vmdk`), copy.at(`${at}/${names[0]!}`));
      if (base !== null) await child(copy, `${at}/${names[1]!}`, base);
      const [machine, ...others] = (await look(copy)).workloads;
      await rm(copy.at(`${at}/web01.vmx`));
      const alone = (await look(copy)).workloads;
      expect([machine?.id.slice(0, 7), others, alone.length > 0]).toEqual(['vmware-', [], true]);
      expect(machine!.otherIds).toEqual(expect.arrayContaining(alone.map(({ id }) => id)));
    },
  );

  it('are not whole without what a disk builds on, and tell which disk is not there', async () => {
    const copy = await treeOf({
      'a/web.vmx': vmx('web.vmdk', 'gone.vmdk'),
      'b/db.vmx': vmx('db-000001.vmdk'),
    });
    await makeDisk(copy, 'a/web.vmdk');
    await makeDisk(copy, 'b/db.vmdk');
    await child(copy, 'b/db-000001.vmdk', 'db.vmdk');
    await makeDisk(copy, 'b/db.vmdk');
    const { points, workloads } = await look(copy);
    const [{ leftOut, evidence }] = workloads[0]!.restorePoints as [SourceRestorePoint];
    expect([leftOut, evidence?.closing]).toEqual([
      ...['its folder does not hold the disk "gone.vmdk" (scsi0:1)', 'awaited'],
    ]);
    expect(points.map(([id, point]) => [id, point![0]])).toEqual([
      ['vmware-a:web', 'complete'],
      [
        'vmware-b:db',
        'broken: b/db-000001.vmdk builds on an earlier content of "db.vmdk": that was changed afterwards, or is another disk',
      ],
    ]);
  });

  it.each([
    ['is none of a disk that is called alike', 'web.vmdk'],
    ['is no earlier state of one that is found', 'web-000001.vmdk'],
  ])('have a disk on another datastore, which %s', async (_, first) => {
    const elsewhere = '/vmfs/volumes/ds2/web/web.vmdk';
    const copy = await treeOf({ 'web/web.vmx': vmx(elsewhere, first) });
    await makeDisk(copy, 'web/web.vmdk');
    if (first !== 'web.vmdk') await child(copy, `web/${first}`, 'web.vmdk');
    const { points, workloads } = await look(copy);
    expect(points.map(([id, point]) => [id, ...point!.slice(0, 2)])).toEqual([
      ['vmware-web:web', 'complete', `scsi0-1 vmdk web/${first}`],
    ]);
    expect(workloads[0]!.restorePoints[0]!.leftOut).toBe(
      `its folder does not hold the disk "${elsewhere}" (scsi0:0)`,
    );
  });

  it('tell where a disk is taken from that the definition names by a path', async () => {
    const copy = await treeOf({
      'web/web.vmx': vmx('web.vmdk', '/vmfs/volumes/ds2/web/web_1.vmdk'),
    });
    await makeDisk(copy, 'web/web.vmdk');
    await makeDisk(copy, 'web/web_1.vmdk');
    const { workloads } = await look(copy);
    const [point] = workloads[0]!.restorePoints;
    expect([point!.disks.map(({ path }) => path), point!.leftOut]).toEqual([
      ['web/web.vmdk', 'web/web_1.vmdk'],
      'scsi0:1 is taken from web_1.vmdk here; the definition names "/vmfs/volumes/ds2/web/web_1.vmdk"',
    ]);
  });

  it('have no other snapshot of one disk for a disk of another datastore', async () => {
    const elsewhere = '/vmfs/volumes/ds2/web/web-000002.vmdk';
    const copy = await treeOf({ 'web/web.vmx': vmx('web-000001.vmdk', elsewhere) });
    await makeDisk(copy, 'web/web.vmdk');
    for (const number of ['000001', '000002'])
      await child(copy, `web/web-${number}.vmdk`, 'web.vmdk');
    const { workloads } = await look(copy);
    const [point] = workloads[0]!.restorePoints;
    expect(point!.disks.map(({ path }) => path)).toEqual(['web/web-000001.vmdk']);
    expect(point!.leftOut).toContain(elsewhere);
  });

  it('are several machines where a folder has several definitions, each with its own', async () => {
    const copy = await treeOf({
      ...{ 'v/web.vmx': vmx('web.vmdk'), 'v/web.nvram': 'x', 'v/web-Snapshot1.vmsn': 'x' },
      ...{ 'v/web2.vmx': vmx('web2.vmdk'), 'v/web2.nvram': 'x', 'v/none.vmx': vmx('none.vmdk') },
    });
    await makeDisk(copy, 'v/web.vmdk');
    await makeDisk(copy, 'v/web2.vmdk');
    const { points, left } = await look(copy);
    expect(points).toEqual([
      [
        'vmware-v:web',
        [
          ...['complete', 'scsi0-0 vmdk v/web.vmdk', 'web.vmx = v/web.vmx'],
          ...['web-Snapshot1.vmsn = v/web-Snapshot1.vmsn', 'web.nvram = v/web.nvram'],
        ],
      ],
      [
        'vmware-v:web2',
        [
          'complete',
          'scsi0-0 vmdk v/web2.vmdk',
          'web2.vmx = v/web2.vmx',
          'web2.nvram = v/web2.nvram',
        ],
      ],
    ]);
    expect(left).toEqual(['none.vmx']);
  });

  it('are points of one workload in folders for each day', async () => {
    const copy = await treeOf({
      '2026-11-23/web/web.vmx': vmx('web.vmdk'),
      '2026-11-24/web/web.vmx': vmx('web.vmdk'),
    });
    await makeDisk(copy, '2026-11-23/web/web.vmdk');
    await makeDisk(copy, '2026-11-24/web/web.vmdk');
    const { workloads } = await look(copy);
    expect(
      workloads.map(({ id, restorePoints }) => [id, ...restorePoints.map((one) => one.id)]),
    ).toEqual([['vmware-web:web', '2026-11-23', '2026-11-24']]);
  });

  it('are one point of now in a folder of a day that is written to long after it, unless it is one of a run', async () => {
    const folders = ['a/web_20240115', 'b/20240115', 'b/20240116'];
    const copy = await treeOf(
      Object.fromEntries(folders.map((at) => [`${at}/web.vmx`, vmx('web.vmdk')])),
    );
    for (const at of folders) await makeDisk(copy, `${at}/web.vmdk`);
    const { workloads } = await look(copy);
    expect(
      workloads.map(({ id, restorePoints }) => [id, ...restorePoints.map((one) => one.id)]),
    ).toEqual([
      ['vmware-a:web_20240115:web', 'undated'],
      ['vmware-b:web', '20240115', '20240116'],
    ]);
    const [web, run] = workloads;
    expect(web!.restorePoints[0]!.createdAtMs).toBe(WRITTEN_AT.getTime());
    expect(web!.otherIds).toContain('vmware-a:web:web');
    expect(run!.otherIds).toContain('vmware-b:20240115:web');
  });

  it('count as seen while they are on, without a restore point, and are named', async () => {
    const copy = await treeOf({ 'v/web/web.vmx': vmx('web-000001.vmdk') });
    await makeDisk(copy, 'v/web/web.vmdk');
    await child(copy, 'v/web/web-000001.vmdk', 'web.vmdk');
    const off = (await look(copy)).workloads;
    await writeFile(copy.at('v/web/web-1a2b3c4d.vswp'), 'x');
    const on = await look(copy);
    expect(on.workloads.map(({ restorePoints, ...rest }) => [rest, restorePoints])).toEqual(
      off.map(({ restorePoints: _, ...rest }) => [{ ...rest, isOnlySeen: true }, []]),
    );
    expect(on.workloads[0]).toMatchObject({ id: 'vmware-v:web:web', type: 'vmware-vsphere' });
    expect(on.left).toContain('web.vmdk');
    const [{ id, folders }] = on.workloads as [SourceWorkload];
    expect((await scanWorkload(copy.repository, id, folders))?.restorePoints).toEqual([]);
  });

  it('tell each its own disks while several of one folder are on', async () => {
    const copy = await treeOf({ 'v/a.vmx': vmx('a.vmdk'), 'v/b.vmx': vmx('b.vmdk') });
    for (const name of ['a', 'b']) await makeDisk(copy, `v/${name}.vmdk`);
    await writeFile(copy.at('v/a-1a2b3c4d.vswp'), 'x');
    const { workloads } = await look(copy);
    expect(workloads.map(({ id, otherIds }) => [id, otherIds])).toEqual([
      ['vmware-v:a', ['disk-v:a.vmdk']],
      ['vmware-v:b', ['disk-v:b.vmdk']],
    ]);
  });

  it('are named when their definition cannot be read: their disks are nobody else’s then', async () => {
    const copy = await treeOf({ 'web/web.vmx': vmx('web.vmdk') });
    await makeDisk(copy, 'web/web.vmdk');
    const { openRead } = copy.repository;
    copy.repository.openRead = (path) =>
      path === 'web/web.vmx'
        ? Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'may not be read'))
        : openRead.call(copy.repository, path);
    const { points, unseen } = await look(copy);
    expect(points).toEqual([]);
    expect(unseen.map(({ path }) => path)).toEqual(['web']);
  });

  it('leave their disks to stand alone where the definition is encrypted', async () => {
    const copy = await treeOf({ 'web/web.vmx': 'encryption.data = "x"\n' });
    await makeDisk(copy, 'web/web.vmdk');
    const { points, left } = await look(copy);
    expect(points).toEqual([['disk-web:web.vmdk', ['complete', 'image vmdk-stream web/web.vmdk']]]);
    expect(left).toEqual(['web.vmx']);
  });

  it.skipIf(!hasRealImage('vmx/v2v-test-i-vmx-3.vmx'))(
    'are known by a real definition',
    async () => {
      const definition = await readFile(join(REAL_FIXTURES!, 'vmx', 'v2v-test-i-vmx-3.vmx'));
      const copy = await treeOf({ 'r/machine.vmx': definition });
      await makeDisk(copy, 'r/RHEL-7.1-UEFI.vmdk');
      const { points } = await look(copy);
      expect(points.map(([id, point]) => [id, point![1]])).toEqual([
        ['vmware-r:machine', 'scsi0-0 vmdk r/RHEL-7.1-UEFI.vmdk'],
      ]);
    },
  );
});
