import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { SourceRestorePoint } from '../../../src/domain/sources/source-workload.js';
import { libvirtPushLayout } from '../../../src/layout/libvirt/libvirt-push.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

const WEB01 = 'libvirt-0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';

/** Restore points of web01 by checkpoint name. */
async function web01({ repository }: RepositoryCopy): Promise<Record<string, SourceRestorePoint>> {
  const workloads = await scanWith(libvirtPushLayout, repository);
  const points = workloads.find(({ id }) => id === WEB01)!.restorePoints;
  return Object.fromEntries(points.map((point) => [point.id.replace(/-.*/, ''), point]));
}

async function editXml(path: string, edit: (xml: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

describe('disks that a push backup has left out of its machine', () => {
  // `<disk name='vdd' checkpoint='no'/>`, and `backup='no'` in the XML of the backup.
  it('names the disks of the machine that the backup was not asked for, and no drives', async () => {
    const copy = await copyToRepository('libvirt-push');
    const devices = ['cdrom', 'disk', 'lun'].map(
      (device, at) => `<disk device='${device}'><target dev='sd${'abc'[at]}'/></disk>`,
    );
    await editXml(copy.at('web01/checkpoint.cp2.xml'), (xml) =>
      xml
        .replace('</devices>', `${devices.join('')}</devices>`)
        .replace('</disks>', "<disk name='sda' checkpoint='no'/></disks>"),
    );
    const onlyInDomain = '<disk><target dev="vdb"/></disk>';
    await editXml(copy.at('web01/checkpoint.cp3.xml'), (xml) =>
      xml.replace(/<domain [^]*<\/domain>/, ''),
    );
    await editXml(copy.at('web01/domain.cp3.xml'), (xml) =>
      xml.replace('</devices>', `${onlyInDomain}</devices>`),
    );
    const { cp1, cp2, cp3 } = await web01(copy);
    expect([cp1, cp2, cp3].map((point) => [point?.state, point?.leftOut])).toEqual([
      ['complete', undefined],
      ['complete', 'the backup has left out the disks sdb, sdc'],
      ['complete', 'the backup has left out the disk vdb'],
    ]);
    await rm(copy.at('web01/checkpoint.cp3.xml'));
    expect((await web01(copy)).cp3?.leftOut).toBeUndefined();
  });

  /** `virsh checkpoint-dumpxml web01 <checkpoint> --no-domain`, and no `virsh dumpxml` beside it, of a machine with these disks, too. */
  async function undefinedMachine(copy: RepositoryCopy, checkpoints: string[], disks: string[]) {
    const untracked = disks.map((disk) => `<disk name='${disk}' checkpoint='no'/>`).join('');
    for (const checkpoint of checkpoints) {
      await editXml(copy.at(`web01/checkpoint.${checkpoint}.xml`), (xml) =>
        xml.replace(/<domain [^]*<\/domain>/, '').replace('</disks>', `${untracked}</disks>`),
      );
      await rm(copy.at(`web01/domain.${checkpoint}.xml`), { force: true });
    }
  }

  const MAY_LACK_VDB =
    'the backup may have left out the disk vdb: without domain.cp3.xml nothing tells disks from drives';

  it('names what may be a disk that the backup was not asked for, where nothing tells it from a drive', async () => {
    const copy = await copyToRepository('libvirt-push');
    const definition = await readFile(copy.at('web01/domain.cp3.xml'));
    await undefinedMachine(copy, ['cp3'], ['vdb', 'fda']);
    const { state, leftOut, isLeftOutUnsure } = (await web01(copy)).cp3!;
    expect([state, leftOut, isLeftOutUnsure]).toEqual(['complete', MAY_LACK_VDB, true]);
    await writeFile(copy.at('web01/domain.cp3.xml'), definition.subarray(0, 100));
    expect((await web01(copy)).cp3?.leftOut).toBe(
      'the backup may have left out the disk vdb: domain.cp3.xml lists no disks, so nothing tells them from drives',
    );
    await writeFile(copy.at('web01/domain.cp3.xml'), definition);
    expect((await web01(copy)).cp3?.leftOut).toBe(undefined);
  });

  it('tells a disk from a drive by the nearest point that knows it', async () => {
    const copy = await copyToRepository('libvirt-push');
    await undefinedMachine(copy, ['cp3', 'cp2'], ['vdb', 'sda']);
    const define = (checkpoint: string, device: string, disk: string) =>
      editXml(copy.at(`web01/checkpoint.${checkpoint}.xml`), (xml) =>
        xml.replace(
          '</devices>',
          `<disk device='${device}'><target dev='${disk}'/></disk></devices>`,
        ),
      );
    await define('cp1', 'cdrom', 'sda');
    const { cp2, cp3 } = await web01(copy);
    expect([cp3?.leftOut, cp3?.isLeftOutUnsure]).toEqual([MAY_LACK_VDB, true]);
    expect(cp2?.leftOut).toBe(MAY_LACK_VDB.replace('cp3', 'cp2'));
    await define('cp1', 'disk', 'vdb');
    for (const point of Object.values(await web01(copy)).slice(1))
      expect([point.leftOut, point.isLeftOutUnsure]).toEqual([
        'the backup has left out the disk vdb',
        undefined,
      ]);
    // By then it had become a drive.
    await copyFile(copy.at('web01/checkpoint.cp1.xml'), copy.at('web01/domain.cp2.xml'));
    await editXml(copy.at('web01/domain.cp2.xml'), (xml) =>
      /<domain [^]*<\/domain>/
        .exec(xml)![0]
        .replace("device='disk'><target dev='vdb'", "device='cdrom'><target dev='vdb'"),
    );
    expect((await web01(copy)).cp3?.leftOut).toBe(undefined);
  });

  it('knows a disk by the image or the tracking that another point has of it', async () => {
    const copy = await copyToRepository('libvirt-push');
    const disks = Object.values(await web01(copy)).map(({ disks }) =>
      disks.map(({ disk }) => disk),
    );
    expect(disks[2]).toContain('vda');
    await undefinedMachine(copy, ['cp1', 'cp2', 'cp3'], []);
    const uuid = WEB01.slice('libvirt-'.length);
    await writeFile(
      copy.at('web01/domain.cp1.xml'),
      `<domain><name>web01</name><uuid>${uuid}</uuid></domain>`,
    );
    await editXml(copy.at('web01/checkpoint.cp3.xml'), (xml) =>
      xml.replace(
        /<disk name='vda' checkpoint='bitmap'[^>]*>/,
        "<disk name='vda' checkpoint='no'/>",
      ),
    );
    await rm(copy.at('web01/vda.cp3.qcow2'));
    expect((await web01(copy)).cp3?.leftOut).toBe('the backup has left out the disk vda');
  });
});
