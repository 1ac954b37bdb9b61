import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { copyToRepository, type RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { treeOf } from '../../../support/layout/tree.js';

async function strangersIn({ repository }: RepositoryCopy): Promise<string[]> {
  const strangers: string[] = [];
  await scanRepository(repository, {
    onUnrecognised: ({ folder, examples }) =>
      strangers.push(...examples.map((name) => `${folder}/${name}`)),
  });
  return strangers.sort();
}

const ovfOf = (disk: string) =>
  `<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References><File ovf:id="f" ovf:href="${disk}"/></References>` +
  '<DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection><VirtualSystem/></Envelope>';

describe('files that a layout has claimed and that are in no point', () => {
  it('are named where several OVF packages lie in one folder, and none names them', async () => {
    const copy = await treeOf({
      ...{ 'vms/web.ovf': ovfOf('web.vmdk'), 'vms/web.vmdk': 512, 'vms/web.mf': 'x' },
      ...{ 'vms/db.ovf': ovfOf('db.vmdk'), 'vms/db.vmdk': 512 },
      ...{ 'vms/web-spare.vmdk': 512, 'vms/mail.nvram': 512 },
    });
    expect(await strangersIn(copy)).toEqual(['vms/mail.nvram', 'vms/web-spare.vmdk']);
  });

  it('are named where an OVF file describes none of the machines of oVirt beside it', async () => {
    const copy = await copyToRepository('ovirt');
    await rm(copy.at('truth.json'));
    expect(await strangersIn(copy)).toEqual([]);
    const [own, other] = [
      '2b7e1f04-9c3d-4a58-8e61-d0f5b9a3c7e8',
      '3c8f1f04-9c3d-4a58-8e61-d0f5b9a3c7e8',
    ];
    const system = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';
    await writeFile(copy.at(`mail01/post-${own}.ovf`), `<Disk ovf:fileRef="${system}/x"/>`);
    await writeFile(copy.at(`mail01/else-${other}.ovf`), '<Disk/>');
    expect(await strangersIn(copy)).toEqual([`mail01/else-${other}.ovf`]);
  });

  it('are named where a run of virtnbdbackup has lost its streams', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    await rm(copy.at('truth.json'));
    await writeFile(copy.at('vm1/vdb.full.data.chksum'), '4294901761\n');
    expect(await strangersIn(copy)).toEqual([]);
    for (const disk of ['vdb', 'vdc']) await rm(copy.at(`vm1/${disk}.inc.virtnbdbackup.2.data`));
    expect(await strangersIn(copy)).toContain('vm1/vmconfig.virtnbdbackup.2.xml');
  });
});

/** A base backup of which the cluster is not whole, and an index of bup. */
describe('folders below one that is a backup as a whole', () => {
  it('are one place with it, and those beside it are not', async () => {
    const { repository } = await treeOf({
      ...{ 'pg/main/backup_label': 'x', 'pg/main/base/1/112': 'x', 'pg/main/pg_xact/0000': 'x' },
      ...{ 'pg/other/0000': 'x', 'my/bup/bupindex': 'x', 'my/bup/objects/x': 'x' },
    });
    const tools: [string, number, string | undefined][] = [];
    await scanRepository(repository, {
      onUnrecognised: ({ folder, fileCount, tool }) => tools.push([folder, fileCount, tool]),
    });
    expect(tools).toEqual([
      ['my/bup', 2, 'bup'],
      ['pg/main', 3, 'pg_basebackup'],
      ['pg/other', 1, undefined],
    ]);
  });
});
