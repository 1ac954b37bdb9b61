import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { qemuBytes, qemuCheck, requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { vmaFile, type Vma } from '../../support/image/vma-file.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 30, 20);
const CHAIN = chainFolder('nightly', 'proxmox-qemu-100-dump');

describe('a folder of vzdump', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-vzdump-'));
    await mkdir(join(folder, 'primary', 'dump'), { recursive: true });
    await mkdir(join(folder, 'offsite'));
    const at = (id: string) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
    [primary, offsite] = [await at('primary'), await at('offsite')];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const nameOf = (day: number) => `vzdump-qemu-100-2026_11_${day}-06_30_00`;

  /** Two disks; the second day differs in one cluster. */
  function archiveOf(day: number): Vma {
    const system = Buffer.alloc(70 * 65_536, 0x31);
    if (day > 24) system.fill(day, 5 * 65_536, 6 * 65_536);
    return vmaFile({
      devices: [
        { name: 'drive-scsi0', disk: system },
        { name: 'drive-scsi1', disk: Buffer.alloc(200_192, 0x32) },
      ],
      config: 'name: web01\n',
      uuid: Buffer.alloc(16, day),
    });
  }

  async function backUp(day: number, bytes = archiveOf(day).bytes): Promise<Buffer> {
    const at = (end: string) => join(folder, 'primary', 'dump', `${nameOf(day)}.${end}`);
    await writeFile(at('vma'), bytes);
    await writeFile(at('vma.notes'), `web01 of day ${day}`);
    await writeFile(at('log'), 'INFO: VM Name: web01\n');
    return bytes;
  }

  async function session(day: number): Promise<readonly TargetRestorePoint[]> {
    const retention = { type: 'restorePoints', value: 99 } as const;
    const job = testJob({ restorePoints: 'all', retention });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    return (await readChainRecord(offsite, CHAIN))!.points;
  }

  const copied = (path: string) => readFile(join(folder, 'offsite', CHAIN, path));

  it('is copied day by day, each archive byte for byte with what lies beside it', async () => {
    const archives = [await backUp(24)];
    await session(0);
    archives.push(await backUp(25));
    const points = await session(1);
    expect(points.map(({ kind, createdAt }) => [kind, createdAt])).toEqual([
      ['full', '2026-11-24T06:30:00.000Z'],
      ['full', '2026-11-25T06:30:00.000Z'],
    ]);
    for (const [index, { disks, companions }] of points.entries()) {
      expect((await copied(disks[0]!.path)).equals(archives[index]!)).toBe(true);
      expect(disks[0]).toMatchObject({ format: 'vma', as: `${nameOf(24 + index)}.vma` });
      expect(companions.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).sort()).toEqual([
        `${nameOf(24 + index)}.log`,
        `${nameOf(24 + index)}.vma.notes`,
      ]);
    }
    const verified = await new LocalSessions([primary, offsite]).verify(
      'offsite',
      NOW_MS + 2 * DAY_MS,
    );
    expect(verified).toMatchObject({ state: 'ended', result: 'success' });
  });

  describe('whose archive is restored disk by disk', () => {
    let to: string;
    let point: TargetRestorePoint;
    beforeEach(async () => {
      await backUp(25);
      point = (await session(0))[0]!;
      to = join(folder, 'restored');
      await mkdir(to);
    });
    const destination = () =>
      openDirectoryRepository({ id: folderRepositoryId(to), rootPath: to, readOnly: false });
    const restore = async (
      disks: readonly string[] | null,
      format: 'raw' | 'qcow2' = 'raw',
    ): Promise<Record<string, Buffer>> => {
      const into = await destination();
      const order = { chain: CHAIN, pointId: point.id, format, disks };
      const files = await restoreInto(into, offsite, order);
      const read = files.map(async (path) => [basename(path), await readFile(path)] as const);
      return Object.fromEntries(await Promise.all(read));
    };
    const system = Buffer.alloc(70 * 65_536, 0x31).fill(25, 5 * 65_536, 6 * 65_536);
    const data = Buffer.alloc(200_192, 0x32);

    it('gives all of them, or one by its name', async () => {
      const one = await restore(['drive-scsi1']);
      expect(Object.keys(one)).toEqual(['drive-scsi1.raw']);
      expect(one['drive-scsi1.raw']!.equals(data)).toBe(true);
      await rm(join(to, 'drive-scsi1.raw'));
      const all = await restore(null);
      expect(Object.keys(all)).toEqual(['drive-scsi0.raw', 'drive-scsi1.raw']);
      expect(all['drive-scsi0.raw']!.equals(system)).toBe(true);
      expect(all['drive-scsi1.raw']!.equals(data)).toBe(true);
    });

    it.skipIf(!requireTool('qemu-img'))(
      'gives files of qcow2, also where a raw restore was begun and given up',
      async () => {
        const into = await destination();
        await new InProcessMover(offsite, into).run('prepareRestore', {
          ...{ repositoryId: offsite.id, destinationPath: to, chain: CHAIN, pointId: point.id },
          ...{ format: 'raw', disks: null, intoExisting: false, leaseId: 'lease', nowMs: NOW_MS },
        });
        const all = await restore(null, 'qcow2');
        expect(Object.keys(all)).toEqual(['drive-scsi0.qcow2', 'drive-scsi1.qcow2']);
        const shown = async (name: string) => {
          expect(await qemuCheck(join(to, name))).toMatchObject({ errors: 0, leaks: 0 });
          return qemuBytes(join(to, name), 'qcow2');
        };
        expect((await shown('drive-scsi0.qcow2')).equals(system)).toBe(true);
        expect((await shown('drive-scsi1.qcow2')).equals(data)).toBe(true);
        expect((await readdir(to)).sort()).toEqual(Object.keys(all));
      },
    );

    it('is refused where two disks have one name: one of them would be left out', async () => {
      const device = (fill: number) => ({
        name: 'drive-scsi0',
        disk: Buffer.alloc(65_536, fill),
      });
      const { bytes } = vmaFile({ devices: [device(1), device(2)], uuid: Buffer.alloc(16, 26) });
      await backUp(26, bytes);
      point = (await session(1)).at(-1)!;
      await expect(restore(null)).rejects.toMatchObject({
        code: 'RESTORE_FORMAT_UNSUITED',
        message: expect.stringMatching(/two disks of the name "drive-scsi0"/),
      });
      expect(await readdir(to)).toEqual([]);
    });

    it('says which there are when one of another name is wanted, and leaves no lease', async () => {
      await expect(restore(['drive-ide0'])).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        message: expect.stringMatching(/"drive-ide0"; it has archive, drive-scsi0, drive-scsi1/),
      });
      expect(await readdir(to)).toEqual([]);
      const chain = await readdir(join(folder, 'offsite', CHAIN), { recursive: true });
      expect(chain.filter((name) => /leases.*json/.test(name))).toEqual([]);
    });

    it.each(['head', 'data'])(
      'gives none that was changed in the copy, in its %s',
      async (where) => {
        const path = join(folder, 'offsite', CHAIN, point.disks[0]!.path);
        const bytes = await readFile(path);
        bytes[where === 'head' ? 12_290 : 6 * 65_536 + 100]! ^= 1;
        await writeFile(path, bytes);
        await expect(restore(null)).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
      },
    );
  });

  it('is restored in the layout of its tool under the names that it had', async () => {
    const archive = await backUp(24);
    const [point] = await session(0);
    const to = join(folder, 'restored');
    await mkdir(to);
    const into = await openDirectoryRepository({
      ...{ id: folderRepositoryId(to), rootPath: to, readOnly: false },
    });
    const order = { chain: CHAIN, pointId: point!.id, format: 'same', layout: true } as const;
    const files = await restoreInto(into, offsite, order);
    const name = nameOf(24);
    expect(files.map((path) => relative(to, path)).sort()).toEqual([
      `${name}.log`,
      `${name}.vma`,
      `${name}.vma.notes`,
    ]);
    expect((await readFile(join(to, `${name}.vma`))).equals(archive)).toBe(true);
    expect(await readFile(join(to, `${name}.vma.notes`), 'utf8')).toBe('web01 of day 24');
  });

  it('with an archive that was cut between two extents gives all but that one', async () => {
    await backUp(24);
    const { bytes, extents } = archiveOf(25);
    await backUp(25, bytes.subarray(0, extents[1]));
    await backUp(26);
    const points = await session(0);
    expect(points.map(({ createdAt }) => createdAt.slice(0, 10))).toEqual([
      '2026-11-24',
      '2026-11-26',
    ]);
    const [workload] = await listSourceWorkloads(primary);
    expect(workload!.restorePoints[1]).toMatchObject({
      state: 'incomplete',
      reason: expect.stringMatching(/it holds 59 of 70 clusters of "drive-scsi0"/),
    });
  });
});
