import {
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { SourceRestorePoint } from '../../../src/domain/sources/source-workload.js';
import { virtnbdbackupLayout } from '../../../src/layout/virtnbdbackup/virtnbdbackup.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { streamFile } from '../../support/image/stream-file.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

// `<creationTime>` in the fixture's checkpoints.
const FULL = 'virtnbdbackup.0-1795501794';
const FIRST = 'virtnbdbackup.1-1795501796';
const SECOND = 'virtnbdbackup.2-1795501798';
/** It was made with `-x vda`. */
const LEFT_OUT = 'virtnbdbackup has left out the disk vda';

async function points({ repository }: RepositoryCopy): Promise<readonly SourceRestorePoint[]> {
  const workloads = await scanWith(virtnbdbackupLayout, repository);
  return workloads.flatMap(({ restorePoints }) => restorePoints);
}

async function statesOf(copy: RepositoryCopy): Promise<string[]> {
  return (await points(copy)).map(({ state }) => state);
}

describe('virtnbdbackupLayout', () => {
  it('finds the machine of the fixture with every run, disk and link', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const [workload, ...others] = await scanWith(virtnbdbackupLayout, copy.repository);
    expect(others).toEqual([]);
    expect(workload).toMatchObject({
      id: 'virtnbdbackup-57fec730-f624-4be3-819b-b580d2028b12',
      name: 'vm1',
      type: 'linux-agent',
      folders: ['vm1'],
    });
    const found = workload!.restorePoints.map((point) => ({
      id: point.id,
      createdAt: new Date(point.createdAtMs).toISOString(),
      parentId: point.parentId,
      state: point.state,
      reason: point.reason,
      disks: point.disks.map(({ disk, path, kind, as }) => [disk, path, kind, as]),
    }));
    const whole = { state: 'complete', reason: null };
    const increment = (n: number) => [
      ['vdb', `vm1/vdb.inc.virtnbdbackup.${n}.data`, 'increment', 'vdb.full.data'],
      ['vdc', `vm1/vdc.inc.virtnbdbackup.${n}.data`, 'increment', 'vdc.full.data'],
    ];
    expect(found).toEqual([
      {
        id: FULL,
        createdAt: '2026-11-24T06:29:54.000Z',
        parentId: null,
        ...whole,
        disks: [
          ['vdb', 'vm1/vdb.full.data', 'full', 'vdb.full.data'],
          ['vdc', 'vm1/vdc.full.data', 'full', 'vdc.full.data'],
        ],
      },
      {
        id: FIRST,
        createdAt: '2026-11-24T06:29:56.000Z',
        parentId: FULL,
        ...whole,
        disks: increment(1),
      },
      {
        id: SECOND,
        createdAt: '2026-11-24T06:29:58.000Z',
        parentId: FIRST,
        ...whole,
        disks: increment(2),
      },
    ]);
  });

  it('knows what the tool has noted of a stream, where that is a number', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    await writeFile(copy.at('vm1/vdb.full.data.chksum'), '4294901761\n');
    await writeFile(copy.at('vm1/vdb.inc.virtnbdbackup.1.data.chksum'), '');
    await writeFile(copy.at('vm1/vdc.inc.virtnbdbackup.1.data.chksum'), '{checksum}');
    const found = await points(copy);
    expect(found[0]!.disks.map(({ disk, adler32 }) => [disk, adler32])).toEqual([
      ['vdb', 4_294_901_761],
      ['vdc', undefined],
    ]);
    expect(found[1]!.disks.map(({ adler32 }) => adler32)).toEqual([undefined, undefined]);
    expect([found[1]!.state, found[1]!.reason]).toEqual(['complete', null]);
  });

  it('gives each run what the tool wrote beside its disks, under the names it looks for', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    for (const name of ['OVMF_VARS.fd.virtnbdbackup.1', 'autostart.virtnbdbackup.2'])
      await writeFile(copy.at(`vm1/${name}`), 'x');
    const log = copy.at('vm1/backup.inc.11242026062956.log');
    await writeFile(log, 'x');
    await utimes(log, 1_795_501_797, 1_795_501_797);
    await writeFile(copy.at('vm1/vdb.full.data.chksum'), '1');
    const names = (await points(copy)).map(({ companions }) => companions.map(({ as }) => as));
    expect(names.map((own) => own.sort())).toEqual([
      [
        'checkpoints/virtnbdbackup.0.xml',
        'vdb.virtnbdbackup.0.qcow.json',
        'vdc.virtnbdbackup.0.qcow.json',
        'vm1.cpt',
        'vmconfig.virtnbdbackup.0.xml',
      ],
      [
        'OVMF_VARS.fd.virtnbdbackup.1',
        'backup.inc.11242026062956.log',
        'checkpoints/virtnbdbackup.1.xml',
        'vdb.virtnbdbackup.1.qcow.json',
        'vdc.virtnbdbackup.1.qcow.json',
        'vm1.cpt',
        'vmconfig.virtnbdbackup.1.xml',
      ],
      [
        'autostart.virtnbdbackup.2',
        'checkpoints/virtnbdbackup.2.xml',
        'vdb.virtnbdbackup.2.qcow.json',
        'vdc.virtnbdbackup.2.qcow.json',
        'vm1.cpt',
        'vmconfig.virtnbdbackup.2.xml',
      ],
    ]);
  });

  it('calls a disk that ends within a block of its copy after what a restore makes of it', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const options = { virtualSize: 65_536 + 512, frames: [], disk: 'vde' };
    await writeFile(copy.at('vm1/vde.full.data'), streamFile(options));
    const [full] = await points(copy);
    expect(full!.disks.map(({ as }) => as)).toEqual([
      'vdb.full.data',
      'vdc.full.data',
      'vde.full.qcow2',
    ]);
  });

  it('tells a disk of another name that begins alike', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const options = { virtualSize: 65_536, frames: [], disk: 'vdbb' };
    await writeFile(copy.at('vm1/vdbb.full.data'), streamFile(options));
    const [full] = await points(copy);
    expect(full!.disks.map(({ disk }) => disk)).toEqual(['vdb', 'vdbb', 'vdc']);
    expect(full!.state).toBe('complete');
  });

  it('names what nobody knows beside them', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    await writeFile(copy.at('vm1/notes.txt'), 'x');
    await writeFile(copy.at('vm1/checkpoints/else.xml'), 'x');
    const strangers: string[] = [];
    await scanRepository(copy.repository, {
      onUnrecognised: ({ folder, examples }) =>
        strangers.push(...examples.map((name) => `${folder}/${name}`)),
    });
    expect(strangers.filter((path) => path.startsWith('vm1'))).toHaveLength(2);
  });
});

describe('a run that is not whole', () => {
  const increment = 'vm1/vdb.inc.virtnbdbackup.1.data';
  const cases: [string, (copy: RepositoryCopy) => Promise<unknown>, string[], RegExp][] = [
    [
      'whose disk is still being written',
      async (copy) => {
        await rm(copy.at('vm1/vmconfig.virtnbdbackup.1.xml'));
        await rename(copy.at(increment), copy.at(`${increment}.partial`));
      },
      ['complete', 'incomplete', 'incomplete'],
      /the file of disk vdb is not there yet/,
    ],
    [
      'with a stream that was cut',
      (copy) => truncate(copy.at(increment), 40_000),
      ['complete', 'incomplete', 'incomplete'],
      /has no trailer at its end/,
    ],
    [
      'that lacks a disk of its checkpoint',
      (copy) => rm(copy.at(increment)),
      ['complete', 'broken', 'broken'],
      /the file of disk vdb is missing/,
    ],
    [
      'with the stream of another disk',
      (copy) => copyFile(copy.at('vm1/vdc.inc.virtnbdbackup.1.data'), copy.at(increment)),
      ['complete', 'broken', 'broken'],
      /holds disk "vdc"/,
    ],
    [
      'named an increment that is none',
      (copy) => copyFile(copy.at('vm1/vdb.full.data'), copy.at(increment)),
      ['complete', 'broken', 'broken'],
      /named inc, and says itself that it is a full/,
    ],
    [
      'whose disks build on different runs',
      (copy) => copyFile(copy.at('vm1/vdb.inc.virtnbdbackup.2.data'), copy.at(increment)),
      ['complete', 'broken', 'broken'],
      /its disks build on different points/,
    ],
  ];
  it.each(cases)('%s is not copied, nor what builds on it', async (_, change, states, reason) => {
    const copy = await copyToRepository('virtnbdbackup');
    await change(copy);
    expect(await statesOf(copy)).toEqual(states);
    expect((await points(copy))[1]!.reason).toMatch(reason);
  });

  it('waits for its machine definition, which is written last', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    await rm(copy.at('vm1/vmconfig.virtnbdbackup.2.xml'));
    const closing = (await points(copy)).map(({ evidence }) => evidence?.closing);
    expect(closing[2]).toBe('awaited');
  });

  it('is broken when what it builds on is gone', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    for (const disk of ['vdb', 'vdc']) await rm(copy.at(`vm1/${disk}.inc.virtnbdbackup.1.data`));
    const found = await points(copy);
    expect(found.map(({ id, state }) => [id, state])).toEqual([
      [FULL, 'complete'],
      [SECOND, 'broken'],
    ]);
    expect(found[1]!.reason).toContain('virtnbdbackup.1-? is missing');
  });
});

describe('other levels of the tool', () => {
  const disk = (name: string) => ({ virtualSize: 65_536, frames: [], disk: name });

  it('a differential run is a point that nothing builds on', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const options = { parent: 'virtnbdbackup.2', checkpoint: 'virtnbdbackup.3' };
    const write = (name: string, second: number) =>
      writeFile(
        copy.at(`vm1/${name}.diff.${second}.data`),
        streamFile({ ...disk(name), ...options, date: '2026-11-24T08:00:00.5' }),
      );
    await write('vdb', 1_795_510_000);
    await write('vdc', 1_795_510_001);
    await writeFile(copy.at('vm1/vmconfig.1795510009.xml'), '<domain/>');
    await write('vdb', 1_795_520_000);
    const [, , , first, second] = await points(copy);
    expect(first).toMatchObject({ parentId: SECOND, state: 'complete' });
    expect(first!.disks.map(({ disk: name }) => name)).toEqual(['vdb', 'vdc']);
    expect(first!.companions).toEqual([
      { path: 'vm1/vm1.cpt', as: 'vm1.cpt' },
      { path: 'vm1/vmconfig.1795510009.xml', as: 'vmconfig.1795510009.xml' },
    ]);
    expect(second!.disks.map(({ disk: name }) => name)).toEqual(['vdb']);
  });

  it('an increment of a machine that was off is a point of its own, though it makes no checkpoint', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    for (const run of [1, 2])
      for (const name of ['vdb', 'vdc'])
        await rm(copy.at(`vm1/${name}.inc.virtnbdbackup.${run}.data`));
    const options = { parent: 'virtnbdbackup.0', checkpoint: 'virtnbdbackup.0' };
    for (const name of ['vdb', 'vdc'])
      await writeFile(
        copy.at(`vm1/${name}.inc.virtnbdbackup.0.data`),
        streamFile({ ...disk(name), ...options, date: '2026-11-24T08:00:00.5' }),
      );
    const found = await points(copy);
    expect(found.map(({ id, parentId, state }) => [id, parentId, state])).toEqual([
      [FULL, null, 'complete'],
      [`inc-${Date.UTC(2026, 10, 24, 8) / 1000}`, FULL, 'complete'],
    ]);
    expect(found[1]!.createdAtMs).toBe(Date.UTC(2026, 10, 24, 8, 0, 0, 500));
    expect(found[0]!.companions.map(({ as }) => as)).toContain('vmconfig.virtnbdbackup.0.xml');

    await rm(copy.at('vm1/vdc.inc.virtnbdbackup.0.data'));
    const [, half] = await points(copy);
    expect([half!.state, half!.reason]).toEqual([
      'incomplete',
      'the file of disk vdc is not there yet',
    ]);
  });

  it('a raw disk is raw because the machine definition says so, whatever is in it', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const path = copy.at('vm1/vmconfig.virtnbdbackup.0.xml');
    const text = await readFile(path, 'utf8');
    const device = "<disk><driver type='raw'/><target dev='vdd'/></disk></devices>";
    await writeFile(path, text.replace('</devices>', device));
    const guestBytes = streamFile(disk('vdd'));
    const raw = Buffer.concat([guestBytes, Buffer.alloc(1024 - guestBytes.length)]);
    await writeFile(copy.at('vm1/vdd.copy.data'), raw);
    const [full] = await points(copy);
    expect(full!.disks[2]).toMatchObject({ disk: 'vdd', format: 'raw', as: 'vdd.copy.data' });
    expect([full!.state, full!.leftOut]).toEqual(['complete', LEFT_OUT]);
    // What releases noted of raw disks is wrong (issue 269).
    await writeFile(copy.at('vm1/vdd.copy.data.chksum'), '889462573');
    expect((await points(copy))[0]!.disks[2]!.adler32).toBeUndefined();
  });

  // `-x vda`, and a device of the host, which it cannot save.
  it('a disk that the tool was told to leave out, or could not take, is named in each run', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    expect((await points(copy)).map(({ state, leftOut }) => [state, leftOut])).toEqual(
      [1, 2, 3].map(() => ['complete', LEFT_OUT]),
    );
    const path = copy.at('vm1/vmconfig.virtnbdbackup.2.xml');
    const text = await readFile(path, 'utf8');
    const more = [
      "<disk type='block' device='lun'><driver type='raw'/><target dev='sda'/></disk>",
      "<disk device='floppy'><driver type='raw'/><target dev='fda'/></disk>",
      "<disk type='file' device='disk'><driver type='qcow2'/><target dev='vdf'/></disk>",
    ];
    await writeFile(path, text.replace('</devices>', `${more.join('')}</devices>`));
    expect((await points(copy)).map(({ leftOut }) => leftOut)[2]).toBe(
      'virtnbdbackup has left out the disks vda, vdf and the raw disk sda',
    );
  });

  // `bus='nvme'` of libvirt 11.
  it('a disk of an NVMe bus is one of the run, with what is noted of it', async () => {
    const copy = await copyToRepository(null);
    await mkdir(copy.at('once'));
    const device = "<disk device='disk'><driver type='qcow2'/><target dev='nvme0n1'/></disk>";
    const definition = `<domain><name>m</name><devices>${device}</devices></domain>`;
    await writeFile(copy.at('once/vmconfig.copy.xml'), definition);
    await writeFile(copy.at('once/vda.copy.data'), streamFile(disk('vda')));
    await writeFile(copy.at('once/nvme0n1.copy.qcow.json'), '{}');
    expect((await points(copy))[0]!.reason).toBe('the file of disk nvme0n1 is missing');
    await writeFile(copy.at('once/nvme0n1.copy.data'), streamFile(disk('nvme0n1')));
    const [point] = await points(copy);
    expect([point!.state, point!.leftOut]).toEqual(['complete', undefined]);
    expect(point!.disks.map((one) => one.disk)).toEqual(['nvme0n1', 'vda']);
    expect(point!.companions.map(({ as }) => as)).toContain('nvme0n1.copy.qcow.json');
  });

  it('a raw disk that the tool has not saved, or that failed, is named', async () => {
    const copy = await copyToRepository('virtnbdbackup');
    const path = copy.at('vm1/vmconfig.virtnbdbackup.0.xml');
    const text = await readFile(path, 'utf8');
    const [disc, raw] = ["<disk device='cdrom'>", '<disk>'].map(
      (start, at) => `${start}<driver type='raw'/><target dev='vd${'de'[at]}'/></disk>`,
    );
    await writeFile(path, text.replace('</devices>', `${disc}${raw}</devices>`));
    await writeFile(copy.at('vm1/vde.copy.data.partial'), 'x');
    const [full, first] = await points(copy);
    expect([full!.state, full!.leftOut]).toEqual(['complete', `${LEFT_OUT} and the raw disk vde`]);
    expect(first!.leftOut).toBe(LEFT_OUT);
  });

  it.each([
    ['copy', 'copy', 'copy'],
    ['diff', 'diff.1795510000', '1795510007'],
  ])(
    'a %s of which one disk failed is not the machine, with its definition or without',
    async (_, level, ident) => {
      const copy = await copyToRepository(null);
      await mkdir(copy.at('once'));
      const parent = level === 'copy' ? {} : { parent: 'virtnbdbackup.0' };
      await writeFile(copy.at('once/vda.full.data'), streamFile(disk('vda')));
      await writeFile(copy.at('once/vmconfig.virtnbdbackup.0.xml'), '<domain/>');
      if (level === 'copy') await rm(copy.at('once/vda.full.data'));
      const half = copy.at(`once/vda.${level}.data`);
      await writeFile(half, streamFile({ ...disk('vda'), ...parent }));
      const now = async () => (await points(copy)).at(-1)!;
      const without = await now();
      expect([without.state, without.evidence?.closing]).toEqual(['incomplete', 'awaited']);
      expect(without.reason).toMatch(/^its machine definition \(vmconfig\..+\) is not there yet$/);

      await writeFile(copy.at(`once/vmconfig.${ident}.xml`), '<domain/>');
      await writeFile(copy.at(`once/vda.${ident}.qcow.json`), '{}');
      expect((await now()).state).toBe('complete');
      await writeFile(copy.at(`once/vdb.${ident}.qcow.json`), '{}');
      const failed = await now();
      expect([failed.state, failed.reason]).toEqual(['broken', 'the file of disk vdb is missing']);
    },
  );

  it('a copy stands for itself', async () => {
    const copy = await copyToRepository(null);
    await mkdir(copy.at('once'));
    await writeFile(copy.at('once/vda.copy.data'), streamFile(disk('vda')));
    await writeFile(copy.at('once/vmconfig.copy.xml'), '<domain><name>m</name></domain>');
    const [point] = await points(copy);
    expect(point).toMatchObject({
      id: `copy-${Date.UTC(2026, 10, 24, 6, 29, 49) / 1000}`,
      workloadId: 'virtnbdbackup-once',
      kind: 'full',
      state: 'complete',
    });
  });

  it('a copy has the files that its machine is started from, under the names that they have on the host', async () => {
    const copy = await copyToRepository(null);
    await mkdir(copy.at('once'));
    await writeFile(copy.at('once/vda.copy.data'), streamFile(disk('vda')));
    const os =
      '<os><loader type="pflash">/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram>/var/lib/libvirt/qemu/nvram/m_VARS.fd</nvram></os>';
    await writeFile(copy.at('once/vmconfig.copy.xml'), `<domain><name>m</name>${os}</domain>`);
    for (const name of ['OVMF_CODE_4M.fd', 'm_VARS.fd', 'other_VARS.fd'])
      await writeFile(copy.at(`once/${name}`), 'x');
    const strangers: string[] = [];
    const [workload] = await scanRepository(copy.repository, {
      onUnrecognised: ({ examples }) => strangers.push(...examples),
    });
    expect(workload!.restorePoints[0]!.companions.map(({ as }) => as).sort()).toEqual([
      'OVMF_CODE_4M.fd',
      'm_VARS.fd',
      'vmconfig.copy.xml',
    ]);
    expect(strangers).toEqual(['other_VARS.fd']);
  });
});
