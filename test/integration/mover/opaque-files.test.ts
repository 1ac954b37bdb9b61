import { execFile } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { makeBundlesKnown } from '../../support/bundle/bundle-layout.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

/** A reader that was written from docs/FORMAT.md alone. */
const READER = join(import.meta.dirname, '..', 'documents', 'read_target.py');
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 20, 20);
const CHAIN = chainFolder('nightly', 'bundle:vm');
const ALL = { type: 'restorePoints', value: 99 } as const;

/** Sizes that are no multiple of anything. */
const ARCHIVE_BYTES = 300_001;

describe('a machine whose backups are opaque files', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeAll(makeBundlesKnown);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-files-'));
    for (const name of ['primary/vm', 'offsite'])
      await mkdir(join(folder, name), { recursive: true });
    const at = (id: string) =>
      openDirectoryRepository({ id, rootPath: join(folder, id), readOnly: false });
    [primary, offsite] = [await at('primary'), await at('offsite')];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const sourceFile = (day: number, disk = 'a') =>
    join(folder, 'primary', 'vm', `${day}.point-${day}.${disk}.bundle`);

  async function backup(day: number, bytes: Buffer): Promise<Buffer> {
    await writeFile(sourceFile(day), bytes);
    return bytes;
  }

  async function session(
    changes: Partial<CopyJob> = {},
    day = 0,
    activeFull = false,
  ): Promise<readonly TargetRestorePoint[]> {
    const job = testJob({ restorePoints: 'all', retention: ALL, ...changes });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS, { activeFull });
    return points();
  }

  async function points(): Promise<readonly TargetRestorePoint[]> {
    return (await readChainRecord(offsite, CHAIN))!.points;
  }

  const copyOf = ({ disks }: TargetRestorePoint) =>
    readFile(join(folder, 'offsite', CHAIN, disks[0]!.path));

  it('has a full of each, byte for byte, of any size, also of none', async () => {
    const sources = [
      await backup(1, noise(1, ARCHIVE_BYTES)),
      await backup(2, Buffer.alloc(0)),
      await backup(3, noise(1, 1)),
      await backup(4, noise(1, 65_536)),
      await backup(5, Buffer.concat([noise(1, 65_536), Buffer.alloc(200_000), noise(2, 65_537)])),
    ];
    const copied = await session();
    expect(
      copied.map(({ kind, parentId, chainId, id }) => [kind, parentId, chainId === id]),
    ).toEqual(sources.map(() => ['full', null, true]));
    for (const [i, bytes] of sources.entries())
      expect((await copyOf(copied[i]!)).equals(bytes), `point ${i}`).toBe(true);
    expect(copied[4]!.disks[0]).toMatchObject({ format: 'file', virtualSizeBytes: 331_073 });
    const verified = await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS + DAY_MS);
    expect(verified).toMatchObject({ state: 'ended', result: 'success' });
    expect((await points()).map(({ health }) => health)).toEqual(sources.map(() => 'good'));
    const { stdout } = await promisify(execFile)('python3', [
      READER,
      join(folder, 'offsite', CHAIN),
    ]);
    const reading = JSON.parse(stdout) as { points: { disks: { a: string } }[]; wrong: string[] };
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(reading.points.map(({ disks }) => disks.a)).toEqual(sources.map(sha256));
    expect(reading.wrong).toEqual([]);
  });

  it('is said to be copied as fulls before it is, and nothing is compared', async () => {
    await backup(1, noise(1, ARCHIVE_BYTES));
    await session();
    await backup(2, noise(2, ARCHIVE_BYTES));
    const [page] = await new LocalSessions([primary, offsite]).plan(testJob(), NOW_MS);
    expect(page?.workloads).toMatchObject([
      {
        algorithm: 'full',
        restorePoints: ['point-2'],
        estimatedBytes: ARCHIVE_BYTES,
        reasons: ['point-2: a full, because the format file has no increments'],
      },
    ]);
  });

  it('has only what changed sent, and says what was there already', async () => {
    const first = await backup(1, noise(1, ARCHIVE_BYTES));
    const sent = async (day: number) => {
      const job = testJob({ restorePoints: 'all', retention: ALL });
      const { progress } = await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day);
      return [progress.transferredBytes, progress.reusedBytes, progress.storedBytes].map(
        (bytes) => bytes / 65_536,
      );
    };
    expect(await sent(0)).toEqual([5, 0, 5]);
    // One byte of the second unit, more at the end; all that comes before a byte that was taken away stays where it was.
    const second = Buffer.concat([first, noise(9, 65_536)]);
    second[70_000]! ^= 0xff;
    await backup(2, second);
    expect(await sent(1)).toEqual([3, 3, 6]);
    const third = Buffer.concat([second.subarray(0, 200_000), second.subarray(200_001)]);
    await backup(3, third);
    expect(await sent(2)).toEqual([3, 3, 6]);
    const copies = await points();
    expect((await copyOf(copies[1]!)).equals(second)).toBe(true);
    expect((await copyOf(copies[2]!)).equals(third)).toBe(true);
  });

  it('goes on when its tool has let go of everything that was copied', async () => {
    await backup(1, noise(1, ARCHIVE_BYTES));
    await session();
    await rm(sourceFile(1));
    await backup(2, noise(2, 100));
    expect((await session({}, 1)).map(({ source }) => source.restorePointId)).toEqual([
      'point-1',
      'point-2',
    ]);
  });

  it('is copied again when a file has grown within its last sector', async () => {
    const first = await backup(1, noise(1, 1_000));
    await session();
    const whole = await backup(1, Buffer.concat([first, noise(2, 77)]));
    const [copy, ...others] = await session({}, 1);
    expect(others).toEqual([]);
    expect((await copyOf(copy!)).equals(whole)).toBe(true);
  });

  it('lets fulls go one by one, and keeps those that carry a flag', async () => {
    for (let day = 1; day <= 5; day++) await backup(day, noise(day, 1_000));
    await session();
    const [first] = await session({ retention: { type: 'restorePoints', value: 3 } }, 1);
    expect(first?.source.restorePointId).toBe('point-3');
    const gfs = {
      weekly: { keep: 9, day: 'friday' },
      monthly: null,
      yearly: null,
      fullMethod: 'synthetic',
    } as const;
    // 6 November 2026 is a Friday.
    for (let day = 6; day <= 8; day++) {
      await backup(day, noise(day, 1_000));
      await session({ gfs }, day - 4);
    }
    await backup(9, noise(9, 1_000));
    const kept = await session({ gfs, retention: { type: 'restorePoints', value: 1 } }, 9);
    expect(kept.map(({ source, flags, kind }) => [source.restorePointId, flags, kind])).toEqual([
      ['point-6', ['weekly'], 'full'],
      ['point-9', [], 'full'],
    ]);
    await expect(stat(join(folder, 'offsite', CHAIN, first!.id))).rejects.toThrow('ENOENT');
  });

  describe('with files beside them', () => {
    const beside = (name: string) => join(folder, 'primary', 'vm', name);
    const SETTINGS = Buffer.from('<vm name="vm"/>\n');
    const MEMORY = noise(77, 1024 * 1024 + 12_345);
    beforeEach(async () => {
      await backup(1, noise(1, 1_000));
      await writeFile(beside('vm.xml'), SETTINGS);
      await chmod(beside('vm.xml'), 0o640);
      await utimes(beside('vm.xml'), 1_700_000_000.125, 1_700_000_000.125);
      await writeFile(beside('point-1@memory.bin'), MEMORY);
    });

    it('keeps them, large ones in windows, with their names, times and modes', async () => {
      const [copied] = await session();
      const { disks, companions } = copied!;
      expect(disks.map(({ disk, as, isCompanion }) => [disk, as, isCompanion])).toEqual([
        ['a', 'Bundles/a.ova', undefined],
        ['companion:Settings/memory.bin', 'Settings/memory.bin', true],
      ]);
      expect(companions).toMatchObject([
        { as: 'Settings/vm.xml', mode: 0o640, modifiedAtNs: '1700000000125000000', sizeBytes: 16 },
      ]);
      const at = (path: string) => readFile(join(folder, 'offsite', CHAIN, path));
      expect(await at(companions[0]!.path)).toEqual(SETTINGS);
      expect((await at(disks[1]!.path)).equals(MEMORY)).toBe(true);
      const { mtimeNs } = await stat(beside('point-1@memory.bin'), { bigint: true });
      expect(disks[1]?.modifiedAtNs).toBe(String(mtimeNs));
    });

    it('heals either kind from a source that still has the same bytes, and no other', async () => {
      const [copied] = await session();
      const damage = async () => {
        for (const { path } of [copied!.disks[1]!, copied!.companions[0]!]) {
          const bytes = await readFile(join(folder, 'offsite', CHAIN, path));
          bytes[7]! ^= 0xff;
          await writeFile(join(folder, 'offsite', CHAIN, path), bytes);
        }
      };
      const settings = join(folder, 'offsite', CHAIN, copied!.companions[0]!.path);
      await damage();
      const { notes } = await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS);
      expect(notes.join('\n')).toContain('was damaged and was taken from the source again');
      expect(await readFile(settings)).toEqual(SETTINGS);
      const memory = await readFile(join(folder, 'offsite', CHAIN, copied!.disks[1]!.path));
      expect(memory.equals(MEMORY)).toBe(true);
      await writeFile(beside('vm.xml'), 'other bytes');
      await damage();
      const second = await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS + 1);
      expect(second.notes.join('\n')).toContain('is damaged; the disks are not affected');
      expect(await readFile(settings)).not.toEqual(SETTINGS);
    });

    describe('are restored', () => {
      let restored: string;
      let into: BackupRepository;
      let pointId: string;
      beforeEach(async () => {
        const [copied] = await session();
        pointId = copied!.id;
        restored = join(folder, 'restored');
        await mkdir(restored);
        const id = folderRepositoryId(restored);
        into = await openDirectoryRepository({ id, rootPath: restored, readOnly: false });
      });
      const restore = (order: Partial<PointRestore>) =>
        restoreInto(into, offsite, { chain: CHAIN, pointId, format: 'same', ...order });

      it('in the tree of their tool, with times and modes', async () => {
        const files = await restore({ layout: true });
        expect(files.map((path) => relative(restored, path))).toEqual([
          'Bundles/a.ova',
          'Settings/memory.bin',
          'Settings/vm.xml',
        ]);
        expect(await readFile(join(restored, 'Bundles/a.ova'))).toEqual(noise(1, 1_000));
        expect((await readFile(join(restored, 'Settings/memory.bin'))).equals(MEMORY)).toBe(true);
        const settings = join(restored, 'Settings/vm.xml');
        expect(await readFile(settings)).toEqual(SETTINGS);
        const { mtimeMs, mode } = await stat(settings);
        expect([mtimeMs, mode & 0o777]).toEqual([1_700_000_000_125, 0o640]);
        const [own, source] = [files[0]!, sourceFile(1)].map((path) => stat(path));
        // A clock of whole microseconds, as JavaScript gives it on.
        expect(Math.abs((await own!).mtimeMs - (await source!).mtimeMs)).toBeLessThan(0.002);
        expect((await readdir(restored)).sort()).toEqual(['Bundles', 'Settings']);
      });

      it('side by side without it, and never as the raw disks that they are not', async () => {
        await restore({});
        expect((await readdir(restored)).sort()).toEqual(['a.file', 'memory.bin', 'vm.xml']);
        await expect(restore({ format: 'raw', intoExisting: true })).rejects.toMatchObject({
          code: 'RESTORE_FORMAT_UNSUITED',
        });
        expect((await readdir(restored)).sort()).toEqual(['a.file', 'memory.bin', 'vm.xml']);
      });

      it('beside other files, none of which is overwritten', async () => {
        await mkdir(join(restored, 'Settings'));
        await writeFile(join(restored, 'Settings/other.xml'), 'mine');
        await restore({ layout: true, intoExisting: true });
        expect((await readdir(join(restored, 'Settings'))).sort()).toEqual([
          'memory.bin',
          'other.xml',
          'vm.xml',
        ]);
        await expect(restore({ layout: true, intoExisting: true })).rejects.toThrow(
          `${restored} holds "Bundles/a.ova" already`,
        );
      });
    });

    it('copies them anew when they change while they are copied', async () => {
      let isChanged = false;
      const changing: BackupRepository = {
        ...primary.fenced(() => undefined),
        openRead: async (path: string) => {
          const file = await primary.openRead(path);
          if (path.endsWith('vm.xml') && !isChanged) {
            isChanged = true;
            await writeFile(beside('vm.xml'), 'a new definition');
          }
          return file;
        },
      };
      const job = testJob({ restorePoints: 'all', retention: ALL });
      await new LocalSessions([changing, offsite]).copy(job, NOW_MS);
      const [copied] = await points();
      const bytes = await readFile(join(folder, 'offsite', CHAIN, copied!.companions[0]!.path));
      expect(bytes.toString()).toBe('a new definition');
      expect(isChanged).toBe(true);
    });
  });

  it('is healed from its source, unit by unit, the short last one too', async () => {
    const source = await backup(1, noise(1, ARCHIVE_BYTES));
    const [copied] = await session();
    const damaged = Buffer.from(source);
    damaged[70_000]! ^= 0xff;
    damaged[ARCHIVE_BYTES - 1]! ^= 0xff;
    const path = join(folder, 'offsite', CHAIN, copied!.disks[0]!.path);
    await writeFile(path, damaged);
    await new LocalSessions([primary, offsite]).verify('offsite', NOW_MS + DAY_MS);
    expect((await readFile(path)).equals(source)).toBe(true);
    expect((await points())[0]?.health).toBe('good');
  });
});

/** Bytes that cannot be compressed, others for each seed. */
function noise(seed: number, bytes: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), iv).update(Buffer.alloc(bytes));
}
