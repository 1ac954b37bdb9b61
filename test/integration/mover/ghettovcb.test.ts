import { createCipheriv } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { libvmdkBytes } from '../../support/image/libvmdk.js';
import { qemuBytes, qemuImg, requireTool } from '../../support/image/qemu.js';
import { descriptorText } from '../../support/image/vmdk-bytes.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const BLOCK = 65_536;
const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 10, 20, 22);
const CHAIN = chainFolder('nightly', 'ghettovcb-web');
const STORE = '52fc1e34-a1b2c3d4-9f10-0cc47a1b2c3d';
const DISKS = ['scsi0-0', 'scsi0-1'] as const;
/** No multiple of a block. */
const DISK_BYTES = 40 * BLOCK + 1024;

/** Where the tool looks for them. */
const TREE = { 'scsi0-0': 'web.vmdk', 'scsi0-1': `${STORE}/web_1.vmdk` } as const;

const VMX = `displayName = "web"
scsi0:0.fileName = "web.vmdk"
scsi0:1.fileName = "/vmfs/volumes/${STORE}/web/web_1.vmdk"
`;

describe.skipIf(!requireTool('qemu-img') || !requireTool('vmdkinfo', '-V'))(
  'a machine that ghettoVCB backs up',
  () => {
    let folder: string;
    let primary: BackupRepository;
    let offsite: BackupRepository;
    /** What each disk held, day by day. */
    let truth: Record<(typeof DISKS)[number], Buffer>[];
    beforeEach(async () => {
      truth = [];
      folder = await mkdtemp(join(tmpdir(), 'longhaul-vmware-'));
      for (const name of ['primary/web', 'offsite'])
        await mkdir(join(folder, name), { recursive: true });
      const at = (id: string) =>
        openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
      [primary, offsite] = [await at('primary'), await at('offsite')];
    });
    afterEach(() => rm(folder, { recursive: true }));

    const source = (...path: string[]) => join(folder, 'primary', 'web', ...path);
    const target = (path: string) => join(folder, 'offsite', CHAIN, path);

    /** One run: a flat disk as VMFS has it, and one split into sparse parts on another datastore. */
    async function backUp(
      name: string,
      change: (disk: Buffer, which: number) => void,
    ): Promise<void> {
      const before = truth.at(-1);
      const disks = DISKS.map((disk, which) => {
        const bytes = Buffer.from(before?.[disk] ?? Buffer.alloc(DISK_BYTES));
        change(bytes, which);
        return bytes;
      });
      truth.push({ 'scsi0-0': disks[0]!, 'scsi0-1': disks[1]! });
      await mkdir(source(name, STORE), { recursive: true });
      await writeFile(source(name, 'web.vmx'), VMX);
      await writeFile(source(name, 'web.nvram'), noise(9, 8_684));
      const extents = [`RW ${DISK_BYTES / 512} VMFS "web-flat.vmdk"`];
      await writeFile(source(name, 'web.vmdk'), descriptorText({ extents }));
      await writeFile(source(name, 'web-flat.vmdk'), disks[0]!);
      const raw = join(folder, 'disk.raw');
      await writeFile(raw, disks[1]!);
      const options = ['-O', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'];
      await qemuImg('convert', '-f', 'raw', ...options, raw, source(name, STORE, 'web_1.vmdk'));
      const status = source(name, 'STATUS.ok');
      await writeFile(status, 'Successfully completed backup for web.vmdk!\n');
      const endedAt = new Date(FIRST_MS + (truth.length - 1) * DAY_MS);
      await utimes(status, endedAt, endedAt);
    }

    const runName = (day: number) => `web-2026-11-${20 + day}_22-00-00`;

    async function threeDays(nameOf: (day: number) => string = runName): Promise<void> {
      await backUp(nameOf(0), (disk, which) => {
        noise(which, 20 * BLOCK).copy(disk, 3 * BLOCK);
        noise(which + 9, 700).copy(disk, DISK_BYTES - 700);
      });
      await backUp(nameOf(1), (disk, which) => {
        noise(which + 20, BLOCK).copy(disk, (5 + which) * BLOCK);
        disk.fill(0, 8 * BLOCK, 10 * BLOCK); // zeros over what the parent holds
      });
      await backUp(nameOf(2), (disk, which) => {
        noise(which + 30, 512).copy(disk, 30 * BLOCK + 512);
        noise(which + 40, BLOCK).copy(disk, 9 * BLOCK);
      });
    }

    async function session(
      changes: Partial<CopyJob> = {},
      day = 3,
    ): Promise<readonly TargetRestorePoint[]> {
      const retention = { type: 'restorePoints', value: 99 } as const;
      const job = testJob({ restorePoints: 'all', retention, ...changes });
      await new LocalSessions([primary, offsite]).copy(job, FIRST_MS + day * DAY_MS);
      return (await readChainRecord(offsite, CHAIN))!.points;
    }

    /** Every disk of every point, through its chain, as two independent readers show it. */
    async function expectReadable(points: readonly TargetRestorePoint[]): Promise<void> {
      for (const disk of DISKS) {
        const chain: string[] = [];
        for (const point of points) {
          const file = point.disks.find((entry) => entry.disk === disk)!;
          expect(file.format).toBe('vmdk');
          if (file.kind === 'full') chain.length = 0;
          chain.push(target(file.path));
          const day = Math.round((Date.parse(point.createdAt) - FIRST_MS) / DAY_MS);
          const expected = truth[day]![disk];
          const where = `${disk} of day ${day}`;
          await qemuImg('check', '-f', 'vmdk', chain.at(-1)!);
          expect((await qemuBytes(chain.at(-1)!, 'vmdk')).equals(expected), where).toBe(true);
          expect((await libvmdkBytes(...chain)).equals(expected), where).toBe(true);
        }
      }
    }

    it('has a full and deltas that VMDK tools read as one chain, and its files beside them', async () => {
      await threeDays();
      const points = await session();
      expect(points.map(({ kind }) => kind)).toEqual(['full', 'increment', 'increment']);
      await expectReadable(points);
      // Day 1: one changed block, two of zeros, which are holes; tables and directories behind.
      expect(points[1]?.disks.map(({ sizeBytes }) => sizeBytes)).toEqual(
        [0, 1].map(() => 4 * BLOCK + 2 * 2048 + 2 * 512),
      );
      expect(
        points[2]?.companions.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
      ).toEqual(['web.nvram', 'web.vmx', 'web.vmdk', 'web_1.vmdk', 'STATUS.ok']);
      const verified = await new LocalSessions([primary, offsite]).verify(
        'offsite',
        FIRST_MS + 4 * DAY_MS,
      );
      expect(verified).toMatchObject({ state: 'ended', result: 'success' });
    });

    it('keeps a chain whose synthetic full the deltas still name', async () => {
      await threeDays();
      await backUp(runName(3), (disk) => disk.fill(0x77, 0, BLOCK));
      const before = await session({}, 4);
      // As many are outdated as stay: the oldest that stays becomes a full, under the name and the id that the next one links to.
      const points = await session({ retention: { type: 'restorePoints', value: 2 } }, 5);
      expect(points.map(({ id, kind }) => [id, kind])).toEqual([
        [before[2]!.id, 'full'],
        [before[3]!.id, 'increment'],
      ]);
      await expectReadable(points);
      await backUp(runName(4), (disk) => disk.fill(0x78, BLOCK, 2 * BLOCK));
      await expectReadable(await session({}, 6));
    });

    it('is not copied again when its numbered runs are renamed', async () => {
      await threeDays((day) => `web-${2 - day}`);
      const points = await session();
      expect(points).toHaveLength(3);
      for (const n of [2, 1, 0]) await rename(source(`web-${n}`), source(`web-${n + 1}`));
      expect((await session({}, 4)).map(({ id }) => id)).toEqual(points.map(({ id }) => id));
      await backUp('web-0', (disk) => disk.fill(0x77, 0, BLOCK));
      const after = await session({}, 5);
      expect(after.map(({ kind }) => kind)).toEqual([
        'full',
        'increment',
        'increment',
        'increment',
      ]);
      const newest = after.at(-1)!.disks[0]!;
      expect((await qemuBytes(target(newest.path), 'vmdk')).equals(truth[3]!['scsi0-0'])).toBe(
        true,
      );
    });

    it('gives its disks back, raw and as VMDK without a chain', async () => {
      await threeDays();
      const points = await session();
      for (const [format, layout] of [
        ['raw', false],
        ['same', false],
        ['same', true],
      ] as const) {
        const to = join(folder, `${format} ${layout}`);
        await mkdir(to);
        const destination = await openDirectoryRepository({
          id: folderRepositoryId(to),
          rootPath: to,
          readOnly: false,
        });
        const restored = await new LocalSessions([primary, offsite, destination]).restore(
          {
            repositoryId: 'offsite',
            restorePointId: restorePointKey(['nightly', 'ghettovcb-web', points[2]!.id]),
            destinationPath: to,
            format,
            layout,
          },
          FIRST_MS + 4 * DAY_MS,
        );
        expect(restored.reason ?? null).toBe(null);
        expect(restored).toMatchObject({ state: 'ended', result: 'success' });
        for (const disk of DISKS) {
          const bytes =
            format === 'raw'
              ? await readFile(join(to, `${disk}.raw`))
              : layout
                ? await qemuBytes(join(to, TREE[disk]), 'vmdk')
                : await libvmdkBytes(join(to, `${disk}.vmdk`)); // wants a file's own name inside
          expect(bytes.equals(truth[2]![disk])).toBe(true);
        }
        if (!layout) continue;
        // What ESX opens: the descriptor as it was, and the data in the file that it names.
        const [text, flat] = await Promise.all(
          ['web.vmdk', 'web-flat.vmdk'].map((name) => readFile(join(to, name))),
        );
        expect(text!.equals(await readFile(source(runName(2), 'web.vmdk')))).toBe(true);
        expect(flat!.equals(truth[2]!['scsi0-0'])).toBe(true);
      }
    });
  },
);

/** Bytes that cannot be compressed, others for each seed. */
function noise(seed: number, bytes: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), iv).update(Buffer.alloc(bytes));
}
