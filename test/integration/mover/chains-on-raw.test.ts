import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChains } from '../../../src/chain/find-chains.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { firstDifference } from '../../support/image/composed-disk.js';
import { qemuBytes, qemuImg, qemuIo, requireTool } from '../../support/image/qemu.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + 10 * DAY_MS;

describe.skipIf(!requireTool('qemu-img'))('external snapshots on a raw disk', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('on-raw', ['restored']));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const source = (name: string) => join(folder, 'primary', name);

  async function written(name: string, day: number): Promise<void> {
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(source(name), date, date);
  }

  async function rawDisk(name: string): Promise<void> {
    const disk = Buffer.alloc(4 * MIB + 512, 0x11);
    disk.fill(0, MIB, 2 * MIB);
    await writeFile(source(name), disk);
    await written(name, 0);
  }

  async function overlay(name: string, base: string, format: string, day: number): Promise<void> {
    await qemuImg('create', '-q', '-f', 'qcow2', '-F', format, '-b', base, source(name));
    const kib = 100 + 64 * day;
    await qemuIo(source(name), 'qcow2', [`write -P ${0x20 + day} ${kib}k 70k`]);
    await written(name, day);
  }

  async function session(day = 0) {
    const job = testJob({ restorePoints: 'all', retention: { type: 'restorePoints', value: 99 } });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    return (await findChains(offsite)).chains.map(({ folder: chain, record: { points } }) => ({
      ...{ chain, points },
      kinds: points.map(({ kind, disks }) => `${kind} ${disks[0]!.format}`),
      files: points.map(({ disks }) => join(folder, 'offsite', chain, disks[0]!.path)),
    }));
  }

  it.each(['web.img', 'web.raw', 'WEB.IMG'])(
    'are increments of a full of its format, as QEMU reads them (%s)',
    async (base) => {
      await rawDisk(base);
      await overlay('web.snap1.qcow2', base, 'raw', 1);
      await overlay('web.snap2.qcow2', 'web.snap1.qcow2', 'qcow2', 2);
      const [copy, ...others] = await session();
      expect(others).toEqual([]);
      expect(copy!.kinds).toEqual(['full raw', 'increment qcow2', 'increment qcow2']);
      const names = [base, 'web.snap1.qcow2', 'web.snap2.qcow2'];
      for (const [index, name] of names.entries()) {
        const format = index === 0 ? 'raw' : 'qcow2';
        const seen = await qemuBytes(source(name), format);
        const copied = await qemuBytes(copy!.files[index]!, format);
        expect(firstDifference(copied, seen), name).toBeNull();
        for (const as of ['raw', 'same'] as const) {
          const into = join(folder, 'restored', `${index}-${as}`);
          await mkdir(into);
          const id = folderRepositoryId(into);
          const to = await openDirectoryRepository({ id, rootPath: into, readOnly: false });
          const order = { chain: copy!.chain, pointId: copy!.points[index]!.id, format: as };
          const [file] = await restoreInto(to, offsite, order);
          const own = as === 'raw' ? 'raw' : format;
          expect(file).toMatch(own === 'raw' ? /\.(?:raw|img)$/i : /\.qcow2$/);
          expect(firstDifference(await qemuBytes(file!, own), seen), `${name} ${as}`).toBeNull();
        }
      }
      expect((await session(1))[0]!.points).toHaveLength(3);
    },
  );

  it('go on after a base that was copied when it lay alone', async () => {
    await rawDisk('web.img');
    expect((await session()).map(({ kinds }) => kinds)).toEqual([['full raw']]);
    await overlay('web.snap1.qcow2', 'web.img', 'raw', 5);
    const found = await session(1);
    expect(found.map(({ kinds }) => kinds)).toEqual([['full raw', 'increment qcow2']]);
    const expected = await qemuBytes(source('web.snap1.qcow2'), 'qcow2');
    const copied = await qemuBytes(found[0]!.files[1]!, 'qcow2');
    expect(firstDifference(copied, expected)).toBeNull();
  });

  it.each([true, false])(
    'are copied again when their base had not all arrived, and kept when it was written to (%s)',
    async (isArrival) => {
      await rawDisk('web.img');
      await overlay('web.snap1.qcow2', 'web.img', 'raw', 1);
      const whole = await readFile(source('web.img'));
      const seen = await qemuBytes(source('web.snap1.qcow2'), 'qcow2');
      await writeFile(source('web.img'), whole.subarray(0, isArrival ? 2 * MIB : undefined));
      await written('web.img', 0);
      const [early] = await session();
      expect(early!.kinds).toEqual(['full raw', 'increment qcow2']);
      if (!isArrival) whole.fill(0x77, MIB + 65_536, MIB + 131_072);
      await writeFile(source('web.img'), whole);
      await written('web.img', 5);
      for (const day of [1, 2]) await session(day);
      const [copy] = await session(3);
      const copied = copy!.points.findIndex(
        ({ source: { restorePointId } }) => restorePointId === 'web.snap1.qcow2',
      );
      const bytes = await qemuBytes(copy!.files[copied]!, 'qcow2');
      expect(firstDifference(bytes, seen)).toBeNull();
    },
  );

  it('are machines of their own, each whole, where several build on one', async () => {
    await rawDisk('template.img');
    await overlay('db.qcow2', 'template.img', 'raw', 1);
    await overlay('web.qcow2', 'template.img', 'raw', 2);
    const names = ['db.qcow2', 'web.qcow2'];
    const expected = await Promise.all(names.map((name) => qemuBytes(source(name), 'qcow2')));
    // As libvirt names it: the path of the host, which no copy follows.
    const path = '/var/lib/libvirt/images/template.img';
    await qemuImg('rebase', '-u', '-F', 'raw', '-b', path, source('web.qcow2'));
    await written('web.qcow2', 2);
    const found = await session();
    expect(found.map(({ kinds }) => kinds).sort()).toEqual([
      ['full qcow2'],
      ['full qcow2'],
      ['full raw'],
    ]);
    for (const { files, kinds } of found) {
      if (kinds[0] === 'full raw') continue;
      const copied = await qemuBytes(files[0]!, 'qcow2');
      expect(expected.some((bytes) => bytes.equals(copied))).toBe(true);
    }
  });

  it('are refused where they do not say that it is raw, or it is not there, with what helps', async () => {
    await rawDisk('web.img');
    await overlay('web.snap1.qcow2', 'web.img', 'raw', 1);
    await qemuImg('rebase', '-u', '-F', 'raw', '-b', 'gone.img', source('web.snap1.qcow2'));
    await overlay('web.snap2.qcow2', 'web.img', 'raw', 2);
    const bytes = await readFile(source('web.snap2.qcow2'));
    const at = bytes.indexOf(Buffer.from('e2792aca', 'hex'));
    bytes.writeUInt32BE(0x0bad_f00d, at);
    await writeFile(source('web.snap2.qcow2'), bytes);
    await written('web.snap2.qcow2', 2);
    const points = (await scanRepository(primary)).flatMap(({ restorePoints }) => restorePoints);
    const states = points.map(({ disks, state, reason }) => [disks[0]!.path, state, reason]);
    expect(states.sort()).toEqual([
      ['web.img', 'complete', null],
      [
        ...['web.snap1.qcow2', 'broken'],
        'web.snap1.qcow2 builds on "gone.img", which does not lie beside it as raw; put it there, or make one of both (qemu-img convert, Convert-VHD)',
      ],
      [
        ...['web.snap2.qcow2', 'broken'],
        'web.snap2.qcow2 builds on "web.img", which does not lie beside it as qcow2; if it is a raw disk, say so (qemu-img rebase -u -F raw -b web.img), or make one of both (qemu-img convert, Convert-VHD)',
      ],
    ]);
  });
});
