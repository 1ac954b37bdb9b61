import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { Dialect } from '../../../src/image/disk-image.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
  type DiskToCompose,
} from '../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../support/image/libvhdi.js';
import { requireTool } from '../../support/image/qemu.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + 10 * DAY_MS;
/** No multiple of anything, and whole blocks: what a fixed copy of a fixed disk must have. */
const ODD_BYTES = 6 * MIB + 512;
const EVEN_BYTES = 6 * MIB;
const BLOCK_COUNT = 97;
const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38bd';
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32385';
const CHAIN = chainFolder('nightly', `hyperv-${MACHINE}`);

type Blocks = Map<number, Uint8Array | 'zero'>;

function changes(day: number): Blocks {
  const blocks: Blocks = new Map<number, Uint8Array | 'zero'>([
    [day, blockOf(100 * day)],
    [40 + day, blockOf(100 * day + 1)],
    [10 + day, 'zero'],
    [BLOCK_COUNT - 1, blockOf(100 * day + 2).subarray(0, 512)],
  ]);
  // a whole payload block of VHDX becomes zeros
  if (day === 2) for (let block = 64; block < 80; block++) blocks.set(block, 'zero');
  return blocks;
}

const FIRST: Blocks = new Map(
  Array.from({ length: BLOCK_COUNT }, (_, i) => [
    i,
    i < BLOCK_COUNT - 1 ? blockOf(i) : blockOf(i).subarray(0, 512),
  ]),
);

/** What the machine held on each of four days. */
const DAYS: Blocks[] = [FIRST];
for (let day = 1; day < 4; day++) DAYS.push(new Map([...DAYS[day - 1]!, ...changes(day)]));

describe.skipIf(!requireTool('qemu-img'))('exports of Hyper-V, day after day', () => {
  let folder: string;
  let diskBytes: number;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('hyperv', ['restored']));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(day: number, within: string, bytes: Uint8Array): Promise<void> {
    const path = join(folder, 'primary', `day-${day}`, 'web01', within);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(path, date, date);
  }

  const inside = (blocks: Blocks): Blocks =>
    new Map([...blocks].filter(([block]) => block * 65_536 < diskBytes));

  /** A zero of a full is a block that is not stored, but of a fixed disk. */
  function full(format: string, dialect: Dialect, blocks: Blocks, seed: string) {
    const stored = new Map([...inside(blocks)].filter(([, bytes]) => bytes !== 'zero'));
    if (dialect['isFixed'] === true)
      for (let block = 0; block * 65_536 < diskBytes; block++)
        if (!stored.has(block)) stored.set(block, new Uint8Array(65_536));
    const shape = { virtualSizeBytes: diskBytes, dialect, seed, blocks: stored };
    return composeDisk(composerOf(format), shape);
  }

  async function exported(day: number, format: string, dialect: Dialect): Promise<void> {
    await put(day, `Virtual Machines/${MACHINE}.vmcx`, Buffer.from(`day ${day}`));
    const seed = `${day}`.repeat(32);
    const disk = `Virtual Hard Disks/system.${format}`;
    await put(day, disk, (await full(format, dialect, DAYS[day]!, seed)).bytes);
  }

  /** The last day as an export of a machine with a checkpoint: what it held the day before, and what changed. */
  async function exportedWithCheckpoint(
    day: number,
    format: string,
    dialect: Dialect,
    change: (child: Buffer, parentId: string) => void = () => undefined,
  ) {
    await put(day, `Virtual Machines/${MACHINE}.vmcx`, Buffer.from(`day ${day}`));
    const parent = await full(format, dialect, DAYS[day - 1]!, 'a'.repeat(32));
    const link = `system.${format}`;
    const { linkId } = await imageFormat(format).readHead(parent);
    const shape: DiskToCompose = {
      ...{
        virtualSizeBytes: diskBytes,
        dialect,
        blocks: inside(changes(day)),
        seed: 'b'.repeat(32),
      },
      parent: { link, format, linkId, virtualSizeBytes: diskBytes },
    };
    await put(day, `Virtual Hard Disks/${link}`, parent.bytes);
    const child = Buffer.from((await composeDisk(composerOf(format), shape)).bytes);
    change(child, linkId!);
    await put(day, `Virtual Hard Disks/system_${CHECKPOINT}.a${format}`, child);
  }

  async function session(changed: Partial<CopyJob> = {}, day = 0): Promise<TargetRestorePoint[]> {
    const job = testJob({ retention: { type: 'restorePoints', value: 99 }, ...changed });
    await new LocalSessions([primary, offsite]).copy(job, NOW_MS + day * DAY_MS);
    return [...(await readChainRecord(offsite, CHAIN))!.points];
  }

  const fileOf = ({ disks }: TargetRestorePoint) => join(folder, 'offsite', CHAIN, disks[0]!.path);

  /** Reads each point as libvhdi does, through the files that the record says it builds on. */
  async function expectDays(points: readonly TargetRestorePoint[], days: readonly number[]) {
    expect(points).toHaveLength(days.length);
    for (const [index, point] of points.entries()) {
      const chain = [fileOf(point)];
      for (let at = index; points[at]!.kind === 'increment'; at--)
        chain.push(fileOf(points[at - 1]!));
      const seen = await libvhdiBytes(...chain);
      expect(
        firstDifference(seen, guestBytes(diskBytes, inside(DAYS[days[index]!]!))),
        `${index}`,
      ).toBeNull();
    }
  }

  it.each([
    ['vhdx', {}, ODD_BYTES],
    ['vhd', { isFixed: false }, ODD_BYTES],
    ['vhd', { isFixed: true }, EVEN_BYTES],
  ] as const)(
    'are a full and differencing files of %s %j, also when the full is made anew',
    async (format, dialect, sizeBytes) => {
      diskBytes = sizeBytes;
      for (let day = 0; day < 3; day++) await exported(day, format, dialect);
      await exportedWithCheckpoint(3, format, dialect);
      const copied = await session();
      expect(copied.map(({ kind, disks }) => [kind, disks[0]!.format])).toEqual([
        ['full', format],
        ...Array.from({ length: 3 }, () => ['increment', format]),
      ]);
      await expectDays(copied, [0, 1, 2, 3]);
      const linkOf = async (point: TargetRestorePoint) =>
        (await imageFormat(format).readHead(await MemoryBytes.load(fileOf(point)))).linkId;
      const before = await linkOf(copied[2]!);

      const kept = await session({ retention: { type: 'restorePoints', value: 2 } }, 1);
      expect(kept.map(({ kind }) => kind)).toEqual(['full', 'increment']);
      expect(await linkOf(kept[0]!)).toBe(before);
      await expectDays(kept, [2, 3]);
      const head = await imageFormat(format).readHead(await MemoryBytes.load(fileOf(kept[0]!)));
      expect(head.dialect).toMatchObject(dialect);
      const restored = await openDirectoryRepository({
        id: folderRepositoryId(join(folder, 'restored')),
        rootPath: join(folder, 'restored'),
        readOnly: false,
      });
      const order = { chain: CHAIN, pointId: kept[1]!.id, intoExisting: true } as const;
      const disks = [kept[1]!.disks.find(({ format: own }) => own === format)!.disk];
      const raw = await restoreInto(restored, offsite, { ...order, format: 'raw', disks });
      const expected = guestBytes(diskBytes, inside(DAYS[3]!));
      expect(firstDifference(await readFile(raw[0]!), expected)).toBeNull();
      const verified = await new LocalSessions([primary, offsite]).verify(
        'offsite',
        NOW_MS + 2 * DAY_MS,
      );
      expect(verified).toMatchObject({ state: 'ended', result: 'success' });
    },
  );

  it.each(['vhdx', 'vhd'] as const)(
    'with a checkpoint come back in the layout of their tool with a full of %s in its place',
    async (format) => {
      diskBytes = EVEN_BYTES;
      const dialect: Dialect = format === 'vhd' ? { isFixed: false } : {};
      await exportedWithCheckpoint(3, format, dialect);
      await put(3, `Snapshots/${CHECKPOINT}.vmcx`, Buffer.from('checkpoint'));
      const [point] = await session();
      const rootPath = join(folder, 'restored');
      const restored = await openDirectoryRepository({
        ...{ id: folderRepositoryId(rootPath), rootPath, readOnly: false },
      });
      const order = { chain: CHAIN, pointId: point!.id, intoExisting: true } as const;
      const files = await restoreInto(restored, offsite, {
        ...{ ...order, format: 'same', layout: true },
      });
      const top = `Virtual Hard Disks/system_${CHECKPOINT}.a${format}`;
      const base = `Virtual Hard Disks/system.${format}`;
      expect(files.map((path) => relative(rootPath, path)).sort()).toEqual([
        `Snapshots/${CHECKPOINT}.vmcx`,
        base,
        top,
        `Virtual Machines/${MACHINE}.vmcx`,
      ]);
      // It stands for itself, and what it was made on lies there as it was, for the description of the checkpoint.
      const head = imageFormat(format).readHead(await MemoryBytes.load(join(rootPath, top)));
      expect((await head).parent).toBeNull();
      for (const [file, day] of [
        [top, 3],
        [base, 2],
      ] as const) {
        const seen = await libvhdiBytes(join(rootPath, file));
        expect(firstDifference(seen, guestBytes(diskBytes, inside(DAYS[day]!))), file).toBeNull();
      }
      const path = join(folder, 'primary', 'day-3', 'web01', base);
      expect((await readFile(join(rootPath, base))).equals(await readFile(path))).toBe(true);
    },
  );

  // [MS-VHDX] 2.6.2.6.3: the parent has one of the two.
  it('are copied where a differencing VHDX has the id of its parent in parent_linkage2', async () => {
    diskBytes = EVEN_BYTES;
    for (let day = 0; day < 3; day++) await exported(day, 'vhdx', {});
    await exportedWithCheckpoint(3, 'vhdx', {}, (child, parentId) => {
      const utf16 = (id: string) => Buffer.from(`{${id}}`, 'utf16le');
      const first = child.indexOf(utf16(parentId));
      const second = child.indexOf(utf16('00000000-0000-0000-0000-000000000000'));
      expect([first > 0, second > 0]).toEqual([true, true]);
      utf16(parentId).copy(child, second);
      utf16(CHECKPOINT.toLowerCase()).copy(child, first);
    });
    await expectDays(await session(), [0, 1, 2, 3]);
  });
});
