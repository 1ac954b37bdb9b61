import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type {
  SourceRestorePoint,
  SourceWorkload,
} from '../../../src/domain/sources/source-workload.js';
import { diskImageLayout } from '../../../src/layout/cloud-exports/cloud-exports.js';
import { libvirtPushLayout } from '../../../src/layout/libvirt/libvirt-push.js';
import {
  copyToRepository,
  poke,
  pokeBackingName,
  type RepositoryCopy,
} from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';

const FILES01 = 'libvirt-4d2a9f61-8c35-4e70-b1d8-0f6e3a7c5b92';
const WEB01 = 'libvirt-0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';

async function scan({ repository }: RepositoryCopy): Promise<SourceWorkload[]> {
  return scanWith(libvirtPushLayout, repository);
}

/** Restore points of web01 by checkpoint name. */
async function web01(copy: RepositoryCopy): Promise<Record<string, SourceRestorePoint>> {
  const workload = (await scan(copy)).find(({ id }) => id === WEB01);
  const points = workload?.restorePoints ?? [];
  return Object.fromEntries(points.map((point) => [point.id.replace(/-.*/, ''), point]));
}

function statesOf(points: Record<string, SourceRestorePoint>): Record<string, string> {
  return Object.fromEntries(Object.entries(points).map(([name, { state }]) => [name, state]));
}

async function editXml(path: string, edit: (xml: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

async function secondsOf(copy: RepositoryCopy, folder: string, checkpoint: string) {
  const xml = await readFile(copy.at(`${folder}/checkpoint.${checkpoint}.xml`), 'utf8');
  return Number(/<creationTime>(\d+)</.exec(xml)?.[1]);
}

describe('libvirtPushLayout', () => {
  it('finds both machines of the set that libvirt made, with every disk, link, date and description', async () => {
    const copy = await copyToRepository('libvirt-push');
    const workloads = await scan(copy);
    expect(workloads.map(({ id, name, type }) => ({ id, name, type }))).toEqual([
      { id: FILES01, name: 'files01', type: 'libvirt-kvm' },
      { id: WEB01, name: 'web01', type: 'libvirt-kvm' },
    ]);
    const [cp1, cp2, cp3] = await Promise.all(
      ['cp1', 'cp2', 'cp3'].map((name) => secondsOf(copy, 'files01', name)),
    );
    const points = workloads[0]?.restorePoints ?? [];
    expect(
      points.map(({ id, createdAtMs, kind, parentId, state, reason }) => ({
        id,
        createdAtMs,
        kind,
        parentId,
        state,
        reason,
      })),
    ).toEqual([
      {
        id: `cp1-${cp1}`,
        createdAtMs: Number(cp1) * 1000,
        kind: 'full',
        parentId: null,
        state: 'complete',
        reason: null,
      },
      {
        id: `cp2-${cp2}`,
        createdAtMs: Number(cp2) * 1000,
        kind: 'increment',
        parentId: `cp1-${cp1}`,
        state: 'complete',
        reason: null,
      },
      {
        id: `cp3-${cp3}`,
        createdAtMs: Number(cp3) * 1000,
        kind: 'increment',
        parentId: `cp2-${cp2}`,
        state: 'complete',
        reason: null,
      },
    ]);
    expect(points[1]?.companions).toEqual([
      { path: 'files01/checkpoint.cp2.xml' },
      { path: 'files01/domain.cp2.xml' },
    ]);
    const vdb = await copy.repository.stat('files01/vdb.cp2.qcow2');
    expect(points[1]?.disks.map(({ disk }) => disk)).toEqual(['vda', 'vdb']);
    expect(points[1]?.disks[1]).toEqual({
      disk: 'vdb',
      path: 'files01/vdb.cp2.qcow2',
      format: 'qcow2',
      kind: 'increment',
      parentRestorePointId: `cp1-${cp1}`,
      stamp: vdb?.stamp,
    });
    expect(points[0]?.disks.map((disk) => disk.parentRestorePointId)).toEqual([null, null]);
  });

  it('knows a machine again after its folder was renamed', async () => {
    const copy = await copyToRepository('libvirt-push');
    await rename(copy.at('web01'), copy.at('elsewhere'));
    expect((await scan(copy)).map(({ id }) => id)).toContain(WEB01);
  });

  it('finds a machine whose files lie in the root of the repository', async () => {
    const copy = await copyToRepository('libvirt-push/web01');
    expect((await scan(copy)).map(({ id, name }) => [id, name])).toEqual([[WEB01, 'web01']]);
  });

  it('takes a raw file for a full', async () => {
    const copy = await copyToRepository('libvirt-push');
    await rm(copy.at('web01/vda.cp1.qcow2'));
    await writeFile(copy.at('web01/vda.cp1.raw'), Buffer.alloc(4096, 7));
    const points = await web01(copy);
    expect(points.cp1?.disks[0]).toMatchObject({ format: 'raw', kind: 'full' });
    expect(statesOf(points)).toEqual({ cp1: 'complete', cp2: 'complete', cp3: 'complete' });
  });

  // `bus='nvme'` of libvirt 11.
  it('knows the disks of an NVMe bus', async () => {
    const copy = await copyToRepository('libvirt-push');
    for (const cp of ['cp1', 'cp2', 'cp3']) {
      await rename(copy.at(`web01/vda.${cp}.qcow2`), copy.at(`web01/nvme0n1.${cp}.qcow2`));
      for (const document of ['checkpoint', 'domain'])
        await editXml(copy.at(`web01/${document}.${cp}.xml`), (xml) =>
          xml.replaceAll(/'vda'/g, "'nvme0n1'"),
        );
    }
    const workload = (await scan(copy)).find(({ id }) => id === WEB01)!;
    expect(workload.restorePoints.map(({ state, disks }) => [state, disks[0]?.disk])).toEqual(
      Array(3).fill(['complete', 'nvme0n1']),
    );
    expect(workload.otherIds).toContain('disk-web01:nvme0n1.cp1.qcow2');
  });

  it('names a machine by its folder when no XML shows a UUID', async () => {
    const copy = await copyToRepository('libvirt-push');
    for (const cp of ['cp1', 'cp2', 'cp3']) {
      await rm(copy.at(`web01/domain.${cp}.xml`));
      await editXml(copy.at(`web01/checkpoint.${cp}.xml`), (xml) =>
        xml.replace(/<domain type[^]*<\/domain>/, ''),
      );
    }
    const workload = (await scan(copy)).find(({ name }) => name === 'web01');
    expect(workload?.id).toBe('libvirt-web01');
    expect(workload?.restorePoints.map(({ state }) => state)).toEqual(Array(3).fill('complete'));
  });

  it('holds a point incomplete, dated by its newest file, until its checkpoint XML is there', async () => {
    const copy = await copyToRepository('libvirt-push');
    await rm(copy.at('web01/checkpoint.cp3.xml'));
    const changedAt = new Date('2031-05-06T07:08:09Z');
    await utimes(copy.at('web01/vda.cp3.qcow2'), changedAt, changedAt);
    const { cp3 } = await web01(copy);
    expect(cp3).toMatchObject({
      id: 'cp3-unfinished',
      state: 'incomplete',
      reason: 'checkpoint.cp3.xml is not there yet',
      createdAtMs: changedAt.getTime(),
    });
  });

  it('breaks every point above a full that is gone', async () => {
    const copy = await copyToRepository('libvirt-push');
    for (const name of ['vda.cp1.qcow2', 'checkpoint.cp1.xml', 'domain.cp1.xml'])
      await rm(copy.at(`web01/${name}`));
    const points = await web01(copy);
    expect(statesOf(points)).toEqual({ cp2: 'broken', cp3: 'broken' });
    expect(points.cp2?.reason).toBe('its parent cp1-? is missing');
    expect(points.cp3?.reason).toBe(
      `it builds on ${points.cp2?.id}, which is broken: its parent cp1-? is missing`,
    );
  });

  it('breaks a point that lacks a disk which its checkpoint lists', async () => {
    const copy = await copyToRepository('libvirt-push');
    await rm(copy.at('files01/vdb.cp3.qcow2'));
    const points = (await scan(copy))[0]?.restorePoints ?? [];
    expect(points.map(({ state }) => state)).toEqual(['complete', 'complete', 'broken']);
    expect(points[2]?.reason).toBe('the file of disk vdb is missing');
  });

  it('keeps an increment whose parent is dated years after its own files were written', async () => {
    const copy = await copyToRepository('libvirt-push');
    const future = (await secondsOf(copy, 'web01', 'cp2')) + 10 * 365 * 86_400;
    await editXml(copy.at('web01/checkpoint.cp2.xml'), (xml) =>
      xml.replace(/<creationTime>\d+/, `<creationTime>${future}`),
    );
    const points = await web01(copy);
    expect(statesOf(points)).toEqual({ cp1: 'complete', cp2: 'complete', cp3: 'complete' });
    expect(Object.keys(points)).toEqual(['cp1', 'cp2', 'cp3']);
  });

  it('breaks an increment whose parent was made anew under the same name', async () => {
    const copy = await copyToRepository('libvirt-push');
    const later = (await secondsOf(copy, 'web01', 'cp3')) + 100;
    await editXml(copy.at('web01/checkpoint.cp1.xml'), (xml) =>
      xml.replace(/<creationTime>\d+/, `<creationTime>${later}`),
    );
    const points = await web01(copy);
    expect(statesOf(points)).toEqual({ cp1: 'complete', cp2: 'broken', cp3: 'broken' });
    expect(points.cp2?.reason).toContain('was made later');
  });

  it('keeps parents before children when all have one creationTime', async () => {
    const copy = await copyToRepository('libvirt-push');
    for (const [cp, name] of [
      ['cp1', 'z'],
      ['cp2', 'm'],
      ['cp3', 'a'],
    ] as const) {
      await editXml(copy.at(`web01/checkpoint.${cp}.xml`), (xml) =>
        xml
          .replace(/<creationTime>\d+/, '<creationTime>1700000000')
          .replace(`<name>${cp}<`, `<name>${name}<`)
          .replace('<name>cp1<', '<name>z<')
          .replace('<name>cp2<', '<name>m<'),
      );
      await rename(copy.at(`web01/checkpoint.${cp}.xml`), copy.at(`web01/checkpoint.${name}.xml`));
      await rename(copy.at(`web01/vda.${cp}.qcow2`), copy.at(`web01/vda.${name}.qcow2`));
    }
    const workload = (await scan(copy)).find(({ id }) => id === WEB01);
    const complete = workload?.restorePoints.filter(({ state }) => state === 'complete');
    expect(complete?.map(({ id, createdAtMs }) => [id, createdAtMs])).toEqual([
      ['z-1700000000', 1_700_000_000_000],
      ['m-1700000000', 1_700_000_000_000],
      ['a-1700000000', 1_700_000_000_000],
    ]);
  });

  it.each(['cp1', 'cp2'])('breaks points whose parents run in a circle over %s', async (parent) => {
    const copy = await copyToRepository('libvirt-push');
    for (const cp of ['cp1', 'cp2', 'cp3'])
      await editXml(copy.at(`web01/checkpoint.${cp}.xml`), (xml) =>
        xml.replace(/<creationTime>\d+/, '<creationTime>1700000000'),
      );
    await rm(copy.at('web01/vda.cp1.qcow2'));
    await copyFile(copy.at('web01/vda.cp2.qcow2'), copy.at('web01/vda.cp1.qcow2'));
    await editXml(copy.at('web01/checkpoint.cp1.xml'), (xml) =>
      xml.replace('</name>', `</name><parent><name>${parent}</name></parent>`),
    );
    const points = await web01(copy);
    expect(statesOf(points)).toEqual({ cp1: 'broken', cp2: 'broken', cp3: 'broken' });
    expect(points.cp3?.reason).toContain('runs in a circle');
  });

  it.each(['/etc/shadow', '../web02/vda.cp1.qcow2', 'json:{"driver":"nbd"}', 'nbd://host/x'])(
    'links an increment by its checkpoint XML whatever parent path it stores: %s',
    async (name) => {
      const copy = await copyToRepository('libvirt-push');
      await pokeBackingName(copy.at('web01/vda.cp2.qcow2'), name);
      const { cp1, cp2 } = await web01(copy);
      expect(cp2).toMatchObject({ state: 'complete', kind: 'increment', parentId: cp1?.id });
    },
  );

  it('lists two chains in one folder, each with its own full', async () => {
    const copy = await copyToRepository('libvirt-push');
    await pokeBackingName(copy.at('web01/vda.cp3.qcow2'), null);
    const { cp3 } = await web01(copy);
    expect(cp3).toMatchObject({ kind: 'full', parentId: null, state: 'complete' });
  });

  it('breaks a point whose XML has a DOCTYPE', async () => {
    const copy = await copyToRepository('libvirt-push');
    await editXml(
      copy.at('web01/checkpoint.cp3.xml'),
      (xml) => `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml}`,
    );
    const { cp3 } = await web01(copy);
    expect(cp3).toMatchObject({
      state: 'broken',
      reason: 'web01/checkpoint.cp3.xml has a DOCTYPE, which is refused',
    });
  });

  it('breaks a point whose XML is beyond 1 MiB', async () => {
    const copy = await copyToRepository('libvirt-push');
    await truncate(copy.at('web01/checkpoint.cp3.xml'), 1024 * 1024 + 1);
    expect((await web01(copy)).cp3).toMatchObject({ state: 'broken' });
  });

  it('holds a point incomplete while its XML is cut off', async () => {
    const copy = await copyToRepository('libvirt-push');
    await truncate(copy.at('web01/checkpoint.cp3.xml'), 900);
    expect((await web01(copy)).cp3).toMatchObject({ state: 'incomplete' });
  });

  it.each([
    ['is empty', 0],
    ['ends within its header', 60],
    ['ends before its L1 table', 131_072],
    ['ends before an L2 table', 196_616],
  ])('holds a point incomplete when its image %s', async (_, sizeBytes) => {
    const copy = await copyToRepository('libvirt-push');
    await truncate(copy.at('web01/vda.cp2.qcow2'), sizeBytes);
    const points = await web01(copy);
    expect(statesOf(points)).toEqual({ cp1: 'complete', cp2: 'incomplete', cp3: 'incomplete' });
    expect(points.cp2?.disks).toEqual([]);
  });

  it('holds a point incomplete when its image does not start like qcow2', async () => {
    const copy = await copyToRepository('libvirt-push');
    await poke(copy.at('web01/vda.cp3.qcow2'), 0, new Uint8Array(4));
    expect((await web01(copy)).cp3).toMatchObject({ state: 'incomplete' });
  });

  it('breaks a point whose image keeps its data in an external file', async () => {
    const copy = await copyToRepository('libvirt-push');
    await poke(copy.at('web01/vda.cp3.qcow2'), 79, Uint8Array.of(4)); // incompatible feature bit 2
    expect((await web01(copy)).cp3).toMatchObject({ state: 'broken' });
  });

  it('does not follow a symbolic link that is named like a backup', async () => {
    const copy = await copyToRepository('libvirt-push');
    await rename(copy.at('web01/vda.cp3.qcow2'), copy.at('web01/kept'));
    await symlink(copy.at('web01/kept'), copy.at('web01/vda.cp3.qcow2'));
    await symlink(copy.at('web01'), copy.at('linked'));
    expect((await web01(copy)).cp3).toMatchObject({
      state: 'broken',
      reason: 'the file of disk vda is missing',
    });
  });

  it('breaks a point that has two files of one disk', async () => {
    const copy = await copyToRepository('libvirt-push');
    await writeFile(copy.at('web01/vda.cp3.raw'), 'x');
    expect((await web01(copy)).cp3).toMatchObject({
      state: 'broken',
      reason: 'disk vda has two files',
    });
  });

  it('passes over images that no XML belongs to, and XML without images', async () => {
    const copy = await copyToRepository(null);
    await mkdir(copy.at('images'));
    await writeFile(copy.at('images/vda.cp1.qcow2'), 'QFI');
    await writeFile(copy.at('images/debian.12.qcow2'), 'QFI');
    await mkdir(copy.at('xml'));
    await writeFile(copy.at('xml/checkpoint.cp1.xml'), '<domaincheckpoint/>');
    expect(await scan(copy)).toEqual([]);
  });
});

it('names of push backups in capitals say the same', async () => {
  const copy = await copyToRepository('libvirt-push');
  const before = await web01(copy);
  const [folder] = Object.values(before)[0]!.disks[0]!.path.split('/').slice(0, -1);
  for (const name of await readdir(copy.at(folder!)))
    await rename(copy.at(`${folder}/${name}`), copy.at(`${folder}/${name.toUpperCase()}`));
  const after = await web01(copy);
  const brief = (points: Record<string, SourceRestorePoint>) =>
    Object.values(points)
      .map(({ id, parentId, state, disks }) => [id, parentId, state, disks.map((d) => d.disk)])
      .sort();
  expect(brief(after)).toEqual(brief(before));
  const workload = (await scan(copy)).find(({ id }) => id === WEB01)!;
  const lone = await scanWith(diskImageLayout, copy.repository);
  const ofWeb01 = lone.map(({ id }) => id).filter((id) => id.startsWith(`disk-${folder}:`));
  expect(ofWeb01).not.toEqual([]);
  expect(workload.otherIds).toEqual(expect.arrayContaining(ofWeb01));
});
