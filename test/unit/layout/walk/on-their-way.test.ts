import { readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settlePoints } from '../../../../src/domain/sources/settle.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { descriptorText } from '../../../support/image/vmdk-bytes.js';
import { copyToRepository, type RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { treeOf } from '../../../support/layout/tree.js';

const flat = descriptorText({ extents: ['RW 8 VMFS "web-flat.vmdk"'] });
const VMX = 'scsi0:0.present = "TRUE"\nscsi0:0.fileName = "web.vmdk"\n';
const OLD = 'vms/web/web-2026-11-23_22-00-00';
const NEW = 'vms/web/web-2026-11-24_22-00-00';
const runOf = (folder: string) => ({
  [`${folder}/web.vmx`]: VMX,
  [`${folder}/web.vmdk`]: flat,
  [`${folder}/web-flat.vmdk`]: 4096,
  [`${folder}/STATUS.ok`]: 'ok',
});

const packageOf = (name: string) => `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References><File ovf:id="f" ovf:href="${name}-disk1.vmdk"/></References>
  <DiskSection><Info/><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection>
  <VirtualSystem ovf:id="vm"><Info/><Name>${name}</Name></VirtualSystem>
</Envelope>`;

async function pointsOf({ repository }: RepositoryCopy) {
  const [workload] = await scanRepository(repository, { onUnrecognised: () => undefined });
  return workload!.restorePoints;
}

const closings = async (copy: RepositoryCopy) =>
  (await pointsOf(copy)).map(({ id, evidence }) => [id, evidence?.closing]);

describe('a file that is still on its way', () => {
  it.each([
    '.web_1.vmdk.Xy12Ab',
    'web_1.vmdk.part',
    'more/.x.vmdk.Xy12Ab',
    'web.nvram.0f1e2d3c.partial',
  ])('has the point awaited that it is of, and no other (%s)', async (name) => {
    const copy = await treeOf({ ...runOf(OLD), ...runOf(NEW), [`${NEW}/${name}`]: 'x' });
    for (const run of [OLD, NEW]) await close(copy, run);
    expect(await closings(copy)).toEqual([
      [OLD.slice(-19), 'closed'],
      [NEW.slice(-19), 'awaited'],
    ]);
  });

  it('is waited for ten times as long as it was last written to, and then no longer', async () => {
    const path = `${NEW}/.web_1.vmdk.Xy12Ab`;
    const copy = await treeOf({ ...runOf(NEW), [path]: 'x' });
    await close(copy, NEW);
    const list = copy.repository.list.bind(copy.repository);
    const writtenAtMs = Date.now() + 7_200_000;
    const ns = `${writtenAtMs}000000`;
    copy.repository.list = async (folder) =>
      (await list(folder)).map((entry) =>
        entry.path === path
          ? { ...entry, stamp: { ...entry.stamp, modifiedAtNs: ns, changedAtNs: ns } }
          : entry,
      );
    const points = await pointsOf(copy);
    const stateAfter = (seconds: number) =>
      settlePoints(points, { nowMs: writtenAtMs + seconds * 1000, settleMs: 60_000 })[0]!.state;
    expect([stateAfter(0), stateAfter(599), stateAfter(600)]).toEqual([
      ...['inProgress', 'inProgress', 'complete'],
    ]);
  });

  it('is of the newest point where all of them lie in one folder, or of the one that it will replace', async () => {
    const coming = async (change: (name: string) => string) => {
      const copy = await copyToRepository('ovirt');
      const [first] = (await readdir(copy.at('mail01'))).filter((name) => name.endsWith('.qcow2'));
      await writeFile(copy.at(`mail01/.${change(first!)}.Xy12Ab`), 'x');
      const found = await scanRepository(copy.repository);
      const machine = found.find(({ folders: [folder] }) => folder === 'mail01')!;
      return machine.restorePoints.map(({ evidence }) => evidence?.closing);
    };
    expect(await coming((name) => name)).toEqual(['awaited', 'silent', 'silent']);
    expect(await coming((name) => name.replace(/^\d{14}\.\w{4}/, '20261201000000.ffff'))).toEqual([
      ...['silent', 'silent', 'awaited'],
    ]);
  });

  it.each([
    ['web', '.web-disk1.vmdk.Xy12Ab', ['web']],
    ['of no known point', '.new-disk1.vmdk.Xy12Ab', ['mail']],
  ])('holds up one machine of a folder with several (%s)', async (_, name, awaited) => {
    const machines = ['db', 'mail', 'web'];
    const files: Record<string, string | number> = { [`vms/${name}`]: 'x' };
    for (const machine of machines) {
      files[`vms/${machine}.ovf`] = packageOf(machine);
      files[`vms/${machine}-disk1.vmdk`] = 4096;
    }
    const copy = await treeOf(files);
    const newest = new Date('2026-11-24T23:00:00Z');
    await utimes(copy.at('vms/mail.ovf'), newest, newest);
    const found = await scanRepository(copy.repository, { onUnrecognised: () => undefined });
    expect(found.map(({ id }) => id)).toEqual(machines.map((machine) => `ovf-vms:${machine}`));
    expect(
      machines.filter((_machine, index) =>
        found[index]!.restorePoints.some(({ evidence }) => evidence?.closing === 'awaited'),
      ),
    ).toEqual(awaited);
  });

  it('holds up no machine of another layout where it will replace a file of one', async () => {
    const copy = await treeOf({
      ...{ 'vms/web.ovf': packageOf('web'), 'vms/web-disk1.vmdk': 4096 },
      ...{ 'vms/mail-2026-11-24.img': 512, 'vms/.mail-2026-11-24.img.Xy12Ab': 'x' },
    });
    const found = await scanRepository(copy.repository);
    expect(found.map(({ id, restorePoints: [one] }) => [id, one?.evidence?.closing])).toEqual([
      ['ovf-vms:web', 'silent'],
      ['raw-vms:mail.img', 'awaited'],
    ]);
  });

  it('holds up no backup that is one file, but the one that it will replace', async () => {
    const dump = (vmid: number) => `dump/vzdump-qemu-${vmid}-2026_11_24-06_30_00.vma.zst`;
    for (const [path, coming, closing] of [
      ['img/web.img', 'img/.db.img.Xy12Ab', 'silent'],
      ['img/web.img', 'img/.web.img.Xy12Ab', 'awaited'],
      [dump(100), dump(101).replace('dump/', 'dump/.').concat('.Xy12Ab'), 'silent'],
    ] as const)
      expect(
        (await closings(await treeOf({ [path]: 512, [coming]: 'x' }))).map(([, is]) => is),
      ).toEqual([closing]);
  });
});

/** The mark is written last. */
async function close({ at }: RepositoryCopy, run: string): Promise<void> {
  const later = new Date('2026-11-24T23:00:00Z');
  await writeFile(at(`${run}/STATUS.next`), 'ok');
  await rename(at(`${run}/STATUS.next`), at(`${run}/STATUS.ok`));
  await utimes(at(`${run}/STATUS.ok`), later, later);
}
