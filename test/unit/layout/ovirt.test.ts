import {
  copyFile,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type {
  SourceRestorePoint,
  SourceWorkload,
} from '../../../src/domain/sources/source-workload.js';
import { diskImageLayout } from '../../../src/layout/cloud-exports/cloud-exports.js';
import { ovirtLayout } from '../../../src/layout/ovirt/ovirt.js';
import {
  copyToRepository,
  pokeBackingName,
  type RepositoryCopy,
} from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

const CP1 = '1f0a6e2c-58b4-4d1b-9a52-0c6f7b3d9e01';
const CP2 = '6c2d9b47-0e3f-4a86-8d15-5b9a1f4e7c02';
const CP3 = 'b35e8d10-7c94-4f2a-a6e8-92d0c4b61f03';
const SYSTEM = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';
const DATA = '9e81a4b2-6f0d-4537-b2c8-7d4e0a5f6c22';
const ADDED = 'c7f32d96-1a5e-48b0-9d73-e86b4f0c2a33';
const MACHINE = '2b7e1f04-9c3d-4a58-8e61-d0f5b9a3c7e8';

const FULL = `mail01/20261101010002.${CP1}.${SYSTEM}.full.qcow2`;
const INCREMENT = `mail01/20261102010003.${CP2}.${SYSTEM}.incremental.qcow2`;

/** Sorted by name. */
async function scan({ repository }: RepositoryCopy): Promise<SourceWorkload[]> {
  const workloads = await scanWith(ovirtLayout, repository);
  return workloads.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function mail01(copy: RepositoryCopy): Promise<readonly SourceRestorePoint[]> {
  const workload = (await scan(copy)).find(({ name }) => name === 'mail01');
  return workload?.restorePoints ?? [];
}

async function statesOf(copy: RepositoryCopy): Promise<string[]> {
  return (await mail01(copy)).map(({ state }) => state);
}

describe('ovirtLayout', () => {
  it('finds the machines of the fixture with every point, disk and link', async () => {
    const copy = await copyToRepository('ovirt');
    const workloads = await scan(copy);
    expect(workloads.map(({ id, name, type }) => ({ id, name, type }))).toEqual([
      { id: 'ovirt-dns01', name: 'dns01', type: 'olvm-rhv' },
      { id: 'ovirt-mail01', name: 'mail01', type: 'olvm-rhv' },
    ]);
    const points = workloads[1]?.restorePoints ?? [];
    expect(
      points.map(({ id, createdAtMs, kind, parentId, state, disks }) => ({
        id,
        createdAt: new Date(createdAtMs).toISOString(),
        kind,
        parentId,
        state,
        disks: disks.map(({ disk, kind: diskKind, parentRestorePointId }) => [
          disk,
          diskKind,
          parentRestorePointId,
        ]),
      })),
    ).toEqual([
      {
        id: CP1,
        createdAt: '2026-11-01T01:00:02.000Z',
        kind: 'full',
        parentId: null,
        state: 'complete',
        disks: [
          [SYSTEM, 'full', null],
          [DATA, 'full', null],
        ],
      },
      {
        id: CP2,
        createdAt: '2026-11-02T01:00:03.000Z',
        kind: 'increment',
        parentId: CP1,
        state: 'complete',
        disks: [
          [SYSTEM, 'increment', CP1],
          [DATA, 'increment', CP1],
        ],
      },
      {
        id: CP3,
        createdAt: '2026-11-03T01:00:01.000Z',
        kind: 'increment',
        parentId: CP2,
        state: 'complete',
        disks: [
          [SYSTEM, 'increment', CP2],
          [DATA, 'increment', CP2],
          [ADDED, 'full', null],
        ],
      },
    ]);
    const stamp = (await copy.repository.stat(INCREMENT))?.stamp;
    expect(points[1]?.disks[0]).toMatchObject({ path: INCREMENT, format: 'qcow2', stamp });
  });

  it('dates and names a run without checkpoints by its time', async () => {
    const [dns01] = await scan(await copyToRepository('ovirt'));
    expect(dns01?.restorePoints.map(({ id, kind, state }) => [id, kind, state])).toEqual([
      ['None-20261101020000', 'full', 'complete'],
      ['None-20261102020000', 'full', 'complete'],
    ]);
  });

  it('breaks every point above a full that is gone, and says what is missing', async () => {
    const copy = await copyToRepository('ovirt');
    await rm(copy.at(FULL));
    const points = await mail01(copy);
    expect(points.map(({ state }) => state)).toEqual(['complete', 'broken', 'broken']);
    expect(points[1]?.parentId).toBe(CP1);
    expect(points[1]?.reason).toBe(`${FULL.slice(7)}, the parent of ${INCREMENT}, is missing`);
  });

  it('breaks an increment without a parent link', async () => {
    const copy = await copyToRepository('ovirt');
    await pokeBackingName(copy.at(INCREMENT), null);
    const points = await mail01(copy);
    expect(points[1]).toMatchObject({
      state: 'broken',
      reason: `${INCREMENT} is named an increment, but has no parent link: its chain is lost`,
    });
  });

  it.each([
    '/etc/shadow',
    '../mail02/disk.qcow2',
    `./${FULL.slice(7)}`,
    'json:{}',
    'nbd://host/export',
    `20261101010002.${CP1}.${DATA}.full.qcow2`,
    INCREMENT.slice(7),
  ])('refuses the parent link %s and does not open it', async (name) => {
    const copy = await copyToRepository('ovirt');
    const opened: string[] = [];
    const { openRead } = copy.repository;
    copy.repository.openRead = (path) => {
      opened.push(path);
      return openRead.call(copy.repository, path);
    };
    await pokeBackingName(copy.at(INCREMENT), name);
    const points = await mail01(copy);
    expect(points.map(({ state }) => state)).toEqual(['complete', 'broken', 'broken']);
    expect(points[1]?.reason).toContain(JSON.stringify(name));
    expect(opened.filter((path) => path === name)).toEqual([]);
    expect(opened).toHaveLength(9);
  });

  it('breaks a full that has a parent link', async () => {
    const copy = await copyToRepository('ovirt');
    await rename(copy.at(INCREMENT), copy.at(INCREMENT.replace('incremental', 'full')));
    expect((await mail01(copy))[1]?.reason).toContain('is named a full, but has the parent link');
  });

  it('breaks an increment of a disk that its run without checkpoints cannot have', async () => {
    const copy = await copyToRepository('ovirt');
    const [first] = await copy.repository.list('dns01');
    await copyFile(
      copy.at(first?.path ?? ''),
      copy.at('dns01/20261103020000.None.05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44.incremental.qcow2'),
    );
    expect((await scan(copy))[0]?.restorePoints[2]).toMatchObject({ state: 'broken' });
  });

  it('holds a point incomplete while its image ends before its tables', async () => {
    const copy = await copyToRepository('ovirt');
    await truncate(copy.at(INCREMENT), 131_072);
    expect(await statesOf(copy)).toEqual(['complete', 'incomplete', 'incomplete']);
  });

  it('breaks a point that has two files of one disk', async () => {
    const copy = await copyToRepository('ovirt');
    await copyFile(copy.at(FULL), copy.at(FULL.replace('20261101010002', '20261101010009')));
    expect((await mail01(copy))[0]).toMatchObject({
      state: 'broken',
      reason: `disk ${SYSTEM} has two files`,
    });
  });

  it('takes the id and the name of the machine from an OVF file, which travels with every point', async () => {
    const copy = await copyToRepository('ovirt');
    const ovf = `mail01/post office-${MACHINE}.ovf`;
    await writeFile(copy.at(ovf), '<ovf:Envelope/>');
    const workload = (await scan(copy)).find(({ id }) => id === `ovirt-${MACHINE}`);
    expect(workload?.name).toBe('post office');
    expect(workload?.restorePoints.map(({ companions }) => companions)).toEqual([
      [{ path: ovf }],
      [{ path: ovf }],
      [{ path: ovf }],
    ]);
  });

  it('tells two machines in one folder apart by their disks, and by an OVF file that lists one of them', async () => {
    const copy = await copyToRepository('ovirt');
    for (const { name, path } of await copy.repository.list('dns01'))
      await rename(copy.at(path), copy.at(`mail01/${name}`));
    expect(
      (await scan(copy)).map(({ id, name, restorePoints }) => [id, name, restorePoints.length]),
    ).toEqual([
      ['ovirt-mail01:05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44', 'mail01 (05b7e4c1)', 2],
      [`ovirt-mail01:${SYSTEM}`, 'mail01 (3d5c0f8e)', 3],
    ]);
    await writeFile(copy.at(`mail01/post-${MACHINE}.ovf`), `<Disk ovf:fileRef="${DATA}/x"/>`);
    expect(
      (await scan(copy)).map(({ id, restorePoints }) => [id, restorePoints[0]?.companions]),
    ).toEqual([
      ['ovirt-mail01:05b7e4c1-93d2-4e68-a70f-4c1d8b2e9f44', []],
      [`ovirt-${MACHINE}`, [{ path: `mail01/post-${MACHINE}.ovf` }]],
    ]);
  });

  it('tells the ids that a machine has when others come, go or leave a disk behind', async () => {
    const copy = await copyToRepository('ovirt');
    const idsOf = async () =>
      (await scan(copy))
        .filter(({ folders: [folder] }) => folder === 'mail01')
        .map(({ id, otherIds = [] }) => new Set([id, ...otherIds]));
    const [alone] = await idsOf();
    for (const { name, path } of await copy.repository.list('dns01'))
      await rename(copy.at(path), copy.at(`mail01/${name}`));
    expect((await idsOf()).map((ids) => ids.has('ovirt-mail01'))).toEqual([true, true]);
    expect((await idsOf())[1]).toEqual(alone);
    await writeFile(copy.at(`mail01/post-${MACHINE}.ovf`), `<Disk ovf:fileRef="${DATA}/x"/>`);
    expect((await idsOf())[1]).toEqual(new Set([...alone!, `ovirt-${MACHINE}`]));
  });

  const [OLD, NEW] = [
    'a1111111-93d2-4e68-a70f-4c1d8b2e9f44',
    'b2222222-93d2-4e68-a70f-4c1d8b2e9f44',
  ] as const;
  /** Days on which a run of this disk without checkpoints began, at one second. */
  async function runsOf(
    days: Readonly<Record<string, readonly number[]>>,
  ): Promise<RepositoryCopy> {
    const copy = await copyToRepository('ovirt');
    const [image] = await copy.repository.list('dns01');
    await mkdir(copy.at('vms'));
    for (const [disk, own] of Object.entries(days))
      for (const day of own)
        await copyFile(
          copy.at(image!.path),
          copy.at(`vms/202611${String(day).padStart(2, '0')}030000.None.${disk}.full.qcow2`),
        );
    return copy;
  }
  const shapeOf = async (copy: RepositoryCopy) =>
    (await scan(copy))
      .filter(({ folders }) => folders[0] === 'vms')
      .map(({ id, restorePoints }) => [id, restorePoints.map(({ disks }) => disks.length)]);

  it('keeps two machines apart of which one run each began in the same second', async () => {
    expect(await shapeOf(await runsOf({ [OLD]: [1, 3, 5], [NEW]: [2, 3, 4] }))).toEqual([
      [`ovirt-vms:${OLD}`, [1, 1, 1]],
      [`ovirt-vms:${NEW}`, [1, 1, 1]],
    ]);
    expect(await shapeOf(await runsOf({ [OLD]: [3, 5], [NEW]: [3, 4, 6] }))).toHaveLength(2);
  });

  it.each([
    ['in every run', [1, 2], [1, 2], [2, 2]],
    ['added later', [1, 2, 3], [2, 3], [1, 2, 2]],
    ['taken away', [1, 2, 3], [1], [2, 1, 1]],
    ['put in the place of another', [1, 2], [2, 3], [1, 2, 1]],
    ['whose run failed once', [1, 2, 3], [1, 3], [2, 1, 2]],
  ])(
    'leaves a machine without checkpoints one, with a second disk %s',
    async (_, one, two, sizes) => {
      const found = await shapeOf(await runsOf({ [OLD]: one, [NEW]: two }));
      expect(found).toEqual([['ovirt-vms', sizes]]);
    },
  );

  it('lets OVF files say which disks without checkpoints are of one machine', async () => {
    const copy = await runsOf({ [OLD]: [1, 2], [NEW]: [1, 2] });
    const ovf = (machine: string) => copy.at(`vms/m-${machine}.ovf`);
    const other = MACHINE.replace('2b7e', '3c8f');
    await writeFile(ovf(MACHINE), `<Disk ovf:fileRef="${OLD}/x"/>`);
    await writeFile(ovf(other), `<Disk ovf:fileRef="${NEW}/x"/>`);
    expect((await shapeOf(copy)).sort()).toEqual([
      [`ovirt-${MACHINE}`, [1, 1]],
      [`ovirt-${other}`, [1, 1]],
    ]);
    await rm(ovf(other));
    await writeFile(ovf(MACHINE), `<Disk ovf:fileRef="${OLD}/x"/><Disk ovf:fileRef="${NEW}/x"/>`);
    await rm(copy.at(`vms/20261102030000.None.${NEW}.full.qcow2`));
    await rm(copy.at(`vms/20261101030000.None.${OLD}.full.qcow2`));
    expect(await shapeOf(copy)).toEqual([[`ovirt-${MACHINE}`, [1, 1]]]);
  });

  it('knows the names of earlier releases of the tool, whose increments have lost their chain', async () => {
    const copy = await copyToRepository('ovirt');
    const [image] = await copy.repository.list('dns01');
    await mkdir(copy.at('old'));
    const put = (disk: string, rest: string) =>
      copyFile(copy.at(image!.path), copy.at(`old/${disk}.${rest}.qcow2`));
    await put(OLD, '202011261410.full');
    await put(NEW, '202011261410.full');
    await put(OLD, '202011271410.incremental');
    await put(NEW, '202011271410.full');
    await put(OLD, '202011321410.full');
    const names = (await copy.repository.list('old')).map(({ name }) => name);
    const claim = ovirtLayout.claim({ folder: 'old', files: names, folders: [], passedOver: [] });
    expect(claim?.files).toHaveLength(4);
    const [machine] = (await scan(copy)).filter(({ folders }) => folders[0] === 'old');
    expect(
      machine?.restorePoints.map(({ id, createdAtMs, state, reason, disks }) => [
        ...[id, new Date(createdAtMs).toISOString(), state, reason, disks.length],
      ]),
    ).toEqual([
      ['None-202011261410', '2020-11-26T14:10:00.000Z', 'complete', null, 2],
      [
        ...['None-202011271410', '2020-11-27T14:10:00.000Z', 'broken'],
        `old/${OLD}.202011271410.incremental.qcow2 is named an increment, but has no parent link: its chain is lost`,
        1,
      ],
    ]);
  });

  it('passes over links, folders and files that have other names', async () => {
    const copy = await copyToRepository('ovirt');
    await rename(copy.at(INCREMENT), copy.at('kept.qcow2'));
    await symlink(copy.at('kept.qcow2'), copy.at(INCREMENT));
    await mkdir(copy.at(`mail01/20261104010000.${CP3}.${DATA}.full.qcow2`));
    await writeFile(copy.at(`mail01/20261199010000.${CP3}.${DATA}.full.qcow2`), 'no such day');
    await writeFile(copy.at(`mail01/20261104010000.${CP3}.${DATA}.full.qcow2.part`), 'x');
    const points = await mail01(copy);
    expect(points.map(({ disks }) => disks.length)).toEqual([2, 1, 3]);
    expect(points[2]?.state).toBe('broken');
  });
});

it('names of backup_vm.py in capitals say the same', async () => {
  const copy = await copyToRepository('ovirt');
  const before = await mail01(copy);
  for (const name of await readdir(copy.at('mail01')))
    await rename(copy.at(`mail01/${name}`), copy.at(`mail01/${name.toUpperCase()}`));
  const after = await mail01(copy);
  const brief = (points: readonly SourceRestorePoint[]) =>
    points.map(({ id, parentId, state, disks }) => [id, parentId, state, disks.map((d) => d.disk)]);
  expect(brief(after)).toEqual(brief(before));
  const workload = (await scan(copy)).find(({ name }) => name === 'mail01')!;
  const lone = await scanWith(diskImageLayout, copy.repository);
  const ofMail01 = lone.map(({ id }) => id).filter((id) => id.startsWith('disk-mail01:'));
  expect(ofMail01).not.toEqual([]);
  expect(workload.otherIds).toEqual(expect.arrayContaining(ofMail01));
});
