import { readFile, rename, rm, truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { UnseenPart } from '../../../src/domain/sources/unseen-part.js';
import { hypercoreLayout } from '../../../src/layout/hypercore/hypercore.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import type { RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { makeDisk, shown, treeOf } from '../../support/layout/tree.js';
import { composerOf } from '../../../src/image/formats.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { qemuBytes, qemuCheck, qemuImg, requireTool } from '../../support/image/qemu.js';

const MIB4 = 4 * 1024 * 1024;
const MACHINE = '9d6c2f0e-1111-4222-8333-944455556666';
const A = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const B = '7c1e2f3a-1111-4222-8333-944455556666';

/** As jpwarren/scale-tools reads it: a prefix that nothing declares. */
const XML = `<?xml version="1.0"?>
<domain type="kvm">
  <name>web01</name>
  <uuid>${MACHINE}</uuid>
  <scale:os kind="linux"/>
  <devices>
    <disk type="network" device="disk"><source protocol="scribe" name="scribe/${A}"/><target dev="vda"/></disk>
    <disk type="network" device="disk"><source protocol="scribe" name="scribe/${B}"/><target dev="vdb"/></disk>
    <disk type="network" device="cdrom"><target dev="hda"/></disk>
  </devices>
</domain>`;

describe.skipIf(!requireTool('qemu-img'))('exports of HyperCore', () => {
  it.each([
    ['web01', 'WEB01.XML', 'QCOW2'],
    // One name as a Mac spells it, the other as Linux does.
    ['bu\u0308ro', 'b\u00fcro.xml', 'qcow2'],
  ])('are known by their names however these are spelt (%s, %s)', async (folder, xml, ending) => {
    const copy = await treeOf({ [`${folder}/${xml}`]: XML });
    for (const disk of [A, B]) {
      await makeDisk(copy, `${folder}/${disk}.qcow2`);
      await rename(copy.at(`${folder}/${disk}.qcow2`), copy.at(`${folder}/${disk}.${ending}`));
    }
    const [found] = await scanWith(hypercoreLayout, copy.repository);
    const [point] = found!.restorePoints;
    expect([found!.name, point!.state]).toEqual(['web01', 'complete']);
    expect(point!.disks.map(({ disk }) => disk)).toEqual([A, B]);
    expect(point!.companions).toHaveLength(1);
    expect(found!.otherIds).toEqual(
      [A, B].map((disk) => `disk-${encodeURIComponent(folder)}:${disk}.qcow2`),
    );
  });

  async function exported(): Promise<RepositoryCopy> {
    const copy = await treeOf({ 'scale/web01/web01.xml': XML, 'scale/web01/notes.xml': '<x/>' });
    for (const disk of [A, B])
      await makeDisk(copy, `scale/web01/${disk}.qcow2`, '-o', 'compat=0.10');
    return copy;
  }

  it('are one full, with the machine that their XML names', async () => {
    const { repository } = await exported();
    expect(shown(await scanWith(hypercoreLayout, repository))).toEqual([
      {
        ...{ id: `scale-${MACHINE}`, name: 'web01', type: 'scale-hypercore' },
        points: [
          [
            ...['2026-11-24T22:00:00.000Z', '2026-11-24T22:00:00.000Z', 'complete'],
            `${A} qcow2 scale/web01/${A}.qcow2`,
            `${B} qcow2 scale/web01/${B}.qcow2`,
            'web01.xml = scale/web01/web01.xml',
          ],
        ],
      },
    ]);
  });

  it('are incomplete without a disk that the XML names, and with one that was cut off', async () => {
    const copy = await exported();
    await rm(copy.at(`scale/web01/${B}.qcow2`));
    const stateOf = async () =>
      (await scanWith(hypercoreLayout, copy.repository))[0]!.restorePoints.map(
        ({ state, reason }) => [state, reason],
      );
    expect(await stateOf()).toEqual([
      ['incomplete', `${B}.qcow2, which scale/web01/web01.xml names, is not there`],
    ]);
    await makeDisk(copy, `scale/web01/${B}.qcow2`);
    await truncate(copy.at(`scale/web01/${B}.qcow2`), 70_000);
    expect((await stateOf())[0]![0]).toBe('incomplete');
  });

  it.each(['web01', 'web01-2026-11-24'])(
    'are called as their folder %s where the name in the XML is the UUID',
    async (folder) => {
      const xml = XML.replace('<name>web01</name>', `<name>${MACHINE}</name>`);
      const copy = await treeOf({ [`${folder}/${folder}.xml`]: xml });
      for (const disk of [A, B]) await makeDisk(copy, `${folder}/${disk}.qcow2`);
      const found = await scanWith(hypercoreLayout, copy.repository);
      expect(found.map(({ id, name }) => [id, name])).toEqual([[`scale-${MACHINE}`, 'web01']]);
    },
  );

  it('need nothing of what lies in their drives', async () => {
    const xml = `<domain><name>web01</name><devices>${['disk', 'cdrom', 'floppy']
      .map((kind, i) => `<disk device="${kind}"><source name="scribe/${i === 0 ? A : B}"/></disk>`)
      .join('')}</devices></domain>`;
    const copy = await treeOf({ 'web01/web01.xml': xml });
    await makeDisk(copy, `web01/${A}.qcow2`);
    const [found] = await scanWith(hypercoreLayout, copy.repository);
    expect(found!.restorePoints.map(({ state }) => state)).toEqual(['complete']);
  });

  it('are known by their folder when the XML is none, and not at all without one', async () => {
    const copy = await exported();
    const broken = await treeOf({ 'web01/web01.xml': '<!DOCTYPE x [<!ENTITY a "b">]><domain/>' });
    await makeDisk(broken, `web01/${A}.qcow2`);
    expect(shown(await scanWith(hypercoreLayout, broken.repository))).toMatchObject([
      {
        ...{ id: 'scale-web01', name: 'web01' },
        points: [
          [
            '2026-11-24T22:00:00.000Z',
            '2026-11-24T22:00:00.000Z',
            'broken: web01/web01.xml has a DOCTYPE, which is refused',
            `${A} qcow2 web01/${A}.qcow2`,
            'web01.xml = web01/web01.xml',
          ],
        ],
      },
    ]);
    await rm(copy.at('scale/web01/web01.xml'));
    expect(await scanWith(hypercoreLayout, copy.repository)).toEqual([]);
  });

  const NO_UUID = `<domain><name>one</name><devices><disk device="disk"><source name="scribe/${A}"/></disk></devices></domain>`;
  const OF_B = NO_UUID.replace('one', 'two').replace(A, B);

  async function beside(files: Record<string, string>, disks = [A, B]): Promise<RepositoryCopy> {
    const copy = await treeOf(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`vms/${name}`, text])),
    );
    for (const disk of disks) await makeDisk(copy, `vms/${disk}.qcow2`);
    return copy;
  }
  const found = async ({ repository }: RepositoryCopy) =>
    (await scanRepository(repository)).map(({ id, name, restorePoints }) => [
      ...[id, name],
      ...restorePoints.flatMap(({ state, disks, companions }) => [
        ...[state, ...disks.map(({ disk }) => disk)],
        ...companions.map(({ as }) => as),
      ]),
    ]);

  // `file_name` of vm_export: its own example is `my_file.xml` in `demo-vm-exported-v0`.
  it('are known by the disks that their XML names, whatever it is called', async () => {
    const copy = await beside({ 'my_file.xml': XML, 'notes.xml': '<x/>' });
    expect(await found(copy)).toEqual([
      [`scale-${MACHINE}`, 'web01', 'complete', A, B, 'my_file.xml'],
    ]);
    const [workload] = await scanRepository(copy.repository);
    // As which they were copied before.
    expect(workload!.otherIds).toEqual([A, B].map((disk) => `disk-vms:${disk}.qcow2`));
  });

  it('are several machines where several lie in one folder', async () => {
    const second = OF_B.replace('<devices>', `<uuid>${B}</uuid><devices>`);
    expect(await found(await beside({ 'one.xml': NO_UUID, 'two.xml': second }))).toEqual([
      [`scale-${B}`, 'two', 'complete', B, 'two.xml'],
      ['scale-vms:one', 'one', 'complete', A, 'one.xml'],
    ]);
    // The one that is called as the folder keeps its id, and what nobody names.
    const extra = '00000000-3333-4222-8333-944455556666';
    const copy = await beside({ 'vms.xml': NO_UUID, 'two.xml': second }, [A, B, extra]);
    expect(await found(copy)).toEqual([
      [`scale-${B}`, 'two', 'complete', B, 'two.xml'],
      ['scale-vms', 'one', 'complete', extra, A, 'vms.xml'],
    ]);
  });

  it('share no image: one that two XML files name is of that which is called as the folder', async () => {
    const copy = await beside({ 'vms.xml': XML, 'a-copy.xml': XML.replace('web01', 'web02') });
    expect(await found(copy)).toEqual([[`scale-${MACHINE}`, 'web01', 'complete', A, B, 'vms.xml']]);
  });

  it('leave images that no XML names to others', async () => {
    const copy = await beside({ 'my_file.xml': NO_UUID, 'other.xml': '<domain/>' });
    expect(await found(copy)).toEqual([
      [`disk-vms:${B}.qcow2`, `${B}.qcow2`, 'complete', 'image'],
      ['scale-vms:my_file', 'one', 'complete', A, 'my_file.xml'],
    ]);
  });

  it('are not shared out anew while an XML cannot be read', async () => {
    const copy = await beside({ 'vms.xml': NO_UUID, 'two.xml': OF_B });
    const { repository } = copy;
    const openRead = repository.openRead.bind(repository);
    repository.openRead = (path) =>
      path.endsWith('two.xml')
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'EIO', { details: { path } }))
        : openRead(path);
    const unseen: UnseenPart[] = [];
    const onUnseen = (part: UnseenPart) => unseen.push(part);
    expect(await scanRepository(repository, { onUnseen })).toEqual([]);
    expect(unseen.map(({ path, code }) => [path, code])).toEqual([
      ['vms', 'SOURCE_PART_UNREADABLE'],
    ]);
    // Where no disk can be its own its fault is no matter.
    await rm(copy.at(`vms/${B}.qcow2`));
    expect(await found(copy)).toEqual([['scale-vms', 'one', 'complete', A, 'vms.xml']]);
  });

  // The page of HyperCore's import asks for it; README names the command.
  it('have copies that qemu-img makes files of version 2 of, with every byte', async () => {
    const blocks = new Map<number, Uint8Array | 'zero'>([
      [0, blockOf(1)],
      [9, blockOf(2)],
      [40, 'zero'],
    ]);
    const composer = composerOf('qcow2');
    const copy = await composeDisk(composer, { virtualSizeBytes: MIB4, dialect: {}, blocks });
    const { at } = await treeOf({ 'copy.qcow2': copy.bytes });
    const before = await qemuBytes(at('copy.qcow2'), 'qcow2');
    await qemuImg('amend', '-f', 'qcow2', '-o', 'compat=0.10', at('copy.qcow2'));
    expect((await readFile(at('copy.qcow2'))).readUInt32BE(4)).toBe(2);
    expect((await qemuBytes(at('copy.qcow2'), 'qcow2')).equals(before)).toBe(true);
    expect(await qemuCheck(at('copy.qcow2'))).toEqual({ errors: 0, leaks: 0 });
    expect(before.subarray(9 * 65_536, 10 * 65_536).equals(blockOf(2))).toBe(true);
  });
});
