import { gzipSync } from 'node:zlib';
import { rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../../src/domain/errors.js';
import { ghettoVcbLayout } from '../../../../src/layout/ghettovcb/ghettovcb.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { descriptorText } from '../../../support/image/vmdk-bytes.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { scanWith } from '../../../support/layout/scan-with.js';
import { shown, treeOf } from '../../../support/layout/tree.js';

const DAY = 'vms/web/web-2026-11-24_22-00-00';
const STORE = '52fc1e34-a1b2c3d4-9f10-0cc47a1b2c3d';
const SECTORS = 8;
const flat = (name: string): string =>
  descriptorText({ extents: [`RW ${SECTORS} VMFS "${name}-flat.vmdk"`] });

const VMX = `.encoding = "UTF-8"
displayName = "web"
scsi0.present = "TRUE"
scsi0:1.present = "TRUE"
scsi0:1.fileName = "/vmfs/volumes/${STORE}/web/web_6.vmdk"
SCSI0:0.Present = "TRUE"
SCSI0:0.FileName = "web.vmdk"
scsi0:2.fileName = "gone.vmdk"
scsi0:2.present = "FALSE"
scsi0:7.fileName = "controller.vmdk"
ide1:0.deviceType = "cdrom-image"
ide1:0.fileName = "install.iso"
nvram = "web.nvram"
`;

function run(folder: string, status = 'STATUS.ok'): Record<string, string | number> {
  return {
    [`${folder}/web.vmx`]: VMX,
    [`${folder}/web.nvram`]: 100,
    [`${folder}/web.vmdk`]: flat('web'),
    [`${folder}/web-flat.vmdk`]: SECTORS * 512,
    [`${folder}/${STORE}/web_6.vmdk`]: flat('web_6'),
    [`${folder}/${STORE}/web_6-flat.vmdk`]: SECTORS * 512,
    ...(status === '' ? {} : { [`${folder}/${status}`]: 'Successfully completed backup' }),
  };
}

const scan = async ({ repository }: RepositoryCopy) =>
  shown(await scanWith(ghettoVcbLayout, repository));
const statesOf = async (copy: RepositoryCopy) =>
  (await scanWith(ghettoVcbLayout, copy.repository)).flatMap(({ restorePoints }) =>
    restorePoints.map(({ id, state, reason }) => [id, state, reason]),
  );

describe('runs of ghettoVCB', () => {
  it.each([
    ['20261124', '2026-11-24T00:00:00.000Z'],
    ['20261124-2215', '2026-11-24T22:15:00.000Z'],
    ['2026-11-24_221530', '2026-11-24T22:15:30.000Z'],
  ])('are known under a date of another form (%s)', async (convention, createdAt) => {
    const copy = await treeOf(run(`vms/web/web-${convention}`));

    const found = await scan(copy);
    expect(found.map(({ id, points }) => [id, points.map((point) => point.slice(0, 3))])).toEqual([
      ['ghettovcb-vms:web', [[convention, createdAt, 'complete']]],
    ]);
  });

  it('are known by their mark where their names hold no date, and keep the machine’s name', async () => {
    const copy = await treeOf({ ...run('web/web-24-11-2026'), ...run('web/web-Monday') });
    const workloads = await scanRepository(copy.repository);

    expect(workloads.map(({ id }) => id)).toEqual(['ghettovcb-web']);
  });

  it('are of the machine before their number in a folder whose name begins theirs', async () => {
    const copy = await treeOf({ ...run('kunde/kunde-dc01-0'), ...run('kunde/kunde-sql-0') });
    const workloads = await scanRepository(copy.repository);

    expect(workloads.map(({ name }) => name)).toEqual(['kunde-dc01', 'kunde-sql']);
  });

  it('are not what somebody has copied beside a machine, nor files of other names', async () => {
    const copy = await treeOf({
      ...run('web/web-old', ''),
      'web/web-files.gz': 'x',
    });
    expect(await scanWith(ghettoVcbLayout, copy.repository)).toEqual([]);
  });

  it('are one full each, with the disks that the machine has, and what belongs to it', async () => {
    const copy = await treeOf({ ...run(DAY), [`${DAY}/stray.txt`]: 'x' });
    const companion = (within: string, path = within) => `${within} = ${DAY}/${path}`;
    expect(await scan(copy)).toEqual([
      {
        ...{ id: 'ghettovcb-vms:web', name: 'web', type: 'vmware-vsphere' },
        points: [
          [
            ...['2026-11-24_22-00-00', '2026-11-24T22:00:00.000Z', 'complete'],
            `scsi0-0 vmdk ${DAY}/web.vmdk`,
            `scsi0-1 vmdk ${DAY}/${STORE}/web_6.vmdk`,
            companion('web.nvram'),
            companion('web.vmx'),
            companion('web.vmdk'),
            companion(`${STORE}/web_6.vmdk`),
            companion('STATUS.ok'),
          ],
        ],
      },
    ]);
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload?.restorePoints[0]?.disks[1]?.extents).toMatchObject([
      { name: 'web_6-flat.vmdk', path: `${DAY}/${STORE}/web_6-flat.vmdk` },
    ]);
  });

  it('of one machine are its points, whatever its folder holds besides', async () => {
    const other = 'vms/web/web-2026-11-25_22-00-00';
    const copy = await treeOf({ ...run(DAY), ...run(other), 'vms/web/readme.txt': 'x' });
    expect((await statesOf(copy)).map(([id, state]) => [id, state])).toEqual([
      ['2026-11-24_22-00-00', 'complete'],
      ['2026-11-25_22-00-00', 'complete'],
    ]);
  });

  it.each([
    ['', 'incomplete', 'STATUS.ok is not there yet'],
    ['STATUS.OK', 'complete', null],
    ['STATUS.error', 'broken', `ghettoVCB says that this run has failed (${DAY}/STATUS.error)`],
  ])('with the mark %j are %s', async (status, state, reason) => {
    expect(await statesOf(await treeOf(run(DAY, status)))).toEqual([
      ['2026-11-24_22-00-00', state, reason],
    ]);
  });

  it.each<[string, Record<string, string>, string[], string, string, string]>([
    [
      'one is independent of snapshots',
      { [`${DAY}/web.vmx`]: `${VMX}scsi0:0.mode = "independent-persistent"\n` },
      ['web.vmdk', 'web-flat.vmdk', 'STATUS.ok'],
      'STATUS.warn',
      'ghettoVCB has left out the disk "web.vmdk" (scsi0:0), which is independent of snapshots',
      'closed',
    ],
    [
      'one was not asked for, or is still on its way',
      {},
      ['web.vmdk', 'web-flat.vmdk'],
      'STATUS.ok',
      'ghettoVCB has left out the disk "web.vmdk" (scsi0:0)',
      'awaited',
    ],
    [
      'one was passed over with a warning',
      {},
      ['web.vmdk', 'web-flat.vmdk', 'STATUS.ok'],
      'STATUS.warn',
      'ghettoVCB has left out the disk "web.vmdk" (scsi0:0)',
      'closed',
    ],
  ])(
    'are whole, and say what they lack, when of their disks %s',
    async (_, more, less, status, leftOut, closing) => {
      const copy = await treeOf({ ...run(DAY), ...more, [`${DAY}/${status}`]: 'WARN' });
      for (const name of less) await rm(copy.at(`${DAY}/${name}`));
      const later = new Date('2026-11-24T23:00:00Z');
      await utimes(copy.at(`${DAY}/${status}`), later, later);
      const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
      expect(workload!.restorePoints).toMatchObject([
        { state: 'complete', leftOut, disks: [{ disk: 'scsi0-1' }], evidence: { closing } },
      ]);
      expect(workload!.restorePoints[0]!.companions.map(({ as }) => as)).toContain(status);
    },
  );

  it('hold a disk whose descriptor was renamed, with its data under their old names', async () => {
    const copy = await treeOf(run(DAY));
    await rename(copy.at(`${DAY}/web.vmdk`), copy.at(`${DAY}/old.vmdk`));
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload?.restorePoints).toMatchObject([
      { state: 'incomplete', reason: expect.stringContaining('"web.vmdk"') as string },
    ]);
    const vmx = VMX.replace('"web.vmdk"', '"old.vmdk"');
    const renamed = await treeOf({ ...run(DAY), [`${DAY}/web.vmx`]: vmx });
    await rename(renamed.at(`${DAY}/web.vmdk`), renamed.at(`${DAY}/old.vmdk`));
    const [both] = await scanWith(ghettoVcbLayout, renamed.repository);
    expect(both?.restorePoints).toMatchObject([
      {
        ...{ state: 'complete', reason: null },
        disks: [
          { disk: 'scsi0-0', extents: [{ path: `${DAY}/web-flat.vmdk` }] },
          { disk: 'scsi0-1' },
        ],
      },
    ]);
  });

  it('hold a disk once that has a second descriptor', async () => {
    const copy = await treeOf({ ...run(DAY), [`${DAY}/web-copy.vmdk`]: flat('web') });
    const later = new Date('2026-11-24T23:00:00Z');
    await utimes(copy.at(`${DAY}/STATUS.ok`), later, later);
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload?.restorePoints).toMatchObject([
      { state: 'complete', disks: [{ disk: 'scsi0-0' }, { disk: 'scsi0-1' }] },
    ]);
    expect(workload?.restorePoints[0]?.disks.length).toBe(2);
  });

  it('are unknown while what may be a disk that their definition does not name cannot be read', async () => {
    const copy = await treeOf(run(DAY));
    for (const end of ['.vmdk', '-flat.vmdk'])
      await rename(copy.at(`${DAY}/web${end}`), copy.at(`${DAY}/old${end}`));
    await writeFile(copy.at(`${DAY}/old.vmdk`), flat('old'));
    const later = new Date('2026-11-24T23:00:00Z');
    await utimes(copy.at(`${DAY}/STATUS.ok`), later, later);
    const openRead = copy.repository.openRead.bind(copy.repository);
    copy.repository.openRead = async (path) => {
      if (path === `${DAY}/old.vmdk`) throw new BackupError('REPOSITORY_IO_ERROR', 'bad sector');
      return openRead(path);
    };
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload?.restorePoints).toMatchObject([
      { state: 'unknown', reason: expect.stringContaining('bad sector') as string },
    ]);
  });

  it('hold also the disks that their definition does not name, and say so', async () => {
    const copy = await treeOf({ ...run(DAY), [`${DAY}/lost-flat.vmdk`]: 512 });
    for (const end of ['.vmdk', '-flat.vmdk'])
      await rename(copy.at(`${DAY}/web${end}`), copy.at(`${DAY}/old${end}`));
    await writeFile(copy.at(`${DAY}/old.vmdk`), flat('old'));
    const later = new Date('2026-11-24T23:00:00Z');
    await utimes(copy.at(`${DAY}/STATUS.ok`), later, later);
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload?.restorePoints).toMatchObject([
      {
        state: 'complete',
        leftOut: [
          'ghettoVCB has left out the disk "web.vmdk" (scsi0:0)',
          `${DAY}/old.vmdk is copied, which ${DAY}/web.vmx does not name`,
          `${DAY}/lost-flat.vmdk is not copied: it is no whole disk of its own`,
        ].join('; '),
        disks: [
          { disk: 'old.vmdk', extents: [{ path: `${DAY}/old-flat.vmdk` }] },
          { disk: 'scsi0-1' },
        ],
      },
    ]);
  });

  it.each([
    ['web-2026-11-24_ 9-05-01', '2026-11-24_09-05-01', '2026-11-24T09:05:01.000Z'],
    ['web-2026-11-24_22-05', '2026-11-24_22-05', '2026-11-24T22:05:00.000Z'],
    ['web-2026-11-24', '2026-11-24', '2026-11-24T00:00:00.000Z'],
  ])('of the name %s are of that date', async (folder, id, date) => {
    const [workload] = await scan(await treeOf(run(`vms/web/${folder}`)));
    expect(workload).toMatchObject({
      id: 'ghettovcb-vms:web',
      points: [expect.arrayContaining([id, date, 'complete'])],
    });
  });

  it('that lack a disk are awaited for longer when their mark came before their files', async () => {
    const copy = await treeOf(run(DAY));
    for (const name of ['web.vmdk', 'web-flat.vmdk']) await rm(copy.at(`${DAY}/${name}`));
    const ahead = new Date(Date.now() + 3_600_000);
    await utimes(copy.at(`${DAY}/web.nvram`), ahead, ahead);
    const [workload] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(workload!.restorePoints[0]!.evidence!.closing).toBe('awaited');
  });

  it('without any disk are broken', async () => {
    const copy = await treeOf({ [`${DAY}/web.vmx`]: VMX, [`${DAY}/STATUS.ok`]: 'ok' });
    expect(await statesOf(copy)).toEqual([['2026-11-24_22-00-00', 'broken', 'it holds no disk']]);
  });

  it.each([
    ['web.vmx', `${DAY} holds no .vmx`],
    ['web.vmdk', `the disk "web.vmdk" (scsi0:0) of ${DAY}/web.vmx is missing`],
    [
      'web-flat.vmdk',
      `${DAY}/web.vmdk keeps a part of its data in "web-flat.vmdk", which is not there`,
    ],
  ])('are incomplete without %s', async (name, reason) => {
    const copy = await treeOf(run(DAY));
    await rm(copy.at(`${DAY}/${name}`));
    expect(await statesOf(copy)).toEqual([['2026-11-24_22-00-00', 'incomplete', reason]]);
  });

  it('are incomplete with an extent that was cut off', async () => {
    const copy = await treeOf(run(DAY));
    await truncate(copy.at(`${DAY}/web-flat.vmdk`), SECTORS * 512 - 1);
    expect(await statesOf(copy)).toMatchObject([
      [expect.any(String), 'incomplete', expect.stringContaining('web-flat.vmdk')],
    ]);
  });

  it('are broken with an encrypted definition, and with a disk that builds on another', async () => {
    const encrypted = { ...run(DAY), [`${DAY}/web.vmx`]: 'encryption.data = "AAAA"\n' };
    expect(await statesOf(await treeOf(encrypted))).toMatchObject([
      [expect.any(String), 'broken', expect.stringContaining('encrypted')],
    ]);
    const more = ['parentCID=0172e8a4', 'parentFileNameHint="web.vmdk"'];
    const delta = {
      ...run(DAY),
      [`${DAY}/web.vmdk`]: descriptorText({ extents: ['RW 8 ZERO'], more }),
    };
    expect(await statesOf(await treeOf(delta))).toMatchObject([
      [expect.any(String), 'broken', expect.stringContaining('builds on')],
    ]);
  });

  it('have the disks that a definition names in an encoding of its own', async () => {
    const vmx = '.encoding = "windows-1252"\nscsi0:0.fileName = "B\u00fcro.vmdk"\n';
    const copy = await treeOf({
      [`${DAY}/web.vmx`]: Buffer.from(vmx, 'latin1'),
      [`${DAY}/B\u00fcro.vmdk`]: flat('B\u00fcro'),
      [`${DAY}/B\u00fcro-flat.vmdk`]: SECTORS * 512,
      [`${DAY}/STATUS.ok`]: 'ok',
    });
    expect(await statesOf(copy)).toEqual([['2026-11-24_22-00-00', 'complete', null]]);
  });

  it('that are numbered stay the same points when they are renamed', async () => {
    const older = new Date('2026-11-23T22:00:00.123Z');
    const copy = await treeOf({ ...run('web/web-0'), ...run('web/web-1') });
    await utimes(copy.at('web/web-1/STATUS.ok'), older, older);
    const before = (await statesOf(copy)).sort();
    expect(before.map(([id, state]) => [id, state])).toEqual([
      ['run-1795471200', 'complete'],
      ['run-1795557600', 'complete'],
    ]);
    await rename(copy.at('web/web-1'), copy.at('web/web-2'));
    await rename(copy.at('web/web-0'), copy.at('web/web-1'));
    expect((await statesOf(copy)).sort()).toEqual(before);
  });

  it('that were packed stand in the order in which they were written, whatever their numbers', async () => {
    const copy = await treeOf({
      'vms/web/web-0.gz': 3,
      'vms/web/web-1.gz': 2,
      'vms/web/web-2.gz': 1,
    });
    for (const number of [0, 1, 2]) {
      const written = new Date(Date.UTC(2026, 10, 24 - number));
      await utimes(copy.at(`vms/web/web-${number}.gz`), written, written);
    }
    const [web] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(web!.restorePoints.map(({ disks }) => disks[0]!.path)).toEqual([
      'vms/web/web-2.gz',
      'vms/web/web-1.gz',
      'vms/web/web-0.gz',
    ]);
  });

  it('that were packed are one file each', async () => {
    const packed = gzipSync(Buffer.alloc(10_240, 0x5a));
    const copy = await treeOf({
      'vms/web/web-2026-11-24_22-00-00.gz': packed,
      'vms/web/db-1.gz': 5,
      'vms/web/web-7.gz': packed.subarray(0, -1),
    });
    expect(await scan(copy)).toEqual([
      {
        ...{ id: 'ghettovcb-vms:web', name: 'web', type: 'vmware-vsphere' },
        points: [
          [
            ...['2026-11-24_22-00-00', '2026-11-24T22:00:00.000Z', 'complete'],
            'archive gzip vms/web/web-2026-11-24_22-00-00.gz',
          ],
          [
            ...['run-1795557600', '2026-11-24T22:00:00.000Z'],
            'incomplete: vms/web/web-7.gz: does not end as a gzip file does: it was cut off, or is being written',
            'archive gzip vms/web/web-7.gz',
          ],
        ],
      },
    ]);
  });

  it('are none in folders of machines that were copied by hand, which are left to others', async () => {
    const copy = await treeOf({
      'templates/centos-7/centos.vmx': VMX,
      'templates/centos-7/centos.vmdk': flat('centos'),
      'templates/centos-7/centos-flat.vmdk': SECTORS * 512,
      'debian/debian-11/debian-11.vmx': VMX,
      'debian/debian-11/debian-11.vmdk': flat('debian-11'),
      'debian/debian-11/debian-11-flat.vmdk': SECTORS * 512,
      'web-0/web.vmx': VMX,
    });
    const found = (await scanRepository(copy.repository)).map(
      ({ id, restorePoints: [point] }): unknown[] => [id, point?.state],
    );
    expect(found.sort()).toEqual([
      ['disk-debian:debian-11:debian-11.vmdk', 'complete'],
      ['disk-templates:centos-7:centos.vmdk', 'complete'],
      // In a repository that is the folder of the machine.
      ['ghettovcb-web', 'incomplete'],
    ]);
  });

  it('leave folders of such names to others, and name what they do not know', async () => {
    const copy = await treeOf({
      'ubuntu/ubuntu-22/notes.txt': 'x',
      ...run(DAY),
      [`${DAY}/${STORE}/odd.bin`]: 'x',
    });
    const unknown: unknown[] = [];
    await scanRepository(copy.repository, {
      onUnrecognised: (files) => unknown.push(files),
    });
    expect(unknown).toMatchObject([
      { folder: 'ubuntu/ubuntu-22' },
      { folder: `${DAY}/${STORE}`, examples: ['odd.bin'] },
    ]);
  });
});
