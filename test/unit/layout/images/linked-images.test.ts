import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { composerOf, imageFormat } from '../../../../src/image/formats.js';
import {
  diskImageLayout,
  vhdImageLayout,
} from '../../../../src/layout/cloud-exports/cloud-exports.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { composeDisk } from '../../../support/image/composed-disk.js';
import { qemuImg, requireTool } from '../../../support/image/qemu.js';
import type { RepositoryCopy } from '../../../support/layout/repository-copy.js';
import { scanWith } from '../../../support/layout/scan-with.js';
import { makeDisk, treeOf } from '../../../support/layout/tree.js';

const ELSEWHERE =
  'which does not lie beside it as qcow2; put it there, or make one of both (qemu-img convert, Convert-VHD)';

const UUID = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';

/** An image that names another as what it builds on, which QEMU does not look for. */
async function on({ at }: RepositoryCopy, path: string, link: string, ...more: string[]) {
  const backing = ['-u', '-F', 'qcow2', '-b', link, ...more];
  await qemuImg('create', '-q', '-f', 'qcow2', ...backing, at(path), '1M');
}

async function points({ repository }: RepositoryCopy): Promise<unknown[]> {
  return (await scanRepository(repository)).map(({ name, restorePoints }) => [
    name,
    ...restorePoints.map(({ id, parentId, state, reason, disks: [disk] }) =>
      [
        ...[id, state === 'complete' ? disk?.kind : `${state}: ${reason}`],
        ...(parentId === null ? [] : [`on ${parentId}`]),
        ...(disk?.below ?? []).map(({ path }) => `through ${path}`),
      ].join(' '),
    ),
  ]);
}

describe.skipIf(!requireTool('qemu-img'))('images that build on one another', () => {
  it('are points of one disk, in the order of what they build on, whatever path they name', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/web.qcow2');
    await on(copy, 'd/web.a.qcow2', '/var/lib/libvirt/images/web.b.qcow2');
    await on(copy, 'd/web.b.qcow2', 'file:../other/web.qcow2');
    expect(await points(copy)).toEqual([
      [
        'web.qcow2',
        'undated full',
        'web.b.qcow2 increment on undated',
        'web.a.qcow2 increment on web.b.qcow2',
      ],
    ]);
    const [web] = await scanWith(diskImageLayout, copy.repository);
    expect(web).toMatchObject({ makesFullsOnly: false });
    // Those of the layout beside it last: a list of workloads has room for the first ones.
    expect(web!.otherIds).toEqual([
      ...['disk-d:web.a.qcow2', 'disk-d:web.b.qcow2'],
      ...['raw-d:web.a.qcow2', 'raw-d:web.b.qcow2', 'raw-d:web.qcow2'],
    ]);
  });

  it('are no points without what they build on, and none is taken for it that only could be', async () => {
    const copy = await treeOf({ 'd/cut.qcow2': 'x', 'r/web.img': 1_048_576 });
    await on(copy, 'r/web.snap1.qcow2', 'web.img', '-F', 'raw');
    await makeDisk(copy, 'd/web.qcow2');
    await on(copy, 'd/a.qcow2', 'gone.qcow2');
    await on(copy, 'd/b.qcow2', 'nbd://host/web.qcow2');
    await on(copy, 'd/c.qcow2', 'cut.qcow2');
    await on(copy, 'd/a.e.qcow2', 'a.qcow2');
    await on(copy, 'd/e.qcow2', 'a.qcow2');
    await on(copy, 'd/f.qcow2', 'f.qcow2');
    const found = await points(copy);
    expect(found).toEqual([
      [
        'a.qcow2',
        `undated broken: d/a.qcow2 builds on "gone.qcow2", ${ELSEWHERE}`,
        `a.e.qcow2 broken: it builds on undated, which is broken: d/a.qcow2 builds on "gone.qcow2", ${ELSEWHERE} on undated`,
      ],
      ['b.qcow2', `undated broken: d/b.qcow2 builds on "nbd://host/web.qcow2", ${ELSEWHERE}`],
      [
        'c.qcow2',
        expect.stringMatching(
          /^undated incomplete: d\/c.qcow2 builds on cut.qcow2, which is incomplete: /,
        ),
      ],
      ['cut.qcow2', expect.stringMatching(/^undated incomplete: /)],
      [
        'e.qcow2',
        `undated broken: d/a.qcow2 builds on "gone.qcow2", ${ELSEWHERE} through d/a.qcow2`,
      ],
      ['f.qcow2', `undated broken: d/f.qcow2 builds on "f.qcow2", ${ELSEWHERE}`],
      ['web.qcow2', 'undated full'],
      ['web.img', 'undated full', 'web.snap1.qcow2 increment on undated'],
    ]);
  });

  it('are machines of their own where several begin with the name of their template', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/debian12.qcow2');
    for (const name of ['db01', 'web01'])
      await on(copy, `d/debian12.${name}.qcow2`, 'debian12.qcow2');
    expect((await points(copy)).map((one) => (one as unknown[])[0])).toEqual([
      'debian12.db01.qcow2',
      'debian12.qcow2',
      'debian12.web01.qcow2',
    ]);
  });

  it('are machines of their own also where one has the name of their raw template and no more', async () => {
    const copy = await treeOf({ 'd/debian12.img': 1_048_576, 'e/web.img': 1_048_576 });
    for (const name of ['debian12', 'debian12.web01'])
      await on(copy, `d/${name}.qcow2`, 'debian12.img', '-F', 'raw');
    await on(copy, 'e/web.qcow2', 'web.img', '-F', 'raw');
    await on(copy, 'e/web.snap1.qcow2', 'web.qcow2');
    expect(await points(copy)).toEqual([
      ['debian12.img', 'undated full'],
      ['debian12.qcow2', 'undated full through d/debian12.img'],
      ['debian12.web01.qcow2', 'undated full through d/debian12.img'],
      [
        ...['web.img', 'undated full', 'web.qcow2 increment on undated'],
        'web.snap1.qcow2 increment on web.qcow2',
      ],
    ]);
  });

  it('are seen under the id that they had on a raw disk when that goes, and the other way round', async () => {
    const copy = await treeOf({ 'd/template.img': 1_048_576 });
    await on(copy, 'd/web.qcow2', 'template.img', '-F', 'raw');
    const ids = async () =>
      (await scanRepository(copy.repository))
        .filter(({ name }) => name === 'web.qcow2')
        .map(({ id, otherIds }) => [id, otherIds]);
    const lone = [['disk-d:web.qcow2', ['raw-d:web.qcow2']]];
    expect(await ids()).toEqual([['raw-d:web.qcow2', ['disk-d:web.qcow2']]]);
    await rename(copy.at('d/template.img'), copy.at('d/old.img'));
    expect(await ids()).toEqual(lone);
    await qemuImg('rebase', '-u', '-b', '', copy.at('d/web.qcow2'));
    expect(await ids()).toEqual(lone);
    await writeFile(copy.at('d/web.qcow2'), 'cut off');
    expect(await ids()).toEqual(lone);
  });

  it.each([
    ['web.img', 'raw', 'web.snap1.qcow2'],
    ['web.img', 'raw', 'web.qcow2'],
    ['web.qcow2', 'qcow2', 'web-snap1.qcow2'],
    ['web.qcow2', 'qcow2', 'web-000001.qcow2'],
    ['web-2026-11-22.qcow2', 'qcow2', 'web-2026-11-22.snap1.qcow2'],
  ])(
    'are seen as the disk that they were points of when it is called %s no more (%s, %s)',
    async (base, format, point) => {
      const copy = await treeOf({ [`d/${base}`]: 1_048_576 });
      if (format === 'qcow2') await makeDisk(copy, `d/${base}`);
      await on(copy, `d/${point}`, base, '-F', format);
      const [before, ...others] = await scanRepository(copy.repository);
      expect(others).toEqual([]);
      await rename(copy.at(`d/${base}`), copy.at(`d/old-${format}`));
      const [after] = await scanRepository(copy.repository);
      expect([after?.id, ...(after?.otherIds ?? [])]).toContain(before!.id);
    },
  );

  it('may lack the end of a raw disk that they build on, which is told of each', async () => {
    const copy = await treeOf({ 'd/web.img': 3_000_000 });
    await on(copy, 'd/web.snap1.qcow2', 'web.img', '-F', 'raw');
    await on(copy, 'd/web.snap2.qcow2', 'web.snap1.qcow2');
    await on(copy, 'd/db.qcow2', 'web.img', '-F', 'raw');
    const found = await scanRepository(copy.repository);
    const told = found.flatMap(({ restorePoints }) =>
      restorePoints.map(({ state, leftOut, evidence }) => [state, leftOut, evidence?.closing]),
    );
    const doubt =
      'd/web.img has 3000000 bytes, which is no whole number of sectors: it is no disk as it is, or the end of one is missing';
    expect(told).toEqual(Array.from({ length: 4 }, () => ['complete', doubt, 'awaited']));
  });

  it.each([
    [
      "it's base.img",
      "if that is its format, give it the ending .qcow2, here too (qemu-img rebase -u -F qcow2 -b 'it'\\''s base.qcow2')",
    ],
    [
      'base.raw',
      'if that is its format, give it the ending .qcow2, here too (qemu-img rebase -u -F qcow2 -b base.qcow2)',
    ],
  ])('are told what to do about %s by the format that they say', async (base, advice) => {
    const copy = await treeOf({ [`d/${base}`]: 1_048_576 });
    await on(copy, 'd/web.qcow2', base);
    const [web] = await scanRepository(copy.repository);
    expect(web!.restorePoints[0]!.reason).toBe(
      `d/web.qcow2 builds on ${JSON.stringify(base)}, which does not lie beside it as qcow2; ${advice}, or make one of both (qemu-img convert, Convert-VHD)`,
    );
  });

  it.each([
    ['vmdk', 'base.vmdk'],
    ['vhdx', 'base.vhdx'],
    ['vmdk', 'base.img'],
  ])('are told that a base in %s is none that is read: %s', async (format, base) => {
    const copy = await treeOf({});
    await mkdir(copy.at('d'));
    await qemuImg('create', '-q', '-f', format, copy.at(`d/${base}`), '1M');
    const image = copy.at('d/web.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', '-b', base, '-F', format, image);
    const points = (await scanRepository(copy.repository)).flatMap((found) => found.restorePoints);
    expect(points.find(({ disks }) => disks[0]?.path === 'd/web.qcow2')?.reason).toBe(
      `d/web.qcow2 builds on "${base}", and bases of qcow2 images are read as qcow2 or raw only; make one of both (qemu-img convert)`,
    );
  });

  // A qcow2 image may be called as it likes.
  it('are told where to put a base that they say is in qcow2, whatever its name', async () => {
    const copy = await treeOf({});
    await mkdir(copy.at('d'));
    await on(copy, 'd/web.qcow2', 'base.qcow');
    const [web] = await scanRepository(copy.repository);
    expect(web!.restorePoints[0]!.reason).toBe(`d/web.qcow2 builds on "base.qcow", ${ELSEWHERE}`);
  });

  it('may show what never was where what they build on was written to after them', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/web.qcow2');
    await on(copy, 'd/web.snap1.qcow2', 'web.qcow2');
    await on(copy, 'd/web.snap2.qcow2', 'web.snap1.qcow2');
    await on(copy, 'd/db.qcow2', 'web.snap1.qcow2');
    await makeDisk(copy, 'd/w.vmdk');
    const vmdk = ['create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', 'w.vmdk'];
    await qemuImg(...vmdk, copy.at('d/w-000001.vmdk'));
    const at = async (name: string, second: number) => {
      const date = new Date(Date.UTC(2026, 10, 24, 22, 0, second));
      await utimes(copy.at(`d/${name}`), date, date);
    };
    const told = async () =>
      Object.fromEntries(
        (await scanWith(diskImageLayout, copy.repository)).flatMap(({ restorePoints }) =>
          restorePoints.map(({ disks, state, leftOut, evidence }) => [
            disks[0]!.path.slice(2),
            [state, leftOut ?? null, evidence?.closing],
          ]),
        ),
      );
    const names = ['web.qcow2', 'web.snap1.qcow2', 'web.snap2.qcow2', 'db.qcow2'];
    for (const name of [...names, 'w.vmdk', 'w-000001.vmdk']) await at(name, 5);
    const sound = ['complete', null, 'silent'];
    expect(Object.values(await told())).toEqual(Array.from({ length: 6 }, () => sound));

    await at('web.qcow2', 6);
    await at('web.snap2.qcow2', 7);
    // Its id would be another one.
    await at('w.vmdk', 6);
    const doubt =
      'd/web.qcow2 was written to after d/web.snap1.qcow2, which builds on it: unless only their dates are wrong, what this shows never was';
    const doubtful = ['complete', doubt, 'awaited'];
    expect(await told()).toEqual({
      ...{ 'web.qcow2': sound, 'w.vmdk': sound, 'w-000001.vmdk': sound },
      ...{ 'web.snap1.qcow2': doubtful, 'web.snap2.qcow2': doubtful, 'db.qcow2': doubtful },
    });
  });

  it('are broken where they build on each other in a circle', async () => {
    const copy = await treeOf({ 'd/README': 'x' });
    await on(copy, 'd/a.qcow2', 'b.qcow2');
    await on(copy, 'd/b.qcow2', 'c.qcow2');
    await on(copy, 'd/c.qcow2', 'b.qcow2');
    const found = await scanWith(diskImageLayout, copy.repository);
    const states = found.flatMap(({ restorePoints }) => restorePoints.map(({ state }) => state));
    expect(states).toEqual(['broken', 'broken', 'broken']);
  });

  it('are disks of their own under another name, also the only one, and points where it is one name', async () => {
    const copy = await treeOf({});
    await makeDisk(copy, 'd/base.qcow2');
    await on(copy, 'd/a.qcow2', 'base.qcow2');
    const alone = await points(copy);
    await on(copy, 'd/b.qcow2', 'base.qcow2');
    await on(copy, 'd/b.2.qcow2', 'b.qcow2');
    await on(copy, 'd/base-c.qcow2', 'base.qcow2');
    await on(copy, 'd/base-c-1.qcow2', 'base-c.qcow2');
    await makeDisk(copy, 'e/web-2026-11-22.qcow2');
    await on(copy, 'e/web-2026-11-23.qcow2', 'web-2026-11-22.qcow2');
    await on(copy, 'e/web-2026-11-24.qcow2', 'web-2026-11-22.qcow2');
    expect(await points(copy)).toEqual([
      ['a.qcow2', 'undated full through d/base.qcow2'],
      ['b.qcow2', 'undated full through d/base.qcow2', 'b.2.qcow2 increment on undated'],
      ['base-c-1.qcow2', 'undated full through d/base-c.qcow2 through d/base.qcow2'],
      ['base-c.qcow2', 'undated full through d/base.qcow2'],
      ['base.qcow2', 'undated full'],
      [
        'web.qcow2',
        '2026-11-22 full',
        '2026-11-23 increment on 2026-11-22',
        '2026-11-24 increment on 2026-11-22',
      ],
    ]);
    const found = await scanWith(diskImageLayout, copy.repository);
    // Absent: as the format tells. Where old ones go, as machines on a template do, nothing builds on them.
    expect(found.map(({ name, makesFullsOnly }) => [name, makesFullsOnly])).toEqual([
      ...[
        ['a.qcow2', undefined],
        ['b.qcow2', false],
        ['base-c-1.qcow2', undefined],
      ],
      ...[
        ['base-c.qcow2', undefined],
        ['base.qcow2', undefined],
        ['web.qcow2', false],
      ],
    ]);
    expect(alone).toEqual([
      ['a.qcow2', 'undated full through d/base.qcow2'],
      ['base.qcow2', 'undated full'],
    ]);
  });

  it.each([
    ['Web.qcow2', 'web-000001.qcow2', 'web-000002.qcow2'],
    ['web.qcow2', `web_${UUID}.qcow2`, `web_${UUID.replace('2', '3')}.qcow2`],
    ['web.qcow2', 'web.before update.qcow2', 'web.1764201234.qcow2'],
    ['web-2026-11-22.qcow2', 'web-2026-11-22.snap1.qcow2', 'web-2026-11-22_snap2.qcow2'],
  ])('are points of the disk that they are named after (%s, %s)', async (...names) => {
    const copy = await treeOf({});
    const [base = '', first = '', second = ''] = names;
    await makeDisk(copy, `d/${base}`);
    await on(copy, `d/${first}`, base);
    await on(copy, `d/${second}`, first);
    const found = await scanWith(diskImageLayout, copy.repository);
    expect(found.map(({ restorePoints }) => restorePoints.map(({ kind }) => kind))).toEqual([
      ['full', 'increment', 'increment'],
    ]);
  });

  it('need the very content of VMDK that they were made on, under its name', async () => {
    const copy = await treeOf({});
    const vmdk = async (path: string, ...backing: string[]) =>
      qemuImg(
        'create',
        '-q',
        '-f',
        'vmdk',
        ...backing,
        copy.at(path),
        ...(backing.length > 0 ? [] : ['1M']),
      );
    await makeDisk(copy, 'd/web.vmdk');
    await vmdk('d/web-000001.vmdk', '-F', 'vmdk', '-b', 'web.vmdk');
    await makeDisk(copy, 'd/web.vmdk');
    await makeDisk(copy, 'e/db.vmdk');
    await vmdk('e/db-000001.vmdk', '-F', 'vmdk', '-b', 'db.vmdk');
    await makeDisk(copy, 'e/other.vmdk');
    await rename(copy.at('e/db.vmdk'), copy.at('e/renamed.vmdk'));
    const found = (await points(copy)).sort();
    expect(found).toEqual([
      [
        'db-000001.vmdk',
        'undated broken: e/db-000001.vmdk builds on "db.vmdk", which is not beside it: its id has "renamed.vmdk"; give it that name if it is the one',
      ],
      ['other.vmdk', 'undated full'],
      ['renamed.vmdk', 'undated full'],
      [
        'web-000001.vmdk',
        'undated broken: d/web-000001.vmdk builds on an earlier content of "web.vmdk": that was changed afterwards, or is another disk',
      ],
      ['web.vmdk', 'undated full'],
    ]);
  });
});

it('takes no VHDX for what another builds on when several have its id and none its name', async () => {
  const copy = await treeOf({ 'd/.keep': 'x' });
  const shape = {
    virtualSizeBytes: 1_048_576,
    dialect: {},
    seed: '1'.repeat(32),
    blocks: new Map(),
  };
  const base = await composeDisk(composerOf('vhdx'), shape);
  const { linkId } = await imageFormat('vhdx').readHead(base);
  for (const name of ['one.vhdx', 'two.vhdx']) await writeFile(copy.at(`d/${name}`), base.bytes);
  const parent = { link: 'C:\\x\\web.vhdx', format: 'vhdx', linkId, virtualSizeBytes: 1_048_576 };
  const child = await composeDisk(composerOf('vhdx'), { ...shape, seed: '2'.repeat(32), parent });
  await writeFile(copy.at('d/web_1.avhdx'), child.bytes);
  const found = await scanWith(vhdImageLayout, copy.repository);
  const told = found.map(({ name, restorePoints: [point] }) => [name, point?.reason]);
  expect(told).toEqual([
    ['one.vhdx', null],
    ['two.vhdx', null],
    [
      'web_1.avhdx',
      'd/web_1.avhdx builds on "web.vhdx", which is not beside it: its id has "one.vhdx", "two.vhdx"; give it that name if it is the one',
    ],
  ]);
});
