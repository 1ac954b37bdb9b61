import { createHash } from 'node:crypto';
import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { ovfLayout } from '../../../src/layout/ovf/ovf.js';
import { qemuImg, requireTool } from '../../support/image/qemu.js';
import { REAL_FIXTURES } from '../../support/image/real-fixtures.js';
import { copyToRepository, type RepositoryCopy } from '../../support/layout/repository-copy.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { shown, treeOf } from '../../support/layout/tree.js';

const WRITTEN = '2026-11-24T22:00:00.000Z';

function descriptorOf(files: string, disks: string): string {
  return `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>${files}</References>
  <DiskSection><Info/>${disks}</DiskSection>
  <VirtualSystem ovf:id="vm"><Info/><Name>Web server</Name></VirtualSystem>
</Envelope>`;
}

const TWO_DISKS = descriptorOf(
  '<File ovf:id="f1" ovf:href="web-disk1.vmdk"/><File ovf:id="f2" ovf:href="web-disk2.vmdk"/><File ovf:id="f3" ovf:href="web.nvram" ovf:size="512"/>',
  '<Disk ovf:diskId="d1" ovf:fileRef="f1"/><Disk ovf:diskId="d2" ovf:fileRef="f2"/><Disk ovf:diskId="d3"/>',
);

async function statesIn({ repository }: RepositoryCopy) {
  const workloads = await scanWith(ovfLayout, repository);
  return workloads.flatMap(({ restorePoints }) =>
    restorePoints.map(({ state, reason }) => [state, reason]),
  );
}

async function streamDisk({ at }: RepositoryCopy, path: string): Promise<void> {
  await qemuImg('create', '-q', '-f', 'vmdk', '-o', 'subformat=streamOptimized', at(path), '1M');
}

describe('the files of a folder with OVF packages', () => {
  const UUID_DISK = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01.vhd';
  const claimed = (...files: string[]) =>
    ovfLayout.claim({ folder: 'share', files, folders: [], passedOver: [] })?.files;

  it('that are backups of their own by their dates are left to those who know them', () => {
    const own = ['web.ovf', 'web.mf', 'web-disk1.vmdk', 'web-disk2.vhd', 'input.iso', 'boot.img'];
    const others = ['web-2026-11-24.img', 'db-2026-11-24.vhd', 'pg.tar.gz'];
    expect(claimed(...own, ...others)).toEqual(own);
    const packed = [
      'mail.img.xz',
      'mail.raw.zst',
      'mail.vma.lzo',
      'mail.dd',
      'mail.dmg',
      'mail.xml',
    ];
    expect(claimed('web.ovf', ...packed, 'web.vdi')).toEqual(['web.ovf', 'web.vdi']);
    const dated = ['web-2026-11-24.ovf', 'web-2026-11-24.iso', 'web-2026-11-24-disk1.vhd'];
    expect(claimed(...dated, 'web-2026-11-25.img')).toEqual(dated);
  });

  // Until the descriptors are read: what they do not name they give back.
  it('are all that one of several may name', () => {
    const own = ['db.ovf', 'DB-disk1.img', 'web.ovf', 'web-disk1.vhd', UUID_DISK, 'any.vmdk'];
    const others = ['mail-2026-11-24.img', 'site.tar.gz'];
    expect(claimed(...own, 'mail.img', ...others, 'files.vhd')).toEqual([
      ...own,
      ...['mail.img', 'files.vhd'],
    ]);
  });
});

describe.skipIf(!requireTool('qemu-img'))('an OVF package in a folder', () => {
  async function exported(folder = 'web', descriptor = TWO_DISKS): Promise<RepositoryCopy> {
    const sha = createHash('sha256').update(descriptor).digest('hex');
    const copy = await treeOf({
      [`${folder}/web.ovf`]: descriptor,
      [`${folder}/web.mf`]: `SHA256(web.ovf)= ${sha}\nSHA256(web-disk1.vmdk)= 00\n`,
      [`${folder}/web.nvram`]: 512,
      [`${folder}/README`]: 'x',
    });
    for (const disk of ['web-disk1.vmdk', 'web-disk2.vmdk'])
      await streamDisk(copy, `${folder}/${disk}`);
    return copy;
  }

  it.each([
    ['says what it builds on', ' ovf:parentRef="d1"', 'complete'],
    ['does not say what it builds on', '', 'broken'],
  ])('with a disk that holds changes %s', async (_, parentRef, state) => {
    const copy = await exported(
      'web',
      TWO_DISKS.replace('ovf:fileRef="f2"', `ovf:fileRef="f2"${parentRef}`),
    );
    const below = ['-F', 'vmdk', '-b', 'web-disk1.vmdk'];
    await qemuImg('create', '-q', '-f', 'vmdk', ...below, copy.at('web/web-disk2.vmdk'));
    expect((await statesIn(copy)).map(([found]) => found)).toEqual([state]);
  });

  it.each(['web.mf', 'web.ovf'])(
    'is unknown while its %s cannot be read, and says nothing against what lies beside it',
    async (name) => {
      const copy = await exported();
      const openRead = copy.repository.openRead.bind(copy.repository);
      copy.repository.openRead = async (path) => {
        if (path === `web/${name}`) throw new BackupError('REPOSITORY_IO_ERROR', 'bad sector');
        return openRead(path);
      };
      expect(await statesIn(copy)).toEqual([['unknown', 'bad sector']]);
    },
  );

  it('is a full of the disks that its descriptor refers to, with everything else beside them', async () => {
    const { repository } = await exported();
    expect(shown(await scanWith(ovfLayout, repository))).toEqual([
      {
        ...{ id: 'ovf-web:web', name: 'Web server', type: 'vmware-vsphere' },
        points: [
          [
            ...[WRITTEN, WRITTEN, 'complete'],
            'web-disk1.vmdk vmdk-stream web/web-disk1.vmdk',
            'web-disk2.vmdk vmdk-stream web/web-disk2.vmdk',
            'web.ovf = web/web.ovf',
            'web.mf = web/web.mf',
            'web.nvram = web/web.nvram',
          ],
        ],
      },
    ]);
  });

  it.each(['disk.qcow2', 'disk.vhdx', 'disk.raw', '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01'])(
    'may have disks of any format, as AHV and oVirt write them (%s)',
    async (name) => {
      const files = `<File ovf:id="f1" ovf:href="${name}"/>`;
      const disks = '<Disk ovf:diskId="d1" ovf:fileRef="f1"/>';
      const copy = await treeOf({ 'm/m.ovf': descriptorOf(files, disks), 'm/x': 512 });
      const format = /\.(qcow2|vhdx)$/.exec(name)?.[1] ?? 'raw';
      await qemuImg('create', '-q', '-f', format, copy.at(`m/${name}`), '8M');
      const [machine] = await scanWith(ovfLayout, copy.repository);
      expect(machine?.restorePoints).toMatchObject([
        { state: 'complete', disks: [{ disk: name, format: 'file' }] },
      ]);
      await truncate(copy.at(`m/${name}`), format === 'raw' ? 0 : 70_000);
      expect(await statesIn(copy)).toMatchObject([['incomplete', expect.any(String)]]);
    },
  );

  it.each<[string, string, (text: string) => Buffer]>([
    ['UTF-16 LE', 'fffe', (text) => Buffer.from(text, 'utf16le')],
    ['UTF-16 BE', 'feff', (text) => Buffer.from(text, 'utf16le').swap16()],
    ['UTF-8', 'efbbbf', (text) => Buffer.from(text)],
  ])('is whole with a descriptor in %s that begins with a mark', async (_, mark, encode) => {
    const copy = await exported();
    const text = TWO_DISKS.replace('Web server', 'Büro');
    const bytes = Buffer.concat([Buffer.from(mark, 'hex'), encode(text)]);
    await writeFile(copy.at('web/web.ovf'), bytes);
    const sha = createHash('sha256').update(bytes).digest('hex');
    await writeFile(copy.at('web/web.mf'), `SHA256(web.ovf)= ${sha}\n`);
    expect(await statesIn(copy)).toEqual([['complete', null]]);
    expect((await scanWith(ovfLayout, copy.repository))[0]?.name).toBe('Büro');
  });

  it('of a content library is whole under the names that it has there, and given back under its own', async () => {
    const [a, b, c] = ['2f9c1d3e', '7c1e2f3a', '9b9cfbc3'].map(
      (id) => `${id}-1111-4222-8333-944455556666`,
    );
    const copy = await treeOf({
      [`lib/item/web_${a}.ovf`]: descriptorOf(
        '<File ovf:id="f1" ovf:href="web-disk1.vmdk"/><File ovf:id="f2" ovf:href="web.nvram"/>',
        '<Disk ovf:diskId="d1" ovf:fileRef="f1"/>',
      ),
      [`lib/item/web_${c}.nvram`]: 512,
    });
    await streamDisk(copy, `lib/item/web-disk1_${b}.vmdk`);
    const [item, ...others] = await scanWith(ovfLayout, copy.repository);
    expect(others).toEqual([]);
    expect(item).toMatchObject({
      id: 'ovf-lib:item:web',
      restorePoints: [
        {
          state: 'complete',
          disks: [{ path: `lib/item/web-disk1_${b}.vmdk`, as: 'web-disk1.vmdk' }],
          companions: [
            { path: `lib/item/web_${a}.ovf`, as: 'web.ovf' },
            { path: `lib/item/web_${c}.nvram`, as: 'web.nvram' },
          ],
        },
      ],
    });
  });

  it('is one of several points of a machine where its folder or its name holds a date', async () => {
    const copy = await exported('a/web-2026-11-24');
    await cp(copy.at('a/web-2026-11-24'), copy.at('a/web-20261125_0130'), { recursive: true });
    await cp(copy.at('a/web-2026-11-24'), copy.at('a/2026-11-26'), { recursive: true });
    const found = await scanWith(ovfLayout, copy.repository);
    expect(
      found.map(({ id, restorePoints }) => [
        id,
        restorePoints[0]!.id,
        new Date(restorePoints[0]!.createdAtMs).toISOString(),
      ]),
    ).toEqual([
      ['ovf-a:web', '2026-11-26', '2026-11-26T00:00:00.000Z'],
      ['ovf-a:web:web', '2026-11-24', '2026-11-24T00:00:00.000Z'],
      ['ovf-a:web:web', '20261125_0130', '2026-11-25T01:30:00.000Z'],
    ]);
  });

  it('is incomplete without a file that descriptor or manifest names, or with one that was cut off', async () => {
    const copy = await exported();
    await rm(copy.at('web/web-disk1.vmdk'));
    expect((await statesIn(copy))[0]![0]).toBe('incomplete');
    await streamDisk(copy, 'web/web-disk1.vmdk');
    expect(await statesIn(copy)).toEqual([['complete', null]]);
    await truncate(copy.at('web/web.nvram'), 100);
    expect(await statesIn(copy)).toEqual([
      ['incomplete', '"web.nvram" has 100 bytes, and 512 are expected'],
    ]);
    await writeFile(copy.at('web/web.nvram'), Buffer.alloc(512));
    await writeFile(copy.at('web/web.mf'), 'SHA1(web-file9.iso)= 00\n');
    expect(await statesIn(copy)).toEqual([
      ['incomplete', '"web-file9.iso", which web/web.mf names, is not there'],
    ]);
  });

  it('has every file that its descriptor names, whatever its ending, and names what nobody does', async () => {
    const copy = await exported();
    const [vdi, flp] = ['<File ovf:id="f4" ovf:href="data.vdi"/>', 'boot.flp'];
    await writeFile(
      copy.at('web/web.ovf'),
      TWO_DISKS.replace('</References>', `${vdi}</References>`),
    );
    await writeFile(copy.at('web/web.mf'), `SHA1(${flp})= 00\n`);
    for (const name of ['data.vdi', flp, 'README.txt'])
      await writeFile(copy.at(`web/${name}`), 'x');
    const strangers: string[] = [];
    const [workload] = await scanRepository(copy.repository, {
      onUnrecognised: ({ examples }) => strangers.push(...examples),
    });
    const [point] = workload!.restorePoints;
    expect([point!.state, point!.reason]).toEqual(['complete', null]);
    const companions = point!.companions.map(({ as }) => as);
    expect(companions).toEqual(expect.arrayContaining(['data.vdi', flp]));
    expect(companions).not.toContain('README.txt');
    expect(strangers).toContain('README.txt');
  });

  const ONE_DISK = descriptorOf(
    '<File ovf:id="f1" ovf:href="web-disk1.vmdk"/><File ovf:id="f2" ovf:href="Data.vhdx"/>',
    '<Disk ovf:diskId="d1" ovf:fileRef="f1"/><Disk ovf:diskId="d2" ovf:fileRef="f2"/>',
  );
  const OTHERS = ['db01.qcow2', 'web01.vmdk', 'mail.img', 'web-2026-11-23.vmdk', 'files.vhd'];
  const OWN = ['web-disk1.vmdk', 'Data.vhdx', 'web.nvram', 'web-spare.vmdk', 'tools.iso'];

  it.each([
    ['alone', {}],
    ['beside another', { 'share/app.ovf': descriptorOf('', '') }],
  ])('takes no image of another machine that lies beside it (%s)', async (_, more) => {
    const files = [...OTHERS, ...OWN].map((name) => [`share/${name}`, 512] as const);
    const copy = await treeOf({ 'share/web.ovf': ONE_DISK, ...Object.fromEntries(files), ...more });
    const found = await scanRepository(copy.repository, { onUnrecognised: () => undefined });
    const pathsOf = ({ restorePoints }: (typeof found)[number]) =>
      restorePoints.flatMap(({ disks, companions }) => [...disks, ...companions]);
    const web = found.find(({ id }) => id === 'ovf-share:web')!;
    const others = found.filter(({ id }) => !id.startsWith('ovf-'));
    expect(others.flatMap((one) => pathsOf(one).map(({ path }) => path)).sort()).toEqual(
      OTHERS.map((name) => `share/${name}`).sort(),
    );
    const isAlone = Object.keys(more).length === 0;
    const own = isAlone ? OWN : OWN.slice(0, 2);
    expect(pathsOf(web).map(({ path }) => path)).toEqual(
      expect.arrayContaining(own.map((name) => `share/${name}`)),
    );
  });

  it('keeps what lies beside it while nobody can tell what it names, and reads it once', async () => {
    const kept = new Map<string, string>();
    const store = {
      load: (key: string) => Promise.resolve(kept.get(key) ?? null),
      save: (key: string, text: string) => void kept.set(key, text),
    };
    const copy = await treeOf({ 'share/web.ovf': ONE_DISK, 'share/mail.img': 512 });
    const openRead = copy.repository.openRead.bind(copy.repository);
    let opened: string[] = [];
    copy.repository.openRead = (path) => (opened.push(path), openRead(path));
    const ids = async () => (await scanRepository(copy.repository, {}, store)).map(({ id }) => id);
    // What was written to a moment ago is read again.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(await ids()).toEqual(['ovf-share:web', 'raw-share:mail.img']);
    opened = [];
    expect(await ids()).toEqual(['ovf-share:web', 'raw-share:mail.img']);
    expect(opened).not.toContain('share/web.ovf');
    kept.clear();
    copy.repository.openRead = (path) =>
      path === 'share/web.ovf'
        ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'bad sector'))
        : openRead(path);
    expect(await ids()).toEqual(['ovf-share:web']);
  });

  it.each(['alone', 'beside another'])(
    'keeps its disks while its descriptor is still being written (%s)',
    async (which) => {
      const more: Record<string, string> =
        which === 'alone' ? {} : { 'share/app.ovf': descriptorOf('', '') };
      const half = ONE_DISK.slice(0, ONE_DISK.indexOf('</References>'));
      const copy = await treeOf({ 'share/web.ovf': half, 'share/Data.vhdx': 512, ...more });
      const ids = async () => (await scanRepository(copy.repository)).map(({ id }) => id);
      const packages = which === 'alone' ? ['ovf-share:web'] : ['ovf-share:app', 'ovf-share:web'];
      expect(await ids()).toEqual(packages);
      await writeFile(copy.at('share/web.ovf'), '');
      expect(await ids()).toEqual(packages);
      // Whoever writes no descriptor keeps nothing.
      await writeFile(copy.at('share/web.ovf'), '<!DOCTYPE x><Envelope/>');
      expect(await ids()).toEqual([...packages, 'vhd-share:Data.vhdx']);
    },
  );

  it('is broken with the manifest of another descriptor', async () => {
    const copy = await exported();
    await writeFile(copy.at('web/web.ovf'), `${TWO_DISKS} `);
    expect(await statesIn(copy)).toEqual([
      ['broken', 'web/web.mf holds the digest of another web.ovf'],
    ]);
  });

  it.each(['../secret.vmdk', '/etc/shadow', 'a/b.vmdk', String.raw`..\x.vmdk`, 'c:x.vmdk', ''])(
    'is broken with the reference %j, which is never looked for',
    async (href) => {
      const disks = '<Disk ovf:diskId="d" ovf:fileRef="f"/>';
      const copy = await exported(
        'web',
        descriptorOf(`<File ovf:id="f" ovf:href="${href}"/>`, disks),
      );
      expect(await statesIn(copy)).toEqual([
        [
          'broken',
          `its descriptor names the file ${JSON.stringify(href)}, which is none of its own folder`,
        ],
      ]);
    },
  );

  it('knows a file by its name as a URI, and first by that as it stands', async () => {
    const files =
      '<File ovf:id="f1" ovf:href="web%20disk.vmdk" ovf:compression="bzip2"/><File ovf:id="f2" ovf:href="100%25.vmdk" ovf:size="512"/><File ovf:id="f3" ovf:href="50%.iso"/>';
    const copy = await treeOf({
      'p/p.ovf': descriptorOf(files, '<Disk ovf:diskId="d1" ovf:fileRef="f1"/>'),
      'p/web disk.vmdk': 512,
      ...{ 'p/100%25.vmdk': 512, 'p/100%.vmdk': 1, 'p/50%.iso': 1 },
    });
    expect(await statesIn(copy)).toEqual([['complete', null]]);
    await rm(copy.at('p/web disk.vmdk'));
    expect(await statesIn(copy)).toEqual([
      ['incomplete', 'the file "web%20disk.vmdk", which it refers to, is not there'],
    ]);
  });

  it('knows disks in parts and compressed ones, which travel as they are', async () => {
    const files =
      '<File ovf:id="f1" ovf:href="a.vmdk" ovf:chunkSize="512" ovf:size="1024"/><File ovf:id="f2" ovf:href="b.vmdk" ovf:compression="gzip" ovf:size="999999"/>';
    const disks =
      '<Disk ovf:diskId="d1" ovf:fileRef="f1"/><Disk ovf:diskId="d2" ovf:fileRef="f2"/>';
    const copy = await treeOf({
      'p/p.ovf': descriptorOf(files, disks),
      'p/a.vmdk.000000000': 512,
      'p/a.vmdk.000000001': 512,
      'p/b.vmdk': 512,
    });
    const [found] = await scanWith(ovfLayout, copy.repository);
    expect(found!.restorePoints[0]!.disks.map(({ disk, format }) => [disk, format])).toEqual([
      ['a.vmdk.000000000', 'file'],
      ['a.vmdk.000000001', 'file'],
      ['b.vmdk', 'file'],
    ]);
    await rm(copy.at('p/a.vmdk.000000000'));
    expect(await statesIn(copy)).toEqual([
      ['incomplete', 'the file a.vmdk.000000000, a part of "a.vmdk", is not there'],
    ]);
  });
});

describe.skipIf(REAL_FIXTURES === null)('real OVF packages', () => {
  async function packageOf(name: string): Promise<RepositoryCopy> {
    const copy = await copyToRepository(null);
    await cp(join(REAL_FIXTURES!, 'ovf', name), copy.at('p'), { recursive: true });
    return copy;
  }

  it('of VirtualBox is complete, with a manifest whose digests are right', async () => {
    expect(await statesIn(await packageOf('virtualbox-ubuntu'))).toEqual([['complete', null]]);
  });

  it('of ovftool without two files of its manifest is incomplete', async () => {
    const [[state, reason] = []] = await statesIn(await packageOf('ovftool-input'));
    expect(state).toBe('incomplete');
    expect(reason).toMatch(/"(input\.iso|sample_cfg\.txt)"/);
  });

  it('of ovftool with a disk that was cut off is incomplete although its manifest agrees', async () => {
    const copy = await packageOf('ttylinux-truncated');
    const digest = createHash('sha1');
    digest.update(await readFile(copy.at('p/ttylinux-pc_i486-16.1-disk1.vmdk')));
    const manifest = await readFile(copy.at('p/ttylinux-pc_i486-16.1.mf'), 'utf8');
    expect(manifest).toContain(digest.digest('hex'));
    const [[state, reason] = []] = await statesIn(copy);
    expect(state).not.toBe('complete');
    expect(reason).toContain('ttylinux-pc_i486-16.1-disk1.vmdk');
  });
});
