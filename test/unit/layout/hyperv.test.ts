import { readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { hypervLayout } from '../../../src/layout/hyperv/hyperv.js';
import { textsOfKeyStore } from '../../../src/layout/hyperv/key-store.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { fixtureImage } from '../../support/image/real-images.js';
import { describedMachine } from '../../support/layout/key-store-file.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';
import { openedVhdx } from '../../support/image/open-vhdx.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { shown, treeOf } from '../../support/layout/tree.js';

const MACHINE = 'EC04F346-DB96-4700-AF5B-77B3C56C38BD';
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32385';
const MIB = 1024 * 1024;
const DATE = '2026-11-24T22:00:00.000Z';

const parent = fixtureImage('hyperv/ntfs-parent.vhdx.gz').bytes;
const child = fixtureImage('hyperv/ntfs-differential.vhdx.gz').bytes;

const DISKS = {
  'controller0/drive0': ['VHD', `C:\\VMs\\web\\ntfs-parent_${CHECKPOINT}.avhdx`],
  'controller0/drive1': ['NONE', ''],
  'controller1/drive0': ['ISO', 'D:\\setup.iso'],
} as const;

/** A machine as `Export-VM` leaves it: real disks of Windows under names as Hyper-V gives them. */
function exported(
  root: string,
  vmcx = describedMachine('Web & shop', DISKS),
): Record<string, string | Uint8Array> {
  return {
    [`${root}/Virtual Machines/${MACHINE}.vmcx`]: vmcx,
    [`${root}/Virtual Machines/${MACHINE}.VMRS`]: 'vmrs',
    [`${root}/Snapshots/${CHECKPOINT}.vmcx`]: 'vmcx',
    [`${root}/Virtual Hard Disks/ntfs-parent.vhdx`]: parent,
    [`${root}/Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`]: child,
    [`${root}/Virtual Hard Disks/ntfs-parent.vhdx.rct`]: 'rct',
  };
}

/** Of a parent that was being written the first link is another's. */
function withSwappedLinks(image: Uint8Array): Buffer {
  const bytes = Buffer.from(image);
  const links = [...bytes.toString('utf16le').matchAll(/(?<!Volume)\{[0-9a-f-]{36}\}/gi)];
  expect(links).toHaveLength(2);
  for (const [at, { index }] of links.entries())
    bytes.write(links[1 - at]![0], index * 2, 'utf16le');
  return bytes;
}

describe('exports of Hyper-V', () => {
  it('are one full of a machine, with the parents of its checkpoints below its disks', async () => {
    const { repository } = await treeOf(exported('exports/monday/web01'));
    const workloads = await scanWith(hypervLayout, repository);
    const disks = 'exports/monday/web01/Virtual Hard Disks';
    expect(shown(workloads)).toEqual([
      {
        ...{ id: `hyperv-${MACHINE.toLowerCase()}`, name: 'Web & shop', type: 'hyper-v' },
        points: [
          [
            ...[DATE, DATE, 'complete'],
            `ntfs-parent vhdx ${disks}/ntfs-parent_${CHECKPOINT}.avhdx`,
            `Snapshots/${CHECKPOINT}.vmcx = exports/monday/web01/Snapshots/${CHECKPOINT}.vmcx`,
            `Virtual Hard Disks/ntfs-parent.vhdx = ${disks}/ntfs-parent.vhdx`,
            `Virtual Machines/${MACHINE}.VMRS = exports/monday/web01/Virtual Machines/${MACHINE}.VMRS`,
            `Virtual Machines/${MACHINE}.vmcx = exports/monday/web01/Virtual Machines/${MACHINE}.vmcx`,
          ],
        ],
      },
    ]);
    expect(workloads[0]?.restorePoints[0]?.disks[0]).toMatchObject({
      as: `Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`,
      below: [{ path: `${disks}/ntfs-parent.vhdx`, format: 'vhdx' }],
    });
  });

  const statesOf = async (files: Record<string, string | Uint8Array>) => {
    const { repository } = await treeOf(files);
    const [workload] = await scanWith(hypervLayout, repository);
    return workload?.restorePoints.map(({ state, reason }) => [state, reason]);
  };

  it('wait while one of their disks is open', async () => {
    const path = 'web01/Virtual Hard Disks/ntfs-parent.vhdx';
    const [[state, reason] = []] = (await statesOf({
      ...exported('web01'),
      [path]: openedVhdx(parent),
    }))!;
    expect(state).toBe('incomplete');
    expect(reason).toMatch(new RegExp(`^${path} is open, .*Mount-VHD.*never this disk itself`));
  });

  it('of 2008 and 2008 R2 are copied with what their import reads', async () => {
    const { repository } = await treeOf({
      'web01/config.xml': '<x/>',
      [`web01/Virtual Machines/${MACHINE}.exp`]: '<DECLARATIONS/>',
      'web01/Virtual Hard Disks/fat-parent.vhd': fixtureImage('hyperv/fat-parent.vhd.gz').bytes,
    });
    const [workload] = shown(await scanWith(hypervLayout, repository));
    expect(workload).toMatchObject({ id: `hyperv-${MACHINE.toLowerCase()}`, name: 'web01' });
    expect(workload!.points).toEqual([
      [
        ...[DATE, DATE, 'complete'],
        'fat-parent vhd web01/Virtual Hard Disks/fat-parent.vhd',
        'config.xml = web01/config.xml',
        `Virtual Machines/${MACHINE}.exp = web01/Virtual Machines/${MACHINE}.exp`,
      ],
    ]);
  });

  it('have a parent that the second link of a checkpoint names', async () => {
    const files = exported('web01');
    const above = `web01/Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`;
    files[above] = withSwappedLinks(child);
    expect(await statesOf(files)).toEqual([['complete', null]]);
  });

  it('are broken without the parent of a checkpoint, and with one that was changed since', async () => {
    const files = exported('web01');
    delete files['web01/Virtual Hard Disks/ntfs-parent.vhdx'];
    const above = `web01/Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`;
    expect(await statesOf(files)).toEqual([
      ['broken', `ntfs-parent.vhdx, the parent of ${above}, is missing`],
    ]);
    const changed = await composeDisk(VHDX.composer, {
      ...{ virtualSizeBytes: 4 * MIB, dialect: {}, blocks: new Map([[1, blockOf(1)]]) },
    });
    files['web01/Virtual Hard Disks/ntfs-parent.vhdx'] = changed.bytes;
    expect(await statesOf(files)).toEqual([
      [
        'broken',
        `${above} builds on an earlier content of ntfs-parent.vhdx: that was changed afterwards`,
      ],
    ]);
  });

  describe('with a checkpoint of a VHD, whose copies all have one uuid', () => {
    const GUID = '5d2e1f60-4b25-4406-8c4b-d39e65c32385';
    const folder = 'web01/Virtual Hard Disks';
    const full = fixtureImage('hyperv/fat-parent.vhd.gz').bytes;
    const above = `${folder}/fat-parent_${GUID}.avhd`;
    const machine = (...names: string[]) =>
      describedMachine(
        'web',
        Object.fromEntries(
          names.map((name, drive) => [
            `controller0/drive${drive}`,
            ['VHD', `C:\\VMs\\${name}`] as const,
          ]),
        ),
      );
    const ofVhd = (...names: string[]): Record<string, string | Uint8Array> => ({
      [`web01/Virtual Machines/${MACHINE}.vmcx`]: machine(`fat-parent_${GUID}.avhd`),
      [above]: fixtureImage('hyperv/fat-differential.vhd.gz').bytes,
      ...Object.fromEntries(names.map((name) => [`${folder}/${name}`, full])),
    });

    it('take none of them for the parent but the one of its name', async () => {
      expect(await statesOf(ofVhd('fat-parent.vhd', 'os.vhd'))).toEqual([['complete', null]]);
      const [[state, reason] = []] = (await statesOf(ofVhd('os.vhd')))!;
      expect(state).toBe('broken');
      expect(reason).toMatch(
        /^fat-parent\.vhd, the parent of .*, is missing; its id has os\.vhd, /,
      );
    });

    it('take the one beside it where others of its name lie elsewhere', async () => {
      expect(
        await statesOf({
          ...ofVhd(),
          'web01/Virtual Hard Disks/D/fat-parent.vhd': full,
          'web01/Virtual Hard Disks/E/fat-parent.vhd': full,
        }),
      ).toMatchObject([
        ['broken', expect.stringMatching(/several files of that name have its id/)],
      ]);
      expect(
        await statesOf({
          ...ofVhd('fat-parent.vhd'),
          'web01/Virtual Hard Disks/D/fat-parent.vhd': full,
        }),
      ).toEqual([['complete', null]]);
    });

    it('are told to be in doubt when it was written to later', async () => {
      const copy = await treeOf(ofVhd('fat-parent.vhd'));
      const later = new Date(Date.parse(DATE) + 60_000);
      await utimes(copy.at(`${folder}/fat-parent.vhd`), later, later);
      const [workload] = await scanWith(hypervLayout, copy.repository);
      expect(workload!.restorePoints).toMatchObject([
        {
          state: 'complete',
          isOnLater: true,
          leftOut: `${folder}/fat-parent.vhd was written to after ${above}, which builds on it: unless only their dates are wrong, what this shows never was`,
        },
      ]);
    });

    it('of VHDX are in none, because its id changes with what is written', async () => {
      const copy = await treeOf(exported('web01'));
      const later = new Date(Date.parse(DATE) + 60_000);
      await utimes(copy.at(`${folder}/ntfs-parent.vhdx`), later, later);
      const [workload] = await scanWith(hypervLayout, copy.repository);
      expect(workload!.restorePoints[0]).not.toHaveProperty('leftOut');
    });
  });

  it('are incomplete without a disk that the machine has, wherever it lay on its host', async () => {
    const more = { ...DISKS, 'controller7/drive3': ['VHD', 'E:\\data\\Logs.VHDX'] } as const;
    const files = exported('web01', describedMachine('web', more));
    expect(await statesOf(files)).toEqual([
      ['incomplete', 'the disk "Logs.VHDX" of the machine is not there'],
    ]);
    files['web01/Virtual Hard Disks/logs.vhdx'] = parent;
    expect(await statesOf(files)).toEqual([['complete', null]]);
  });

  it('are incomplete with a description that was cut off', async () => {
    const whole = describedMachine('web', DISKS);
    const states = new Set<unknown>();
    for (const length of [5, 0x1001, 0x2004, 0x2009, 0x3001, 0x3fff])
      for (const [state] of (await statesOf(exported('web01', whole.subarray(0, length))))!)
        states.add(state);
    expect([...states]).toEqual(['incomplete']);
  });

  it.each<[string, (file: Buffer) => unknown]>([
    ['of a later version', (file) => file.writeUInt32LE(0x500, 0x1000 + 10)],
    ['with changes in its log', (file) => file.writeUInt32LE(1, 0x5000 + 8)],
    [
      'that names itself its parent',
      (file) => file.writeUInt32LE(10, 0x3000 + 10 + 8) && file.writeUInt16LE(1, 0x3000 + 10 + 6),
    ],
    ['of another kind', (file) => file.write('none', 0)],
    ['whose tables lie in each other', tablesInEachOther],
  ])('are called by their folder when nothing can be told by a description %s', async (_, poke) => {
    const vmcx = describedMachine('web', { 'controller0/drive0': ['VHD', 'gone.vhdx'] });
    poke(vmcx);
    const { repository } = await treeOf(exported('shop', vmcx));
    expect(await scanWith(hypervLayout, repository)).toMatchObject([
      { name: 'shop', restorePoints: [{ state: 'complete' }] },
    ]);
  });

  it('up to 2012 R2 have a description in XML', async () => {
    const files = exported('web01');
    delete files[`web01/Virtual Machines/${MACHINE}.vmcx`];
    const xml = (disk: string) =>
      Buffer.from(
        `\ufeff<?xml version="1.0" encoding="UTF-16"?><configuration><_83f8_><controller0><drive0>` +
          `<pathname type="string">C:\\a\\${disk}</pathname><type type="string">VHD</type></drive0></controller0></_83f8_>` +
          `<properties><name type="string">Web &amp; shop</name></properties></configuration>`,
        'utf16le',
      );
    files[`web01/Virtual Machines/${MACHINE}.xml`] = xml('ntfs-parent.vhdx');
    const { repository } = await treeOf(files);
    expect(await scanWith(hypervLayout, repository)).toMatchObject([
      { name: 'Web & shop', restorePoints: [{ state: 'complete' }] },
    ]);
    files[`web01/Virtual Machines/${MACHINE}.xml`] = xml('gone.vhdx');
    expect(await statesOf(files)).toEqual([
      ['incomplete', 'the disk "gone.vhdx" of the machine is not there'],
    ]);
    files[`web01/Virtual Machines/${MACHINE}.xml`] = xml('ntfs-parent.vhdx').subarray(0, 400);
    expect((await statesOf(files))?.map(([state]) => state)).toEqual(['incomplete']);
  });

  it('are incomplete without a description, and with a disk that was cut off', async () => {
    const files = exported('web01');
    delete files[`web01/Virtual Machines/${MACHINE}.vmcx`];
    expect(await statesOf(files)).toEqual([
      ['incomplete', 'the description of a machine is not there yet'],
    ]);
    const cut = exported('web01');
    cut['web01/Virtual Hard Disks/other.vhdx'] = parent.subarray(0, 5 * MIB);
    expect((await statesOf(cut))?.map(([state]) => state)).toEqual(['incomplete']);
  });

  it('of a machine in several folders are its restore points', async () => {
    const files = { ...exported('monday/web01'), ...exported('tuesday/web01') };
    const { repository } = await treeOf(files);
    const workloads = await scanWith(hypervLayout, repository);
    expect(new Set(workloads.map(({ id }) => id)).size).toBe(1);
  });

  it('leave alone folders without the description of a machine', async () => {
    const copy = await treeOf(exported('web01'));
    await rm(copy.at('web01/Virtual Machines'), { recursive: true });
    expect(await scanWith(hypervLayout, copy.repository)).toEqual([]);
  });
});

describe.skipIf(REAL_FIXTURES === null)('descriptions that Hyper-V has written', () => {
  const texts = async (name: string) =>
    textsOfKeyStore(await readFile(join(REAL_FIXTURES ?? '', 'hyperv', name)));
  const DRIVE = 'configuration/_83f8638b-8dca-4152-9eda-2ca8b33039b4_/controller0/drive0';

  it.each([
    [
      'EC04F346-DB96-4700-AF5B-77B3C56C38BD.vmcx',
      'Default Generation 1',
      'C:\\Disks\\Default Generation 1.vhdx',
    ],
    [
      'test.vmcx',
      'Other Location',
      'C:\\Users\\Public\\Documents\\Hyper-V\\Virtual Hard Disks\\Other Location.vhdx',
    ],
  ])('tell the name and the disks of a machine: %s', async (file, name, disk) => {
    const found = await texts(file);
    expect(found).toBeInstanceOf(Map);
    const get = (path: string) => (found as ReadonlyMap<string, string>).get(path);
    expect(get('configuration/properties/name')).toBe(name);
    expect([get(`${DRIVE}/type`), get(`${DRIVE}/pathname`)]).toEqual(['VHD', disk]);
  });

  it('of its state are a store of the same kind', async () => {
    const found = (await texts('test.VMRS')) as ReadonlyMap<string, string>;
    expect(found).toBeInstanceOf(Map);
    expect([...found.keys()].every((path) => path.startsWith('configuration/'))).toBe(true);
  });

  it('are read in XML, too', async () => {
    const name = 'B90AC31B-C6F8-479F-9B91-07B894A6A3F6.xml';
    const xml = await readFile(join(REAL_FIXTURES ?? '', 'hyperv', name));
    const { repository } = await treeOf({ [`a/Virtual Machines/${name}`]: xml });
    const [workload] = await scanWith(hypervLayout, repository);
    expect(workload?.restorePoints[0]?.reason).toBe(
      'the disk "Default Generation 1.vhdx" of the machine is not there',
    );
  });
});

/** Three, the second and the third within the first. */
function tablesInEachOther(file: Buffer): void {
  file.writeUInt32LE(0x3000, 0x2008 + 13);
  file.writeUInt32LE(0x2000, 0x2008 + 18 + 13);
  file.writeUInt16LE(2, 0x4000 + 2);
  const third = 0x2008 + 36;
  file[third] = 2;
  file.writeBigUInt64LE(0x3800n, third + 5);
  file.writeUInt32LE(0x2800, third + 13);
  file[third + 17] = 1;
  file.writeUInt16LE(2, 0x3800);
  file.writeUInt16LE(3, 0x3802);
}
